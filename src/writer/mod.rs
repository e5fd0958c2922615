//! The writer: the only thread that writes. Commands wait in a bounded queue; the writer takes the first and whatever else
//! waits with it, has the store judge them all in one transaction, and gives the answers out once it has committed.

mod batch;
mod commit_loop;
mod doubt;
mod halt;
mod health;
mod housekeeping;
mod kept_time;
mod log_watch;
mod queue;
mod sweeping;
mod waiting;
mod wake;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::clock::Clock;
use crate::metrics::WriterMetrics;
use crate::sale::{Command, Outcome, Rejection, Terms};
use crate::store::{Store, StoreError};

use commit_loop::CommitLoop;
use health::Health;
use kept_time::KeptTime;
use log_watch::LogWatch;
use queue::Queue;
use sweeping::Sweeping;

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
pub enum CommandError {
    /// The shop says no. Nothing was changed.
    Refused(Rejection),
    /// The queue is full, or the command waited too long in it, and was not executed.
    Overloaded,
    /// The writer has stopped. The command was not executed.
    Stopped,
    /// The store could not write. Nothing was applied.
    NotApplied,
    /// The store failed at the commit: the command may or may not have been applied.
    Unknown,
    /// The command broke a rule of ours, alone in its transaction. Nothing was applied.
    Broken,
}

pub type Answer = Result<Outcome, CommandError>;

/// Runs what answers the commands of a batch, one after the other, on the writer's thread: what is to be done once for all
/// of them is done after it.
pub type Delivery = fn(&mut dyn FnMut());

/// How a writer's life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriterExit {
    /// No handle is left, and every command was answered.
    Drained,
    /// A commit may or may not survive: only recovery can tell, or a store that did not before the writer was to end.
    Unknown,
    /// The database is damaged and was not written any more.
    Corrupt,
    /// The same as drained, but a reader of another process keeps the log from being emptied.
    LogLeft,
    /// The file is not what its path names, and was not written any more.
    Displaced,
    /// Another program has given the database a newer schema, and it was not written any more.
    Outdated,
}

impl WriterExit {
    /// `None`: the failure is not the end.
    fn after(failure: &StoreError) -> Option<WriterExit> {
        match failure {
            StoreError::Busy
            | StoreError::Away(_)
            | StoreError::NotApplied(_)
            | StoreError::Broken(_)
            | StoreError::Unreadable(_)
            | StoreError::InDoubt(_) => None,
            StoreError::Unknown(_) => Some(WriterExit::Unknown),
            StoreError::Corrupt(_) => Some(WriterExit::Corrupt),
            StoreError::Displaced(_) => Some(WriterExit::Displaced),
            StoreError::Outdated => Some(WriterExit::Outdated),
        }
    }
}

/// A handle to submit commands with. The writer stops when it is told to, or when the last handle is dropped.
#[derive(Clone)]
pub struct Writer {
    jobs: Sender<Job>,
    controls: Sender<Control>,
    heartbeat: Arc<AtomicUsize>,
    wait_max: Duration,
    is_healthy: Arc<AtomicBool>,
    metrics: Arc<WriterMetrics>,
    events_committed: Receiver<()>,
}

/// What the writer is told beside its commands.
enum Control {
    /// The log may be waited for until then.
    Stop(Instant),
    /// The writer is to show that it is alive.
    Ping,
}

/// A ping is only left where there is none, so that there is always room to say stop.
const CONTROLS_MAX: usize = 3;

struct Job {
    command: Command,
    deadline: Instant,
    reply: Reply,
}

/// What to do with an answer. One that is dropped unanswered says that the writer has stopped, since a command may come between
/// its last look at the queue and the queue's end; or, of a command in a batch, that the outcome is unknown.
struct Reply {
    then: Option<Box<dyn FnOnce(Answer) + Send>>,
    is_in_batch: bool,
}

impl Reply {
    fn new(then: impl FnOnce(Answer) + Send + 'static) -> Reply {
        Reply {
            then: Some(Box::new(then)),
            is_in_batch: false,
        }
    }

