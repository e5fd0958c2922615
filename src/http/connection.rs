//! The reading half of a connection: its bytes so far, the requests in them, and the deadlines of whatever it is in the
//! middle of.

use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::Socket;

mod leaving;

use super::guests::Guest;
use super::head::{self, Head};
use super::house::House;
use super::message::{Handler, Refusal, Reply, Request, RequestInfo};
use super::outgoing::{Condition, Manners, Outgoing};

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
    stream: Arc<Socket>,
    outgoing: Arc<Outgoing>,
    handler: Arc<dyn Handler>,
    peer: Option<SocketAddr>,
    timeouts: Timeouts,
    buffer: Vec<u8>,
    stage: Stage,
    /// When the present stage began …
    pub since: Instant,
    /// … and when it must be over.
    deadline: Instant,
    /// When the first byte of the present request was read.
    began: Instant,
    /// What was found before the last request was answered.
    postponed: Option<Next>,
    /// Whether the client waits to be told to send its body.
    expects_invitation: bool,
    /// Whether the client will send nothing more.
    has_ended: bool,
    /// Whether reads wait for bytes.
    is_blocking: bool,
    _guest: Guest,
}

enum Stage {
    Idle,
    Head,
    Body(Box<Head>),
    /// There is no room for it, and it is about to be told so.
    TurnedAway(Refusal),
    /// It was told to go; what it still sends is read and dropped for a while, so that it gets to read that.
    Leaving {
        dropped: usize,
    },
}

/// What a thread finds when it is lent to a connection.
pub enum Next {
    Request(Box<Exchange>),
    Refused(Refusal),
    /// Its bytes so far make no request.
    Waiting,
    Closed,
}

/// A request, and what its head said about the answer.
pub struct Exchange {
    pub request: Request,
    pub keep_alive: bool,
    is_http_1_0: bool,
}

/// Bytes asked of the socket at once.
const READ_BYTES: usize = 2 * 1024;

impl Connection {
    pub fn new(
        stream: Socket,
        peer: Option<SocketAddr>,
        guest: Guest,
        house: &Arc<House>,
    ) -> io::Result<Connection> {
        stream.set_nonblocking(false)?;
        if peer.is_some() {
            stream.set_tcp_nodelay(true)?;
        }
        stream.set_read_timeout(Some(LINGER))?;
        let now = Instant::now();
        let timeouts = house.limits.timeouts;
        let stream = Arc::new(stream);
        let outgoing = Outgoing::new(stream.clone(), house.clone());
        Ok(Connection {
            stream,
            outgoing,
            handler: house.handler.clone(),
            peer,
            timeouts,
            buffer: Vec::new(),
            stage: Stage::Idle,
            since: now,
            deadline: now + timeouts.idle,
            began: now,
            postponed: None,
            expects_invitation: false,
            has_ended: false,
            is_blocking: true,
            _guest: guest,
        })
    }

    /// Whether it is between two requests.
    pub fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    /// Whether there is something to do for it, without another byte from the client.
    pub fn needs_thread(&self) -> bool {
        self.has_more() || (self.expects_invitation && !self.has_ended)
    }

    fn has_more(&self) -> bool {
        self.postponed.is_some() || (self.is_idle() && !self.buffer.is_empty())
    }

    /// Whether nobody is in the middle of anything.
    pub fn is_at_rest(&self) -> bool {
        self.is_to_go() || (self.is_idle() && self.condition() == Condition::Free)
    }

    /// Whether it was told to go, or is about to be.
    pub fn is_to_go(&self) -> bool {
        self.is_leaving() || self.turned_away().is_some()
    }

    pub fn condition(&self) -> Condition {
        self.outgoing.condition()
    }

    /// Whether nobody needs it any more: the client has said all, and has been told all.
    pub fn is_over(&self) -> bool {
        match self.condition() {
            Condition::Free => self.has_ended && !self.has_more(),
            Condition::Broken => true,
            Condition::Awaiting | Condition::Writing | Condition::Closing => false,
        }
    }

