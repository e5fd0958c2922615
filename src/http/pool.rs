//! The pool's threads: each is lent to one connection at a time, for as long as requests follow each other.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;

use super::connection::{Connection, Exchange, Next};
use super::house::{House, Waiting};
use super::message::{Asked, Malformed};
use super::outgoing::Settled;

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
    }

    fn serve(&self, waiting: Waiting) {
        let mut connection = waiting.connection;
        let mut waited_too_long = waiting.since.elapsed() >= self.house.limits.wait_max;
        if !settle(&mut connection) {
            return;
        }
        loop {
            match connection.next() {
                Next::Request(exchange) => {
                    if !settle(&mut connection) {
                        return;
                    }
                    let keep_alive = exchange.keep_alive;
                    self.handle(&mut connection, *exchange, waited_too_long);
                    waited_too_long = false;
                    let read_on = keep_alive && connection.is_awaiting();
                    if !read_on && !settle(&mut connection) {
                        return;
                    }
                    if self.house.has_nobody_to_spare() {
                        return self.give_back(connection);
                    }
                }
                Next::Waiting => return self.give_back(connection),
                Next::Malformed(malformed) => {
                    if settle(&mut connection) {
                        connection.refuse(malformed);
                    }
                    return;
                }
                Next::Closed => {
                    settle(&mut connection);
                    return;
                }
            }
        }
    }

    /// A panic in the handler is one failed request: the reply is dropped while it unwinds.
    fn handle(&self, connection: &mut Connection, exchange: Exchange, waited_too_long: bool) {
        let handler = &self.house.handler;
        let reply = connection.reply(&exchange);
        let request = exchange.request;
        if waited_too_long {
            let asked = Asked {
                id: request.id,
                method: Some(request.method),
                peer: request.peer,
                began: request.began,
            };
            return reply.send(handler.refuse(Malformed::Overloaded, &asked));
        }
        let id = request.id.clone();
        let handled = panic::catch_unwind(AssertUnwindSafe(|| handler.handle(request, reply)));
        if handled.is_err() {
            log::error!("the handler of request {id} panicked");
        }
    }

    /// Without waiting for an answer that is still to come.
    fn give_back(&self, connection: Connection) {
        let house = self.house.clone();
        connection.leave_with_the_answer(move |mut connection| {
            connection.rest(Instant::now());
            if house.returned.send(connection).is_ok() {
                house.wake();
            }
        });
    }
}

/// Waits until the last answer has left; tells whether the connection can be used again.
fn settle(connection: &mut Connection) -> bool {
    match connection.settle() {
        Settled::Usable => return true,
        Settled::Closing => connection.close_gently(),
        Settled::Broken => {}
    }
    false
}
