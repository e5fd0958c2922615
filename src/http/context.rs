//! What every thread of the front is given: the handler, the bounds, and whether the server is stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::connection_limit::{ConnectionLimit, PerAddress};
use super::mailbox::Mailbox;
use super::message::Handler;

#[derive(Clone, Debug)]
pub struct Limits {
    pub event_loops: usize,
    /// Threads for requests that may take long.
    pub threads_max: usize,
    /// Requests that may wait for an event loop, and as many for a thread of the pool.
    pub queue_max: usize,
    /// How long they may wait; after that they are not executed.
    pub wait_max: Duration,
    pub connections_max: usize,
    pub per_address: PerAddress,
    pub timeouts: Timeouts,
}

/// Totals, not per read.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From a head's first byte to its last.
    pub head: Duration,
    pub body: Duration,
    /// Between two requests, and before the first.
    pub idle: Duration,
    pub write: Duration,
}

pub struct Context {
    pub handler: Arc<dyn Handler>,
    pub limits: Limits,
    pub connection_limit: Arc<ConnectionLimit>,
    /// Of each event loop; the first of them accepts.
    pub mailboxes: Vec<Arc<Mailbox>>,
    /// Whether a client waits to be accepted until another connection ends.
    pub is_full: AtomicBool,
    /// Whether clients may still be accepted.
    pub is_listening: AtomicBool,
    /// What every event loop is to say next to show that it is alive.
    pub beat: AtomicUsize,
    /// When the front began.
    pub began: Instant,
    phase: AtomicU8,
}

/// How far a server is on its way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Serving,
    /// No more connections are accepted, and requests that have begun may end.
    Stopping,
    /// No request is waited for.
    StoppingNow,
    /// No answer will come any more.
    Closing,
}

impl Context {
    pub fn new(handler: Arc<dyn Handler>, limits: Limits, mailboxes: Vec<Arc<Mailbox>>) -> Context {
        let connection_limit =
            ConnectionLimit::new(limits.connections_max, limits.per_address.clone());
        Context {
            handler,
            limits,
            connection_limit: Arc::new(connection_limit),
            mailboxes,
            is_full: AtomicBool::new(false),
            is_listening: AtomicBool::new(true),
            beat: AtomicUsize::new(0),
            began: Instant::now(),
            phase: AtomicU8::new(Phase::Serving as u8),
        }
    }

    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::SeqCst) {
            0 => Phase::Serving,
            1 => Phase::Stopping,
            2 => Phase::StoppingNow,
            _ => Phase::Closing,
        }
    }

    /// Has every event loop know that the server is so far, if it is not farther.
    pub fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::SeqCst);
        self.wake_all();
    }

    pub fn wake_all(&self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.wake());
    }
}
