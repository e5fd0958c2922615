//! The writing half of a connection: each answer printed as one write, by whatever thread has it. That thread never waits
//! for a slow client: what the socket does not take at once is left to the connection's own thread.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use socket2::Socket;
use tiny_http::Method;

use super::house::House;
use super::message::{Asked, Malformed, Reply, Response};

pub struct Outgoing {
    stream: Arc<Socket>,
    house: Arc<House>,
    state: Mutex<State>,
    /// Whether somebody waits for the state to change: to wake nobody costs a system call too.
    is_watched: AtomicBool,
    changed: Condvar,
}

enum State {
    /// Nothing is on its way.
    Free,
    /// A request was handed out, its answer has not come; and what is to be done then.
    Awaited(Option<Box<dyn FnOnce() + Send>>),
    /// An answer the socket has not taken whole.
    Unfinished { bytes: Vec<u8>, close: bool },
    /// The last answer announced that it is the last.
    Closing,
    /// The client cannot be written to.
    Broken,
}

/// What a connection is good for, once nothing is on its way any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Usable,
    Closing,
    Broken,
}

/// What a request's head said about its answer.
pub struct Manners {
    pub asked: Asked,
    pub keep_alive: bool,
    pub is_http_1_0: bool,
}

impl Outgoing {
    pub fn new(stream: Arc<Socket>, house: Arc<House>) -> Arc<Outgoing> {
        Arc::new(Outgoing {
            stream,
            house,
            state: Mutex::new(State::Free),
            is_watched: AtomicBool::new(false),
            changed: Condvar::new(),
        })
    }

    pub fn reply(outgoing: &Arc<Outgoing>, manners: Manners) -> Reply {
        *outgoing.state() = State::Awaited(None);
        let outgoing = outgoing.clone();
        Reply::new(move |response| {
            let response =
                response.unwrap_or_else(|| outgoing.refusal(Malformed::HandlerFailed, &manners));
            outgoing.answer(&response, &manners);
        })
    }

    fn answer(&self, response: &Response, manners: &Manners) {
        let close = !manners.keep_alive || response.close || self.house.is_stopping();
        let connection = match (close, manners.is_http_1_0) {
            (false, false) => "",
            (false, true) => "Connection: keep-alive\r\n",
            (true, _) => "Connection: close\r\n",
        };
        let mut bytes = print(response, manners, connection);
        self.become_(match self.send_at_once(&bytes) {
            Ok(sent) if sent < bytes.len() => State::Unfinished {
                bytes: bytes.split_off(sent),
                close,
            },
            Ok(_) if close => State::Closing,
            Ok(_) => State::Free,
            Err(_) => State::Broken,
        });
    }

    /// Waits until the last answer has left.
    pub fn settle(&self) -> Settled {
        let mut state = self.state();
        loop {
            match &mut *state {
                State::Free => return Settled::Usable,
                State::Closing => return Settled::Closing,
                State::Broken => return Settled::Broken,
                State::Awaited(_) => {
                    self.is_watched.store(true, Ordering::SeqCst);
                    let changed = self.changed.wait(state);
                    state = changed.unwrap_or_else(PoisonError::into_inner);
                }
                State::Unfinished { bytes, close } => {
                    let written = self.write_all(bytes).is_ok();
                    *state = if !written {
                        State::Broken
                    } else if *close {
                        State::Closing
                    } else {
                        State::Free
                    };
                }
            }
        }
    }

    pub fn is_awaiting(&self) -> bool {
        matches!(*self.state(), State::Awaited(_))
    }

    pub fn is_free(&self) -> bool {
        matches!(*self.state(), State::Free)
    }

    /// Does this once the answer has come: at once, if nobody waits for one.
    pub fn once_answered(&self, then: impl FnOnce() + Send + 'static) {
        if let State::Awaited(waiting) = &mut *self.state() {
            *waiting = Some(Box::new(then));
            return;
        }
        then();
    }

    fn refusal(&self, malformed: Malformed, manners: &Manners) -> Response {
        self.house.handler.refuse(malformed, &manners.asked)
    }

    pub fn refuse(&self, malformed: Malformed, manners: &Manners) -> bool {
        let response = self.refusal(malformed, manners);
        self.write_all(&print(&response, manners, "Connection: close\r\n"))
            .is_ok()
    }

    /// Without waiting for a client that does not read.
    pub fn turn_away(&self, malformed: Malformed, manners: &Manners) -> bool {
        let response = self.refusal(malformed, manners);
        self.send_at_once(&print(&response, manners, "Connection: close\r\n"))
            .is_ok()
    }

    /// Tells a client that waits for it to send its body.
    pub fn invite_body(&self) {
        if self.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_err() {
            self.become_(State::Broken);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn become_(&self, state: State) {
        let before = std::mem::replace(&mut *self.state(), state);
        if self.is_watched.swap(false, Ordering::SeqCst) {
            self.changed.notify_one();
        }
        if let State::Awaited(Some(then)) = before {
            then();
        }
    }

    /// As much as the socket takes without waiting.
    fn send_at_once(&self, bytes: &[u8]) -> io::Result<usize> {
        match self
            .stream
            .send_with_flags(bytes, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
        {
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(0)
            }
            sent => sent,
        }
    }

    /// All of it, within the total of the timeout.
    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + self.house.limits.timeouts.write;
        while !bytes.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_write_timeout(Some(left))?;
            match (&*self.stream).write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn print(response: &Response, manners: &Manners, connection: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(384 + response.body.len());
    let status = response.status.0;
    let has_body = !matches!(status, 204 | 304);
    let reason = response.status.default_reason_phrase();
    push(
        &mut bytes,
        &["HTTP/1.1 ", &status.to_string(), " ", reason, "\r\n"],
    );
    with_date(|date| push(&mut bytes, &["Date: ", date, "\r\n"]));
    if has_body {
        let length = response.body.len().to_string();
        push(
            &mut bytes,
            &[
                "Content-Type: ",
                response.content_type,
                "\r\nContent-Length: ",
                &length,
                "\r\n",
            ],
        );
    }
    push(
        &mut bytes,
        &[
            "X-Request-Id: ",
            &manners.asked.id,
            "\r\nCache-Control: ",
            response.cache_control,
            "\r\n",
            connection,
        ],
    );
    for header in &response.headers {
        push(
            &mut bytes,
            &[
                header.field.as_str().as_str(),
                ": ",
                header.value.as_str(),
                "\r\n",
            ],
        );
    }
    bytes.extend_from_slice(b"\r\n");
    if has_body && manners.asked.method != Some(Method::Head) {
        bytes.extend_from_slice(&response.body);
    }
    bytes
}

fn push(bytes: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        bytes.extend_from_slice(part.as_bytes());
    }
}

/// The `Date` field's value, printed once a second and thread.
fn with_date(then: impl FnOnce(&str)) {
    thread_local! {
        static PRINTED: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
    }
    let now = SystemTime::now();
    let second = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    PRINTED.with_borrow_mut(|(printed_second, text)| {
        if *printed_second != second || text.is_empty() {
            *printed_second = second;
            *text = httpdate::fmt_http_date(now);
        }
        then(text);
    });
}
