//! Where the writer sits: what it does next, how it works a batch off, and what it says when the store fails.

use std::iter;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, select};

use super::{Answer, Answers, Denial, Ended, Job, Note, Reply};
use crate::clock::Clock;
use crate::sale::{Command, Terms};
use crate::store::{Decision, Failure, Rest, Store};

/// Where the writer sits.
pub struct Desk {
    pub store: Box<dyn Store>,
    pub clock: Arc<Clock>,
    pub terms: Terms,
    pub batch_max: usize,
    pub jobs: Receiver<Job>,
    pub notes: Receiver<Note>,
    pub pulse: Arc<AtomicUsize>,
    pub answers: Sender<Answers>,
    /// When the present stretch of back-to-back batches began.
    pub stretch_began: Instant,
    /// When the store last failed to write, if it has not written since.
    pub failed_at: Option<Instant>,
    /// The same for everybody else.
    pub is_well: Arc<AtomicBool>,
    /// Whether the last checkpoint failed.
    pub is_untidy: bool,
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

/// How often a store that failed is asked whether it can be written again. Commands of clients still try at once.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Due rows that a batch ends besides its commands: about 2 ms of work, and at least twice the batch, so that the backlog
/// cannot grow under load.
const SWEEP_MIN: usize = 256;

enum Wake {
    Job(Job),
    Deadline,
    Pinged,
    /// Somebody said so, or nobody can submit any more.
    Stop,
}

impl Desk {
    /// Writes until nobody can submit any more, or the store must not be written any more; then goes on saying so.
    pub fn work(mut self, ended: &Sender<Ended>, postman: JoinHandle<()>) {
        let how = self.run();
        let tell = || {
            if ended.send(how).is_err() {
                log::error!("nobody waits for the writer's end");
            }
        };
        if how != Ended::Drained {
            tell();
            for job in &self.jobs {
                give(vec![(job.reply, Err(Denial::Stopped))], &self.answers);
            }
        }
        drop(self);
        if postman.join().is_err() {
            log::error!("the postman's thread panicked");
        }
        if how == Ended::Drained {
            tell();
        }
    }

    fn run(&mut self) -> Ended {
        loop {
            let jobs = match self.next() {
                Wake::Job(first) => iter::once(first)
                    .chain(self.jobs.try_iter())
                    .take(self.batch_max)
                    .collect(),
                Wake::Deadline => Vec::new(),
                Wake::Pinged => continue,
                Wake::Stop => {
                    self.refuse_what_waits();
                    self.tidy(Rest::Long);
                    return Ended::Drained;
                }
            };
            if let Err(ended) = self.work_off(jobs) {
                return ended;
            }
            self.tidy(Rest::Short);
            if self.stretch_began.elapsed() >= STRETCH {
                thread::sleep(GAP);
                self.stretch_began = Instant::now();
            }
        }
    }

    /// The next command, or the next deadline, whichever is first.
    fn next(&mut self) -> Wake {
        let began = Instant::now();
        let first = self.wait(QUIET).unwrap_or_else(|| self.idle());
        if began.elapsed() >= GAP {
            self.stretch_began = Instant::now();
        }
        first
    }

    /// `None` if nothing happens for so long.
    fn wait(&self, longest: Duration) -> Option<Wake> {
        select! {
            recv(self.jobs) -> job => Some(job.map_or(Wake::Stop, Wake::Job)),
            recv(self.notes) -> note => Some(match note {
                Ok(Note::Stop) => Wake::Stop,
                Ok(Note::Ping) => {
                    self.pulse.fetch_add(1, Ordering::SeqCst);
                    Wake::Pinged
                }
                Err(_) => self.jobs.recv().map_or(Wake::Stop, Wake::Job),
            }),
            default(longest) => None,
        }
    }

    fn idle(&mut self) -> Wake {
        let mut tidied = false;
        loop {
            let until_due = self.until_next_deadline();
            if until_due.is_zero() {
                return Wake::Deadline;
            }
            let nap = if tidied { NAP_MAX } else { IDLE };
            if let Some(wake) = self.wait(nap.min(until_due)) {
                return wake;
            }
            if !tidied {
                self.tidy(Rest::Long);
                tidied = true;
            }
        }
    }

    /// Looks at the notes where the writer waits for something else.
    fn is_told_to_stop(&self) -> bool {
        self.notes.try_iter().any(|note| match note {
            Note::Stop => true,
            Note::Ping => {
                self.pulse.fetch_add(1, Ordering::SeqCst);
                false
            }
        })
    }

    fn refuse_what_waits(&self) {
        let waiting = self.jobs.try_iter();
        let refused = waiting.map(|job| (job.reply, Err(Denial::Stopped)));
        give(refused.collect(), &self.answers);
    }

    fn until_next_deadline(&mut self) -> Duration {
        if let Some(failed_at) = self.failed_at {
            return PROBE_INTERVAL.saturating_sub(failed_at.elapsed());
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
            Ok(()) => self.is_untidy = false,
            Err(Failure::Busy) => {}
            Err(failure) if !self.is_untidy => {
                log::error!("the log cannot be checkpointed, and grows: {failure}");
                self.is_untidy = true;
            }
            Err(_) => {}
        }
    }

