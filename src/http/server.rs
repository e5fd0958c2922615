//! Who gets a thread when. One thread accepts and watches the parking; a connection with bytes to read waits in one
//! bounded first-come queue for a thread of the pool, keeps it while requests follow each other, and goes back to parking.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use socket2::Socket;

use super::connection::Connection;
use super::guests::Guests;
use super::house::{House, Limits, Waiting};
use super::listener::Listener;
use super::message::{Handler, Refusal};
use super::outgoing::Condition;
use super::parking::Parking;
use super::pool::hire_if_needed;

/// After an accept error (no descriptor left, say) the next try waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const COMPLAINT_PAUSE: Duration = Duration::from_secs(1);
/// How often a draining server looks whether everybody has gone.
const DRAIN_POLL: Duration = Duration::from_millis(10);

pub struct Server {
    stopper: Stopper,
    ended: Receiver<()>,
}

/// Ends a server's life from any thread.
#[derive(Clone)]
pub struct Stopper {
    house: Arc<House>,
}

impl Stopper {
    /// Accepts nobody any more, and lets requests that have begun end.
    pub fn stop(&self) {
        self.house.stopping.store(true, Ordering::SeqCst);
        self.house.wake();
    }

    /// A figure that is another one soon after, as long as the server is alive.
    pub fn heartbeat(&self) -> usize {
        let beats = self.house.beats.load(Ordering::SeqCst);
        self.house.wake();
        beats
    }

    /// Waits for nobody any more.
    pub fn stop_now(&self) {
        self.house.hurrying.store(true, Ordering::SeqCst);
        self.stop();
    }
}

impl Server {
    pub fn start(
        listener: Listener,
        handler: Arc<dyn Handler>,
        limits: Limits,
        drain: Duration,
    ) -> io::Result<Server> {
        let (parking, waker) = Parking::new(&listener)?;
        let (ready_sender, ready) = bounded(limits.queue_max);
        let (returned, returning) = unbounded();
        let house = Arc::new(House {
            limits,
            handler,
            ready,
            returned,
            waker,
            guests: Arc::default(),
            threads: AtomicUsize::new(0),
            threads_idle: AtomicUsize::new(0),
            is_crowded: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            hurrying: AtomicBool::new(false),
            beats: AtomicUsize::new(0),
        });
        let door = Door {
            house: house.clone(),
            listener: Some(listener),
            complained_at: None,
            parking,
            ready: ready_sender,
            returning,
        };
        let (alive, ended) = bounded(0);
        thread::Builder::new().name("door".into()).spawn(move || {
            door.keep(drain);
            drop(alive);
        })?;
        Ok(Server {
            stopper: Stopper { house },
            ended,
        })
    }

    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Is disconnected once the server was stopped and has drained, or its thread has died.
    pub fn ended(&self) -> &Receiver<()> {
        &self.ended
    }
}

/// The thread that accepts, and watches the parking.
struct Door {
    house: Arc<House>,
    listener: Option<Listener>,
    complained_at: Option<Instant>,
    parking: Parking,
    ready: Sender<Waiting>,
    returning: Receiver<Connection>,
}

impl Door {
    fn keep(mut self, drain: Duration) {
        let mut accept_again_at = None;
        let mut drained_by = None;
        loop {
            self.house.beats.fetch_add(1, Ordering::SeqCst);
            let is_stopping = self.house.is_stopping();
            if is_stopping && self.listener.is_some() {
                // Whoever has knocked before is let in; an error is one more reason to close.
                self.accept().ok();
                self.listener = None;
            }
            let pause =
                accept_again_at.map(|at: Instant| at.saturating_duration_since(Instant::now()));
            let poll = is_stopping.then_some(DRAIN_POLL);
            let ready = match self.parking.wait([pause, poll].into_iter().flatten().min()) {
                Ok(ready) => ready,
                Err(error) => {
                    log::error!("the parking cannot be watched: {error}");
                    return self.house.stopping.store(true, Ordering::SeqCst);
                }
            };
            for connection in ready.connections {
                self.attend(connection);
            }
            for connection in ready.overdue {
                self.call_time(connection);
            }
            while let Ok(connection) = self.returning.try_recv() {
                self.place(connection);
            }
            if is_stopping {
                let drained_by = *drained_by.get_or_insert_with(|| Instant::now() + drain);
                self.parking.close_idle();
                let is_over = self.house.guests.count() == 0 || Instant::now() >= drained_by;
                if is_over || self.house.hurrying.load(Ordering::SeqCst) {
                    return;
                }
            }
            if ready.accept || accept_again_at.is_some_and(|at| at <= Instant::now()) {
                accept_again_at = self.accept().err().map(|()| Instant::now() + ACCEPT_PAUSE);
            }
        }
    }

