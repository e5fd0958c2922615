//! An event loop: one thread and one epoll that own a share of the connections, each from its acceptance to its close. It
//! reads what came, hands whole requests to the handler, writes the answers, and keeps every time-out; it never waits for
//! anything but for all of its connections at once.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use slab::Slab;

mod serving;

use super::acceptor::Acceptor;
use super::connection::{Connection, LEAVING_MAX, Scratch};
use super::context::{Context, Phase};
use super::deadlines::{Deadlines, Wait};
use super::mailbox::{Accepted, Mailbox, Message, NONE};
use super::message::Refusal;
use super::poller::{Poller, Readiness};
use super::pool::Pool;

/// How often a draining server looks whether all clients have gone.
const DRAIN_POLL: Duration = Duration::from_millis(10);

pub struct EventLoop {
    context: Arc<Context>,
    pool: Arc<Pool>,
    mailbox: Arc<Mailbox>,
    /// In the first of the loops.
    acceptor: Option<Acceptor>,
    poller: Poller,
    connections: Slab<Connection>,
    next_number: u32,
    deadlines: Deadlines,
    /// Connections that have something to do, first come first, and since when.
    ready: VecDeque<(usize, Instant)>,
    /// Whether there are connections that the poller has not looked at yet.
    has_adopted: bool,
    mail: Vec<Message>,
    scratch: Scratch,
    /// As of the last look.
    now: Instant,
    drained_by: Option<Instant>,
}

impl EventLoop {
    pub fn new(
        context: Arc<Context>,
        pool: Arc<Pool>,
        mailbox: Arc<Mailbox>,
        acceptor: Option<Acceptor>,
        poller: Poller,
    ) -> EventLoop {
        EventLoop {
            context,
            pool,
            mailbox,
            acceptor,
            poller,
            connections: Slab::new(),
            next_number: 0,
            deadlines: Deadlines::default(),
            ready: VecDeque::new(),
            has_adopted: false,
            mail: Vec::new(),
            scratch: Scratch::default(),
            now: Instant::now(),
            drained_by: None,
        }
    }

    /// Runs until the server is closed. `serving` is dropped once the loop has drained, once `drain` has passed since the stop,
    /// or when the loop dies.
    pub fn run<T>(mut self, drain: Duration, serving: T) -> io::Result<()> {
        let mut serving = Some(serving);
        let mut may_accept_more = false;
        loop {
            let beat = self.context.beat.load(Ordering::SeqCst);
            self.mailbox.heartbeat.store(beat, Ordering::SeqCst);
            // Before the mail is taken: what was sent before the end is delivered.
            let phase = self.context.phase();
            if phase >= Phase::Stopping
                && let Some(acceptor) = self.acceptor.take()
            {
                acceptor.accept_last();
            }
            let is_all = self.poll(phase, may_accept_more)?;
            self.take_mail();
            self.turn_away_excess();
            for _ in 0..self.ready.len() {
                if let Some((slot, since)) = self.ready.pop_front() {
                    self.serve(slot, since);
                    self.take_mail();
                }
            }
            self.now = Instant::now();
            if is_all {
                self.end_overdue_waits();
            }
            if phase >= Phase::Stopping && is_all && !self.has_adopted {
                self.close_idle();
            }
            if phase >= Phase::Stopping && self.is_drained(phase, drain) {
                drop(serving.take());
            }
            if phase == Phase::Closing {
                return Ok(());
            }
            let acceptor = self.acceptor.as_mut();
            may_accept_more = acceptor.is_some_and(|acceptor| acceptor.accept(self.now));
        }
    }

    /// Waits until there is something to do, and notes which connections are ready. Whether those are all.
    fn poll(&mut self, phase: Phase, may_accept_more: bool) -> io::Result<bool> {
        self.mailbox.oldest.store(self.oldest(), Ordering::SeqCst);
        for (shown, count) in self.mailbox.waiting.iter().zip(self.deadlines.lens()) {
            shown.store(count, Ordering::Relaxed);
        }
        let is_busy = may_accept_more || !self.ready.is_empty();
        let timeout = if is_busy || !self.mailbox.falls_asleep() {
            Some(Duration::ZERO)
        } else {
            self.next_due(phase)
                .map(|due| due.saturating_duration_since(Instant::now()))
        };
        let polled = self.poller.wait(timeout);
        self.mailbox.wakes_up();
        polled?;
        self.now = Instant::now();
        self.has_adopted = false;
        let mut count = 0;
        for readiness in self.poller.ready() {
            count += 1;
            match readiness {
                Readiness::Listener => {
                    if let Some(acceptor) = &mut self.acceptor {
                        acceptor.note_ready();
                    }
                }
                Readiness::Connection {
                    slot,
                    is_readable,
                    is_ending,
                } => {
                    if let Some(connection) = self.connections.get_mut(slot) {
                        if is_readable {
                            connection.note_readable(is_ending);
                        }
                        self.ready.push_back((slot, self.now));
                    }
                }
            }
        }
        Ok(count < Poller::EVENTS_MAX)
    }

