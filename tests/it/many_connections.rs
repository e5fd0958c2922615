//! Many connections at once: who gives way, who is turned away, and what those cost that only wait.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::server::{Premises, Server};
use crate::wire::{
    Lock, answer, ask, configure, descriptors, get, hold, is_closed_in_silence, probe, serve,
    stirs_within,
};

/// Longer than a thread stays with a connection after an answer.
const MOMENT: Duration = Duration::from_millis(500);
/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(120);

#[test]
fn whoever_was_just_answered_gives_way_too() {
    let premises = Premises::stocked(1);
    let server = serve(&premises, &[("max_connections", "3")]);
    let streams: Vec<_> = (0..3).map(|_| asked(&server)).collect();
    let mut fourth = server.connect();
    ask(&mut fourth, &get("/healthz")).unwrap().is(200);
    let gone = streams
        .into_iter()
        .filter(|stream| stirs_within(stream, MOMENT));
    let mut gone: Vec<_> = gone.collect();
    assert_eq!(
        gone.len(),
        1,
        "any, since all were answered within a moment"
    );
    is_closed_in_silence(&mut gone[0]);
    server.stop();
}

#[test]
fn with_few_descriptors_idle_connections_give_way_to_the_next() {
    descriptors();
    let premises = Premises::stocked(1);
    let mut command = premises.command_after("ulimit -n 256", &["serve"]);
    let server = premises.serve_by(configure(&mut command, &[("idle_timeout_s", "600")]));
    let streams: Vec<_> = (0..400).map(|_| asked(&server)).collect();
    probe(&server, "/healthz");
    drop(streams);
    server.stop();
}

/// Descriptors that others have used up are the front's own limit for once.
#[test]
fn where_no_descriptor_is_left_whoever_did_nothing_for_longest_gives_way() {
    let premises = Premises::stocked(1);
    let server = serve(&premises, &[("idle_timeout_s", "600")]);
    let mut idle = asked(&server);
    let limit = |descriptors: &str| {
        let id = server.id().to_string();
        let limit = format!("--nofile={descriptors}:");
        let limited = Command::new("prlimit")
            .args(["--pid", &id, &limit])
            .status();
        assert!(limited.unwrap().success());
    };
    let is_free =
        |number: &usize| !Path::new(&format!("/proc/{}/fd/{number}", server.id())).exists();
    let first_free = (0..).find(is_free).unwrap();
    limit(&first_free.to_string());
    let mut next = server.connect();
    ask(&mut next, &get("/healthz")).unwrap().is(200);
    is_closed_in_silence(&mut idle);
    limit("1000");
    server.stop();
}

#[test]
fn at_the_limit_whoever_did_nothing_for_longest_gives_way() {
    let premises = Premises::stocked(1);
    let server = serve(&premises, &[("max_connections", "3")]);
    let mut streams: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for client in [0, 1, 2, 0] {
        ask(&mut streams[client], &get("/healthz")).unwrap().is(200);
        assert!(!stirs_within(&streams[client], MOMENT));
    }
    let mut fourth = server.connect();
    ask(&mut fourth, &get("/healthz")).unwrap().is(200);
    is_closed_in_silence(&mut streams[1]);
    for client in [0, 2] {
        ask(&mut streams[client], &get("/healthz")).unwrap().is(200);
    }
    server.stop();
}

#[test]
fn whoever_waits_for_an_answer_never_gives_way() {
    let premises = Premises::stocked(1);
    let server = serve(
        &premises,
        &[("max_connections", "3"), ("request_deadline_ms", "20000")],
    );
    let lock = Lock::take(&premises);
    let mut waiting = server.connect();
    waiting.write_all(hold().as_bytes()).unwrap();
    assert!(
        !stirs_within(&waiting, MOMENT),
        "its command waits for the lock"
    );
    let silent: Vec<_> = (0..20).map(|_| server.connect()).collect();
    probe(&server, "/healthz");
    lock.release();
    answer(&mut waiting).unwrap().is(201);
    drop(silent);
    server.stop();
}

