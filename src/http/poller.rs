//! One epoll, which knows for each connection of an event loop whether it can be read or written. A connection is registered
//! once, and told of at each edge: when more bytes have come, not for as long as there are some.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

const WAKE: Token = Token(usize::MAX);
const LISTENER: Token = Token(usize::MAX - 1);

pub struct Poller {
    poll: Poll,
    events: Events,
}

/// What is ready.
pub enum Readiness {
    /// A client waits to be accepted.
    Listener,
    Connection {
        slot: usize,
        is_readable: bool,
        /// Whether the client has closed its sending side, or is gone.
        is_ending: bool,
    },
}

impl Poller {
    /// What is told at once.
    pub const EVENTS_MAX: usize = 1024;

    pub fn new() -> io::Result<Poller> {
        Ok(Poller {
            poll: Poll::new()?,
            events: Events::with_capacity(Poller::EVENTS_MAX),
        })
    }

    pub fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKE)
    }

    pub fn add_listener(&self, listener: &impl AsRawFd) -> io::Result<()> {
        let fd = listener.as_raw_fd();
        let registry = self.poll.registry();
        registry.register(&mut SourceFd(&fd), LISTENER, Interest::READABLE)
    }

    /// Until the socket is closed.
    pub fn add(&self, socket: &impl AsRawFd, slot: usize) -> io::Result<()> {
        let fd = socket.as_raw_fd();
        let registry = self.poll.registry();
        registry.register(&mut SourceFd(&fd), Token(slot), Interest::READABLE)
    }

    /// From now on it is told when the socket takes more, too, or not any more.
    pub fn watch_writes(
        &self,
        socket: &impl AsRawFd,
        slot: usize,
        watches: bool,
    ) -> io::Result<()> {
        let fd = socket.as_raw_fd();
        let interest = if watches {
            Interest::READABLE | Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        let registry = self.poll.registry();
        registry.reregister(&mut SourceFd(&fd), Token(slot), interest)
    }

    /// Waits until something is ready, or for so long.
    pub fn wait(&mut self, longest: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, longest) {
            // As after a pause of the whole process: much may have come, and many deadlines may have passed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.poll.poll(&mut self.events, Some(Duration::ZERO))
            }
            polled => polled,
        }
    }

    /// What was found ready, first come first.
    pub fn ready(&self) -> impl Iterator<Item = Readiness> {
        self.events.iter().filter_map(readiness)
    }
}

fn readiness(event: &Event) -> Option<Readiness> {
    match event.token() {
        WAKE => None,
        LISTENER => Some(Readiness::Listener),
        Token(slot) => Some(Readiness::Connection {
            slot,
            is_readable: event.is_readable() || is_ending(event),
            is_ending: is_ending(event),
        }),
    }
}

fn is_ending(event: &Event) -> bool {
    event.is_read_closed() || event.is_error()
}
