//! What the door and the pool's threads share: the limits, the queue between them, and who is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use mio::Waker;

use super::connection::{Connection, Timeouts};
use super::guests::{Guests, PerAddress};
use super::message::Handler;
use super::outgoing::Condition;

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
    /// Whether somebody waits to be let in until another goes.
    pub is_crowded: AtomicBool,
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

    /// To the door, once the answer that it waits for has come.
    pub fn give_back(self: &Arc<House>, connection: Connection) {
        let house = self.clone();
        connection.leave_with_the_answer(move |mut connection| {
            connection.rest_since_its_answer();
            let is_closing = connection.condition() == Condition::Closing;
            if connection.is_over() || (is_closing && !connection.start_to_leave()) {
                return;
            }
            if house.returned.send(connection).is_ok() {
                house.wake();
            }
        });
    }

    pub fn has_nobody_to_spare(&self) -> bool {
        !self.ready.is_empty() && self.threads_idle.load(Ordering::SeqCst) == 0
    }
}