    /// Executes and answers the jobs, with a sweep before them; fails when the store must not be written any more.
    fn work_off(&mut self, jobs: Vec<Job>) -> Result<(), Ended> {
        let mut batch = Batch::of(jobs);
        batch.deny_late(&self.answers);
        loop {
            match self.transact(&batch.commands) {
                Ok(decisions) => {
                    let answers = decisions
                        .into_iter()
                        .skip(1)
                        .map(|decision| decision.map_err(Denial::Refused));
                    batch.answer(answers, &self.answers);
                    return self.probe();
                }
                Err(Failure::Busy) => {
                    if self.is_told_to_stop() {
                        batch.answer(iter::repeat(Err(Denial::Stopped)), &self.answers);
                        return Err(Ended::Drained);
                    }
                    thread::sleep(LOCK_POLL);
                    batch.deny_late(&self.answers);
                    if batch.replies.is_empty() {
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
                    let (denial, ended) = self.judge_failure(&failure);
                    batch.answer(iter::repeat(Err(denial)), &self.answers);
                    return ended.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Every command alone, on a freshly loaded book, so that only the culprit fails.
    fn one_by_one(&mut self, batch: Batch) -> Result<(), Ended> {
        let mut answers = Vec::new();
        let mut ended = None;
        for command in &batch.commands {
            if ended.is_some() {
                answers.push(Err(Denial::Stopped));
                continue;
            }
            let answer = match self.transact(std::slice::from_ref(command)) {
                Ok(mut decisions) => decisions
                    .pop()
                    .expect("a command has a decision")
                    .map_err(Denial::Refused),
                Err(failure) => {
                    let (denial, end) = self.judge_failure(&failure);
                    ended = end;
                    Err(denial)
                }
            };
            answers.push(answer);
        }
        batch.answer(answers.into_iter().skip(1), &self.answers);
        ended.map_or(Ok(()), Err)
    }

    /// What to tell clients of a failure, and whether it is the end. Logged as long as it is news: the log may be on the
    /// same full disk.
    fn judge_failure(&mut self, failure: &Failure) -> (Denial, Option<Ended>) {
        if self.failed_at.replace(Instant::now()).is_none() {
            log::error!("nothing can be written: {failure}");
        }
        self.is_well.store(false, Ordering::SeqCst);
        match failure {
            Failure::Busy | Failure::NotApplied(_) => (Denial::NotApplied, None),
            Failure::Broken(_) => (Denial::Broken, None),
            Failure::Unknown(_) => (Denial::Unknown, Some(Ended::Unknown)),
            Failure::Corrupt(_) => (Denial::NotApplied, Some(Ended::Corrupt)),
        }
    }

    /// A batch went well, which after a failure says little: it may have written nothing.
    fn probe(&mut self) -> Result<(), Ended> {
        if self.failed_at.is_none() {
            return Ok(());
        }
        let clock = &self.clock;
        let probed = self.store.probe(&|last_now| clock.begin_batch(last_now));
        self.clock.end_batch();
        match probed {
            Ok(()) => {
                log::info!("the store can be written again");
                self.failed_at = None;
                self.is_well.store(true, Ordering::SeqCst);
                Ok(())
            }
            Err(failure) => self.judge_failure(&failure).1.map_or(Ok(()), Err),
        }
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

/// However the writer ends, be it by a panic: whoever waits is told.
impl Drop for Desk {
    fn drop(&mut self) {
        self.refuse_what_waits();
    }
}

/// Commands, a sweep first, and who waits for the others.
struct Batch {
    commands: Vec<Command>,
    replies: Vec<(Instant, Reply)>,
}

impl Batch {
    fn of(jobs: Vec<Job>) -> Batch {
        let rows_max = (2 * jobs.len()).max(SWEEP_MIN);
        let sweep = Command::Sweep {
            rows_max,
            keys_max: rows_max,
        };
        let mut batch = Batch {
            commands: vec![sweep],
            replies: Vec::new(),
        };
        for job in jobs {
            batch.commands.push(job.command);
            batch.replies.push((job.deadline, job.reply));
        }
        batch
    }

    fn answer(self, answers: impl Iterator<Item = Answer>, to: &Sender<Answers>) {
        let replies = self.replies.into_iter().map(|(_, reply)| reply);
        give(replies.zip(answers).collect(), to);
    }

    /// What waited too long is not executed.
    fn deny_late(&mut self, to: &Sender<Answers>) {
        let now = Instant::now();
        let mut late = Vec::new();
        for index in (0..self.replies.len()).rev() {
            if self.replies[index].0 <= now {
                self.commands.remove(index + 1);
                late.push((self.replies.remove(index).1, Err(Denial::Overloaded)));
            }
        }
        give(late, to);
    }
}

fn give(answers: Answers, to: &Sender<Answers>) {
    if !answers.is_empty() && to.send(answers).is_err() {
        log::error!("the postman is gone: a batch has committed and cannot be answered");
    }
}
