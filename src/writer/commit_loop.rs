//! The commit loop: takes what waits, has the store judge it in one transaction, and answers after the commit.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use super::batch::{Batch, send_answers};
use super::halt::Halt;
use super::health::Health;
use super::kept_time::KeptTime;
use super::log_watch::LogWatch;
use super::queue::Queue;
use super::sweeping::Sweeping;
use super::wake::Wake;
use super::{CommandError, Control, Delivery, WriterExit};
use crate::clock::Clock;
use crate::metrics::WriterMetrics;
use crate::sale::Terms;
use crate::store::{Decision, Rest, Store, StoreError};

/// What the writer thread owns.
pub struct CommitLoop {
    pub store: Box<dyn Store>,
    pub clock: Arc<Clock>,
    pub terms: Terms,
    pub batch_max: usize,
    pub queue: Queue,
    pub controls: Receiver<Control>,
    pub heartbeat: Arc<AtomicUsize>,
    pub delivery: Delivery,
    /// How many commands the last batch came to.
    pub last_batch: usize,
    /// When the present stretch of back-to-back batches began.
    pub stretch_began: Instant,
    pub health: Health,
    pub sweeping: Sweeping,
    pub log_watch: LogWatch,
    pub kept_time: KeptTime,
    pub metrics: Arc<WriterMetrics>,
    /// Has room for one message, which says that there are new events.
    pub events_committed: Sender<()>,
}

/// Other processes get a gap after a stretch of back-to-back batches of this length.
const STRETCH: Duration = Duration::from_millis(50);
/// How often the writer asks for a lock that another process holds …
const LOCK_POLL: Duration = Duration::from_millis(1);
/// … and for a store that it could not reach.
const AWAY_POLL: Duration = Duration::from_millis(50);

impl CommitLoop {
    /// Writes until the writer is stopped, or the store must not be written any more; then refuses every command.
    pub fn work(mut self, ended: &Sender<WriterExit>) {
        let how = match self.run() {
            Halt::Stop(by) => {
                self.queue.refuse_all(self.delivery);
                match self.keep_time(self.clock.is_ahead()) {
                    Ok(()) => self.empty_log(by),
                    Err(how) => how,
                }
            }
            Halt::Exit(how) => how,
        };
        let is_orderly = matches!(how, WriterExit::Drained | WriterExit::LogLeft);
        let tell = || {
            if ended.send(how).is_err() {
                log::error!("the writer has ended, and no receiver is left to be told");
            }
        };
        if !is_orderly {
            tell();
            self.queue.refuse_all(self.delivery);
            for job in &self.queue.jobs {
                send_answers(vec![(job.reply, Err(CommandError::Stopped))], self.delivery);
            }
        }
        drop(self);
        if is_orderly {
            tell();
        }
    }

    fn run(&mut self) -> Halt {
        loop {
            if let Err(halt) = self.next().and_then(|wake| self.handle(wake)) {
                return halt;
            }
        }
    }

    fn handle(&mut self, wake: Wake) -> Result<(), Halt> {
        let first = match wake {
            Wake::Job(first) => Some(first),
            Wake::Deadline => None,
            Wake::Pinged => return Ok(()),
            Wake::Stop(by) => return Err(Halt::Stop(by)),
        };
        let jobs = first.into_iter().chain(self.queue.take());
        let mut batch = Batch::of(jobs, self.batch_max);
        let now = self.clock.now();
        if batch.is_empty() || self.sweeping.is_due_beside_commands(now) {
            self.sweeping.begins(now);
            batch = batch.with_sweep(self.last_batch);
        }
        self.execute(batch)?;
        if self.sweeping.is_broken_and_due() {
            self.execute(Batch::with_room(0).with_sweep(0))?;
        }
        self.keep_time(self.kept_time.is_due(&self.clock))?;
        self.maintain(Rest::Short)?;
        if self.stretch_began.elapsed() >= STRETCH {
            thread::sleep(self.store.gap());
            self.stretch_began = Instant::now();
        }
        Ok(())
    }

