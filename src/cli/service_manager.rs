//! What systemd, or whatever speaks its protocol, may have for a service: a socket that is open already, an ear for how it
//! is going, and a watchdog. Without one, all of this is nothing.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, tick};
use listenfd::ListenFd;
use sd_notify::NotifyState;

use super::cli_error::CliError;
use super::exit_status::CONFIGURATION;
use crate::http::{Listener, Stopper};
use crate::writer::Writer;

/// The socket that was opened for us, if one was.
pub fn inherited_listener() -> Result<Option<Listener>, CliError> {
    let refused = |why: String| CliError::new(CONFIGURATION, format!("LISTEN_FDS: {why}"));
    let mut sockets = ListenFd::from_env();
    match sockets.len() {
        0 => return Ok(None),
        1 => {}
        more => {
            return Err(refused(format!(
                "{more} sockets were passed, and one is served"
            )));
        }
    }
    let tcp = sockets.take_tcp_listener(0).ok().flatten();
    let socket = match tcp {
        Some(socket) => Some(socket.into()),
        None => sockets
            .take_unix_listener(0)
            .map_err(|error| refused(error.to_string()))?
            .map(Into::into),
    };
    socket
        .map(|socket| Listener::inherited(socket).map_err(|error| refused(error.to_string())))
        .transpose()
}

pub fn tell_ready() {
    tell(NotifyState::Ready);
}

pub fn tell_stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        log::warn!("the service manager cannot be told: {error}");
    }
}

/// Tells the service manager that all is alive, which means: the thread that accepts looks around, and the writer heeds
/// what it is told, even while it waits for another process.
pub struct Watchdog {
    ticks: Receiver<Instant>,
    front: Stopper,
    writer: Writer,
    heartbeats: (usize, usize),
}

impl Watchdog {
    pub fn new(front: Stopper, writer: Writer) -> Watchdog {
        let ticks = match sd_notify::watchdog_enabled() {
            Some(patience) => tick((patience / 3).max(Duration::from_millis(1))),
            None => never(),
        };
        let heartbeats = (front.heartbeat(), writer.heartbeat());
        Watchdog {
            ticks,
            front,
            writer,
            heartbeats,
        }
    }

    pub fn ticks(&self) -> &Receiver<Instant> {
        &self.ticks
    }

    /// Both were asked at the last tick, and have had the time since then.
    pub fn look(&mut self) {
        let heartbeats = (self.front.heartbeat(), self.writer.heartbeat());
        let are_alive = (
            heartbeats.0 != self.heartbeats.0,
            heartbeats.1 != self.heartbeats.1,
        );
        self.heartbeats = heartbeats;
        match are_alive {
            (true, true) => tell(NotifyState::Watchdog),
            (front, writer) => log::error!("alive: front {front}, writer {writer}"),
        }
    }
}
