//! Requests that wait for what is still to be told.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{events, ids, request_text, sell, serve_feed, waits};
use crate::server::{Premises, Server};
use crate::waiting::wait_until;
use crate::wire::{answer, stirs_within};

/// What the contract gives: half a second from the commit to the answer.
const SOON: Duration = Duration::from_millis(500);
const PLACES: usize = 16;
const MOMENT: Duration = Duration::from_millis(300);

/// Whether it is answered within a moment.
fn is_answered(stream: &TcpStream) -> bool {
    stirs_within(stream, MOMENT)
}

/// How many of them are still waited for.
fn places_taken(server: &Server) -> usize {
    let probes: Vec<TcpStream> = (0..PLACES)
        .map(|_| waits(server, "?wait_s=30&after=99"))
        .collect();
    answered(&probes)
}

/// How many of them are answered within a moment.
fn answered(streams: &[TcpStream]) -> usize {
    let until = Instant::now() + MOMENT;
    let is_answered = |stream: &&TcpStream| {
        let left = until.saturating_duration_since(Instant::now());
        stirs_within(stream, left.max(Duration::from_millis(1)))
    };
    streams.iter().filter(is_answered).count()
}

#[test]
fn a_request_waits_until_there_is_something_to_tell() {
    let premises = Premises::stocked(10);
    let server = serve_feed(&premises);
    let mut waiting = waits(&server, "?wait_s=30");
    assert!(!is_answered(&waiting));
    sell(&server, "a");
    let told = Instant::now();
    let page = answer(&mut waiting).unwrap().is(200);
    assert!(told.elapsed() < SOON, "{:?}", told.elapsed());
    assert_eq!(ids(&page.body["data"]), [1], "the first commit is told");
    // The connection goes on.
    waiting
        .write_all(request_text("?after=1").as_bytes())
        .unwrap();
    assert_eq!(ids(&answer(&mut waiting).unwrap().body["data"]), [2]);
    // With something to tell, nobody waits.
    let mut at_once = waits(&server, "?wait_s=30");
    assert_eq!(ids(&answer(&mut at_once).unwrap().body["data"]), [1, 2]);
    server.stop();
}

#[test]
fn what_another_process_did_is_told_soon() {
    let premises = Premises::stocked(10);
    let server = serve_feed(&premises);
    sell(&server, "a");
    let mut waiting = waits(&server, "?wait_s=30&after=2");
    assert!(!is_answered(&waiting));
    premises
        .seed("sku,name,price,total_stock\ntee,Tee,99.99,1\n")
        .succeeded();
    let told = Instant::now();
    let page = answer(&mut waiting).unwrap().is(200);
    assert!(told.elapsed() < SOON, "{:?}", told.elapsed());
    assert_eq!(page.body["data"][0]["type"], "product.sold_out");
    server.stop();
}

/// Nobody asks for anything: the deadline alone brings it about.
#[test]
fn an_order_that_expires_is_told_to_who_waits() {
    let premises = Premises::stocked(10);
    premises.file("flash_sale.toml", "order_ttl_s = 1\n");
    let server = serve_feed(&premises);
    let (_, hold) = server.hold(1);
    server.post("/api/orders", &json!({"hold_id": hold["hold_id"]}));
    let mut waiting = waits(&server, "?wait_s=30&after=1");
    let page = answer(&mut waiting).unwrap().is(200);
    assert_eq!(page.body["data"][0]["type"], "order.expired");
    server.stop();
}

#[test]
fn a_request_that_waited_in_vain_is_answered_in_time() {
    let premises = Premises::stocked(1);
    let server = serve_feed(&premises);
    let began = Instant::now();
    let (status, page) = events(&server, "?wait_s=1&after=5");
    let waited = began.elapsed();
    assert_eq!(status, 200);
    assert_eq!(
        page,
        json!({"data": [], "next_after": 5, "caught_up": true})
    );
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    assert!(waited < Duration::from_millis(1500), "{waited:?}");
    server.stop();
}

#[test]
fn only_so_many_wait_and_who_hangs_up_makes_room() {
    let premises = Premises::stocked(1);
    let server = serve_feed(&premises);
    let mut waiting: Vec<TcpStream> = (0..PLACES).map(|_| waits(&server, "?wait_s=30")).collect();
    assert_eq!(answered(&waiting), 0);
    let mut further = waits(&server, "?wait_s=30");
    let page = answer(&mut further).unwrap().is(200);
    assert_eq!(page.body["data"], json!([]));
    assert_eq!(answered(&waiting), 0);
    assert_eq!(places_taken(&server), PLACES);
    // Half of them hang up, some of them without a word.
    waiting.truncate(PLACES / 2);
    wait_until("their places are free", || {
        places_taken(&server) <= PLACES / 2
    });
    // A client that will send nothing more gets its answer all the same.
    let mut ending = waiting.pop().unwrap();
    ending.shutdown(Shutdown::Write).unwrap();
    let page = answer(&mut ending).unwrap().is(200);
    assert_eq!(page.body["data"], json!([]));
    assert_eq!(answered(&waiting), 0);
    server.stop();
}

#[test]
fn waiting_takes_no_thread() {
    let premises = Premises::stocked(1);
    let server = serve_feed(&premises);
    let threads = || {
        let folder = format!("/proc/{}/task", server.id());
        std::fs::read_dir(folder).unwrap().count()
    };
    events(&server, "");
    let before = threads();
    let mut waiting = Vec::new();
    for _ in 0..PLACES {
        waiting.push(waits(&server, "?wait_s=30"));
        // One at a time: a thread of the pool that has taken a request is there for the next.
        events(&server, "");
    }
    assert_eq!(answered(&waiting), 0);
    // On a busy machine a request may come before the thread of the last one is idle again.
    assert!(threads() < before + PLACES / 2, "{before} {}", threads());
    server.stop();
}

#[test]
fn a_drain_answers_all_who_wait() {
    let premises = Premises::stocked(1);
    let mut server = serve_feed(&premises);
    let mut waiting: Vec<TcpStream> = (0..4).map(|_| waits(&server, "?wait_s=30")).collect();
    assert_eq!(answered(&waiting), 0);
    let began = Instant::now();
    server.signal("-TERM");
    for stream in &mut waiting {
        let page = answer(stream).unwrap().is(200);
        assert_eq!(
            page.body,
            json!({"data": [], "next_after": 0, "caught_up": true})
        );
    }
    assert_eq!(server.wait().code(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
}
