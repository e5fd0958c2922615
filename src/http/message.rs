//! A request as it was understood, a response as it will be printed, and what can be wrong with bytes that were neither.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tiny_http::{Header, Method, StatusCode};

/// What answers.
pub trait Handler: Send + Sync {
    /// Answers a request, now or later, from whatever thread.
    fn handle(&self, request: Request, reply: Reply);

    /// What to say to bytes that were no request, or where the handler itself failed.
    fn refuse(&self, refusal: Refusal, info: &RequestInfo) -> Response;

    /// How large the body of a request for this path may be. It is asked before any of the body is read.
    fn body_bytes_max(&self, path: &str) -> usize;

    /// Whether the answer may take so long that no event loop should wait for it. It is then made on a thread of a pool.
    fn is_slow(&self, request: &Request) -> bool;

    /// What `Date` says.
    fn time(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// What is known of a request for its answer, even if the request was not understood.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    /// The request's id: the client's own if it sent a sane one.
    pub id: Arc<str>,
    pub method: Option<Method>,
    pub peer: Option<SocketAddr>,
    /// The `Origin` of the page that it is for, as sent.
    pub origin: Option<Box<str>>,
    /// When the first byte was read.
    pub began: Instant,
}

/// What makes an answer, and sends it.
pub type Work = Box<dyn FnOnce() + Send>;

/// Where answers are awaited. A ticket says which.
pub trait Recipient: Send + Sync {
    /// `None` where the handler has let the request fall.
    fn receive(self: Arc<Self>, ticket: u64, response: Option<Response>);

    /// Has this done on the thread that awaits the answers.
    fn run(self: Arc<Self>, work: Work);

    /// Whether the client has closed its sending side, or is gone: it will ask for nothing more.
    fn has_ended(&self, _ticket: u64) -> bool {
        false
    }
}

impl<F: Fn(Option<Response>) + Send + Sync> Recipient for F {
    fn receive(self: Arc<Self>, _ticket: u64, response: Option<Response>) {
        self(response);
    }

    fn run(self: Arc<Self>, work: Work) {
        work();
    }
}

/// A client that awaits an answer.
pub struct Awaited {
    recipient: Arc<dyn Recipient>,
    ticket: u64,
}

impl Awaited {
    /// Whether the client has closed its sending side, or is gone.
    pub fn has_ended(&self) -> bool {
        self.recipient.has_ended(self.ticket)
    }
}

/// Where one answer goes. One that is dropped unused is answered as the handler's failure.
pub struct Reply {
    recipient: Option<Arc<dyn Recipient>>,
    ticket: u64,
}

impl Reply {
    pub fn new(deliver: impl Fn(Option<Response>) + Send + Sync + 'static) -> Reply {
        Reply::to(Arc::new(deliver), 0)
    }

    pub(super) fn to(recipient: Arc<dyn Recipient>, ticket: u64) -> Reply {
        Reply {
            recipient: Some(recipient),
            ticket,
        }
    }

    /// Where the answer is awaited: a thread that must not be kept waiting has the answer made there.
    pub fn recipient(&self) -> Arc<dyn Recipient> {
        let recipient = self.recipient.clone();
        recipient.expect("a reply has a recipient until it is sent")
    }

    /// Who awaits it.
    pub fn awaited(&self) -> Awaited {
        Awaited {
            recipient: self.recipient(),
            ticket: self.ticket,
        }
    }

    pub fn send(mut self, response: Response) {
        if let Some(recipient) = self.recipient.take() {
            recipient.receive(self.ticket, Some(response));
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(recipient) = self.recipient.take() {
            recipient.receive(self.ticket, None);
        }
    }
}

#[derive(Debug)]
pub struct Request {
    pub method: Method,
    /// The path of the target, as sent; never with its query.
    pub path: String,
    pub query: Option<String>,
    /// The host of a target that is a URL.
    pub(super) authority: Option<String>,
    pub body: Vec<u8>,
    /// Whether the head says where the body ends: it has a length, or comes in chunks.
    pub is_framed: bool,
    /// The client's `X-Request-Id` if it sent a sane one, else a new one.
    pub id: Arc<str>,
    pub peer: Option<SocketAddr>,
    /// When its first byte was read.
    pub began: Instant,
    pub(super) head: Box<[u8]>,
    pub(super) fields: Vec<Field>,
}

/// Where a header field stands in the head.
#[derive(Debug)]
pub(super) struct Field {
    pub name: Range<usize>,
    pub value: Range<usize>,
}

/// What stands for a value that is not UTF-8: no field that we understand admits it.
const NO_TEXT: &str = "\u{fffd}";

impl Request {
    /// The values of a header field, in order.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(|field| self.head[field.name.clone()].eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| std::str::from_utf8(&self.head[field.value.clone()]).unwrap_or(NO_TEXT))
    }

