//! A client at the real binary that does exactly what the test says, on one connection.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::conformance::{Described, assert_described, assert_described_somewhere};
use crate::server::{Premises, Server};
use crate::waiting::wait_until;

/// How long a probe waits for its answer.
const PROBE_MAX: Duration = Duration::from_secs(5);

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    fn new(head: String, text: String) -> Answer {
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            head,
        }
    }

    /// One that the API describes, to the request that begins so.
    #[track_caller]
    fn judged(self, request: Option<&[u8]>) -> Answer {
        let fields = self.head.trim_end().lines().skip(1);
        let described = Described {
            status: self.status,
            headers: fields.map(|line| line.split_once(": ").unwrap()).collect(),
            body: self.text.as_bytes(),
            is_whole: true,
        };
        let line = request
            .and_then(|it| std::str::from_utf8(it.split(|byte| *byte == b'\r').next()?).ok());
        match line
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .as_deref()
        {
            Some([method, target, "HTTP/1.1"]) => assert_described(method, target, &described),
            _ => assert_described_somewhere(&described),
        }
        self
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{} {}", self.head, self.body);
        self
    }

    #[track_caller]
    pub fn has_line(self, line: &str) -> Answer {
        let found = self.head.lines().any(|found| found.starts_with(line));
        assert!(found, "no {line:?} in {}", self.head);
        self
    }

    #[track_caller]
    pub fn says(self, name: &str, value: &str) -> Answer {
        assert_eq!(self.body[name], value, "{}", self.body);
        self
    }
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

pub fn hold() -> String {
    let body = r#"{"product_id":1,"quantity":1}"#;
    let length = body.len();
    format!("POST /api/holds HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The answer to one request; an error if the connection ended before it was whole.
pub fn ask(stream: &mut TcpStream, request: &str) -> io::Result<Answer> {
    stream.write_all(request.as_bytes())?;
    Ok(read(stream)?.judged(Some(request.as_bytes())))
}

/// One answer, and not a byte of the next.
pub fn answer(stream: &mut TcpStream) -> io::Result<Answer> {
    Ok(read(stream)?.judged(None))
}

/// One answer, of whatever handler.
pub fn read(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut body = vec![0; length(&head)];
    stream.read_exact(&mut body)?;
    Ok(Answer::new(head, String::from_utf8(body).unwrap()))
}

/// The answer to these bytes, on a connection of its own that the server closes.
#[track_caller]
pub fn answer_to(server: &Server, request: &[u8]) -> Answer {
    let mut stream = server.connect();
    stream.write_all(request).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap();
    Answer::new(head.to_owned(), body.to_owned()).judged(Some(request))
}

/// The statuses of all that came on a connection, each answer one that the API describes.
#[track_caller]
pub fn statuses(mut text: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        let (body, after) = rest.split_at(length(head));
        let answer = Answer::new(head.to_owned(), body.to_owned());
        let is_final = answer.status >= 200;
        let answer = if is_final {
            answer.judged(None)
        } else {
            answer
        };
        statuses.push(answer.status);
        text = after;
    }
    assert_eq!(text, "", "the last answer is whole");
    statuses
}

fn length(head: &str) -> usize {
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("Content-Length: "));
    length.map_or(0, |length| length.parse().unwrap())
}

/// The answer to one request with these headers and this body.
#[track_caller]
pub fn call(server: &Server, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request = format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("Content-Length: {}\r\n\r\n", body.len());
    answer_to(server, &[request.as_bytes(), body].concat())
}

/// The answer to a JSON body under an `Idempotency-Key`.
#[track_caller]
pub fn post_with_key(server: &Server, path: &str, key: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let headers = [("Idempotency-Key", key)];
    call(server, &format!("POST {path}"), &headers, body.as_bytes())
}

/// Whether something comes, or the connection ends, within this time: the way to wait without sleeping.
pub fn stirs_within(stream: &TcpStream, time: Duration) -> bool {
    let before = stream.read_timeout().unwrap();
    stream.set_read_timeout(Some(time)).unwrap();
    let peeked = stream.peek(&mut [0]);
    stream.set_read_timeout(before).unwrap();
    !peeked.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

/// The server closes this connection in good order, and has nothing more to say on it.
#[track_caller]
pub fn is_closed_in_silence(stream: &mut TcpStream) {
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "it is closed without another word");
}

/// A new client that asks for something small; how long it took.
#[track_caller]
pub fn probe(server: &Server, path: &str) -> Duration {
    let began = Instant::now();
    let mut stream = server.connect();
    stream.set_read_timeout(Some(PROBE_MAX)).unwrap();
    match ask(&mut stream, &get(path)) {
        Ok(answer) => answer.is(200),
        Err(error) => panic!("no answer to {path} after {:?}: {error}", began.elapsed()),
    };
    began.elapsed()
}

/// Probes as long as there is a reason to, and a few times in any case; how many, and the slowest.
#[track_caller]
pub fn probe_while(server: &Server, mut more: impl FnMut() -> bool) -> (usize, Duration) {
    let (mut probes, mut slowest) = (0, Duration::ZERO);
    let silent = server.connect();
    while more() || probes < 20 {
        stirs_within(&silent, Duration::from_millis(20));
        slowest = slowest.max(probe(server, "/healthz"));
        probes += 1;
    }
    (probes, slowest)
}

/// After a signal that ends the server.
#[track_caller]
pub fn no_longer_accepts(server: &Server) {
    wait_until("connections are refused", || {
        TcpStream::connect(server.address()).is_err()
    });
}

/// The database's one write lock, kept until `release`: commands wait meanwhile.
pub struct Lock(rusqlite::Connection);

impl Lock {
    #[track_caller]
    pub fn take(premises: &Premises) -> Lock {
        let database = premises.path().join("flash_sale.db");
        let connection = rusqlite::Connection::open(database).unwrap();
        connection.execute_batch("begin immediate").unwrap();
        Lock(connection)
    }

    #[track_caller]
    pub fn release(self) {
        self.0.execute_batch("rollback").unwrap();
    }
}

/// `flashsale serve`, so configured.
pub fn serve(premises: &Premises, settings: &[(&str, &str)]) -> Server {
    premises.serve_by(configure(&mut premises.command(&["serve"]), settings))
}

pub fn configure<'a>(command: &'a mut Command, settings: &[(&str, &str)]) -> &'a mut Command {
    let settings = settings.iter();
    command.envs(settings.map(|(key, value)| (format!("FLASHSALE_{}", key.to_uppercase()), value)))
}

/// Lets the tests have as many descriptors as they may; how many that are.
pub fn descriptors() -> usize {
    usize::try_from(rlimit::increase_nofile_limit(u64::MAX).unwrap()).unwrap()
}
