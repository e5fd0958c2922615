//! The load client of `benches/run.py`: one thread, one epoll, keep-alive connections with one request on its way on each.
//!
//! `cargo run --release --example load -- KIND ADDRESS CONNECTIONS SECONDS [PATH]` prints a line of JSON.
//!
//! | KIND | sends |
//! |---|---|
//! | `get` | `GET PATH` |
//! | `refusal` | holds of product 1, which is sold out |
//! | `hold` | holds of product 2 |
//! | `keyed` | holds of product 2, each with an `Idempotency-Key` of its own, in order, as UUIDv7 are |
//! | `random` | the same with random keys, as UUIDv4 are |
//! | `limited` | holds of product 3, which is limited per customer, each with a random key and for a random customer |
//! | `funnel` | a hold of product 2, an order from it, and a webhook, signed with `WEBHOOK_SECRET`, that pays it |
//!
//! A funnel counts once, when it is paid, and its time is that of its three requests.
//!
//! With `RATE` in the environment the load is open: so many requests a second begin when they are to, whatever became of those
//! before, and a time is counted from when its request was to begin, be there a free connection then or not (so that a
//! server which stands still is not asked less, and the wait for a connection is not left out). What was to begin and was not
//! answered before the end counts as `unanswered`. Of 503s there are times of their own.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flashsale::config::WebhookSecret;
use hdrhistogram::Histogram;
use hmac::{Hmac, Mac};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use sha2::Sha256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Get,
    Refusal,
    Hold,
    Keyed,
    Random,
    Limited,
    Funnel,
}

const KINDS: [(&str, Kind); 7] = [
    ("get", Kind::Get),
    ("refusal", Kind::Refusal),
    ("hold", Kind::Hold),
    ("keyed", Kind::Keyed),
    ("random", Kind::Random),
    ("limited", Kind::Limited),
    ("funnel", Kind::Funnel),
];

/// What a connection asked for last.
#[derive(Clone, Copy)]
enum Step {
    First,
    Order,
    Webhook,
}

struct Connection {
    stream: TcpStream,
    step: Step,
    /// In an open load, when it was to begin.
    began: Instant,
    is_busy: bool,
    answer: Vec<u8>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, address, connections, seconds, path @ ..] = &arguments[..] else {
        panic!("usage: load KIND ADDRESS CONNECTIONS SECONDS [PATH]");
    };
    let kind = KINDS.iter().find(|(name, _)| name == kind);
    let (_, kind) = *kind.expect("get, refusal, hold, keyed, random, limited or funnel");
    let address = address.trim_start_matches("http://");
    let address = address.parse().expect("an address and a port");
    let connections = connections.parse().expect("a number of connections");
    let seconds: f64 = seconds.parse().expect("a number of seconds");
    let path = path.first().map_or("/healthz", String::as_str);
    let rate = std::env::var("RATE").ok();
    let rate = rate.map(|rate| rate.parse().expect("RATE is a number of requests a second"));
    let mut load = Load::new(kind, path, rate);
    let took = load.run(address, connections, Duration::from_secs_f64(seconds));
    println!(
        r#"{{"done":{},"unexpected":{},"overloaded":{},"unanswered":{},"seconds":{:.6},"p50_us":{},"p99_us":{},"overloaded_p50_us":{},"overloaded_p99_us":{}}}"#,
        load.latency.len(),
        load.unexpected,
        load.overloaded.len(),
        load.unanswered,
        took.as_secs_f64(),
        load.latency.value_at_quantile(0.5),
        load.latency.value_at_quantile(0.99),
        load.overloaded.value_at_quantile(0.5),
        load.overloaded.value_at_quantile(0.99),
    );
}

struct Load {
    kind: Kind,
    /// The request of those kinds that always send the same.
    fixed: Vec<u8>,
    request: Vec<u8>,
    /// Keys begin with it, so that those of later runs come after those of earlier ones.
    began_s: u64,
    count: u64,
    random: u64,
    mac: Option<Hmac<Sha256>>,
    latency: Histogram<u64>,
    /// Of 503s in an open load, which are not in the other ones.
    overloaded: Histogram<u64>,
    /// Answers of another status than what the kind is for.
    unexpected: u64,
    unanswered: u64,
    /// Requests a second that are to begin; `None`: the next one as soon as the one before is answered.
    rate: Option<f64>,
    /// Connections that wait for a request.
    free: Vec<usize>,
}

