//! The pool's threads: each is lent to one connection at a time, for as long as requests follow each other.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;

use super::connection::{Connection, Exchange, Next};
use super::house::{House, Waiting};
use super::message::Refusal;
use super::outgoing::Condition;

/// A thread that nobody needed for this long leaves.
const THREAD_IDLE: Duration = Duration::from_secs(10);

/// Starts a thread if more connections wait than threads, and there may be another.
pub fn hire_if_needed(house: &Arc<House>) {
    let is_needed = house.ready.len() > house.threads_idle.load(Ordering::SeqCst);
    if !is_needed || house.threads.load(Ordering::SeqCst) >= house.limits.threads_max {
        return;
    }
    house.threads.fetch_add(1, Ordering::SeqCst);
    let worker = Worker {
        house: house.clone(),
    };
    if let Err(error) = thread::Builder::new()
        .name("worker".into())
        .spawn(move || worker.work())
    {
        house.threads.fetch_sub(1, Ordering::SeqCst);
        log::warn!("no thread can be started: {error}");
    }
}

/// A thread of the pool.
struct Worker {
    house: Arc<House>,
}

impl Worker {
    fn work(self) {
        loop {
            self.house.threads_idle.fetch_add(1, Ordering::SeqCst);
            let next = self.house.ready.recv_timeout(THREAD_IDLE);
            self.house.threads_idle.fetch_sub(1, Ordering::SeqCst);
            match next {
                Ok(waiting) => {
                    // The door may have counted this thread as idle for a connection that came just after this one.
                    hire_if_needed(&self.house);
                    self.serve(waiting);
                }
                Err(RecvTimeoutError::Timeout) if !self.house.ready.is_empty() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        self.house.threads.fetch_sub(1, Ordering::SeqCst);
        // Somebody may have come who counted on this thread.
        hire_if_needed(&self.house);
    }

    /// For as long as requests follow each other. What was said before is answered first, by whatever thread has the
    /// answer: this one never waits for that.
    fn serve(&self, waiting: Waiting) {
        let mut connection = waiting.connection;
        let mut waited_too_long = waiting.since.elapsed() >= self.house.limits.wait_max;
        loop {
            let next = connection.next();
            let is_free = connection.condition() == Condition::Free;
            match next {
                Next::Request(exchange) if is_free => {
                    let keep_alive = exchange.keep_alive;
                    self.handle(&mut connection, *exchange, waited_too_long);
                    waited_too_long = false;
                    if !keep_alive || !self.may_linger(&connection) {
                        break;
                    }
                }
                Next::Refused(refusal) if is_free => {
                    connection.refuse(refusal);
                    break;
                }
                Next::Request(_) | Next::Refused(_) => {
                    connection.postpone(next);
                    break;
                }
                Next::Waiting | Next::Closed => break,
            }
        }
        self.house.give_back(connection);
    }

    fn may_linger(&self, connection: &Connection) -> bool {
        matches!(
            connection.condition(),
            Condition::Free | Condition::Awaiting
        ) && !self.house.has_nobody_to_spare()
            && !self.house.is_crowded.load(Ordering::SeqCst)
    }

    /// A panic in the handler is one failed request: the reply is dropped while it unwinds.
    fn handle(&self, connection: &mut Connection, exchange: Exchange, waited_too_long: bool) {
        let handler = &self.house.handler;
        let reply = connection.reply(&exchange);
        let request = exchange.request;
        if waited_too_long {
            return reply.send(handler.refuse(Refusal::Overloaded, &request.info()));
        }
        let id = request.id.clone();
        let handled = panic::catch_unwind(AssertUnwindSafe(|| handler.handle(request, reply)));
        if handled.is_err() {
            log::error!("the handler of request {id} panicked");
        }
    }
}
