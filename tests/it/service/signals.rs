//! How the server ends when it is told to, and what it still answers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{HEALTH, Service, status_of};
use crate::server::{Premises, pause};
use crate::wire::{Lock, hold};

#[test]
fn a_request_that_has_begun_may_end_after_the_signal() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        let premises = Premises::stocked(5);
        let mut service = Service::start(&premises, &[], &[]);
        let (begun, rest) = HEALTH.split_at(20);
        let mut client = service.connect();
        client.write_all(begun).unwrap();
        service.has_read_what_was_sent();
        service.signal(signal);
        service.no_longer_accepts();
        client.write_all(rest).unwrap();
        assert_eq!(status_of(client), 200);
        assert_eq!(service.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_waits_for_nobody() {
    let premises = Premises::stocked(5);
    let mut service = Service::start(
        &premises,
        &[],
        &[
            ("FLASHSALE_DRAIN_S", "60"),
            ("FLASHSALE_HEAD_TIMEOUT_S", "3600"),
        ],
    );
    let mut client = service.connect();
    client.write_all(&HEALTH[..20]).unwrap();
    service.has_read_what_was_sent();
    service.signal("-TERM");
    service.no_longer_accepts();
    assert_eq!(
        service.child.try_wait().unwrap(),
        None,
        "it waits for the client"
    );
    service.signal("-TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    premises.books_are_right();
}

/// Time passes while the process does not: what came meanwhile came in time.
#[test]
fn a_request_that_came_while_the_process_was_stopped_is_answered() {
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &[], &[("FLASHSALE_IDLE_TIMEOUT_S", "3")]);
    let mut client = service.connect();
    client
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut answer = [0; 1024];
    assert!(client.read(&mut answer).unwrap() > 0);
    client
        .set_read_timeout(Some(Duration::from_millis(3500)))
        .unwrap();
    pause(service.child.id());
    client.write_all(HEALTH).unwrap();
    assert!(client.read(&mut answer).is_err(), "nobody answers");
    service.signal("-CONT");
    client.set_read_timeout(None).unwrap();
    assert_eq!(status_of(client), 200);
    assert_eq!(service.stop().code(), Some(0));
}

#[test]
fn whoever_has_knocked_before_the_signal_is_let_in() {
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &[], &[]);
    pause(service.child.id());
    let clients: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut client = service.connect();
            client.write_all(HEALTH).unwrap();
            client
        })
        .collect();
    service.signal("-TERM");
    service.signal("-CONT");
    for client in clients {
        assert_eq!(status_of(client), 200);
    }
    let mut service = service;
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_command_that_waits_for_another_process_does_not_keep_the_server_from_ending() {
    let premises = Premises::stocked(5);
    let deadline = ("FLASHSALE_REQUEST_DEADLINE_MS", "600000");
    let mut service = Service::start(&premises, &[], &[deadline, ("FLASHSALE_DRAIN_S", "1")]);
    let lock = Lock::take(&premises);
    let mut client = service.connect();
    client.write_all(hold().as_bytes()).unwrap();
    service.has_read_what_was_sent();
    service.signal("-TERM");
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("\"not_applied\""),
        "{answer}"
    );
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    lock.release();
    premises.books_are_right();
}