impl Load {
    fn new(kind: Kind, path: &str, rate: Option<f64>) -> Load {
        let now = since_1970();
        let fixed = match kind {
            Kind::Get => format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n").into_bytes(),
            Kind::Refusal => post("/api/holds", "", r#"{"product_id":1,"quantity":1}"#),
            Kind::Hold | Kind::Funnel => post("/api/holds", "", r#"{"product_id":2,"quantity":1}"#),
            Kind::Keyed | Kind::Random | Kind::Limited => Vec::new(),
        };
        let mac = (kind == Kind::Funnel).then(|| {
            let secret = std::env::var("WEBHOOK_SECRET").expect("WEBHOOK_SECRET is set");
            let secret = WebhookSecret::parse(&secret).expect("WEBHOOK_SECRET is one");
            Hmac::new_from_slice(secret.bytes()).expect("a key of any length")
        });
        Load {
            kind,
            fixed,
            request: Vec::new(),
            began_s: now.as_secs(),
            count: 0,
            random: u64::from(now.subsec_nanos()) << 20 | 1,
            mac,
            latency: Histogram::new(3).expect("three digits"),
            overloaded: Histogram::new(3).expect("three digits"),
            unexpected: 0,
            unanswered: 0,
            rate,
            free: Vec::new(),
        }
    }

    fn run(&mut self, address: SocketAddr, connections: usize, duration: Duration) -> Duration {
        let mut poll = Poll::new().expect("an epoll");
        let mut events = Events::with_capacity(1024);
        let mut all = Vec::new();
        for number in 0..connections {
            let stream = TcpStream::connect(address).expect("a connection");
            stream.set_nodelay(true).expect("no delay");
            stream.set_nonblocking(true).expect("no waiting");
            let fd = stream.as_raw_fd();
            let (mut source, token) = (SourceFd(&fd), Token(number));
            let registered = poll.registry();
            let registered = registered.register(&mut source, token, Interest::READABLE);
            registered.expect("a place in the epoll");
            all.push(Connection {
                stream,
                step: Step::First,
                began: Instant::now(),
                is_busy: false,
                answer: Vec::new(),
            });
        }
        let began = Instant::now();
        if let Some(rate) = self.rate {
            self.run_open(&mut poll, &mut events, &mut all, rate, duration);
            return began.elapsed();
        }
        for connection in &mut all {
            self.begin(connection, Instant::now());
        }
        while began.elapsed() < duration {
            let polled = poll.poll(&mut events, Some(Duration::from_millis(10)));
            polled.expect("events");
            for event in &events {
                self.go_on(&mut all[event.token().0]);
            }
        }
        began.elapsed()
    }

    /// Begins each request on a free connection once its time has come, and later where none is free.
    fn run_open(
        &mut self,
        poll: &mut Poll,
        events: &mut Events,
        all: &mut [Connection],
        rate: f64,
        duration: Duration,
    ) {
        self.free = (0..all.len()).rev().collect();
        let (began, mut count) = (Instant::now(), 0_u64);
        let due = |count: u64| began + Duration::from_secs_f64(count as f64 / rate);
        while began.elapsed() < duration {
            while due(count) <= Instant::now()
                && let Some(number) = self.free.pop()
            {
                self.begin(&mut all[number], due(count));
                count += 1;
            }
            // An epoll sleeps for whole milliseconds: where the next one is due sooner, it only looks.
            let next = due(count).saturating_duration_since(Instant::now());
            let is_full = self.free.is_empty();
            let sleep = Duration::from_millis(u64::from(is_full || next.as_millis() > 1));
            poll.poll(events, Some(sleep)).expect("events");
            for event in &*events {
                let number = event.token().0;
                let was_busy = all[number].is_busy;
                self.go_on(&mut all[number]);
                if was_busy && !all[number].is_busy {
                    self.free.push(number);
                }
            }
        }
        let begun = (duration.as_secs_f64() * rate) as u64;
        let answered = self.latency.len() + self.overloaded.len();
        self.unanswered = begun.saturating_sub(answered);
    }

    fn begin(&mut self, connection: &mut Connection, began: Instant) {
        connection.step = Step::First;
        connection.began = began;
        connection.is_busy = true;
        if self.fixed.is_empty() {
            self.form_keyed();
            send(connection, &self.request);
        } else {
            send(connection, &self.fixed);
        }
    }

    fn form_keyed(&mut self) {
        self.count += 1;
        let (first, second) = if self.kind == Kind::Keyed {
            (self.began_s << 32 | self.count >> 16, self.count)
        } else {
            (self.next_random(), self.next_random())
        };
        let key = format!("Idempotency-Key: {first:016x}-{second:016x}\r\n");
        let body = if self.kind == Kind::Limited {
            let customer = format!("{first:016x}{second:08x}@example.com");
            format!(r#"{{"product_id":3,"quantity":1,"customer":"{customer}"}}"#)
        } else {
            r#"{"product_id":2,"quantity":1}"#.into()
        };
        self.request = post("/api/holds", &key, &body);
    }

    /// xorshift64: what matters is that neighbours are far apart.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Takes what has come, and sends the next request once the answer is whole.
    fn go_on(&mut self, connection: &mut Connection) {
        let mut buffer = [0; 4096];
        loop {
            let read = match connection.stream.read(&mut buffer) {
                Ok(0) => panic!("the server closed a connection in the middle of the load"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("reading an answer: {error}"),
            };
            connection.answer.extend_from_slice(&buffer[..read]);
            if let Some((status, body)) = whole(&connection.answer) {
                let id = id(body);
                connection.answer.clear();
                self.answered(connection, status, id);
            }
            if read < buffer.len() {
                return;
            }
        }
    }

    fn answered(&mut self, connection: &mut Connection, status: u16, id: Option<u64>) {
        let expected = match (self.kind, connection.step) {
            (Kind::Get, _) | (_, Step::Webhook) => 200,
            (Kind::Refusal, _) => 400,
            (Kind::Hold | Kind::Keyed | Kind::Random | Kind::Limited | Kind::Funnel, _) => 201,
        };
        let is_expected = status == expected;
        match (self.kind, connection.step, id) {
            (Kind::Funnel, Step::First, Some(hold)) if is_expected => {
                let order = post("/api/orders", "", &format!(r#"{{"hold_id":{hold}}}"#));
                connection.step = Step::Order;
                send(connection, &order);
            }
            (Kind::Funnel, Step::Order, Some(order)) if is_expected => {
                connection.step = Step::Webhook;
                send(connection, &self.webhook(order));
            }
            _ => {
                let micros = connection.began.elapsed().as_micros();
                let micros = u64::try_from(micros).expect("less than an age");
                let is_overloaded = status == 503 && self.rate.is_some();
                self.unexpected += u64::from(!is_expected && !is_overloaded);
                let times = if is_overloaded {
                    &mut self.overloaded
                } else {
                    &mut self.latency
                };
                times.record(micros).expect("it resizes itself");
                connection.is_busy = false;
                if self.rate.is_none() {
                    self.begin(connection, Instant::now());
                }
            }
        }
    }

    fn webhook(&self, order: u64) -> Vec<u8> {
        let now = since_1970().as_secs();
        let body = format!(
            r#"{{"idempotency_key":"evt_{order}","order_id":{order},"status":"success","payload":{{"amount":1.00}}}}"#
        );
        let mut mac = self.mac.clone().expect("a funnel has a secret");
        mac.update(format!("evt_{order}.{now}.{body}").as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let fields = format!(
            "webhook-id: evt_{order}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: v1,{signature}\r\n"
        );
        post("/api/payments/webhook", &fields, &body)
    }
}

fn since_1970() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock that is right")
}

fn post(path: &str, fields: &str, body: &str) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json");
    let length = body.len();
    format!("{head}\r\n{fields}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// The socket's buffer has room: there is never more than one request in it.
fn send(connection: &mut Connection, request: &[u8]) {
    let written = connection.stream.write_all(request);
    written.expect("a request fits into the socket's buffer");
}

/// The answer's status and body, if all of it has come.
fn whole(bytes: &[u8]) -> Option<(u16, &str)> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes).expect("answers are text");
    let status = text.get(9..12)?.parse().expect("a status");
    let (_, length) = text.split_once("Content-Length: ").expect("a length");
    let length: usize = length.split_once('\r')?.0.parse().expect("a length");
    Some((status, text.get(head..head + length)?))
}

/// The number that the body's first field says, which is the new row's id.
fn id(body: &str) -> Option<u64> {
    let (_, value) = body.split_once(':')?;
    let end = value.find(|letter: char| !letter.is_ascii_digit())?;
    value[..end].parse().ok()
}
