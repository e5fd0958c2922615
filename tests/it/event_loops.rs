//! The front alone, with a handler that does what a test says: what runs on an event loop, and what on a thread of the pool.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use flashsale::http::{
    Address, Handler, Limits, Listener, PerAddress, Refusal, Reply, Request, RequestInfo, Response,
    Server, Timeouts, with_one_wake_up,
};

use crate::waiting::WAITING_MAX;
use crate::wire::{self, get, read as answer, stirs_within};

const MOMENT: Duration = Duration::from_millis(200);

/// Answers by the path: `/slow` once `released` says so, `/later` whenever the test does, `/panic` never.
struct Stub {
    released: Receiver<()>,
    begun: Sender<()>,
    later: Sender<Reply>,
}

impl Handler for Stub {
    fn handle(&self, request: Request, reply: Reply) {
        match request.path.as_str() {
            "/slow" => {
                self.begun.send(()).unwrap();
                self.released.recv_timeout(WAITING_MAX).unwrap();
            }
            "/later" => return self.later.send(reply).unwrap(),
            "/panic" => panic!("as the test wants it"),
            _ => {}
        }
        reply.send(text(200, &format!("{:?}", thread::current().id())));
    }

    fn refuse(&self, refusal: Refusal, _: &RequestInfo) -> Response {
        text(503, &format!("{refusal:?}"))
    }

    fn body_bytes_max(&self, _: &str) -> usize {
        0
    }

    fn is_slow(&self, request: &Request) -> bool {
        request.path == "/slow"
    }
}

fn ask(stream: &mut TcpStream, request: &str) -> io::Result<wire::Answer> {
    stream.write_all(request.as_bytes())?;
    answer(stream)
}

fn text(status: u16, body: &str) -> Response {
    let mut response = Response::new(status);
    response.body = body.into();
    response
}

/// A front, and the test's ends of what its handler waits for.
struct Front {
    server: Option<Server>,
    address: String,
    release: Sender<()>,
    begun: Receiver<()>,
    later: Receiver<Reply>,
}

