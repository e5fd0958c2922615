//! Who gets a thread when. One thread accepts and watches the parking; a connection with bytes to read waits in one
//! bounded first-come queue for a thread of the pool, keeps it while requests follow each other, and goes back to parking.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use socket2::{Domain, Socket, Type};

use super::connection::{Connection, Open};
use super::house::{House, Limits, Waiting};
use super::message::{Handler, Malformed};
use super::parking::Parking;
use super::pool::hire_if_needed;

const BACKLOG: i32 = 4096;
/// After an accept error (no descriptor left, say) the next try waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often a draining server looks whether everybody has gone.
const DRAIN_POLL: Duration = Duration::from_millis(10);

pub struct Server {
    local_addr: SocketAddr,
    stopper: Stopper,
    door: JoinHandle<()>,
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
}

impl Server {
    pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    }

    pub fn start(
        listener: TcpListener,
        handler: Arc<dyn Handler>,
        limits: Limits,
        drain: Duration,
    ) -> io::Result<Server> {
        let local_addr = listener.local_addr()?;
        let (parking, waker) = Parking::new(&listener)?;
        let (ready_sender, ready) = bounded(limits.queue_max);
        let (returned, returning) = unbounded();
        let house = Arc::new(House {
            limits,
            ready,
            returned,
            waker,
            open: Arc::default(),
            threads: AtomicUsize::new(0),
            threads_idle: AtomicUsize::new(0),
            stopping: Arc::default(),
        });
        let door = Door {
            house: house.clone(),
            handler,
            listener: Some(listener),
            parking,
            ready: ready_sender,
            returning,
        };
        let door = thread::Builder::new()
            .name("door".into())
            .spawn(move || door.keep(drain))?;
        Ok(Server {
            local_addr,
            stopper: Stopper { house },
            door,
        })
    }

    /// The real address, where port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Waits until the server was stopped and has drained.
    pub fn join(self) {
        if self.door.join().is_err() {
            log::error!("the door's thread panicked");
        }
    }
}

/// The thread that accepts, and watches the parking.
struct Door {
    house: Arc<House>,
    handler: Arc<dyn Handler>,
    listener: Option<TcpListener>,
    parking: Parking,
    ready: Sender<Waiting>,
    returning: Receiver<Connection>,
}

impl Door {
    fn keep(mut self, drain: Duration) {
        let mut accept_again_at = None;
        let mut drained_by = None;
        loop {
            if self.house.is_stopping() {
                self.listener = None;
                let drained_by = *drained_by.get_or_insert_with(|| Instant::now() + drain);
                self.parking.close_idle();
                if self.house.open.load(Ordering::SeqCst) == 0 || Instant::now() >= drained_by {
                    return;
                }
            }
            let pause =
                accept_again_at.map(|at: Instant| at.saturating_duration_since(Instant::now()));
            let poll = self.house.is_stopping().then_some(DRAIN_POLL);
            let ready = match self.parking.wait([pause, poll].into_iter().flatten().min()) {
                Ok(ready) => ready,
                Err(error) => {
                    log::error!("the parking cannot be watched: {error}");
                    return self.house.stopping.store(true, Ordering::SeqCst);
                }
            };
            for connection in ready.connections {
                self.lend_thread(connection);
            }
            let incomplete =
                |connection: &Connection| !connection.is_idle() && !connection.is_leaving();
            for connection in ready.overdue.into_iter().filter(incomplete) {
                self.lend_thread(connection);
            }
            while let Ok(connection) = self.returning.try_recv() {
                if connection.has_unread() {
                    self.lend_thread(connection);
                } else {
                    self.parking.park(connection);
                }
            }
            if ready.accept || accept_again_at.is_some_and(|at| at <= Instant::now()) {
                accept_again_at = self.accept().err().map(|()| Instant::now() + ACCEPT_PAUSE);
            }
        }
    }

    /// Accepts everybody who knocks; an error means to try again a little later.
    fn accept(&mut self) -> Result<(), ()> {
        loop {
            let Some(listener) = &self.listener else {
                return Ok(());
            };
            match listener.accept() {
                Ok((stream, peer)) => self.welcome(stream, peer),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::Interrupted | ErrorKind::ConnectionAborted
                    ) => {}
                Err(error) => {
                    log::warn!("a connection cannot be accepted: {error}");
                    return Err(());
                }
            }
        }
    }

    /// At the limit, the parked connection that would be closed next gives way.
    fn welcome(&mut self, stream: TcpStream, peer: SocketAddr) {
        if self.house.open.load(Ordering::SeqCst) >= self.house.limits.connections_max
            && self.parking.evict().is_none()
        {
            log::warn!("every connection is being worked on: a new one is closed");
            return;
        }
        let open = Open::one(&self.house.open);
        match Connection::new(stream, Some(peer), self.house.limits.timeouts, open) {
            Ok(connection) => self.parking.park(connection),
            Err(error) => log::debug!("a connection was gone before it was welcomed: {error}"),
        }
    }

    fn lend_thread(&mut self, mut connection: Connection) {
        if connection.is_leaving() {
            if connection.drop_what_it_sends() {
                self.parking.park(connection);
            }
            return;
        }
        match self.ready.try_send(Waiting {
            connection,
            since: Instant::now(),
        }) {
            Ok(()) => hire_if_needed(&self.house, &self.handler),
            Err(TrySendError::Full(mut waiting) | TrySendError::Disconnected(mut waiting)) => {
                if waiting
                    .connection
                    .turn_away(&self.handler.refuse(Malformed::Overloaded))
                {
                    self.parking.park(waiting.connection);
                }
            }
        }
    }
}
