//! Bytes on a socket: each raw request with its exact status, or none.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::server::{Premises, Server};

/// Sends the bytes, half-closes, and reads to the end.
fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = server.connect();
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    String::from_utf8(answer).unwrap()
}

fn statuses(answer: &str) -> Vec<u16> {
    let lines = answer.match_indices("HTTP/1.1 ");
    lines
        .filter_map(|(at, start)| answer[at + start.len()..].split(' ').next()?.parse().ok())
        .collect()
}

#[test]
fn raw_requests_get_their_exact_status() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(1024));
    let fitting_target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(1023));
    let endless_target = format!("GET /{}", "a".repeat(9000));
    let headers = |count: usize| {
        let more: String = (1..count)
            .map(|number| format!("X-{number}: y\r\n"))
            .collect();
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{more}\r\n")
    };
    let head_of = |bytes: usize| {
        let start = "GET /healthz HTTP/1.1\r\nHost: a\r\nX: ";
        format!("{start}{}\r\n\r\n", "y".repeat(bytes - start.len() - 4))
    };
    let hold = |length: &str, body: &str| {
        format!("POST /api/holds HTTP/1.1\r\nHost: a\r\n{length}\r\n{body}")
    };
    let body_of = |bytes: usize| hold(&format!("Content-Length: {bytes}\r\n"), &" ".repeat(bytes));
    for (request, expected) in [
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", &[200][..]),
        ("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
        ("\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
        ("GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
        ("GET /healthz HTTP/1.0\r\n\r\n", &[200]),
        ("GET /healthz HTTP/1.1\r\n\r\n", &[400]),
        (
            "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            &[400],
        ),
        ("GET /healthz HTTP/1.1\nHost: a\n\n", &[400]),
        ("GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        ("GET /healthz\r\n\r\n", &[400]),
        ("GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", &[505]),
        ("GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n", &[400]),
        (
            "GET /healthz HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
            &[400],
        ),
        ("G\u{0}T /healthz HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        ("\u{16}\u{3}\u{1}\u{2}", &[400]),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", &[404]),
        (&long_target, &[414]),
        (&fitting_target, &[404]),
        (&endless_target, &[414]),
        (&headers(64), &[200]),
        (&headers(65), &[431]),
        (&head_of(8192), &[200]),
        (&head_of(8193), &[431]),
        (&body_of(16_384), &[400]),
        (&body_of(16_385), &[413]),
        (&hold("", ""), &[411]),
        (&hold("Content-Length: -1\r\n", ""), &[400]),
        (&hold("Content-Length: +2\r\n", "{}"), &[400]),
        (&hold("Content-Length: 2, 2\r\n", "{}"), &[400]),
        (
            &hold("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"),
            &[400],
        ),
        (&hold("Content-Length: 200000000000\r\n", ""), &[413]),
        (
            &hold("Content-Length: 99999999999999999999\r\n", ""),
            &[413],
        ),
        (
            &hold("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
            &[501],
        ),
        (
            &hold("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "{}"),
            &[501],
        ),
        (
            &hold("Expect: 100-continue\r\nContent-Length: 31\r\n", ""),
            &[100],
        ),
        (&hold("Expect: else\r\nContent-Length: 0\r\n", ""), &[417]),
        (
            &hold(
                "Content-Length: 30\r\n",
                "{\"product_id\":1,\"quantity\":1}\n",
            ),
            &[201],
        ),
    ] {
        let answer = exchange(&server, request.as_bytes());
        assert_eq!(statuses(&answer), expected, "{request:?} got {answer}");
        let is_error = expected[0] >= 400;
        assert!(
            !is_error || answer.contains("\"code\":\""),
            "every error is JSON: {answer}"
        );
    }
    assert_eq!(server.get("/healthz").0, 200);
    server.stop();
}

#[test]
fn a_closing_answer_says_so_and_leaves_nothing_to_smuggle() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    for request in [
        format!(
            "POST /api/holds HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!("POST /api/holds HTTP/1.1\r\nHost: a\r\n\r\n{smuggled}"),
        format!(
            "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{smuggled}"
        ),
    ] {
        let answer = exchange(&server, request.as_bytes());
        assert_eq!(statuses(&answer).len(), 1, "{answer}");
        assert!(answer.contains("Connection: close\r\n"), "{answer}");
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let body = r#"{"product_id":1,"quantity":1}"#;
    let hold = format!(
        "POST /api/holds HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let health = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let missing = "GET /api/holds/77 HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = exchange(&server, [&hold, health, &hold, missing].concat().as_bytes());
    assert_eq!(statuses(&answer), [201, 200, 201, 404], "{answer}");
}

#[test]
fn a_head_answer_has_the_length_and_not_the_body() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let answer = exchange(&server, b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(
        answer.contains("Content-Length: 15\r\n") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn a_sane_request_id_is_kept_and_another_one_replaced() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let with_id = |id: &str| {
        exchange(
            &server,
            format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: {id}\r\n\r\n").as_bytes(),
        )
    };
    assert!(with_id("Shop_1.2-3").contains("X-Request-Id: Shop_1.2-3\r\n"));
    let long = "x".repeat(65);
    for insane in ["a b", "a\"b", long.as_str(), ""] {
        let answer = with_id(insane);
        assert!(answer.contains("X-Request-Id: "), "{answer}");
        assert!(
            !answer.contains(&format!("X-Request-Id: {insane}\r\n")),
            "{answer}"
        );
    }
}

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
    for round in 0..2 {
        for stream in &mut streams {
            stream
                .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                .unwrap();
        }
        for stream in &mut streams {
            let mut answer = [0; 15];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200 OK", "round {round}");
            let mut rest = vec![0; 4096];
            let mut read = 0;
            while !rest[..read].ends_with(b"}") {
                read += stream.read(&mut rest[read..]).unwrap();
            }
        }
    }
    server.stop();
}

#[test]
fn a_refused_head_is_answered_by_its_own_id_and_method() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    for refused in [
        "Transfer-Encoding: chunked",
        "Content-Length: 99999",
        "Content-Length: x",
        "Expect: else",
    ] {
        let request = format!(
            "HEAD /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\n{refused}\r\n\r\n"
        );
        let answer = exchange(&server, request.as_bytes());
        assert!(answer.contains("X-Request-Id: mine-1\r\n"), "{answer}");
        assert!(
            answer.ends_with("\r\n\r\n"),
            "HEAD is GET without the body: {answer}"
        );
    }
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
            .env("FLASHSALE_QUEUE_MAX", "1"),
    );
    let body = r#"{"product_id":1,"quantity":1}"#;
    let length = body.len();
    let head = format!(
        "POST /api/holds HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let mut streams: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for stream in &mut streams {
        stream.write_all(head.as_bytes()).unwrap();
    }
    let turned_away = streams.last().unwrap().peek(&mut [0]);
    assert_eq!(
        turned_away.unwrap(),
        1,
        "the last one has its answer before it has sent its body"
    );
    for stream in &mut streams {
        stream
            .write_all(body.as_bytes())
            .expect("nobody hangs up on a client that speaks");
    }
    let answer = |mut stream: std::net::TcpStream| {
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