    fn in_batch(mut self) -> Reply {
        self.is_in_batch = true;
        self
    }

    fn answer(mut self, answer: Answer) {
        if let Some(then) = self.then.take() {
            then(answer);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(then) = self.then.take() {
            then(Err(if self.is_in_batch {
                CommandError::Unknown
            } else {
                CommandError::Stopped
            }));
        }
    }
}

impl Writer {
    pub fn start(
        store: Box<dyn Store>,
        clock: Arc<Clock>,
        terms: Terms,
        limits: Limits,
        delivery: Delivery,
    ) -> io::Result<(Writer, Receiver<WriterExit>)> {
        let (sender, jobs) = bounded(limits.queue_max);
        let (controls_sender, controls) = bounded(CONTROLS_MAX);
        let heartbeat = Arc::new(AtomicUsize::new(0));
        let is_healthy = Arc::new(AtomicBool::new(true));
        let metrics = Arc::new(WriterMetrics::default());
        let (events_sender, events_committed) = bounded(1);
        let commit_loop = CommitLoop {
            store,
            clock,
            terms,
            batch_max: limits.batch_max,
            queue: Queue::new(jobs),
            controls,
            heartbeat: heartbeat.clone(),
            delivery,
            last_batch: 0,
            stretch_began: Instant::now(),
            health: Health::new(is_healthy.clone(), limits.wait_max),
            sweeping: Sweeping::default(),
            log_watch: LogWatch::default(),
            kept_time: KeptTime::default(),
            metrics: metrics.clone(),
            events_committed: events_sender,
        };
        let (ended_sender, ended) = bounded(1);
        let work = move || commit_loop.work(&ended_sender);
        thread::Builder::new().name("writer".into()).spawn(work)?;
        Ok((
            Writer {
                jobs: sender,
                controls: controls_sender,
                heartbeat,
                wait_max: limits.wait_max,
                is_healthy,
                metrics,
                events_committed,
            },
            ended,
        ))
    }

    /// Has the batch in hand end, refuses what waits, and empties the log; where a reader of another process keeps that
    /// from happening, it is tried again until `by`. To say it again with an earlier time is to be impatient.
    pub fn stop(&self, by: Instant) {
        self.send_control(Control::Stop(by));
    }

    /// A figure that is another one soon after, as long as the writer is alive, be it only waiting for a lock.
    pub fn heartbeat(&self) -> usize {
        let heartbeat = self.heartbeat.load(Ordering::SeqCst);
        if self.controls.is_empty() {
            self.send_control(Control::Ping);
        }
        heartbeat
    }

    /// A writer that has ended, or was told already, needs none.
    fn send_control(&self, control: Control) {
        match self.controls.try_send(control) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Commands that wait for the next batch.
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }

    pub fn waiting_max(&self) -> usize {
        self.jobs.capacity().unwrap_or(usize::MAX)
    }

    /// What its transactions came to.
    pub fn metrics(&self) -> &WriterMetrics {
        &self.metrics
    }

    /// Receives a message after a transaction that told events; one message for many, if it is not received in between. Each
    /// message is received once.
    pub fn events_committed(&self) -> Receiver<()> {
        self.events_committed.clone()
    }

    /// Whether the store could be written when it last had to be.
    pub fn is_healthy(&self) -> bool {
        self.is_healthy.load(Ordering::SeqCst)
    }

    /// Has the command judged, and then does what `then` says with the answer, once it is durable; on the writer's
    /// thread, which must not be kept waiting. Only the writer decides that a command timed out.
    pub fn submit(&self, command: Command, then: impl FnOnce(Answer) + Send + 'static) {
        let job = Job {
            command,
            deadline: Instant::now() + self.wait_max,
            reply: Reply::new(then),
        };
        match self.jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => job.reply.answer(Err(CommandError::Overloaded)),
            Err(TrySendError::Disconnected(job)) => job.reply.answer(Err(CommandError::Stopped)),
        }
    }
}
