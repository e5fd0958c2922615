//! Where connections wait that have nothing to say: one epoll holds them, their buffers and their deadlines, so that an
//! idle or dripping connection costs no thread.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

use super::connection::Connection;
use super::outgoing::Condition;

pub const WAKE: Token = Token(0);
pub const LISTENER: Token = Token(1);
const FIRST_PLACE: usize = 2;
const EVENTS_MAX: usize = 1024;

pub struct Parking {
    poll: Poll,
    places: HashMap<usize, Parked>,
    /// The same connections by deadline …
    deadlines: BTreeSet<(Instant, usize)>,
    /// … and, but for those that are to take their answers, by when they last began something.
    ages: BTreeSet<(Instant, usize)>,
    next_place: usize,
    opened: Instant,
}

struct Parked {
    connection: Connection,
    due: Instant,
}

/// What became ready while waiting.
#[derive(Default)]
pub struct Ready {
    pub connections: Vec<Connection>,
    pub overdue: Vec<Connection>,
    pub accept: bool,
}

impl Parking {
    pub fn new(listener: &impl AsRawFd) -> io::Result<(Parking, Waker)> {
        let poll = Poll::new()?;
        poll.registry().register(
            &mut SourceFd(&listener.as_raw_fd()),
            LISTENER,
            Interest::READABLE,
        )?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let parking = Parking {
            poll,
            places: HashMap::new(),
            deadlines: BTreeSet::new(),
            ages: BTreeSet::new(),
            next_place: FIRST_PLACE,
            opened: Instant::now(),
        };
        Ok((parking, waker))
    }

    /// A connection whose socket cannot be watched is closed.
    pub fn park(&mut self, mut connection: Connection) {
        connection.let_go_of_its_buffer();
        let place = self.next_place;
        self.next_place = place.checked_add(1).unwrap_or(FIRST_PLACE);
        let is_writing = connection.condition() == Condition::Writing;
        let interest = if is_writing {
            Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        let fd = connection.as_raw_fd();
        if let Err(error) =
            self.poll
                .registry()
                .register(&mut SourceFd(&fd), Token(place), interest)
        {
            return log::warn!("a connection cannot be parked and is closed: {error}");
        }
        let due = connection.due();
        self.deadlines.insert((due, place));
        if !is_writing {
            self.ages.insert((age(&connection, self.opened), place));
        }
        self.places.insert(place, Parked { connection, due });
    }

    /// Waits until something is ready, the first deadline, or `longest`.
    pub fn wait(&mut self, longest: Option<Duration>) -> io::Result<Ready> {
        let now = Instant::now();
        let until_deadline = self
            .deadlines
            .first()
            .map(|(deadline, _)| deadline.saturating_duration_since(now));
        let timeout = [until_deadline, longest].into_iter().flatten().min();
        let mut events = Events::with_capacity(EVENTS_MAX);
        match self.poll.poll(&mut events, timeout) {
            // As after a pause of the whole process: much may have come, and many deadlines may have passed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.poll.poll(&mut events, Some(Duration::ZERO))?;
            }
            polled => polled?,
        }
        let is_all = events.iter().count() < EVENTS_MAX;
        let mut ready = Ready::default();
        for event in &events {
            match event.token() {
                WAKE => {}
                LISTENER => ready.accept = true,
                Token(place) => ready.connections.extend(self.leave(place)),
            }
        }
        if !is_all {
            return Ok(ready);
        }
        let now = Instant::now();
        while let Some((_, place)) = self
            .deadlines
            .first()
            .copied()
            .filter(|(deadline, _)| *deadline <= now)
        {
            ready.overdue.extend(self.leave(place));
        }
        Ok(ready)
    }

    pub fn can_evict(&self) -> bool {
        !self.ages.is_empty()
    }

    /// The connection that has been here for longest without a request, or with half of one.
    pub fn evict(&mut self) -> Option<Connection> {
        let (_, place) = self.ages.first().copied()?;
        self.leave(place)
    }

    fn leave(&mut self, place: usize) -> Option<Connection> {
        let Parked { connection, due } = self.places.remove(&place)?;
        self.deadlines.remove(&(due, place));
        self.ages.remove(&(age(&connection, self.opened), place));
        let fd = connection.as_raw_fd();
        if let Err(error) = self.poll.registry().deregister(&mut SourceFd(&fd)) {
            log::warn!("a connection cannot leave the parking: {error}");
        }
        Some(connection)
    }

    /// Closes everything that waits between requests, or was told to go.
    pub fn close_idle(&mut self) {
        let idle: Vec<usize> = self
            .places
            .iter()
            .filter(|(_, parked)| parked.connection.is_at_rest())
            .map(|(place, _)| *place)
            .collect();
        for place in idle {
            self.leave(place);
        }
    }
}

/// Whoever is told to go is older than anybody else.
fn age(connection: &Connection, opened: Instant) -> Instant {
    if connection.is_to_go() {
        opened
    } else {
        connection.since
    }
}
