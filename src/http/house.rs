//! What the door and the pool's threads share: the limits, the queue between them, and who is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use mio::Waker;

use super::connection::{Connection, Timeouts};
use super::guests::{Guests, PerAddress};
use super::message::Handler;

#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests worked on at once.
    pub threads_max: usize,
    /// Connections that may wait for a thread.
    pub queue_max: usize,
    /// How long they may wait; after that their request is not executed.
    pub wait_max: Duration,
    pub connections_max: usize,
    pub per_address: PerAddress,
    pub timeouts: Timeouts,
}

/// What all threads share.
pub struct House {
    pub limits: Limits,
    pub handler: Arc<dyn Handler>,
    pub ready: Receiver<Waiting>,
    pub returned: Sender<Connection>,
    pub waker: Waker,
    pub guests: Arc<Guests>,
    pub threads: AtomicUsize,
    pub threads_idle: AtomicUsize,
    pub stopping: AtomicBool,
    /// Nobody is waited for any more.
    pub hurrying: AtomicBool,
    /// How often the door has looked around.
    pub beats: AtomicUsize,
}

pub struct Waiting {
    pub connection: Connection,
    pub since: Instant,
}

impl House {
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            log::error!("the door cannot be woken: {error}");
        }
    }

    pub fn has_nobody_to_spare(&self) -> bool {
        !self.ready.is_empty() && self.threads_idle.load(Ordering::SeqCst) == 0
    }
}
