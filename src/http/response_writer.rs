//! The writing half of a connection: each answer printed as one write. No thread waits for a slow client: what the socket
//! does not take at once is kept until it takes more.

use std::io;
use std::mem;

use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use socket2::Socket;
use tiny_http::Method;

use super::message::{RequestInfo, Response};

/// What a request's head asks of its answer.
#[derive(Debug)]
pub struct Framing {
    pub info: RequestInfo,
    pub keep_alive: bool,
    pub is_http_1_0: bool,
}

/// What a connection is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteState {
    /// No answer is on its way.
    Free,
    /// A request was handed out, its answer has not come.
    Awaiting,
    /// The client has not taken all of the answer.
    Unfinished,
    /// The last answer announced that it is the last.
    Closing,
    /// The client cannot be written to.
    Broken,
}

#[derive(Default)]
pub struct ResponseWriter(State);

#[derive(Default)]
enum State {
    #[default]
    Free,
    Awaiting(Framing),
    Unfinished {
        bytes: Vec<u8>,
        close: bool,
    },
    Closing,
    Broken,
}

impl ResponseWriter {
    pub fn state(&self) -> WriteState {
        match self.0 {
            State::Free => WriteState::Free,
            State::Awaiting(_) => WriteState::Awaiting,
            State::Unfinished { .. } => WriteState::Unfinished,
            State::Closing => WriteState::Closing,
            State::Broken => WriteState::Broken,
        }
    }

    /// A request was handed out, and this is how its answer will be written.
    pub fn await_answer(&mut self, framing: Framing) {
        self.0 = State::Awaiting(framing);
    }

    /// The answer that was awaited has come; `None` if none was.
    pub fn end_of_wait(&mut self) -> Option<Framing> {
        if let State::Awaiting(_) = self.0
            && let State::Awaiting(framing) = mem::take(&mut self.0)
        {
            return Some(framing);
        }
        None
    }

    /// Writes an answer. `scratch` is empty, and will be; `is_last` closes the connection, whatever the head asks.
    pub fn answer(
        &mut self,
        socket: &Socket,
        response: &Response,
        framing: &Framing,
        is_last: bool,
        date: &str,
        scratch: &mut Vec<u8>,
    ) {
        let close = !framing.keep_alive || response.close || is_last;
        let connection = match (close, framing.is_http_1_0) {
            (false, false) => "",
            (false, true) => "Connection: keep-alive\r\n",
            (true, _) => "Connection: close\r\n",
        };
        print(scratch, response, framing, connection, date);
        self.0 = match take_at_once(socket, scratch) {
            Ok(taken) if taken < scratch.len() => State::Unfinished {
                bytes: scratch[taken..].to_vec(),
                close,
            },
            taken => after_all_of(taken, close),
        };
        scratch.clear();
    }

    /// Gives the client more of an answer that it has not taken whole.
    pub fn write_on(&mut self, socket: &Socket) {
        let State::Unfinished { bytes, close } = &mut self.0 else {
            return;
        };
        match take_at_once(socket, bytes) {
            Ok(taken) if taken < bytes.len() => drop(bytes.drain(..taken)),
            taken => self.0 = after_all_of(taken, *close),
        }
    }

    /// Tells a client that waits for it to send its body.
    pub fn send_continue(&mut self, socket: &Socket) {
        const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        if !take_at_once(socket, CONTINUE).is_ok_and(|taken| taken == CONTINUE.len()) {
            self.0 = State::Broken;
        }
    }
}

fn after_all_of(taken: io::Result<usize>, close: bool) -> State {
    match taken {
        Ok(_) if close => State::Closing,
        Ok(_) => State::Free,
        Err(_) => State::Broken,
    }
}

/// As much as the socket takes without waiting.
fn take_at_once(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    match send(socket, bytes, SendFlags::NOSIGNAL) {
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(0),
        taken => Ok(taken?),
    }
}

fn print(
    bytes: &mut Vec<u8>,
    response: &Response,
    framing: &Framing,
    connection: &str,
    date: &str,
) {
    let status = response.status.0;
    let has_body = !matches!(status, 204 | 304);
    let reason = response.status.default_reason_phrase();
    push(bytes, &["HTTP/1.1 "]);
    push_number(bytes, status.into());
    push(bytes, &[" ", reason, "\r\n"]);
    push(bytes, &["Date: ", date, "\r\n"]);
    if has_body {
        let content_type = response.content_type;
        push(
            bytes,
            &["Content-Type: ", content_type, "\r\nContent-Length: "],
        );
        push_number(bytes, response.body.len());
        push(bytes, &["\r\n"]);
    }
    let (id, cache_control) = (&*framing.info.id, response.cache_control);
    push(
        bytes,
        &[
            "X-Request-Id: ",
            id,
            "\r\nCache-Control: ",
            cache_control,
            "\r\n",
        ],
    );
    push(bytes, &[connection]);
    for header in &response.headers {
        let (name, value) = (header.field.as_str().as_str(), header.value.as_str());
        push(bytes, &[name, ": ", value, "\r\n"]);
    }
    bytes.extend_from_slice(b"\r\n");
    if has_body && framing.info.method != Some(Method::Head) {
        bytes.extend_from_slice(&response.body);
    }
}

fn push(bytes: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        bytes.extend_from_slice(part.as_bytes());
    }
}

/// In decimal digits.
fn push_number(bytes: &mut Vec<u8>, number: usize) {
    if number >= 10 {
        push_number(bytes, number / 10);
    }
    bytes.push(b"0123456789"[number % 10]);
}
