//! What every thread of the front is given: the handler, the bounds, and whether the server is stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::connection_limit::{ConnectionLimit, PerAddress};
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
    /// Whether a client waits to be accepted until another connection ends.
    pub is_full: AtomicBool,
    /// Whether clients may still be accepted.
    pub is_listening: AtomicBool,
    /// What every event loop is to say next to show that it is alive.
    pub beat: AtomicUsize,
    /// When the front began.
    pub began: Instant,
    stopping: AtomicBool,
    stopping_now: AtomicBool,
    closing: AtomicBool,
}

impl Context {
    pub fn new(handler: Arc<dyn Handler>, limits: Limits) -> Context {
        let connection_limit =
            ConnectionLimit::new(limits.connections_max, limits.per_address.clone());
        Context {
            handler,
            limits,
            connection_limit: Arc::new(connection_limit),
            is_full: AtomicBool::new(false),
            is_listening: AtomicBool::new(true),
            beat: AtomicUsize::new(0),
            began: Instant::now(),
            stopping: AtomicBool::new(false),
            stopping_now: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        }
    }

    /// Accepts no more connections, and lets requests that have begun end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// The same, and waits for no request any more.
    pub fn stop_now(&self) {
        self.stopping_now.store(true, Ordering::SeqCst);
        self.stop();
    }

    /// Has the event loops end, whatever they wait for: no answer will come any more.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub fn is_stopping_now(&self) -> bool {
        self.stopping_now.load(Ordering::Relaxed)
    }
}
