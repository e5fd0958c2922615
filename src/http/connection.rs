//! A connection: its bytes so far, the requests in them, and where it stands. No function here waits or reads a clock: an
//! event loop says when there is something to read, and what time it is.

use std::io::{ErrorKind, Read};
use std::mem;
use std::net::SocketAddr;
use std::time::Instant;

use socket2::Socket;

mod lingering_close;

pub use lingering_close::LEAVING_MAX;

use super::connection_limit::Permit;
use super::deadlines::Wait;
use super::head::{self, Head};
use super::mailbox::Accepted;
use super::message::{Handler, Refusal, Request, RequestInfo, Response};
use super::printed_date::PrintedDate;
use super::response_writer::{Framing, ResponseWriter, WriteState};

pub struct Connection {
    /// Unlike that of any other connection of its time.
    pub number: u32,
    pub socket: Socket,
    peer: Option<SocketAddr>,
    /// What came and belongs to no request that was handed out.
    buffer: Vec<u8>,
    stage: Stage,
    pub writer: ResponseWriter,
    pub are_writes_watched: bool,
    /// When the present stage began, or the present wait for the client to take its answer.
    since: Instant,
    /// When the first byte of the present request was read.
    began: Instant,
    /// Whether the client waits to be told to send its body.
    expects_continue: bool,
    /// Whether there may be bytes to read …
    is_readable: bool,
    /// … and the client's end after them.
    is_ending: bool,
    /// Whether the client will send nothing more.
    has_ended: bool,
    _permit: Permit,
}

enum Stage {
    Idle,
    Head,
    Body(Box<Head>),
    /// There is no room for the client, which is about to get an answer that says so.
    TurnedAway(Refusal),
    /// Lingering close: see there.
    Leaving {
        discarded: usize,
    },
}

/// A request, and what its head asks of the answer.
pub struct Incoming {
    pub request: Request,
    pub framing: Framing,
}

/// What connections share that are read and written one after the other.
pub struct Scratch {
    input: Box<[u8; READ_BYTES]>,
    /// A buffer for the connection that is being served, so that one without half a request needs none.
    buffer: Vec<u8>,
    output: Vec<u8>,
    /// Of the answer that is written.
    pub date: PrintedDate,
}

/// Bytes asked of a socket at once.
const READ_BYTES: usize = 16 * 1024;

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch {
            input: Box::new([0; READ_BYTES]),
            buffer: Vec::new(),
            output: Vec::new(),
            date: PrintedDate::default(),
        }
    }
}

impl Connection {
    pub fn new(accepted: Accepted, number: u32, now: Instant) -> Connection {
        Connection {
            number,
            socket: accepted.socket,
            peer: accepted.peer,
            buffer: Vec::new(),
            stage: accepted.refusal.map_or(Stage::Idle, Stage::TurnedAway),
            writer: ResponseWriter::default(),
            are_writes_watched: false,
            since: now,
            began: now,
            expects_continue: false,
            is_readable: false,
            is_ending: false,
            has_ended: false,
            _permit: accepted.permit,
        }
    }

    /// The poller has found the socket ready.
    pub fn note_readable(&mut self, is_ending: bool) {
        self.is_readable = true;
        self.is_ending |= is_ending;
    }

    /// Whether the client has closed its sending side, or is gone.
    pub fn is_ending(&self) -> bool {
        self.is_ending || self.has_ended
    }

    /// Whether the connection is between two requests, and no byte of a next one is known to have come.
    pub fn is_at_rest(&self) -> bool {
        matches!(self.stage, Stage::TurnedAway(_) | Stage::Leaving { .. })
            || (matches!(self.stage, Stage::Idle)
                && self.writer.state() == WriteState::Free
                && !self.has_more())
    }

    /// Whether there is something to do for it before the client does anything.
    pub fn has_more(&self) -> bool {
        self.is_readable || self.has_ended || !self.buffer.is_empty()
    }

    /// What it waits for, and since when; nothing while its request is being worked on.
    pub fn wait(&self) -> Option<(Wait, Instant)> {
        let wait = match (self.writer.state(), &self.stage) {
            (_, Stage::TurnedAway(_) | Stage::Leaving { .. }) => Wait::Leaving,
            (WriteState::Awaiting, _) => return None,
            (WriteState::Unfinished, _) => Wait::Write,
            (_, Stage::Idle) => Wait::Idle,
            (_, Stage::Head) => Wait::Head,
            (_, Stage::Body(_)) => Wait::Body,
        };
        Some((wait, self.since))
    }

    /// Whether nothing more can come of it, if there is no whole request in it.
    pub fn is_over(&self) -> bool {
        self.has_ended || self.writer.state() == WriteState::Broken
    }

