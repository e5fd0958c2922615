//! Clients that drip, say nothing, do not read, or hang up: what becomes of them, and that nobody else has to wait for it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use crate::server::{Premises, Server};
use crate::wire::{
    answer, ask, descriptors, get, hold, is_closed_in_silence, probe, probe_while, serve,
    stirs_within,
};

/// What these tests set a time-out to, if it is to pass: one second.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Far more than any time-out that these tests set.
const LONG: Duration = Duration::from_secs(120);

#[test]
fn clients_that_do_not_read_keep_no_thread_from_others() {
    let premises = with_long_answers();
    let settings = [("threads_max", "4"), ("request_deadline_ms", "10000")];
    let server = serve(&premises, &settings);
    let (probes, slowest) = thread::scope(|scope| {
        let greedy: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| asks_and_never_reads(&server)))
            .collect();
        probe_while(&server, || {
            greedy.iter().any(|client| !client.is_finished())
        })
    });
    println!("{probes} probes beside 16 clients that do not read: the slowest took {slowest:?}");
    server.stop();
}

#[test]
fn half_requests_and_silence_keep_no_thread_from_others() {
    descriptors();
    let premises = Premises::stocked(1);
    let server = serve(&premises, &[("threads_max", "2")]);
    let silent: Vec<_> = (0..200).map(|_| server.connect()).collect();
    let slowest = slowest_beside_dripping(&server, 200);
    println!("the slowest of 50 probes beside 200 dripping and 200 silent clients: {slowest:?}");
    drop(silent);
    server.stop();
}

#[test]
fn a_request_that_drips_is_told_that_it_took_too_long() {
    let premises = Premises::stocked(1);
    let server = serve(
        &premises,
        &[("head_timeout_s", "1"), ("body_timeout_s", "1")],
    );
    let endless = "a".repeat(600);
    drips_until_told(
        &server,
        "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Drip: ",
        &endless,
    );
    let head = "POST /api/holds HTTP/1.1\r\nHost: a\r\nContent-Length: 600\r\n\r\n";
    drips_until_told(&server, head, &endless);
    let head = "POST /api/holds HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    drips_until_told(&server, head, &format!("258\r\n{endless}"));
    drips_until_told(&server, head, &"1\r\n \r\n".repeat(100));
    drips_until_told(&server, &format!("{head}0\r\nX: "), &endless);
    server.stop();
}

/// A byte every 100 ms, until there is an answer: 408, and the end.
#[track_caller]
fn drips_until_told(server: &Server, start: &str, drops: &str) {
    let began = Instant::now();
    let mut stream = server.connect();
    stream.write_all(start.as_bytes()).unwrap();
    let mut sent = 0;
    while !stirs_within(&stream, Duration::from_millis(100)) {
        assert!(sent < drops.len(), "nobody stops it");
        stream.write_all(&drops.as_bytes()[sent..=sent]).unwrap();
        sent += 1;
    }
    assert!(began.elapsed() >= TIMEOUT, "it was given its time");
    answer(&mut stream)
        .unwrap()
        .is(408)
        .has_line("Connection: close");
    is_closed_in_silence(&mut stream);
}

#[test]
fn a_silent_connection_is_closed_without_a_word() {
    let premises = Premises::stocked(1);
    let server = serve(&premises, &[("idle_timeout_s", "2")]);
    let began = Instant::now();
    let mut silent = server.connect();
    let mut idle = server.connect();
    ask(&mut idle, &get("/healthz")).unwrap().is(200);
    let mut busy = server.connect();
    while began.elapsed() < Duration::from_millis(2500) {
        ask(&mut busy, &get("/healthz")).unwrap().is(200);
        stirs_within(&busy, Duration::from_millis(50));
    }
    is_closed_in_silence(&mut silent);
    is_closed_in_silence(&mut idle);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    server.stop();
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let premises = with_long_answers();
    let server = serve(&premises, &[("write_timeout_s", "1")]);
    let took = asks_and_never_reads(&server);
    println!("cut off after {took:?}");
    assert!(took >= TIMEOUT, "it was given its time");
    server.stop();
}

#[test]
fn clients_that_do_not_read_do_not_keep_others_waiting() {
    let premises = with_long_answers();
    let server = serve(&premises, &[("write_timeout_s", "1")]);
    let (probes, slowest) = thread::scope(|scope| {
        let greedy: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| asks_and_never_reads(&server)))
            .collect();
        let probed = probe_while(&server, || {
            greedy.iter().any(|client| !client.is_finished())
        });
        for client in greedy {
            client.join().unwrap();
        }
        probed
    });
    println!("{probes} probes beside 16 clients that do not read: the slowest took {slowest:?}");
    server.stop();
}

