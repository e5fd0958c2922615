//! Accepts connections, and hands each to the event loop that has the fewest. At the limit, the connection that has done
//! nothing for longest gives way; if all are being worked on, a new client waits until one is not.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use socket2::Socket;

use super::connection_limit::ConnectionLimit;
use super::context::Context;
use super::listener::Listener;
use super::mailbox::{Accepted, Mailbox, Message, NONE};
use super::message::Refusal;

/// After an error (no descriptor left, say), or where no connection could give way, the next try waits this long.
const PAUSE: Duration = Duration::from_millis(50);
/// Errors that may happen many times a second are worth a line each second.
const COMPLAINT_PAUSE: Duration = Duration::from_secs(1);
/// Connections accepted at once, before those that are there get their turn.
const BURST: usize = 64;

pub struct Acceptor {
    context: Arc<Context>,
    listener: Listener,
    /// Whether a client may be waiting to be accepted.
    is_ready: bool,
    again_at: Option<Instant>,
    complained_at: Option<Instant>,
}

impl Acceptor {
    pub fn new(context: Arc<Context>, listener: Listener) -> Acceptor {
        Acceptor {
            context,
            listener,
            is_ready: true,
            again_at: None,
            complained_at: None,
        }
    }

    pub fn note_ready(&mut self) {
        self.is_ready = true;
    }

    /// When to accept again, whatever the poller says.
    pub fn due(&self) -> Option<Instant> {
        self.again_at.filter(|_| self.is_ready)
    }

    /// Accepts clients that wait; whether there may be more at once.
    pub fn accept(&mut self, now: Instant) -> bool {
        let is_paused = self.again_at.is_some_and(|at| now < at);
        if !self.is_ready || (is_paused && !self.has_room_again()) {
            return false;
        }
        let limit = &self.context.connection_limit;
        if self.again_at.take().is_some() && limit.is_exceeded() {
            // The one that was to give way was given something to do.
            self.evict();
        }
        for _ in 0..BURST {
            if !self.may_accept() {
                self.again_at = Some(now + PAUSE);
                return false;
            }
            match accept(&self.listener) {
                Ok(Some((socket, peer))) => {
                    if self.context.connection_limit.is_reached() {
                        self.evict();
                    }
                    self.admit(socket, peer);
                }
                Ok(None) => {
                    self.is_ready = false;
                    return false;
                }
                Err(error) => {
                    self.pause(&error, now);
                    return false;
                }
            }
        }
        true
    }

    /// Clients that connected before the listener closes are accepted.
    pub fn accept_last(self) {
        while let Ok(Some((socket, peer))) = accept(&self.listener) {
            self.admit(socket, peer);
        }
        self.context.is_listening.store(false, Ordering::SeqCst);
    }

    /// At the limit a client is accepted where a connection can give way, and the next client once that connection has ended.
    /// `is_full` is stored before the last look, so that such an end wakes this event loop.
    fn may_accept(&mut self) -> bool {
        let limit = &self.context.connection_limit;
        let may_accept =
            || !limit.is_exceeded() && (!limit.is_reached() || self.oldest().is_some());
        self.context.is_full.store(!may_accept(), Ordering::SeqCst);
        may_accept()
    }

    fn has_room_again(&self) -> bool {
        self.context.is_full.load(Ordering::SeqCst) && !self.context.connection_limit.is_exceeded()
    }

    /// The event loop with the oldest connection that can give way.
    fn oldest(&self) -> Option<&Arc<Mailbox>> {
        let age = |mailbox: &&Arc<Mailbox>| mailbox.oldest.load(Ordering::SeqCst);
        let oldest = self.context.mailboxes.iter().min_by_key(age);
        oldest.filter(|mailbox| age(mailbox) != NONE)
    }

    fn evict(&self) {
        if let Some(mailbox) = self.oldest() {
            mailbox.send(Message::Evict);
        }
    }

    fn admit(&self, socket: Socket, peer: Option<SocketAddr>) {
        let load = |mailbox: &&Arc<Mailbox>| mailbox.connections.load(Ordering::Relaxed);
        let mailbox = self.context.mailboxes.iter().min_by_key(load);
        let mailbox = mailbox.expect("there is an event loop");
        let limit = &self.context.connection_limit;
        let permit = ConnectionLimit::admit(limit, peer);
        let refusal = permit.is_none().then_some(Refusal::TooManyConnections);
        let permit = permit.unwrap_or_else(|| ConnectionLimit::admit_to_leave(limit));
        mailbox.connections.fetch_add(1, Ordering::Relaxed);
        mailbox.send(Message::Accepted(Accepted {
            socket,
            peer,
            permit,
            refusal,
        }));
    }

    fn pause(&mut self, error: &io::Error, now: Instant) {
        self.again_at = Some(now + PAUSE);
        if matches!(
            Errno::from_io_error(error),
            Some(Errno::MFILE | Errno::NFILE)
        ) {
            self.evict();
        }
        let is_news = |at: Instant| now.saturating_duration_since(at) >= COMPLAINT_PAUSE;
        if self.complained_at.is_none_or(is_news) {
            log::warn!("a connection cannot be accepted: {error}");
            self.complained_at = Some(now);
        }
    }
}

/// `None` if no client waits.
fn accept(listener: &Listener) -> io::Result<Option<(Socket, Option<SocketAddr>)>> {
    loop {
        match listener.accept() {
            Ok(accepted) => return Ok(Some(accepted)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            // That client is gone already.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