    /// The next request; `None` while its bytes make none. The answer before must have left.
    pub fn next(
        &mut self,
        scratch: &mut Scratch,
        handler: &dyn Handler,
        now: Instant,
    ) -> Result<Option<Incoming>, Refusal> {
        let next = loop {
            match self.take_request(handler, now) {
                Ok(None) if self.is_readable && !self.is_over() => self.read(scratch),
                next => break next,
            }
        };
        if self.buffer.is_empty() && self.buffer.capacity() > 0 {
            scratch.buffer = mem::take(&mut self.buffer);
        } else {
            // A buffer that came from a larger request may be kept for long.
            self.buffer.shrink_to_fit();
        }
        next
    }

    /// Reads once. A socket that gave less than it was asked for has no more, and the poller will tell of more; but its end,
    /// if that came together with the last bytes, was told of already.
    fn read(&mut self, scratch: &mut Scratch) {
        match (&self.socket).read(&mut scratch.input[..]) {
            Ok(0) => self.has_ended = true,
            Ok(read) => {
                self.is_readable = read == READ_BYTES || self.is_ending;
                if self.buffer.capacity() == 0 {
                    self.buffer = mem::take(&mut scratch.buffer);
                }
                self.buffer.extend_from_slice(&scratch.input[..read]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_readable = false,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => self.has_ended = true,
        }
    }

    /// Takes a whole request out of the buffer, if there is one.
    fn take_request(
        &mut self,
        handler: &dyn Handler,
        now: Instant,
    ) -> Result<Option<Incoming>, Refusal> {
        if matches!(self.stage, Stage::Idle) && !self.buffer.is_empty() {
            self.began = now;
            self.enter(Stage::Head, now);
        }
        if matches!(self.stage, Stage::Head) {
            let bytes_max = |path: &str| handler.body_bytes_max(path);
            let Some(mut head) = head::parse(&self.buffer, self.peer, bytes_max)? else {
                return Ok(None);
            };
            self.buffer.drain(..head.bytes);
            match head.body.take_from(&mut self.buffer) {
                Ok(Some(body)) => return Ok(Some(self.finish(head, body, now))),
                incomplete => {
                    self.expects_continue = head.expects_continue;
                    self.enter(Stage::Body(Box::new(head)), now);
                    incomplete?;
                }
            }
        } else if let Stage::Body(head) = &mut self.stage
            && let Some(body) = head.body.take_from(&mut self.buffer)?
            && let Stage::Body(head) = mem::replace(&mut self.stage, Stage::Idle)
        {
            return Ok(Some(self.finish(*head, body, now)));
        }
        if mem::take(&mut self.expects_continue) {
            self.writer.send_continue(&self.socket);
        }
        Ok(None)
    }

    fn finish(&mut self, head: Head, body: Vec<u8>, now: Instant) -> Incoming {
        self.expects_continue = false;
        self.enter(Stage::Idle, now);
        let mut request = head.request;
        request.body = body;
        request.began = self.began;
        let framing = Framing {
            info: request.info(),
            keep_alive: head.keep_alive,
            is_http_1_0: head.is_http_1_0,
        };
        Incoming { request, framing }
    }

    fn enter(&mut self, stage: Stage, now: Instant) {
        self.stage = stage;
        self.since = now;
    }

    /// Writes an answer: to the request whose framing this is.
    pub fn answer(
        &mut self,
        response: &Response,
        framing: &Framing,
        is_last: bool,
        scratch: &mut Scratch,
        now: Instant,
    ) {
        let (date, output) = (scratch.date.text(), &mut scratch.output);
        self.writer
            .answer(&self.socket, response, framing, is_last, date, output);
        self.since = now;
    }

    /// Gives the client more of an answer that it has not taken whole.
    pub fn write_on(&mut self, now: Instant) {
        self.writer.write_on(&self.socket);
        if self.writer.state() == WriteState::Free {
            self.since = now;
        }
    }

    /// What is known of bytes that were no request, and how they are to be answered.
    pub fn framing_of_refused(&mut self, scratch: &mut Scratch, now: Instant) -> Framing {
        self.read_what_came(scratch, now);
        let (info, is_http_1_0) = match &self.stage {
            Stage::Body(head) => (head.request.info(), head.is_http_1_0),
            Stage::Idle | Stage::Head | Stage::TurnedAway(_) | Stage::Leaving { .. } => {
                (head::guess(&self.buffer, self.peer, self.began), false)
            }
        };
        Framing {
            info: RequestInfo {
                began: self.began,
                ..info
            },
            keep_alive: false,
            is_http_1_0,
        }
    }
}
