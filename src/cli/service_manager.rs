//! The protocol of systemd: a socket that it has opened, notices that the server is ready or stopping, and its watchdog. Without
//! a service manager, nothing of this happens.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, tick};
use listenfd::ListenFd;
use sd_notify::NotifyState;

use super::cli_error::CliError;
use super::exit_status::CONFIGURATION;
use crate::http::{Listener, Stopper};
use crate::writer::Writer;

/// The socket that the service manager has opened, if it has.
pub fn inherited_listener() -> Result<Option<Listener>, CliError> {
    let refused = |why: String| CliError::new(CONFIGURATION, format!("LISTEN_FDS: {why}"));
    let mut sockets = ListenFd::from_env();
    match sockets.len() {
        0 => return Ok(None),
        1 => {}
        more => {
            return Err(refused(format!(
                "{more} sockets were passed, and exactly one can be served"
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

pub fn notify_ready() {
    notify(NotifyState::Ready);
}

pub fn notify_stopping() {
    notify(NotifyState::Stopping);
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        log::warn!("the service manager cannot be notified: {error}");
    }
}

/// Notifies the service manager as long as every event loop and the writer are alive; the writer is, too, while it waits for
/// another process's lock.
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

    /// Both heartbeats must have moved on since the last tick.
    pub fn check(&mut self) {
        let heartbeats = (self.front.heartbeat(), self.writer.heartbeat());
        let are_alive = (
            heartbeats.0 != self.heartbeats.0,
            heartbeats.1 != self.heartbeats.1,
        );
        self.heartbeats = heartbeats;
        match are_alive {
            (true, true) => notify(NotifyState::Watchdog),
            (front, writer) => log::error!(
                "a thread does not respond, and so the watchdog is not notified (serving connections responds: {front}; \
                 writing to the database responds: {writer})"
            ),
        }
    }
}