#[test]
fn one_address_may_have_so_many_connections() {
    let premises = Premises::stocked(1);
    let server = serve(&premises, &[("max_connections_per_ip", "2")]);
    let mut first = asked(&server);
    let mut second = asked(&server);
    for said in ["", &get("/healthz")] {
        let mut third = server.connect();
        third.write_all(said.as_bytes()).unwrap();
        answer(&mut third)
            .unwrap()
            .is(503)
            .has_line("Connection: close")
            .has_line("Retry-After: ")
            .says("code", "too_many_connections")
            .says("outcome", "not_applied");
        is_closed_in_silence(&mut third);
    }
    ask(&mut first, &get("/healthz")).unwrap().is(200);
    drop(first);
    let began = Instant::now();
    while ask(&mut server.connect(), &get("/healthz")).unwrap().status != 200 {
        assert!(began.elapsed() < LONG, "there is room again");
        ask(&mut second, &get("/healthz")).unwrap().is(200);
    }
    ask(&mut second, &get("/healthz")).unwrap().is(200);
    server.stop();
}

/// Those who are told to go are the first to give way.
#[test]
fn one_address_cannot_crowd_out_another() {
    let premises = Premises::stocked(1);
    let settings = [("max_connections", "20"), ("max_connections_per_ip", "5")];
    let server = serve(&premises, &settings);
    let elsewhere = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let local: SocketAddr = "127.0.0.2:0".parse().unwrap();
    elsewhere.bind(&local.into()).unwrap();
    let address: SocketAddr = server.address().parse().unwrap();
    elsewhere.connect(&address.into()).unwrap();
    let mut elsewhere = TcpStream::from(elsewhere);
    ask(&mut elsewhere, &get("/healthz")).unwrap().is(200);
    let crowd: Vec<_> = (0..100).map(|_| server.connect()).collect();
    for stream in &crowd[50..] {
        assert!(
            stirs_within(stream, Duration::from_secs(10)),
            "it is told to go"
        );
    }
    ask(&mut elsewhere, &get("/healthz")).unwrap().is(200);
    server.stop();
}

#[test]
fn a_trusted_proxy_may_have_as_many_connections_as_it_likes() {
    let premises = Premises::stocked(1);
    let server = serve(
        &premises,
        &[
            ("max_connections_per_ip", "2"),
            ("trusted_proxies", "127.0.0.1"),
            ("allow_open", "true"),
        ],
    );
    let mut streams: Vec<_> = (0..10).map(|_| asked(&server)).collect();
    for stream in &mut streams {
        ask(stream, &get("/healthz")).unwrap().is(200);
    }
    server.stop();
}

#[test]
fn commands_that_wait_keep_no_thread() {
    let premises = Premises::stocked(40);
    let server = serve(
        &premises,
        &[("threads_max", "4"), ("request_deadline_ms", "20000")],
    );
    let lock = Lock::take(&premises);
    let mut waiting: Vec<_> = (0..40).map(|_| server.connect()).collect();
    for stream in &mut waiting {
        stream.write_all(hold().as_bytes()).unwrap();
    }
    let slowest = (0..20).flat_map(|_| ["/healthz", "/api/products/1"]);
    let slowest = slowest.map(|path| probe(&server, path)).max().unwrap();
    println!("the slowest of 40 probes beside 40 commands that wait: {slowest:?}");
    assert!(!stirs_within(
        waiting.last().unwrap(),
        Duration::from_millis(1)
    ));
    lock.release();
    for stream in &mut waiting {
        answer(stream).unwrap().is(201);
    }
    server.stop();
    premises.books_are_right();
}

