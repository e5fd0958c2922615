//! The log: a line for each request, a burst counted, no secret, and nobody kept waiting for it.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{HEALTH, OPEN, Service};
use crate::faults::Disk;
use crate::server::Premises;
use crate::wire::hold;

#[test]
fn each_request_is_a_line_in_the_log() {
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &[], &[]);
    service.ask("GET /api/products/1 HTTP/1.1\r\nX-Request-Id: mine-1\r\n");
    service.ask("GET /api/orders/7 HTTP/1.1\r\n");
    service.ask("GET /nothing/\u{7f}x HTTP/1.1\r\n");
    let log = service.stop_and_read_log();
    let requests: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(" INFO  request: "))
        .collect();
    let [product, order, malformed] = requests.as_slice() else {
        panic!("{log}");
    };
    for (line, fields) in [
        (
            product,
            " method=GET route=/api/products/{id} status=200 code=- latency_us=",
        ),
        (
            order,
            " method=GET route=/api/orders/{id} status=404 code=order_not_found latency_us=",
        ),
        (
            malformed,
            " method=GET route=- status=400 code=bad_request latency_us=",
        ),
    ] {
        assert!(
            line.contains(fields) && line.contains(" client=127.0.0.1 request_id="),
            "{line}"
        );
    }
    assert!(product.ends_with(" request_id=mine-1"));
}

/// Whatever second a request is answered in, it has a line or is counted in one.
#[test]
fn a_burst_is_counted_and_not_written_out() {
    for format in ["text", "json"] {
        let premises = Premises::stocked(5);
        let settings = [
            ("FLASHSALE_LOG_REQUESTS_PER_S", "5"),
            ("FLASHSALE_LOG_FORMAT", format),
        ];
        let service = Service::start(&premises, &[], &settings);
        let mut client = service.connect();
        let burst =
            "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n";
        client.write_all(burst.repeat(500).as_bytes()).unwrap();
        client.write_all(HEALTH).unwrap();
        client.read_to_end(&mut Vec::new()).unwrap();
        let log = service.stop_and_read_log();
        let lines = log
            .lines()
            .filter(|line| line.contains("request_id"))
            .count();
        assert!((5..200).contains(&lines), "{lines} lines in {format}");
        let count = |status: &str| -> usize {
            let counted = log.lines().filter(|line| !line.contains("request_id"));
            let found = counted.flat_map(|line| line.split(status).skip(1));
            let counts = found.map(|rest| {
                let digits = rest.split_once("count").unwrap().1;
                let digits = digits.trim_start_matches(['=', '"', ':']);
                digits
                    .split([',', '}', '\n'])
                    .next()
                    .unwrap()
                    .parse::<usize>()
                    .unwrap()
            });
            counts.sum()
        };
        let [served, missing] = match format {
            "text" => ["route=/healthz status=200 ", "route=- status=404 "],
            _ => [
                "\"route\":\"/healthz\",\"status\":200,",
                "\"route\":\"-\",\"status\":404,",
            ],
        };
        assert_eq!(lines + count(served) + count(missing), 1001, "{log}");
        assert!(count(served) > 400 && count(missing) > 400, "{log}");
    }
}

/// Nobody asks for anything more that could bring it along.
#[test]
fn what_a_burst_was_is_told_when_its_second_is_over() {
    let premises = Premises::stocked(5);
    let settings = [("FLASHSALE_LOG_REQUESTS_PER_S", "1")];
    let service = Service::start(&premises, &[], &settings);
    let mut client = service.connect();
    let burst = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20);
    client.write_all(burst.as_bytes()).unwrap();
    client.write_all(HEALTH).unwrap();
    client.read_to_end(&mut Vec::new()).unwrap();
    let began = Instant::now();
    let silent = service.connect();
    while !fs::read_to_string(&service.log)
        .unwrap()
        .contains("more answers in the second")
    {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody tells");
        silent
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        assert!(silent.peek(&mut [0]).is_err(), "nothing was asked");
    }
    assert_eq!(service.stop().code(), Some(0));
}

