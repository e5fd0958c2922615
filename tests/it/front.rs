//! Clients as they come: in pieces, in crowds, with little room.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::server::Premises;
use crate::wire::{
    Lock, answer, ask, get, hold, is_closed_in_silence, no_longer_accepts, probe, serve, statuses,
    stirs_within,
};

#[test]
fn a_request_in_pieces_is_put_together() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let mut stream = server.connect();
    let request = b"POST /api/holds HTTP/1.1\r\nHost: a\r\nContent-Length: 29\r\nConnection: close\r\n\r\n{\"product_id\":1,\"quantity\":1}";
    for byte in request {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(statuses(&answer), [201], "{answer}");
}

#[test]
fn five_hundred_connections_opened_at_once_are_all_answered() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let mut streams: Vec<_> = (0..500).map(|_| server.connect()).collect();
    for _ in 0..2 {
        for stream in &mut streams {
            stream
                .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                .unwrap();
        }
        for stream in &mut streams {
            answer(stream).unwrap().is(200);
        }
    }
    server.stop();
}

#[test]
fn a_client_that_waits_to_send_its_body_is_invited_after_the_answer_before() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let body = r#"{"product_id":1,"quantity":1}"#;
    let hold = format!(
        "POST /api/holds HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n",
        body.len()
    );
    let mut stream = server.connect();
    stream
        .write_all(
            format!("{hold}\r\n{body}{hold}Expect: 100-continue\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
        .unwrap();
    let mut answer = Vec::new();
    let mut bytes = [0; 1024];
    while !String::from_utf8_lossy(&answer).contains("100 Continue\r\n\r\n") {
        let read = stream.read(&mut bytes).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&bytes[..read]);
    }
    stream.write_all(body.as_bytes()).unwrap();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(
        statuses(&String::from_utf8(answer).unwrap()),
        [201, 100, 201]
    );
}

/// One thread and connections that each bring several requests at once: whoever gives way keeps what it has brought. The
/// clients keep their ends open, so that nothing else wakes the server for them.
#[test]
fn requests_that_came_together_are_all_answered_when_threads_are_few() {
    let premises = Premises::stocked(1000);
    let server = premises.serve_by(
        premises
            .command(&["serve"])
            .env("FLASHSALE_THREADS_MAX", "1"),
    );
    let request = "GET /healthz HTTP/1.1\r\nHost: a\r\n";
    let requests = format!(
        "{}{request}Connection: close\r\n\r\n",
        format!("{request}\r\n").repeat(7)
    );
    let client = || {
        let mut stream = server.connect();
        stream.write_all(requests.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answers: Vec<String> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..20).map(|_| scope.spawn(client)).collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    for answer in answers {
        assert_eq!(statuses(&answer), [200; 8], "{answer}");
    }
}

/// Heads first and bodies later, and hardly any room: everybody gets an answer, if only that there is no room.
#[test]
fn nobody_who_is_turned_away_is_cut_off_before_the_answer() {
    let premises = Premises::stocked(100_000);
    let mut command = premises.command(&["serve"]);
    let server = premises.serve_by(
        command
            .env("FLASHSALE_THREADS_MAX", "1")
            .env("FLASHSALE_QUEUE_MAX", "1")
            .env("FLASHSALE_BODY_TIMEOUT_S", "60"),
    );
    let body = r#"{"product_id":1,"quantity":1}"#;
    let length = body.len();
    let head = format!(
        "POST /api/holds HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let mut streams: Vec<_> = (0..200).map(|_| server.connect()).collect();
    server.pause();
    for stream in &mut streams {
        stream.write_all(head.as_bytes()).unwrap();
    }
    server.signal("-CONT");
    let is_turned_away = |stream: &TcpStream| stirs_within(stream, Duration::from_millis(50));
    assert!(
        streams.iter().any(is_turned_away),
        "some have their answers before they have sent their bodies"
    );
    for stream in &mut streams {
        stream
            .write_all(body.as_bytes())
            .expect("nobody hangs up on a client that speaks");
    }
    let answer = |mut stream: TcpStream| {
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("an answer, and not a reset");
        statuses(&answer)[0]
    };
    let statuses: Vec<u16> = streams.into_iter().map(answer).collect();
    assert!(
        statuses.iter().all(|status| matches!(status, 201 | 503)),
        "{statuses:?}"
    );
    assert!(
        statuses.contains(&201) && statuses.contains(&503),
        "{statuses:?}"
    );
}

/// An answer may be lost with a connection that is reset because its client still sends (RFC 9112, section 9.6).
#[test]
fn what_comes_after_an_answer_that_closes_is_read_and_not_reset() {
    let premises = Premises::stocked(1);
    let server = serve(&premises, &[("http_threads", "1")]);
    // Only for a second, which may pass on a busy machine before the client has sent any of it.
    let is_read = || {
        let mut stream = server.connect();
        stream.write_all(b"no request\r\n\r\n").unwrap();
        let mut told = String::new();
        let is_whole = stream.read_to_string(&mut told).is_ok() && statuses(&told) == [400];
        // Its event loop has gone on to another connection.
        probe(&server, "/healthz");
        is_whole && (0..50).all(|_| stream.write_all(b"more").is_ok())
    };
    assert!((0..20).any(|_| is_read()));
    server.stop();
}

/// Far more than what is read of it and what the system keeps for a reader.
#[test]
fn who_sends_without_end_after_an_answer_that_closes_is_cut_off() {
    let premises = Premises::stocked(1);
    let server = premises.serve();
    let mut stream = server.connect();
    stream.write_all(b"no request\r\n\r\n").unwrap();
    let mut chunks = (0..1024).map(|_| stream.write_all(&[0; 64 * 1024]));
    assert!(chunks.any(|sent| sent.is_err()));
    server.stop();
}

#[test]
fn a_server_that_stops_waits_for_no_connection_at_rest() {
    let premises = Premises::stocked(1);
    let mut server = serve(&premises, &[("drain_s", "60")]);
    let mut idle = server.connect();
    ask(&mut idle, &get("/healthz")).unwrap().is(200);
    let began = Instant::now();
    server.signal("-TERM");
    is_closed_in_silence(&mut idle);
    assert!(server.wait().success());
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_server_that_stops_gives_a_request_that_has_begun_time_to_end() {
    let premises = Premises::stocked(1);
    let settings = [("drain_s", "60"), ("http_threads", "1")];
    let mut server = serve(&premises, &settings);
    let mut begun = server.connect();
    let request = get("/healthz");
    let (half, rest) = request.split_at(10);
    begun.write_all(half.as_bytes()).unwrap();
    probe(&server, "/healthz");
    server.signal("-TERM");
    no_longer_accepts(&server);
    let is_ended = stirs_within(&begun, Duration::from_millis(500));
    assert!(!is_ended, "nothing else is left to wait for");
    begun.write_all(rest.as_bytes()).unwrap();
    answer(&mut begun).unwrap().is(200);
    assert!(server.wait().success());
}

#[test]
fn a_request_that_comes_while_the_one_before_is_worked_on_is_answered_after_it() {
    let premises = Premises::stocked(1);
    let settings = [("request_deadline_ms", "60000"), ("http_threads", "1")];
    let server = serve(&premises, &settings);
    let lock = Lock::take(&premises);
    let mut stream = server.connect();
    for request in [hold(), get("/healthz")] {
        stream.write_all(request.as_bytes()).unwrap();
        // Its event loop has seen that it came.
        probe(&server, "/healthz");
    }
    lock.release();
    answer(&mut stream).unwrap().is(201);
    answer(&mut stream).unwrap().is(200);
    server.stop();
}