#[test]
fn what_waited_too_long_was_not_executed() {
    let premises = Premises::stocked(10);
    let server = serve(&premises, &[("request_deadline_ms", "200")]);
    let lock = Lock::take(&premises);
    let mut late = server.connect();
    ask(&mut late, &hold())
        .unwrap()
        .is(503)
        .has_line("Retry-After: ")
        .says("code", "overloaded")
        .says("outcome", "not_applied");
    lock.release();
    assert_eq!(server.get("/api/products/1").1["available_stock"], 10);
    let later = (0..100).find(|_| server.hold(1).0 == 201);
    assert!(later.is_some(), "the lock is free again");
    assert_eq!(server.get("/api/products/1").1["available_stock"], 9);
    server.stop();
    premises.books_are_right();
}

#[test]
fn five_hundred_clients_at_once_are_all_answered_twice() {
    descriptors();
    let premises = Premises::stocked(1);
    let server = premises.serve();
    let barrier = Barrier::new(500);
    let client = || {
        barrier.wait();
        let mut stream = server.connect();
        for _ in 0..2 {
            ask(&mut stream, &get("/healthz")).unwrap().is(200);
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..500).map(|_| scope.spawn(client)).collect();
        for client in clients {
            client.join().unwrap();
        }
    });
    server.stop();
}

#[test]
fn idle_connections_cost_little_and_are_served_again() {
    let wanted = std::env::var("FLASHSALE_TEST_IDLE_CONNECTIONS");
    let wanted = wanted.map_or(2000, |number| number.parse().unwrap());
    let number = wanted.min(descriptors() / 2);
    let premises = Premises::stocked(1);
    let settings = [
        ("idle_timeout_s", "600"),
        ("max_connections", &(number + 1000).to_string()),
    ];
    let server = serve(&premises, &settings);
    let mut others: Vec<_> = (0..20).map(|_| asked(&server)).collect();
    let before = resident_kib(&server);
    let mut idle: Vec<_> = (0..number).map(|_| asked(&server)).collect();
    let mut slowest = Duration::ZERO;
    for probe in 0..100 {
        let began = Instant::now();
        ask(&mut others[probe % 20], &get("/healthz"))
            .unwrap()
            .is(200);
        slowest = slowest.max(began.elapsed());
    }
    let after = resident_kib(&server);
    let grown = after.saturating_sub(before);
    println!(
        "{number} idle connections: {before} KiB before, {after} KiB with them, {} bytes each; \
         the slowest of 100 probes beside them: {slowest:?}",
        grown * 1024 / number
    );
    assert!(grown < 20 * number, "{grown} KiB for {number} connections");
    for stream in &mut idle {
        ask(stream, &get("/healthz")).unwrap().is(200);
    }
    server.stop();
}

fn resident_kib(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let figure = line.unwrap().trim().strip_suffix(" kB").unwrap();
    figure.parse().unwrap()
}

#[test]
fn with_few_descriptors_there_is_room_for_fewer_but_always_for_the_next() {
    with_few_descriptors("ulimit -n 256", "0");
}

#[test]
fn descriptors_of_event_loops_and_readers_are_not_given_to_connections() {
    with_few_descriptors("ulimit -n 512", "64");
}

#[track_caller]
fn with_few_descriptors(limit: &str, http_threads: &str) {
    descriptors();
    let premises = Premises::stocked(1);
    let mut command = premises.command_after(limit, &["serve"]);
    let settings = [("idle_timeout_s", "600"), ("http_threads", http_threads)];
    let server = premises.serve_by(configure(&mut command, &settings));
    let silent: Vec<_> = (0..400).map(|_| server.connect()).collect();
    let slowest = (0..20).map(|_| probe(&server, "/healthz")).max().unwrap();
    println!("the slowest of 20 probes behind 400 connections: {slowest:?}");
    let began = Instant::now();
    while !server.log().contains("max_connections is lowered") {
        assert!(began.elapsed() < LONG, "{}", server.log());
        probe(&server, "/healthz");
    }
    assert!(
        !server.log().contains("cannot be accepted"),
        "{}",
        server.log()
    );
    drop(silent);
    server.stop();
}

/// A client whose first request was answered.
#[track_caller]
fn asked(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    ask(&mut stream, &get("/healthz")).unwrap().is(200);
    stream
}
