//! The writing half of a connection: each answer printed as one write, by whatever thread has it. Nobody ever waits for a
//! slow client: what the socket does not take at once is left to the door, which knows when it takes more.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use socket2::Socket;
use tiny_http::Method;

use super::house::House;
use super::message::{Refusal, Reply, RequestInfo, Response};

pub struct Outgoing {
    stream: Arc<Socket>,
    house: Arc<House>,
    state: Mutex<State>,
}

enum State {
    Free {
        since: Instant,
    },
    /// A request was handed out, its answer has not come; and what is to be done then.
    Awaited(Option<Box<dyn FnOnce() + Send>>),
    Unfinished(Rest),
    Closing,
    Broken,
}

/// What of an answer the socket has not taken yet.
struct Rest {
    bytes: Vec<u8>,
    close: bool,
    /// When it must have taken all, counted from the first time that it did not.
    due: Option<Instant>,
}

/// What a connection is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing is on its way.
    Free,
    /// An answer is to come.
    Awaiting,
    /// The client has not taken all of the answer.
    Writing,
    /// The last answer announced that it is the last.
    Closing,
    /// The client cannot be written to.
    Broken,
}

/// What a request's head said about its answer.
pub struct Manners {
    pub info: RequestInfo,
    pub keep_alive: bool,
    pub is_http_1_0: bool,
}

impl Outgoing {
    pub fn new(stream: Arc<Socket>, house: Arc<House>) -> Arc<Outgoing> {
        Arc::new(Outgoing {
            stream,
            house,
            state: Mutex::new(State::Free {
                since: Instant::now(),
            }),
        })
    }

    pub fn condition(&self) -> Condition {
        match *self.state() {
            State::Free { .. } => Condition::Free,
            State::Awaited(_) => Condition::Awaiting,
            State::Unfinished(_) => Condition::Writing,
            State::Closing => Condition::Closing,
            State::Broken => Condition::Broken,
        }
    }

    pub fn reply(outgoing: &Arc<Outgoing>, manners: Manners) -> Reply {
        *outgoing.state() = State::Awaited(None);
        let outgoing = outgoing.clone();
        Reply::new(move |response| match response {
            Some(response) => outgoing.answer(&response, &manners),
            None => outgoing.refuse(Refusal::HandlerFailed, &manners),
        })
    }

    /// Does this once the answer has come: at once, if nobody waits for one.
    pub fn once_answered(&self, then: impl FnOnce() + Send + 'static) {
        if let State::Awaited(waiting) = &mut *self.state() {
            *waiting = Some(Box::new(then));
            return;
        }
        then();
    }

    pub fn refuse(&self, refusal: Refusal, manners: &Manners) {
        let response = self.house.handler.refuse(refusal, &manners.info);
        self.answer(&response, manners);
    }

    fn answer(&self, response: &Response, manners: &Manners) {
        let close = !manners.keep_alive || response.close || self.house.is_stopping();
        let connection = match (close, manners.is_http_1_0) {
            (false, false) => "",
            (false, true) => "Connection: keep-alive\r\n",
            (true, _) => "Connection: close\r\n",
        };
        let after = self.send(Rest {
            bytes: print(response, manners, connection),
            close,
            due: None,
        });
        let before = mem::replace(&mut *self.state(), after);
        if let State::Awaited(Some(then)) = before {
            then();
        }
    }

    /// Gives the client more of an answer that it has not taken whole.
    pub fn write_on(&self) {
        let mut state = self.state();
        if let State::Unfinished(rest) = mem::replace(&mut *state, State::Broken) {
            *state = self.send(rest);
        }
    }

    /// When the client must have taken all of it.
    pub fn write_deadline(&self) -> Option<Instant> {
        match &*self.state() {
            State::Unfinished(rest) => rest.due,
            State::Free { .. } | State::Awaited(_) | State::Closing | State::Broken => None,
        }
    }

    /// When the last answer was sent whole, if nothing is on its way.
    pub fn free_since(&self) -> Option<Instant> {
        match &*self.state() {
            State::Free { since } => Some(*since),
            State::Awaited(_) | State::Unfinished(_) | State::Closing | State::Broken => None,
        }
    }

    /// Tells a client that waits for it to send its body.
    pub fn invite_body(&self) {
        const INVITATION: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        if !self
            .take_at_once(INVITATION)
            .is_ok_and(|taken| taken == INVITATION.len())
        {
            *self.state() = State::Broken;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, mut rest: Rest) -> State {
        match self.take_at_once(&rest.bytes) {
            Ok(taken) if taken < rest.bytes.len() => {
                rest.bytes.drain(..taken);
                let timeout = self.house.limits.timeouts.write;
                rest.due.get_or_insert_with(|| Instant::now() + timeout);
                State::Unfinished(rest)
            }
            Ok(_) if rest.close => State::Closing,
            Ok(_) => State::Free {
                since: Instant::now(),
            },
            Err(_) => State::Broken,
        }
    }

    /// As much as the socket takes without waiting.
    fn take_at_once(&self, bytes: &[u8]) -> io::Result<usize> {
        match self
            .stream
            .send_with_flags(bytes, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
        {
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(0)
            }
            taken => taken,
        }
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
            &manners.info.id,
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
    if has_body && manners.info.method != Some(Method::Head) {
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
