//! One connection: its bytes so far, the requests in them, the deadlines of whatever it is in the middle of, and the
//! answers, each printed as one write.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use super::head::{self, Head};
use super::message::{Malformed, Request, Response};
use super::server::Open;

/// How long a thread stays with a connection for its next bytes before the connection is parked.
pub const LINGER: Duration = Duration::from_millis(100);

/// Totals, not per read.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From a head's first byte to its last.
    pub head: Duration,
    pub body: Duration,
    /// Between two requests, and before the first.
    pub idle: Duration,
    pub write: Duration,
}

pub struct Connection {
    pub(super) stream: TcpStream,
    peer: Option<SocketAddr>,
    timeouts: Timeouts,
    buffer: Vec<u8>,
    stage: Stage,
    /// When the present stage must be over.
    pub(super) deadline: Instant,
    _open: Open,
}

enum Stage {
    Idle,
    Head,
    Body(Box<Head>),
}

/// What a thread finds when it is lent to a connection.
pub enum Next {
    Request(Box<Exchange>),
    Malformed(Malformed),
    /// Its bytes so far make no request.
    Waiting,
    Closed,
}

/// A request, and what its head said about the answer.
pub struct Exchange {
    pub request: Request,
    keep_alive: bool,
    is_http_1_0: bool,
}

/// Bytes asked of the socket at once.
const READ_BYTES: usize = 4 * 1024;
/// What a client may still send after an answer that closes, so that it gets to read the answer.
const DRAIN_BYTES_MAX: usize = 256 * 1024;

impl Connection {
    pub fn new(
        stream: TcpStream,
        peer: Option<SocketAddr>,
        timeouts: Timeouts,
        open: Open,
    ) -> io::Result<Connection> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LINGER))?;
        stream.set_write_timeout(Some(timeouts.write))?;
        let deadline = Instant::now() + timeouts.idle;
        Ok(Connection {
            stream,
            peer,
            timeouts,
            buffer: Vec::new(),
            stage: Stage::Idle,
            deadline,
            _open: open,
        })
    }

    /// Whether it is between two requests.
    pub fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    /// The next request, waiting at most `LINGER` for more of it.
    pub fn next(&mut self) -> Next {
        let mut lingered = false;
        loop {
            match self.take_request() {
                Ok(Some(exchange)) => return Next::Request(Box::new(exchange)),
                Err(malformed) => return Next::Malformed(malformed),
                Ok(None) if Instant::now() >= self.deadline => return self.too_slow(),
                Ok(None) if lingered => return Next::Waiting,
                Ok(None) => {}
            }
            let idle_before = self.is_idle();
            match self.read() {
                Ok(0) => return Next::Closed,
                Ok(_) => lingered = !idle_before,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Next::Waiting;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Next::Closed,
            }
        }
    }

    /// What its deadline says, once it has passed.
    pub fn too_slow(&self) -> Next {
        if self.is_idle() {
            Next::Closed
        } else {
            Next::Malformed(Malformed::TooSlow)
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + READ_BYTES, 0);
        let read = self.stream.read(&mut self.buffer[filled..]);
        self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Takes a whole request out of the buffer, if there is one.
    fn take_request(&mut self) -> Result<Option<Exchange>, Malformed> {
        if !matches!(self.stage, Stage::Body(_)) {
            if self.buffer.is_empty() {
                return Ok(None);
            }
            if matches!(self.stage, Stage::Idle) {
                self.enter(Stage::Head, self.timeouts.head);
            }
            let Some(head) = head::parse(&self.buffer, self.peer)? else {
                return Ok(None);
            };
            self.buffer.drain(..head.bytes);
            if head.expects_continue && self.buffer.len() < head.body_bytes {
                self.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                    .map_err(|_| Malformed::TooSlow)?;
            }
            self.enter(Stage::Body(Box::new(head)), self.timeouts.body);
        }
        let Stage::Body(head) = &self.stage else {
            return Ok(None);
        };
        if self.buffer.len() < head.body_bytes {
            return Ok(None);
        }
        Ok(self.finish_body())
    }

    fn finish_body(&mut self) -> Option<Exchange> {
        let Stage::Body(head) = std::mem::replace(&mut self.stage, Stage::Idle) else {
            return None;
        };
        self.deadline = Instant::now() + self.timeouts.idle;
        let Head {
            mut request,
            body_bytes,
            keep_alive,
            is_http_1_0,
            ..
        } = *head;
        request.body = self.buffer.drain(..body_bytes).collect();
        Some(Exchange {
            request,
            keep_alive,
            is_http_1_0,
        })
    }

    fn enter(&mut self, stage: Stage, time: Duration) {
        self.stage = stage;
        self.deadline = Instant::now() + time;
    }

    /// Prints the answer to a request; tells whether the connection can be used again.
    pub fn answer(&mut self, exchange: &Exchange, response: &Response, stopping: bool) -> bool {
        let keep_alive = exchange.keep_alive && !response.close && !stopping;
        let connection = match (keep_alive, exchange.is_http_1_0) {
            (true, false) => "",
            (true, true) => "Connection: keep-alive\r\n",
            (false, _) => "Connection: close\r\n",
        };
        let without_body = exchange.request.method == tiny_http::Method::Head;
        let bytes = print(response, &exchange.request.id, connection, without_body);
        let written = self.write_all(&bytes).is_ok();
        self.deadline = Instant::now() + self.timeouts.idle;
        if written && !keep_alive {
            self.close_gently();
        }
        written && keep_alive
    }

    /// Prints the answer to bytes that were no request, and closes.
    pub fn refuse(&mut self, response: &Response) {
        let bytes = print(
            response,
            &head::new_request_id(),
            "Connection: close\r\n",
            false,
        );
        if self.write_all(&bytes).is_ok() {
            self.close_gently();
        }
    }

    /// Prints an answer without reading or waiting for anything, and closes.
    pub fn turn_away(mut self, response: &Response) {
        let bytes = print(
            response,
            &head::new_request_id(),
            "Connection: close\r\n",
            false,
        );
        let sent = self
            .stream
            .set_nonblocking(true)
            .and_then(|()| self.stream.write(&bytes));
        log::debug!("a connection was turned away: {sent:?}");
    }

    /// All of it, within the total of the write timeout.
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + self.timeouts.write;
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if !bytes.is_empty() && Instant::now() >= deadline {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    /// Closing with unread bytes would reset the connection and might take the answer with it: say goodbye, then read what
    /// the client still sends, a bounded lot for a bounded time.
    fn close_gently(&mut self) {
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let deadline = Instant::now() + LINGER;
        let mut scrap = [0; READ_BYTES];
        let mut drained = 0;
        while drained < DRAIN_BYTES_MAX && Instant::now() < deadline {
            match self.stream.read(&mut scrap) {
                Ok(0) | Err(_) => return,
                Ok(read) => drained += read,
            }
        }
    }
}

fn print(response: &Response, request_id: &str, connection: &str, without_body: bool) -> Vec<u8> {
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
        &["X-Request-Id: ", request_id, "\r\n", connection],
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
    if has_body && !without_body {
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
