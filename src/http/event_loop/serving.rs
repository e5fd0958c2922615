//! A connection that has something to do is served: one request is read and handed out, or an answer is written.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::super::connection::Incoming;
use super::super::context::Phase;
use super::super::message::{Refusal, Reply, Response};
use super::super::pool;
use super::super::response_writer::{Framing, WriteState};
use super::EventLoop;

impl EventLoop {
    /// Serves a connection that has had something to do since then. One request at a time: others that came with it wait
    /// to be served again, behind whatever else is ready.
    pub(super) fn serve(&mut self, slot: usize, since: Instant) {
        let Some(connection) = self.connections.get_mut(slot) else {
            return;
        };
        self.now = Instant::now();
        if connection.is_leaving() {
            if !connection.discard_input(&mut self.scratch) {
                self.close(slot);
            }
            return;
        }
        match connection.writer.state() {
            WriteState::Awaiting => return self.note_ended(slot),
            WriteState::Unfinished => {
                connection.write_on(self.now);
                return self.after_write(slot);
            }
            WriteState::Free | WriteState::Closing | WriteState::Broken => {}
        }
        if let Some(refusal) = connection.turned_away() {
            return self.refuse(slot, refusal);
        }
        match connection.next(&mut self.scratch, &*self.context.handler, self.now) {
            Ok(Some(incoming)) => self.hand_out(slot, incoming, since),
            Err(refusal) => self.refuse(slot, refusal),
            Ok(None) if connection.is_over() => self.close(slot),
            Ok(None) => self.settle(slot),
        }
    }

    fn hand_out(&mut self, slot: usize, incoming: Incoming, since: Instant) {
        let Incoming { request, framing } = incoming;
        let connection = &mut self.connections[slot];
        connection.writer.await_answer(framing);
        let reply = Reply::to(self.mailbox.clone(), ticket(slot, connection.number));
        self.settle(slot);
        self.note_ended(slot);
        let handler = &*self.context.handler;
        if self.now.saturating_duration_since(since) >= self.context.limits.wait_max {
            pool::refuse(handler, &request, reply);
        } else if handler.is_slow(&request) {
            self.pool.submit(request, reply, since);
        } else {
            pool::handle(handler, request, reply);
        }
    }

    /// A client that waits for its answer, and will ask for nothing more, may have hung up.
    fn note_ended(&mut self, slot: usize) {
        let connection = &self.connections[slot];
        if connection.is_ending() {
            self.mailbox.note_ended(ticket(slot, connection.number));
        }
    }

    /// An answer has come, maybe to a connection that is gone.
    pub(super) fn deliver(&mut self, ticket: u64, response: Option<Response>) {
        let (slot, number) = slot_and_number(ticket);
        let connection = self.connections.get_mut(slot);
        let connection = connection.filter(|connection| connection.number == number);
        let Some(connection) = connection else {
            return;
        };
        if connection.is_ending() {
            self.mailbox.forget_ended(ticket);
        }
        let Some(framing) = connection.writer.end_of_wait() else {
            return;
        };
        let response = response.unwrap_or_else(|| {
            let handler = &self.context.handler;
            handler.refuse(Refusal::HandlerFailed, &framing.info)
        });
        self.answer(slot, &response, &framing);
    }

    /// Answers bytes that were no request, or are none that is read. No answer may be on its way.
    pub(super) fn refuse(&mut self, slot: usize, refusal: Refusal) {
        let connection = &mut self.connections[slot];
        let framing = connection.framing_of_refused(&mut self.scratch, self.now);
        let response = self.context.handler.refuse(refusal, &framing.info);
        self.answer(slot, &response, &framing);
    }

    /// Answers that the server is overloaded.
    pub(super) fn turn_away(&mut self, slot: usize, since: Instant) {
        let connection = self.connections.get(slot);
        let is_read = connection.is_some_and(|connection| {
            connection.writer.state() == WriteState::Free && !connection.is_leaving()
        });
        if is_read {
            self.refuse(slot, Refusal::Overloaded);
        } else {
            self.serve(slot, since);
        }
    }

    fn answer(&mut self, slot: usize, response: &Response, framing: &Framing) {
        let is_last = self.context.phase() >= Phase::Stopping;
        let (scratch, now) = (&mut self.scratch, self.now);
        scratch.date.refresh(now, || self.context.handler.time());
        self.connections[slot].answer(response, framing, is_last, scratch, now);
        self.after_write(slot);
    }

    fn after_write(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        let state = connection.writer.state();
        let is_over = match state {
            WriteState::Closing => {
                !connection.begin_lingering_close(self.now)
                    || !connection.discard_input(&mut self.scratch)
            }
            WriteState::Broken => true,
            WriteState::Free | WriteState::Awaiting | WriteState::Unfinished => false,
        };
        if is_over {
            return self.close(slot);
        }
        if state == WriteState::Free && connection.has_more() {
            self.ready.push_back((slot, self.now));
        }
        let is_unfinished = state == WriteState::Unfinished;
        if connection.are_writes_watched != is_unfinished {
            connection.are_writes_watched = is_unfinished;
            let watched = self
                .poller
                .watch_writes(&connection.socket, slot, is_unfinished);
            if let Err(error) = watched {
                log::warn!("a connection cannot be watched and is closed: {error}");
                return self.close(slot);
            }
        }
        self.settle(slot);
    }

    /// Notes what the connection waits for now.
    pub(super) fn settle(&mut self, slot: usize) {
        match self.connections[slot].wait() {
            Some((wait, since)) => self.deadlines.begin(slot, wait, since),
            None => self.deadlines.end(slot),
        }
    }

    pub(super) fn close(&mut self, slot: usize) {
        self.deadlines.end(slot);
        let connection = self.connections.remove(slot);
        if connection.is_ending() {
            self.mailbox.forget_ended(ticket(slot, connection.number));
        }
        drop(connection);
        self.mailbox.connections.fetch_sub(1, Ordering::Relaxed);
        if self.context.is_full.load(Ordering::SeqCst) {
            self.context.mailboxes[0].wake();
        }
    }
}

/// What names the request that a connection has handed out. Slots are used again, numbers are not for a long time.
fn ticket(slot: usize, number: u32) -> u64 {
    u64::from(number) << 32 | slot as u64
}

fn slot_and_number(ticket: u64) -> (usize, u32) {
    ((ticket & 0xffff_ffff) as usize, (ticket >> 32) as u32)
}