/// An answer to `GET /api/products?limit=100` is so long that a few of them fill any socket.
fn with_long_answers() -> Premises {
    let premises = Premises::new();
    let name = "\u{1f39f}".repeat(255);
    let products = (0..100).map(|number| format!("sku-{number},{name},1.00,1\n"));
    let catalogue = products.collect::<String>();
    premises
        .run_with_input(
            &["seed", "-"],
            &format!("sku,name,price,total_stock\n{catalogue}"),
        )
        .succeeded();
    premises
}

/// Sends requests on and on, and ends when it is cut off; how long it lived.
#[track_caller]
fn asks_and_never_reads(server: &Server) -> Duration {
    let began = Instant::now();
    let mut stream = with_little_room(server);
    stream
        .set_write_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let request = get("/api/products?limit=100");
    let mut sent = 0;
    loop {
        assert!(began.elapsed() < LONG, "nobody cuts it off");
        match stream.write(&request.as_bytes()[sent..]) {
            Ok(written) => sent = (sent + written) % request.len(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => {
                let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                assert!(kinds.contains(&error.kind()), "{error}");
                return began.elapsed();
            }
        }
    }
}

/// A client whose system takes only a little of an answer before the client reads.
fn with_little_room(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let address: SocketAddr = server.address().parse().unwrap();
    socket.connect(&address.into()).unwrap();
    socket.into()
}

#[test]
fn more_half_requests_than_threads_do_not_keep_others_waiting() {
    descriptors();
    let premises = Premises::stocked(1);
    let server = serve(&premises, &[("request_deadline_ms", "10000")]);
    let slowest = slowest_beside_dripping(&server, 500);
    println!("the slowest of 50 probes beside 500 dripping clients: {slowest:?}");
    server.stop();
}

#[test]
fn silent_clients_keep_no_thread_from_others() {
    descriptors();
    let premises = Premises::stocked(1);
    let server = serve(&premises, &[("threads_max", "2")]);
    let silent: Vec<_> = (0..200).map(|_| server.connect()).collect();
    let slowest = (0..50).map(|_| probe(&server, "/healthz")).max().unwrap();
    println!("the slowest of 50 probes beside 200 silent clients: {slowest:?}");
    drop(silent);
    server.stop();
}

#[test]
fn clients_that_hang_up_anywhere_leave_nothing_behind() {
    descriptors();
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let mut regular = server.connect();
    let before = sockets(&server, &mut regular);

    let head = "POST /api/holds HTTP/1.1\r\nHost: a\r\n";
    let hold = hold();
    let said = [
        "",
        &head[..head.len() / 2],
        &hold[..hold.len() - 1],
        &get("/api/products").repeat(50),
    ];
    server.pause();
    let unaccepted: Vec<_> = (0..60).map(|_| server.connect()).collect();
    unaccepted.into_iter().for_each(reset);
    server.signal("-CONT");
    for client in 0..240 {
        let mut stream = server.connect();
        let said = said[client % said.len()];
        stream.write_all(said.as_bytes()).unwrap();
        if said.starts_with("GET") {
            stream.read_exact(&mut [0; 100]).unwrap();
        }
        reset(stream);
    }

    let began = Instant::now();
    let mut now = usize::MAX;
    while now > before {
        assert!(
            began.elapsed() < LONG,
            "{now} sockets, and {before} before they came"
        );
        now = sockets(&server, &mut regular);
    }
    println!("{before} sockets before, {now} after {:?}", began.elapsed());
    assert_eq!(
        server.get("/api/products/1").1["available_stock"],
        100,
        "half a hold is none"
    );
    server.stop();
}

fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
}

/// How many sockets the server has open, as it answers one more request.
#[track_caller]
fn sockets(server: &Server, regular: &mut TcpStream) -> usize {
    ask(regular, &get("/healthz")).unwrap().is(200);
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap();
    let targets = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Of 50 probes, while so many clients send their heads a byte at a time.
#[track_caller]
fn slowest_beside_dripping(server: &Server, clients: usize) -> Duration {
    let mut dripping: Vec<_> = (0..clients).map(|_| server.connect()).collect();
    for stream in &mut dripping {
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Drip: ")
            .unwrap();
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        for stream in &mut dripping {
            stream.write_all(b"a").ok();
        }
        slowest = slowest.max(probe(server, "/healthz"));
    }
    slowest
}
