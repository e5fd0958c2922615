//! The one hand that writes. Commands wait in a bounded queue; the writer takes the first and whatever else waits with it,
//! has the store judge them all in one transaction, and gives the answers out once it has committed.

use std::iter;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use crate::clock::Clock;
use crate::sale::{Command, Outcome, Rejection, Terms};
use crate::store::{Decision, Failure, Rest, Store};

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Commands that may wait.
    pub queue_max: usize,
    /// Commands in one transaction.
    pub batch_max: usize,
    /// How long a command may wait; after that it is not executed.
    pub wait_max: Duration,
}

/// Why a command has no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The shop says no. Nothing was changed.
    Refused(Rejection),
    /// The queue is full, or the command waited too long in it. It was not executed.
    Overloaded,
    /// The writer has stopped. It was not executed.
    Stopped,
    /// The store could not write. Nothing was applied.
    NotApplied,
    /// The store failed at the commit: it may or may not have been applied.
    Unknown,
    /// The command broke a rule of ours, alone in its transaction. Nothing was applied.
    Broken,
}

pub type Answer = Result<Outcome, Denial>;

/// How a writer's life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nobody can submit any more, and everything submitted was answered.
    Drained,
    /// The last commit may or may not survive: only recovery can tell.
    Unknown,
    /// The database is damaged and was not written any more.
    Corrupt,
}

/// A handle to submit commands with. The writer stops when the last one is dropped.
#[derive(Clone)]
pub struct Writer {
    jobs: Sender<Job>,
    wait_max: Duration,
}

struct Job {
    command: Command,
    deadline: Instant,
    reply: Reply,
}

impl Writer {
    pub fn start(
        store: Box<dyn Store>,
        clock: Arc<Clock>,
        terms: Terms,
        limits: Limits,
    ) -> std::io::Result<(Writer, JoinHandle<Ended>)> {
        let (sender, jobs) = bounded(limits.queue_max);
        let desk = Desk {
            store,
            clock,
            terms,
            batch_max: limits.batch_max,
            jobs,
            stretch_began: Instant::now(),
            failed_at: None,
        };
        let thread = thread::Builder::new()
            .name("writer".into())
            .spawn(move || desk.run())?;
        Ok((
            Writer {
                jobs: sender,
                wait_max: limits.wait_max,
            },
            thread,
        ))
    }

    /// Waits for the answer until it comes: only the writer decides that a command timed out.
    pub fn submit(&self, command: Command) -> Answer {
        let slot = Arc::new(Slot::default());
        let job = Job {
            command,
            deadline: Instant::now() + self.wait_max,
            reply: Reply(Some(slot.clone())),
        };
        match self.jobs.try_send(job) {
            Ok(()) => slot.wait(),
            Err(TrySendError::Full(job)) => job.reply.deny(Denial::Overloaded, &slot),
            Err(TrySendError::Disconnected(job)) => job.reply.deny(Denial::Stopped, &slot),
        }
    }
}

/// Where one answer is laid and waited for.
#[derive(Default)]
struct Slot {
    answer: Mutex<Option<Answer>>,
    laid: Condvar,
}

impl Slot {
    fn lay(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.laid.notify_one();
    }