    /// When there is something to do though nothing has become ready.
    fn next_due(&self, phase: Phase) -> Option<Instant> {
        let deadlines = Wait::ALL.into_iter().filter_map(|wait| {
            let (_, since) = self.deadlines.first(wait)?;
            Some(since + self.time_for(wait))
        });
        let accept = self.acceptor.as_ref().and_then(Acceptor::due);
        let drain = (phase > Phase::Serving).then(|| self.now + DRAIN_POLL);
        deadlines.chain(accept).chain(drain).min()
    }

    fn time_for(&self, wait: Wait) -> Duration {
        let timeouts = &self.context.limits.timeouts;
        match wait {
            Wait::Leaving => LEAVING_MAX,
            Wait::Idle => timeouts.idle,
            Wait::Head => timeouts.head,
            Wait::Body => timeouts.body,
            Wait::Write => timeouts.write,
        }
    }

    fn take_mail(&mut self) {
        let mut mail = mem::take(&mut self.mail);
        loop {
            self.mailbox.take(&mut mail);
            let mut has_made_answers = false;
            for message in mail.drain(..) {
                match message {
                    Message::Answer { ticket, response } => self.deliver(ticket, response),
                    Message::Work(work) => {
                        has_made_answers = true;
                        if panic::catch_unwind(AssertUnwindSafe(work)).is_err() {
                            log::error!("an answer could not be made: the handler panicked");
                        }
                    }
                    Message::Accepted(accepted) => self.adopt(accepted),
                    Message::Evict => self.evict(),
                }
            }
            if !has_made_answers {
                break;
            }
        }
        self.mail = mail;
    }

    fn adopt(&mut self, accepted: Accepted) {
        self.next_number = self.next_number.wrapping_add(1);
        let connection = Connection::new(accepted, self.next_number, self.now);
        let slot = self.connections.vacant_key();
        if let Err(error) = self.poller.add(&connection.socket, slot) {
            log::warn!("a connection cannot be watched and is closed: {error}");
            self.mailbox.connections.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        self.connections.insert(connection);
        self.has_adopted = true;
        self.settle(slot);
    }

    /// Waits that took too long end the connection: with an answer if a request has begun, else in silence. A deadline counts
    /// only once the socket was looked at: what came in time is not too late because this loop was busy.
    fn end_overdue_waits(&mut self) {
        for wait in Wait::ALL {
            while let Some((slot, since)) = self.deadlines.first(wait)
                && self.now.saturating_duration_since(since) >= self.time_for(wait)
            {
                self.connections[slot].note_readable(false);
                self.serve(slot, self.now);
                self.take_mail();
                if self.deadlines.first(wait) == Some((slot, since)) {
                    self.end_wait(slot, wait);
                }
            }
        }
    }

    fn end_wait(&mut self, slot: usize, wait: Wait) {
        match wait {
            Wait::Head | Wait::Body => self.refuse(slot, Refusal::TooSlow),
            Wait::Leaving | Wait::Idle | Wait::Write => self.close(slot),
        }
    }

    /// The connection that gives way to another, if there is one: one in its lingering close, or the one that has been here
    /// for longest without a request, or with half of one.
    fn first_to_give_way(&self) -> Option<(usize, Instant)> {
        let first = |wait| self.deadlines.first(wait);
        let waiting = [Wait::Idle, Wait::Head, Wait::Body];
        let oldest = waiting.into_iter().filter_map(first);
        first(Wait::Leaving).or_else(|| oldest.min_by_key(|(_, since)| *since))
    }

    fn oldest(&self) -> u64 {
        if self.deadlines.first(Wait::Leaving).is_some() {
            return 0;
        }
        let micros = |since: Instant| {
            since
                .saturating_duration_since(self.context.began)
                .as_micros()
        };
        self.first_to_give_way().map_or(NONE, |(_, since)| {
            u64::try_from(micros(since)).unwrap_or(NONE)
        })
    }

    fn evict(&mut self) {
        if let Some((slot, _)) = self.first_to_give_way() {
            self.close(slot);
        }
    }

    /// Where more connections are ready than may wait, the last to come are answered that the server is overloaded.
    fn turn_away_excess(&mut self) {
        let queue_max = self.context.limits.queue_max;
        while self.ready.len() > queue_max + 1 {
            if let Some((slot, since)) = self.ready.pop_back() {
                self.turn_away(slot, since);
            }
        }
    }

    /// Closes connections that wait between requests, or are in their lingering close.
    fn close_idle(&mut self) {
        let connections = self.connections.iter();
        let idle = connections.filter(|(_, connection)| connection.is_at_rest());
        for slot in idle.map(|(slot, _)| slot).collect::<Vec<_>>() {
            self.close(slot);
        }
    }

    fn is_drained(&mut self, phase: Phase, drain: Duration) -> bool {
        let drained_by = *self.drained_by.get_or_insert(self.now + drain);
        let has_nobody = !self.context.is_listening.load(Ordering::SeqCst)
            && self.context.connection_limit.count() == 0;
        has_nobody || self.now >= drained_by || phase > Phase::Stopping
    }
}