    /// Executes and answers the batch, and what joins it until it has its turn; fails when the store must not be written any
    /// more.
    fn execute(&mut self, mut batch: Batch) -> Result<(), Halt> {
        batch.refuse_late(self.delivery);
        loop {
            match self.transact(&mut batch) {
                Ok(decisions) => {
                    if batch.has_sweep() {
                        self.sweeping.succeeded(batch.has_more_to_sweep(&decisions));
                    }
                    self.note_transaction(&batch);
                    batch.answer_decisions(decisions, self.delivery);
                    return Ok(self.probe()?);
                }
                Err(failure @ (StoreError::Busy | StoreError::Away(_))) => {
                    if let Some(by) = self.is_told_to_stop() {
                        batch.answer_all(&CommandError::Stopped, self.delivery);
                        return Err(Halt::Stop(by));
                    }
                    self.pause(poll_interval(&failure));
                    batch.refuse_late(self.delivery);
                    if !batch.has_waiters() {
                        return Ok(());
                    }
                }
                Err(StoreError::InDoubt(why)) => match self.end_doubt(batch, &why)? {
                    Some(again) => batch = again,
                    None => return Ok(()),
                },
                Err(StoreError::Broken(why) | StoreError::Unreadable(why)) if batch.len() > 1 => {
                    log::error!(
                        "a batch of {} broke a constraint, or met a row that cannot be read, and is tried one by one: {why}",
                        batch.len()
                    );
                    return self.execute_one_by_one(batch);
                }
                Err(StoreError::Broken(why) | StoreError::Unreadable(why)) if batch.has_sweep() => {
                    self.sweeping.broke(&why);
                    return Ok(self.probe()?);
                }
                Err(failure) => {
                    let (error, ended) = self.answer_failure(&failure);
                    batch.answer_all(&error, self.delivery);
                    return ended.map_or(Ok(()), |ended| Err(ended.into()));
                }
            }
        }
    }

    /// That the batch's transaction has ended is counted before a client can know.
    pub fn note_transaction(&self, batch: &Batch) {
        let commands = batch.len() - usize::from(batch.has_sweep());
        let transacted = self.store.last_transaction();
        self.metrics.transacted(commands, &transacted);
        if transacted.events > 0 {
            // One that was not received yet says it, too.
            let _ = self.events_committed.try_send(());
        }
    }

    /// Every command in a transaction of its own, on a freshly loaded working set, so that only the culprit fails.
    fn execute_one_by_one(&mut self, batch: Batch) -> Result<(), Halt> {
        let mut halted = Ok(());
        for alone in batch.split() {
            if halted.is_err() {
                alone.answer_all(&CommandError::Stopped, self.delivery);
            } else {
                halted = self.execute(alone);
            }
        }
        halted
    }

    /// What to tell clients of a failure, and whether it is the end.
    pub fn answer_failure(&mut self, failure: &StoreError) -> (CommandError, Option<WriterExit>) {
        // The store is well: what broke is a rule of ours.
        if let StoreError::Broken(why) | StoreError::Unreadable(why) = failure {
            log::error!("a command broke a rule, alone in its transaction: {why}");
            return (CommandError::Broken, None);
        }
        self.health.failed(failure);
        let error = match failure {
            StoreError::Unknown(_) | StoreError::InDoubt(_) => CommandError::Unknown,
            StoreError::Broken(_) | StoreError::Unreadable(_) => CommandError::Broken,
            StoreError::Busy
            | StoreError::Away(_)
            | StoreError::NotApplied(_)
            | StoreError::Corrupt(_)
            | StoreError::Displaced(_)
            | StoreError::Outdated => CommandError::NotApplied,
        };
        (error, WriterExit::after(failure))
    }

    /// A panic in the sale's rules is a broken rule of ours: the transaction is rolled back while it unwinds. The time of a
    /// batch in doubt stays in flight.
    fn transact(&mut self, batch: &mut Batch) -> Result<Vec<Decision>, StoreError> {
        let (store, queue) = (&mut self.store, &mut self.queue);
        let (clock, terms) = (&self.clock, &self.terms);
        let now = |last_now| clock.begin_batch(last_now);
        let mut joined = Batch::with_room(batch.room());
        let mut more = || {
            joined.join(queue.take());
            joined.refuse_late(self.delivery);
            joined.commands().to_vec()
        };
        let transact = || store.transact(terms, &now, batch.commands(), &mut more);
        let result = panic::catch_unwind(AssertUnwindSafe(transact))
            .unwrap_or_else(|_| Err(StoreError::Broken("a rule panicked".into())));
        if !matches!(result, Err(StoreError::InDoubt(_))) {
            clock.end_batch();
        }
        batch.append(joined);
        self.last_batch = batch.len();
        match &result {
            Err(failure @ StoreError::Away(_)) => self.health.waits_for_store(failure),
            Ok(_) | Err(_) => self.health.is_reached(),
        }
        result
    }
}

/// How often a store that is busy or away is asked again.
fn poll_interval(failure: &StoreError) -> Duration {
    if matches!(failure, StoreError::Away(_)) {
        AWAY_POLL
    } else {
        LOCK_POLL
    }
}

/// However the writer ends, be it by a panic: every command that waits is answered.
impl Drop for CommitLoop {
    fn drop(&mut self) {
        self.queue.refuse_all(self.delivery);
    }
}