    fn wait(&self) -> Answer {
        let mut slot = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match slot.take() {
                Some(answer) => return answer,
                None => slot = self.laid.wait(slot).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// The writer's end of a slot. One that is dropped without an answer says that nobody knows.
struct Reply(Option<Arc<Slot>>);

impl Reply {
    fn answer(mut self, answer: Answer) {
        if let Some(slot) = self.0.take() {
            slot.lay(answer);
        }
    }

    fn deny(self, denial: Denial, slot: &Slot) -> Answer {
        self.answer(Err(denial));
        slot.wait()
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.lay(Err(Denial::Unknown));
        }
    }
}

/// Where the writer sits.
struct Desk {
    store: Box<dyn Store>,
    clock: Arc<Clock>,
    terms: Terms,
    batch_max: usize,
    jobs: Receiver<Job>,
    /// When the present stretch of back-to-back batches began.
    stretch_began: Instant,
    /// When the store last failed to write.
    failed_at: Option<Instant>,
}

/// Other processes get a gap of this length …
const GAP: Duration = Duration::from_millis(1);
/// … after a stretch of back-to-back batches of this length.
const STRETCH: Duration = Duration::from_millis(50);
/// How often the writer asks for a lock that another process holds.
const LOCK_POLL: Duration = Duration::from_millis(1);
/// Quiet for this long, the writer looks when the next deadline falls due …
const QUIET: Duration = Duration::from_millis(20);
/// … and for this long, it tidies the log.
const IDLE: Duration = Duration::from_secs(1);
/// Another process may have moved the next deadline: look again after this.
const NAP_MAX: Duration = Duration::from_secs(10);

/// After a failure, sweeps pause for this long; commands of clients still try at once.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Due rows that a batch ends besides its commands: about 2 ms of work, and at least twice the batch, so that the backlog
/// cannot grow under load.
const SWEEP_MIN: usize = 256;

enum Wake {
    Job(Job),
    Deadline,
    Nobody,
}

impl Desk {
    fn run(mut self) -> Ended {
        loop {
            let jobs = match self.next() {
                Wake::Job(first) => iter::once(first)
                    .chain(self.jobs.try_iter())
                    .take(self.batch_max)
                    .collect(),
                Wake::Deadline => Vec::new(),
                Wake::Nobody => {
                    self.tidy(Rest::Long);
                    return Ended::Drained;
                }
            };
            if let Err(ended) = self.work_off(jobs) {
                return ended;
            }
            if self.stretch_began.elapsed() >= STRETCH {
                self.tidy(Rest::Short);
                thread::sleep(GAP);
                self.stretch_began = Instant::now();
            }
        }
    }

    /// The next command, or the next deadline, whichever is first.
    fn next(&mut self) -> Wake {
        let began = Instant::now();
        let first = match self.jobs.recv_timeout(QUIET) {
            Err(RecvTimeoutError::Timeout) => self.idle(),
            Err(RecvTimeoutError::Disconnected) => Wake::Nobody,
            Ok(job) => Wake::Job(job),
        };
        if began.elapsed() >= GAP {
            self.stretch_began = Instant::now();
        }
        first
    }

    fn idle(&mut self) -> Wake {
        let mut tidied = false;
        loop {
            let until_due = self.until_next_deadline();
            if until_due.is_zero() {
                return Wake::Deadline;
            }
            let nap = if tidied { NAP_MAX } else { IDLE };
            match self.jobs.recv_timeout(nap.min(until_due)) {
                Ok(job) => return Wake::Job(job),
                Err(RecvTimeoutError::Disconnected) => return Wake::Nobody,
                Err(RecvTimeoutError::Timeout) if !tidied => {
                    self.tidy(Rest::Long);
                    tidied = true;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn until_next_deadline(&mut self) -> Duration {
        let pause = self.failed_at.map_or(Duration::ZERO, |at| {
            PAUSE_AFTER_FAILURE.saturating_sub(at.elapsed())
        });
        if !pause.is_zero() {
            return pause;
        }
        match self.store.next_deadline() {
            Ok(Some(deadline)) => {
                let micros = deadline.micros().saturating_sub(self.clock.now().micros());
                Duration::from_micros(u64::try_from(micros).unwrap_or(0))
            }
            Ok(None) => NAP_MAX,
            Err(failure) => {
                log::error!("the next deadline cannot be read: {failure}");
                NAP_MAX
            }
        }
    }

    fn tidy(&mut self, rest: Rest) {
        match self.store.rest(rest) {
            Ok(()) | Err(Failure::Busy) => {}
            Err(failure) => log::error!("the log cannot be checkpointed: {failure}"),
        }
    }

    /// Executes and answers the jobs, with a sweep before them; fails when the store must not be written any more.
    fn work_off(&mut self, jobs: Vec<Job>) -> Result<(), Ended> {
        let mut jobs = jobs;
        deny_late(&mut jobs);
        let sweep = Command::Sweep {
            limit: (2 * jobs.len()).max(SWEEP_MIN),
        };
        let mut batch = Batch {
            commands: vec![sweep],
            waiting: Vec::new(),
        };
        for job in jobs {
            batch.commands.push(job.command);
            batch.waiting.push((job.deadline, job.reply));
        }
        loop {
            match self.transact(&batch.commands) {
                Ok(decisions) => {
                    batch.answer(decisions);
                    return Ok(());
                }
                Err(Failure::Busy) => {
                    thread::sleep(LOCK_POLL);
                    batch.deny_late();
                    if batch.waiting.is_empty() {
                        return Ok(());
                    }
                }
                Err(Failure::Broken(why)) => {
                    log::error!(
                        "a batch of {} broke a constraint and is tried one by one: {why}",
                        batch.commands.len()
                    );
                    return self.one_by_one(batch);
                }
                Err(failure) => {
                    self.failed_at = Some(Instant::now());
                    return batch.fail(&failure);
                }
            }
        }
    }

    /// Every command alone, on a freshly loaded book, so that only the culprit fails.
    fn one_by_one(&mut self, batch: Batch) -> Result<(), Ended> {
        let replies =
            iter::once(None).chain(batch.waiting.into_iter().map(|(_, reply)| Some(reply)));
        for (command, reply) in batch.commands.into_iter().zip(replies) {
            let answer = match self.transact(std::slice::from_ref(&command)) {
                Ok(mut decisions) => answer_of(decisions.pop().expect("a command has a decision")),
                Err(Failure::Busy | Failure::NotApplied(_)) => Err(Denial::NotApplied),
                Err(Failure::Broken(why)) => {
                    log::error!("a command breaks a constraint alone, which is a bug: {why}");
                    Err(Denial::Broken)
                }
                Err(failure @ (Failure::Unknown(_) | Failure::Corrupt(_))) => {
                    let waiting = reply
                        .map(|reply| (Instant::now(), reply))
                        .into_iter()
                        .collect();
                    return Batch {
                        commands: Vec::new(),
                        waiting,
                    }
                    .fail(&failure);
                }
            };
            if let Some(reply) = reply {
                reply.answer(answer);
            }
        }
        Ok(())
    }

    /// A panic in the sale's rules is a broken rule of ours: the transaction is rolled back while it unwinds.
    fn transact(&mut self, commands: &[Command]) -> Result<Vec<Decision>, Failure> {
        let (store, clock, terms) = (&mut self.store, &self.clock, &self.terms);
        let now = |last_now| clock.begin_batch(last_now);
        let result =
            panic::catch_unwind(AssertUnwindSafe(|| store.transact(terms, &now, commands)));
        clock.end_batch();
        result.unwrap_or_else(|_| Err(Failure::Broken("a rule panicked".into())))
    }
}

/// Commands, a sweep first, and who waits for the others.
struct Batch {
    commands: Vec<Command>,
    waiting: Vec<(Instant, Reply)>,
}

impl Batch {
    fn answer(self, decisions: Vec<Decision>) {
        for ((_, reply), decision) in self.waiting.into_iter().zip(decisions.into_iter().skip(1)) {
            reply.answer(answer_of(decision));
        }
    }

    fn deny_late(&mut self) {
        let now = Instant::now();
        let late = |(deadline, _): &mut (Instant, Reply)| *deadline <= now;
        for index in (0..self.waiting.len()).rev() {
            if late(&mut self.waiting[index]) {
                self.commands.remove(index + 1);
                self.waiting.remove(index).1.answer(Err(Denial::Overloaded));
            }
        }
    }

    fn fail(self, failure: &Failure) -> Result<(), Ended> {
        log::error!("a batch of {} failed: {failure}", self.commands.len());
        let (denial, ended) = match failure {
            Failure::Busy | Failure::NotApplied(_) | Failure::Broken(_) => {
                (Denial::NotApplied, Ok(()))
            }
            Failure::Unknown(_) => (Denial::Unknown, Err(Ended::Unknown)),
            Failure::Corrupt(_) => (Denial::NotApplied, Err(Ended::Corrupt)),
        };
        for (_, reply) in self.waiting {
            reply.answer(Err(denial.clone()));
        }
        ended
    }
}

fn deny_late(jobs: &mut Vec<Job>) {
    let now = Instant::now();
    let late = jobs.extract_if(.., |job| job.deadline <= now);
    for job in late {
        job.reply.answer(Err(Denial::Overloaded));
    }
}

fn answer_of(decision: Decision) -> Answer {
    decision.map_err(Denial::Refused)
}
