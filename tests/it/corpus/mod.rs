//! A corpus of raw requests, by theme: what each is answered, and whether its connection outlives it.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::server::{Premises, Server};

use answer::Answer;

const HOLD: &[u8] = br#"{"product_id":1,"quantity":1}"#;

/// What a theme expects of its requests, each with its name, which is a fact.
macro_rules! cases {
    ($($name:expr => $bytes:expr),+ $(,)?) => {
        &[$(($name, $bytes)),+]
    };
}

mod answer;
mod bodies;
mod chunks;
mod connections;
mod content;
mod fields;
mod invitations;
mod limits;
mod meanings;
mod request_lines;

fn as_written(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// A whole request, by its request line.
fn request(line: &[u8]) -> Vec<u8> {
    [line, b"\r\nHost: a\r\n\r\n"].concat()
}

fn get(target: &[u8]) -> Vec<u8> {
    request(&[b"GET ", target, b" HTTP/1.1"].concat())
}

/// By all of its fields.
fn with_fields(fields: &[u8]) -> Vec<u8> {
    [b"GET /healthz HTTP/1.1\r\n", fields, b"\r\n\r\n"].concat()
}

/// By what it has beside its host.
fn with_field(field: &[u8]) -> Vec<u8> {
    with_fields(&[b"Host: a\r\n", field].concat())
}

/// By all that comes after its host.
fn get_health_with(rest: &[u8]) -> Vec<u8> {
    [b"GET /healthz HTTP/1.1\r\nHost: a\r\n", rest].concat()
}

/// By all that comes after its host.
fn post_hold_with(rest: &[u8]) -> Vec<u8> {
    [b"POST /api/holds HTTP/1.1\r\nHost: a\r\n", rest].concat()
}

fn hold(body: &[u8]) -> Vec<u8> {
    post("/api/holds", body)
}

fn order(body: &[u8]) -> Vec<u8> {
    post("/api/orders", body)
}

fn payment(body: &[u8]) -> Vec<u8> {
    post("/api/payments/webhook", body)
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// What a request comes to.
#[derive(Clone)]
struct Outcome {
    statuses: Vec<u16>,
    closes: bool,
    /// What the last answer says somewhere.
    saying: String,
    not_saying: Option<String>,
    /// What the client sends once it is told to continue.
    once_invited: Vec<u8>,
}

/// These answers, and the connection is good for another request.
fn stays<const ANSWERS: usize>(statuses: [u16; ANSWERS]) -> Outcome {
    Outcome {
        statuses: statuses.into(),
        closes: false,
        saying: String::new(),
        not_saying: None,
        once_invited: Vec::new(),
    }
}

/// These answers, and the server hangs up.
fn closes<const ANSWERS: usize>(statuses: [u16; ANSWERS]) -> Outcome {
    Outcome {
        closes: true,
        ..stays(statuses)
    }
}

impl Outcome {
    fn saying(self, text: &str) -> Outcome {
        Outcome {
            saying: text.into(),
            ..self
        }
    }

    fn not_saying(self, text: &str) -> Outcome {
        Outcome {
            not_saying: Some(text.into()),
            ..self
        }
    }

    fn once_invited(self, body: &[u8]) -> Outcome {
        Outcome {
            once_invited: body.into(),
            ..self
        }
    }
}

/// Cases that one server is asked, one after the other, each on a connection of its own.
struct Theme {
    server: Server,
    failures: Vec<String>,
    _premises: Premises,
}

impl Theme {
    fn open() -> Theme {
        Theme::with_origins("")
    }

    fn with_origins(origins: &str) -> Theme {
        let premises = Premises::stocked(100);
        let mut command = premises.command(&["serve"]);
        Theme {
            server: premises.serve_by(command.env("FLASHSALE_CORS_ORIGINS", origins)),
            failures: Vec::new(),
            _premises: premises,
        }
    }

    /// Each case is a name, which is a fact, and the part of a request that matters to it.
    fn expect(
        &mut self,
        outcome: Outcome,
        request: impl Fn(&[u8]) -> Vec<u8>,
        cases: &[(&str, &[u8])],
    ) {
        for (name, bytes) in cases {
            let bytes = request(bytes);
            let mut client = Client::of(&self.server);
            if let Err(why) = client.meets(&bytes, &outcome) {
                self.failures.push(format!(
                    "{name}? {why}\nsent: {}\nwant: {:?}, closed: {}\nheard: {}\n",
                    bytes.escape_ascii(),
                    outcome.statuses,
                    outcome.closes,
                    client.heard.escape_ascii()
                ));
            }
        }
    }

    #[track_caller]
    fn entity_tag(&self, target: &str) -> String {
        let mut client = Client::of(&self.server);
        client.say(&get(target.as_bytes())).unwrap();
        let answer = client.answer(false).unwrap();
        answer.once("ETag").unwrap().to_owned()
    }

    #[track_caller]
    fn close(self) {
        let failures = self.failures;
        assert!(failures.is_empty(), "{}", failures.join("\n"));
        assert_eq!(self.server.get("/healthz").0, 200);
        self.server.stop();
    }
}

/// The near end of a connection.
struct Client {
    stream: TcpStream,
    heard: Vec<u8>,
    understood: usize,
}

impl Client {
    fn of(server: &Server) -> Client {
        Client {
            stream: server.connect(),
            heard: Vec::new(),
            understood: 0,
        }
    }

    fn meets(&mut self, request: &[u8], outcome: &Outcome) -> Result<(), String> {
        self.say(request)?;
        let mut last = None;
        for (number, status) in outcome.statuses.iter().enumerate() {
            let answer = self.answer(number == 0 && is_head(request))?;
            ensure(answer.status == *status, "it has another status")?;
            if answer.status == 100 {
                self.say(&outcome.once_invited)?;
            }
            let is_last = number + 1 == outcome.statuses.len();
            let announced = answer.at_most_once("Connection")?;
            let is_old = request.windows(9).any(|word| word == b" HTTP/1.0");
            let expected = match (is_last && outcome.closes, is_old) {
                (true, _) => Some("close"),
                (false, true) => Some("keep-alive"),
                (false, false) => None,
            };
            ensure(announced == expected, "it announces another end")?;
            last = Some(answer);
        }
        let last = last.ok_or("there is nothing to expect")?;
        ensure(
            last.text.contains(&outcome.saying),
            &format!("it does not say {}", outcome.saying),
        )?;
        let is_silent = outcome
            .not_saying
            .as_ref()
            .is_none_or(|text| !last.text.contains(text));
        ensure(is_silent, "it says what it should not")?;
        if !outcome.closes {
            self.say(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
            ensure(
                self.answer(false)?.status == 200,
                "its connection is of no use afterwards",
            )?;
        }
        self.reaches_the_end()
    }

    fn say(&mut self, bytes: &[u8]) -> Result<(), String> {
        let said = self.stream.write_all(bytes);
        said.map_err(|error| format!("it cannot be sent: {error}"))
    }

    /// The next answer, which is an answer as it should be.
    fn answer(&mut self, to_head: bool) -> Result<Answer, String> {
        loop {
            if let Some(answer) = Answer::parse(&self.heard[self.understood..], to_head)? {
                answer.check(to_head)?;
                self.understood += answer.text.len();
                return Ok(answer);
            }
            ensure(self.hears_more()?, "an answer is missing")?;
        }
    }

    fn reaches_the_end(&mut self) -> Result<(), String> {
        while self.hears_more()? {}
        let has_understood_all = self.understood == self.heard.len();
        ensure(has_understood_all, "there is an answer too many")
    }

    fn hears_more(&mut self) -> Result<bool, String> {
        let mut bytes = [0; 4096];
        let read = self.stream.read(&mut bytes);
        let read = read.map_err(|error| format!("no more can be read: {error}"))?;
        self.heard.extend_from_slice(&bytes[..read]);
        Ok(read > 0)
    }
}

fn is_head(request: &[u8]) -> bool {
    request.trim_ascii_start().starts_with(b"HEAD ")
}

fn ensure(is_so: bool, otherwise: &str) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(otherwise.into()) }
}