    /// The host that the request is for; empty if the request names none.
    pub fn host(&self) -> &str {
        let authority = self.authority.as_deref();
        authority
            .or_else(|| self.header("Host"))
            .unwrap_or_default()
    }

    /// The first of them.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.header_values(name).next()
    }

    /// What its answer needs to know of it.
    pub fn info(&self) -> RequestInfo {
        RequestInfo {
            id: self.id.clone(),
            method: Some(self.method.clone()),
            peer: self.peer,
            origin: self.header("Origin").map(Into::into),
            began: self.began,
        }
    }

    pub fn has_header_beginning(&self, name: &str) -> bool {
        self.fields.iter().any(|field| {
            let beginning = self.head[field.name.clone()].get(..name.len());
            beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(name.as_bytes()))
        })
    }

    /// Whether the field was sent at all, whatever its value.
    pub fn has_header(&self, name: &str) -> bool {
        self.fields
            .iter()
            .any(|field| self.head[field.name.clone()].eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// A request made by hand, without a socket.
impl Request {
    pub fn new(method: Method, target: &str) -> Request {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (target.to_owned(), None),
        };
        Request {
            method,
            path,
            query,
            authority: None,
            body: Vec::new(),
            is_framed: false,
            id: "by-hand".into(),
            peer: None,
            began: Instant::now(),
            head: Box::default(),
            fields: Vec::new(),
        }
    }

    pub fn with_body(mut self, body: &[u8]) -> Request {
        self.is_framed = true;
        self.body = body.to_vec();
        self
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Request {
        let mut head = std::mem::take(&mut self.head).into_vec();
        let name_range = head.len()..head.len() + name.len();
        let value_range = name_range.end..name_range.end + value.len();
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(value.as_bytes());
        self.head = head.into_boxed_slice();
        self.fields.push(Field {
            name: name_range,
            value: value_range,
        });
        self
    }
}

#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: Vec<Header>,
    pub content_type: &'static str,
    pub cache_control: &'static str,
    pub body: Vec<u8>,
    /// Whether the connection is of no use after this answer.
    pub close: bool,
    /// What the body calls an error, for the log.
    pub code: Option<&'static str>,
}

impl Response {
    pub fn new(status: u16) -> Response {
        let status = StatusCode(status);
        Response {
            status,
            headers: Vec::new(),
            content_type: "application/json",
            cache_control: "no-store",
            body: Vec::new(),
            close: false,
            code: None,
        }
    }

    /// # Panics
    /// If the value is not ASCII: what clients send is never put into a header unchecked.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Response {
        self.headers
            .push(Header::from_bytes(name, value).expect("a header's name and value are ASCII"));
        self
    }

    pub fn header(&self, name: &'static str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.field.equiv(name))
            .map(|header| header.value.as_str())
    }
}

/// Why the front answers in place of the handler. After any of these the connection closes, since where the next message
/// would begin is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not HTTP/1, or against its rules.
    Malformed(&'static str),
    VersionUnknown,
    TargetTooLong,
    HeadTooLarge,
    BodyTooLarge {
        bytes_max: usize,
    },
    /// The body has a coding that is not read: only chunks are, in HTTP/1.1.
    TransferEncoding,
    Expectation,
    /// The request did not come whole in time.
    TooSlow,
    /// The request came in time, and waited too long, or would have to, for a thread.
    Overloaded,
    /// The client's address has as many connections as one may have.
    TooManyConnections,
    /// The handler panicked, or let the request fall.
    HandlerFailed,
}
