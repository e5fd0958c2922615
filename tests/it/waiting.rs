//! Waiting that ends: where the program is broken a test fails, and does not wait for ever.

use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::send_signal;

/// Longer than anything takes on a busy machine.
pub const WAITING_MAX: Duration = Duration::from_secs(120);

/// Looks again and again, until it is so; `what` says what did not come.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let by = Instant::now() + WAITING_MAX;
    while !is_so() {
        assert!(Instant::now() < by, "waited in vain: {what}");
        thread::yield_now();
    }
}

/// What comes next on a channel.
#[track_caller]
pub fn receive<T>(channel: &Receiver<T>) -> T {
    let received = channel.recv_timeout(WAITING_MAX);
    received.unwrap_or_else(|error| panic!("waited in vain for what a channel brings: {error}"))
}

/// How a process ends. One that does not is killed, which no test takes for its end.
pub fn wait_for_end(mut child: Child) -> ExitStatus {
    let (ended, ends) = mpsc::channel::<()>();
    let id = child.id();
    thread::spawn(move || {
        if ends.recv_timeout(WAITING_MAX) == Err(RecvTimeoutError::Timeout) {
            send_signal(id, "-KILL");
        }
    });
    let status = child.wait().unwrap();
    drop(ended);
    status
}