    /// Accepts everybody who knocks; an error means to try again a little later. At the limit, the one that has done nothing
    /// for longest gives way; if all are being worked on, whoever knocks waits until one is not.
    fn accept(&mut self) -> Result<(), ()> {
        loop {
            let Some(listener) = &self.listener else {
                return Ok(());
            };
            let is_full = self.house.guests.count() >= self.house.limits.connections_max;
            let is_crowded = is_full && !self.parking.can_evict();
            self.house.is_crowded.store(is_crowded, Ordering::SeqCst);
            if is_crowded {
                return Err(());
            }
            match listener.accept() {
                Ok((stream, peer)) => {
                    if is_full {
                        self.parking.evict();
                    }
                    self.welcome(stream, peer);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::Interrupted | ErrorKind::ConnectionAborted
                    ) => {}
                Err(error) => {
                    if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) {
                        self.parking.evict();
                    }
                    self.complain(&format!("a connection cannot be accepted: {error}"));
                    return Err(());
                }
            }
        }
    }

    fn welcome(&mut self, stream: Socket, peer: Option<SocketAddr>) {
        let limits = &self.house.limits;
        let admitted = Guests::admit(&self.house.guests, peer, &limits.per_address);
        let may_stay = admitted.is_some();
        let guest = admitted.unwrap_or_else(|| Guests::admit_to_leave(&self.house.guests));
        match Connection::new(stream, peer, guest, &self.house) {
            Ok(connection) if may_stay => self.parking.park(connection),
            Ok(mut connection) => {
                connection.turn_away_soon(Refusal::TooManyConnections);
                self.parking.park(connection);
            }
            Err(error) => log::debug!("a connection was gone before it was welcomed: {error}"),
        }
    }

    /// A connection whose time is over: it is told so if it has begun to say something, and closed if it has not.
    fn call_time(&mut self, connection: Connection) {
        if let Some(refusal) = connection.turned_away() {
            self.turn_away(connection, refusal);
        } else if !connection.is_at_rest() && connection.condition() == Condition::Free {
            self.lend_thread(connection);
        }
    }

    fn turn_away(&mut self, mut connection: Connection, refusal: Refusal) {
        connection.refuse(refusal);
        if connection.start_to_leave() {
            self.parking.park(connection);
        }
    }

    /// What may happen many times a second is worth a line each second.
    fn complain(&mut self, of: &str) {
        if self
            .complained_at
            .is_none_or(|at| at.elapsed() >= COMPLAINT_PAUSE)
        {
            log::warn!("{of}");
            self.complained_at = Some(Instant::now());
        }
    }

    /// Somebody can be read from, or written to.
    fn attend(&mut self, mut connection: Connection) {
        if connection.is_leaving() {
            if connection.drop_what_it_sends() {
                self.parking.park(connection);
            }
        } else if let Some(refusal) = connection.turned_away() {
            self.turn_away(connection, refusal);
        } else if connection.condition() == Condition::Writing {
            connection.write_on();
            self.house.give_back(connection);
        } else {
            self.lend_thread(connection);
        }
    }

    /// Where a connection belongs that nobody works on any more.
    fn place(&mut self, connection: Connection) {
        let is_free = connection.condition() == Condition::Free;
        if is_free && !connection.is_leaving() && connection.needs_thread() {
            self.lend_thread(connection);
        } else {
            self.parking.park(connection);
        }
    }

    fn lend_thread(&mut self, connection: Connection) {
        match self.ready.try_send(Waiting {
            connection,
            since: Instant::now(),
        }) {
            Ok(()) => hire_if_needed(&self.house),
            Err(TrySendError::Full(waiting) | TrySendError::Disconnected(waiting)) => {
                self.turn_away(waiting.connection, Refusal::Overloaded);
            }
        }
    }
}