    /// The next request. Between two requests it waits at most `LINGER` for it, in the middle of one not at all. The
    /// deadline counts only once the socket was asked: what waited for a thread in time was in time.
    pub fn next(&mut self) -> Next {
        if let Some(next) = self.postponed.take() {
            return next;
        }
        let mut has_read = false;
        loop {
            match self.take_request() {
                Ok(Some(exchange)) => return Next::Request(Box::new(exchange)),
                Err(refusal) => return Next::Refused(refusal),
                Ok(None) if has_read && self.is_overdue() => return self.too_slow(),
                Ok(None) => {}
            }
            match self.read() {
                Ok(0) => {
                    self.has_ended = true;
                    return Next::Closed;
                }
                Ok(_) => has_read = true,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return if self.is_overdue() {
                        self.too_slow()
                    } else {
                        Next::Waiting
                    };
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.has_ended = true;
                    return Next::Closed;
                }
            }
        }
    }

    /// Until the answer before has left.
    pub fn postpone(&mut self, next: Next) {
        self.postponed = Some(next);
    }

    fn is_overdue(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// What its deadline says, once it has passed.
    fn too_slow(&self) -> Next {
        if self.is_idle() {
            Next::Closed
        } else {
            Next::Refused(Refusal::TooSlow)
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        if self.is_blocking != self.is_idle() {
            self.is_blocking = self.is_idle();
            self.stream.set_nonblocking(!self.is_blocking)?;
        }
        let filled = self.buffer.len();
        self.buffer.resize(filled + READ_BYTES, 0);
        let read = (&*self.stream).read(&mut self.buffer[filled..]);
        self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Takes a whole request out of the buffer, if there is one.
    fn take_request(&mut self) -> Result<Option<Exchange>, Refusal> {
        let now = Instant::now();
        if matches!(self.stage, Stage::Idle) && !self.buffer.is_empty() {
            self.began = now;
            self.enter(Stage::Head, now, self.timeouts.head);
        }
        if matches!(self.stage, Stage::Head) {
            let bytes_max = |path: &str| self.handler.body_bytes_max(path);
            let Some(head) = head::parse(&self.buffer, self.peer, bytes_max)? else {
                return Ok(None);
            };
            self.buffer.drain(..head.bytes);
            self.expects_invitation = head.expects_continue;
            self.enter(Stage::Body(Box::new(head)), now, self.timeouts.body);
        }
        let Stage::Body(head) = &mut self.stage else {
            return Ok(None);
        };
        if let Some(body) = head.body.take_from(&mut self.buffer)? {
            self.expects_invitation = false;
            return Ok(self.finish_body(body, now));
        }
        // Never in the middle of the answer before.
        if self.expects_invitation && self.condition() == Condition::Free {
            self.expects_invitation = false;
            self.outgoing.invite_body();
        }
        Ok(None)
    }

    fn finish_body(&mut self, body: Vec<u8>, now: Instant) -> Option<Exchange> {
        let Stage::Body(head) = std::mem::replace(&mut self.stage, Stage::Idle) else {
            return None;
        };
        self.rest(now);
        let Head {
            mut request,
            keep_alive,
            is_http_1_0,
            ..
        } = *head;
        request.body = body;
        request.began = self.began;
        Some(Exchange {
            request,
            keep_alive,
            is_http_1_0,
        })
    }

    fn enter(&mut self, stage: Stage, now: Instant, time: Duration) {
        self.stage = stage;
        self.since = now;
        self.deadline = now + time;
    }

    /// Where the answer to this request goes, from whatever thread.
    pub fn reply(&mut self, exchange: &Exchange) -> Reply {
        let manners = Manners {
            info: exchange.request.info(),
            keep_alive: exchange.keep_alive,
            is_http_1_0: exchange.is_http_1_0,
        };
        Outgoing::reply(&self.outgoing, manners)
    }

    /// Gives the connection to `to` once the answer that it waits for has come.
    pub fn leave_with_the_answer(self, to: impl FnOnce(Connection) + Send + 'static) {
        let outgoing = self.outgoing.clone();
        outgoing.once_answered(move || to(self));
    }

    /// The time between two requests begins.
    fn rest(&mut self, since: Instant) {
        self.since = since;
        self.deadline = since + self.timeouts.idle;
    }

    /// The same with the answer, however long a thread stayed for another request.
    pub fn rest_since_its_answer(&mut self) {
        let answered = self.outgoing.free_since();
        if let Some(since) = answered.filter(|since| self.is_idle() && *since > self.since) {
            self.rest(since);
        }
    }

    pub fn let_go_of_its_buffer(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = Vec::new();
        }
    }

    /// Gives the client more of its answer.
    pub fn write_on(&self) {
        self.outgoing.write_on();
    }

    /// When the client must have taken its answer, or have said what it has begun to say.
    pub fn due(&self) -> Instant {
        self.outgoing.write_deadline().unwrap_or(self.deadline)
    }

    /// Answers bytes that were no request. Nothing may be on its way.
    pub fn refuse(&mut self, refusal: Refusal) {
        if self.postponed.is_none() {
            self.read_what_came();
        }
        self.outgoing.refuse(refusal, &self.manners_of_refused());
    }

    fn manners_of_refused(&self) -> Manners {
        let (info, is_http_1_0) = match (&self.postponed, &self.stage) {
            (Some(Next::Request(exchange)), _) => (exchange.request.info(), exchange.is_http_1_0),
            (_, Stage::Body(head)) => (head.request.info(), head.is_http_1_0),
            (_, Stage::Idle | Stage::Head | Stage::TurnedAway(_) | Stage::Leaving { .. }) => {
                (head::guess(&self.buffer, self.peer, self.began), false)
            }
        };
        Manners {
            info: RequestInfo {
                began: self.began,
                ..info
            },
            keep_alive: false,
            is_http_1_0,
        }
    }
}

impl AsRawFd for Connection {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}