#[test]
fn a_log_in_json_is_an_object_a_line() {
    let premises = Premises::stocked(5);
    let service = Service::start(
        &premises,
        &[],
        &[
            ("FLASHSALE_LOG_FORMAT", "json"),
            ("FLASHSALE_HO\u{1b}DL", "1"),
        ],
    );
    service.ask("DELETE /api/holds/3 HTTP/1.1\r\nX-Request-Id: mine-2\r\n");
    let log = service.stop_and_read_log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let request = lines
        .iter()
        .find(|line| line["target"] == "request")
        .unwrap();
    for (field, value) in [
        ("level", Value::from("INFO")),
        ("method", "DELETE".into()),
        ("route", "/api/holds/{id}".into()),
        ("status", 404.into()),
        ("code", "hold_not_found".into()),
        ("client", "127.0.0.1".into()),
        ("request_id", "mine-2".into()),
    ] {
        assert_eq!(request[field], value, "{request}");
    }
    assert!(
        request["latency_us"].is_u64() && request["time"].is_string(),
        "{request}"
    );
    assert!(lines.iter().any(|line| line["level"] == "WARN"), "{log}");
}

#[test]
fn nothing_in_the_log_commands_a_terminal_or_tells_a_secret() {
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &[], &[("FLASHSALE_\u{1b}[2J", "1")]);
    let body = r#"{"product_id":1,"quantity":1,"customer":"otto@example.org"}"#;
    let hold = service.ask(&format!(
        "POST /api/holds HTTP/1.1\r\nIdempotency-Key: key-of-otto\r\nAuthorization: Bearer of-otto\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let token = hold
        .rsplit("\"token\":\"")
        .next()
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(token.len(), 32, "{hold}");
    let log = service.stop_and_read_log();
    assert!(
        log.contains("status=201") && log.contains("\\u{1b}[2J"),
        "{log}"
    );
    assert!(!log.contains('\u{1b}'));
    for secret in ["otto", token.as_str()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn a_client_behind_a_trusted_proxy_is_known_by_its_word() {
    let forwarded = "GET /healthz HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.7\r\n";
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &[], &[]);
    service.ask(forwarded);
    service.ask(forwarded);
    let log = service.stop_and_read_log();
    assert!(
        log.contains("client=127.0.0.1") && !log.contains("203.0.113.7"),
        "{log}"
    );
    let warnings = log
        .lines()
        .filter(|line| line.contains("WARN") && line.contains("X-Forwarded-"));
    assert_eq!(warnings.count(), 1, "{log}");

    let service = Service::start(
        &premises,
        &[],
        &[OPEN, ("FLASHSALE_TRUSTED_PROXIES", "127.0.0.0/8")],
    );
    service.ask(forwarded);
    let log = service.stop_and_read_log();
    assert!(
        log.contains("client=203.0.113.7") && !log.contains("6.6.6.6"),
        "{log}"
    );
}

/// The pipe of the log takes 64 KiB, and nobody reads it.
#[test]
fn a_log_that_nobody_reads_keeps_nobody_waiting() {
    let premises = Premises::stocked(5);
    let mut service = stalled(
        &premises,
        premises.command(&["serve", "--listen", "127.0.0.1:0"]),
    );
    service.signal("-TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_log_that_nobody_reads_does_not_keep_a_failed_server_alive() {
    let premises = Premises::stocked(5);
    let disk = Disk::new();
    let mut command = premises.command(&["serve", "--listen", "127.0.0.1:0"]);
    disk.is_under(&mut command);
    let mut service = stalled(&premises, command);
    disk.fails("fdatasync");
    let answer = service.ask(&hold().replace("Host: a\r\n", ""));
    assert!(answer.contains("\"unknown\""), "{answer}");
    assert_eq!(service.child.wait().unwrap().code(), Some(74));
}

/// A server that has logged more than its pipe takes.
fn stalled(premises: &Premises, mut command: Command) -> Service {
    command
        .stderr(Stdio::piped())
        .env("FLASHSALE_LOG_REQUESTS_PER_S", "1000000");
    let service = Service::of(premises, command);
    let mut client = service.connect();
    let one = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    for _ in 0..300 {
        client.write_all(&one.repeat(10)).unwrap();
        let mut answers = 0;
        let mut bytes = Vec::new();
        while answers < 10 {
            let mut some = [0; 4096];
            let read = client.read(&mut some).unwrap();
            bytes.extend_from_slice(&some[..read]);
            answers = bytes
                .windows(15)
                .filter(|at| at == b"{\"status\":\"ok\"}")
                .count();
        }
    }
    service
}