impl Front {
    fn start(change: impl FnOnce(&mut Limits)) -> Front {
        let long = Duration::from_secs(60);
        let mut limits = Limits {
            event_loops: 1,
            threads_max: 1,
            queue_max: 100,
            wait_max: long,
            connections_max: 100,
            per_address: PerAddress::default(),
            timeouts: Timeouts {
                head: long,
                body: long,
                idle: long,
                write: long,
            },
        };
        change(&mut limits);
        let (release, released) = bounded(0);
        let (begin, begun) = unbounded();
        let (later, to_answer) = unbounded();
        let stub = Stub {
            released,
            begun: begin,
            later,
        };
        let mut listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        listener.listen().unwrap();
        let Address::Tcp(address) = listener.address().clone() else {
            unreachable!("it was one")
        };
        let server = Server::start(listener, Arc::new(stub), limits, Duration::ZERO).unwrap();
        Front {
            server: Some(server),
            address: address.to_string(),
            release,
            begun,
            later: to_answer,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    /// A client that has asked for this, and waits for its answer.
    fn asked(&self, path: &str) -> TcpStream {
        let mut stream = self.connect();
        std::io::Write::write_all(&mut stream, get(path).as_bytes()).unwrap();
        stream
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stopper().stop_now();
            server.close();
        }
    }
}

#[test]
fn a_slow_request_keeps_nobody_waiting() {
    let front = Front::start(|_| {});
    let mut slow = front.asked("/slow");
    front.begun.recv_timeout(WAITING_MAX).unwrap();
    for _ in 0..20 {
        ask(&mut front.connect(), &get("/quick")).unwrap().is(200);
    }
    assert!(!stirs_within(&slow, MOMENT));
    front.release.send(()).unwrap();
    answer(&mut slow).unwrap().is(200);
}

#[test]
fn slow_requests_wait_in_a_queue_that_has_an_end() {
    let front = Front::start(|limits| limits.queue_max = 1);
    let mut first = front.asked("/slow");
    front.begun.recv_timeout(WAITING_MAX).unwrap();
    let mut second = front.asked("/slow");
    assert!(!stirs_within(&second, MOMENT), "it waits");
    let mut third = front.asked("/slow");
    let refused = answer(&mut third).unwrap().is(503);
    assert_eq!(refused.text, "Overloaded");
    for client in [&mut first, &mut second] {
        front.release.send(()).unwrap();
        answer(client).unwrap().is(200);
    }
    assert_eq!(front.begun.len(), 1, "the third was not executed");
}

#[test]
fn a_slow_request_that_waited_too_long_is_not_executed() {
    let front = Front::start(|limits| limits.wait_max = MOMENT);
    let mut first = front.asked("/slow");
    front.begun.recv_timeout(WAITING_MAX).unwrap();
    let mut second = front.asked("/slow");
    assert!(!stirs_within(&second, 2 * MOMENT));
    front.release.send(()).unwrap();
    answer(&mut first).unwrap().is(200);
    let refused = answer(&mut second).unwrap().is(503);
    assert_eq!(refused.text, "Overloaded");
    assert!(front.begun.is_empty(), "it was not executed");
}

#[test]
fn a_panic_is_one_failed_request() {
    let front = Front::start(|_| {});
    let mut client = front.connect();
    for _ in 0..3 {
        let failed = ask(&mut client, &get("/panic")).unwrap().is(503);
        assert_eq!(failed.text, "HandlerFailed");
        ask(&mut client, &get("/quick")).unwrap().is(200);
    }
}

#[test]
fn every_event_loop_has_its_share_of_the_connections() {
    let front = Front::start(|limits| limits.event_loops = 4);
    let mut clients: Vec<_> = (0..40).map(|_| front.connect()).collect();
    let mut by_loop = BTreeMap::new();
    for client in &mut clients {
        let answer = ask(client, &get("/quick")).unwrap().is(200);
        *by_loop.entry(answer.text).or_insert(0) += 1;
    }
    assert!(by_loop.values().eq(&[10; 4]), "{by_loop:?}");
}

/// Two loops, and answers from a thread that is neither's.
#[test]
fn answers_that_are_sent_together_all_arrive() {
    let front = Front::start(|limits| limits.event_loops = 2);
    let mut clients: Vec<_> = (0..50).map(|_| front.asked("/later")).collect();
    for round in 0..20 {
        let replies = clients
            .iter()
            .map(|_| front.later.recv_timeout(WAITING_MAX).unwrap());
        let mut replies = replies.collect::<Vec<_>>().into_iter();
        with_one_wake_up(&mut || {
            for reply in replies.by_ref() {
                reply.send(text(200, "late"));
            }
        });
        for client in &mut clients {
            answer(client).unwrap().is(200);
            if round < 19 {
                std::io::Write::write_all(client, get("/later").as_bytes()).unwrap();
            }
        }
    }
}

/// What is asked behind it is answered behind it, however quick.
#[test]
fn an_answer_that_comes_late_keeps_its_place() {
    let front = Front::start(|_| {});
    let mut client = front.asked("/later");
    let pipelined = get("/quick") + &get("/later") + &get("/quick");
    std::io::Write::write_all(&mut client, pipelined.as_bytes()).unwrap();
    let first = front.later.recv_timeout(WAITING_MAX).unwrap();
    assert!(!stirs_within(&client, MOMENT));
    first.send(text(201, "first"));
    answer(&mut client).unwrap().is(201);
    answer(&mut client).unwrap().is(200);
    let second = front.later.recv_timeout(WAITING_MAX).unwrap();
    drop(second);
    let fallen = answer(&mut client).unwrap().is(503);
    assert_eq!(fallen.text, "HandlerFailed");
    answer(&mut client).unwrap().is(200);
}
