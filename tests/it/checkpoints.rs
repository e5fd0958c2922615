//! A log that a reader of another process keeps from being emptied: it is said, it is tried again, and nothing is lost.

use std::fs;

use crate::server::{Premises, Server};
use crate::waiting::wait_until;
use crate::wire;

/// A transaction of another process, which pins what it has seen.
fn pin(premises: &Premises) -> rusqlite::Connection {
    let path = premises.path().join("flash_sale.db");
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.execute_batch("begin; select count(*) from holds;")
        .unwrap();
    conn
}

fn log_bytes(premises: &Premises) -> u64 {
    let log = premises.path().join("flash_sale.db-wal");
    fs::metadata(log).map_or(0, |log| log.len())
}

fn says(server: &Server, what: &str) {
    wait_until(what, || server.log().contains(what));
}

#[test]
fn an_idle_server_empties_its_log_once_the_reader_has_left() {
    let premises = Premises::stocked(1000);
    let server = premises.serve();
    server.hold(1);
    let reader = pin(&premises);
    for _ in 0..20 {
        server.hold(1);
    }
    says(&server, "keeps the log from being emptied");
    assert!(log_bytes(&premises) > 0);
    drop(reader);
    wait_until("the log is empty", || log_bytes(&premises) == 0);
    says(&server, "the log is checkpointed again");
    let log = server.stop_and_read_log();
    assert_eq!(log.matches("keeps the log from being emptied").count(), 1);
    assert!(
        log.lines()
            .last()
            .is_some_and(|line| line.contains("all that was acknowledged is in flash_sale.db")),
        "{log}"
    );
    premises.books_are_right();
}

/// The log grows with what comes between two checkpoints, and not with all that came since the server last had a rest.
#[test]
fn under_load_the_log_is_checkpointed_and_begun_again() {
    let premises = Premises::stocked(1000);
    let server = premises.serve();
    let mut longest = 0;
    for _ in 0..500 {
        assert_eq!(server.hold(1).0, 201);
        longest = longest.max(log_bytes(&premises));
    }
    assert!(longest < 6_000_000, "the log came to {longest} bytes");
    server.stop();
}

#[test]
fn a_log_that_cannot_be_emptied_is_told_at_the_end() {
    let premises = Premises::stocked(1000);
    let server = wire::serve(&premises, &[("drain_s", "1")]);
    let reader = pin(&premises);
    assert_eq!(server.hold(1).0, 201);
    let log = server.stop_and_read_log();
    let last = log.lines().last().unwrap();
    assert!(
        last.contains("two files, flash_sale.db and flash_sale.db-wal"),
        "{log}"
    );
    assert!(log_bytes(&premises) > 0);
    drop(reader);
    let server = premises.serve();
    assert_eq!(server.get("/api/holds/1").1["status"], "active");
    server.stop();
    premises.books_are_right();
}

/// Whatever has read meanwhile: its connections are closed too.
#[test]
fn a_server_that_has_stopped_leaves_one_file() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    for path in ["/api/products/1", "/api/products", "/api/holds/1"] {
        assert_eq!(server.get(path).0, 200);
    }
    server.stop();
    let files = premises.path().read_dir().unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let beside: Vec<String> = names
        .filter(|name| name.starts_with("flash_sale.db-"))
        .collect();
    assert_eq!(beside, [""; 0]);
}

/// A server that was told to stop, once nobody can connect any more: all that is left to do is to empty the log.
fn stopping(premises: &Premises) -> (Server, rusqlite::Connection) {
    let server = wire::serve(premises, &[("drain_s", "60")]);
    let reader = pin(premises);
    assert_eq!(server.hold(1).0, 201);
    server.signal("-TERM");
    wire::no_longer_accepts(&server);
    (server, reader)
}

#[test]
fn a_server_that_ends_waits_for_the_reader_as_long_as_it_may() {
    let premises = Premises::stocked(1000);
    let (mut server, reader) = stopping(&premises);
    drop(reader);
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(log_bytes(&premises), 0);
    premises.books_are_right();
}

#[test]
fn a_second_signal_does_not_wait_for_the_reader() {
    let premises = Premises::stocked(1000);
    let (mut server, reader) = stopping(&premises);
    server.signal("-TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(log_bytes(&premises) > 0);
    drop(reader);
    premises.books_are_right();
}
