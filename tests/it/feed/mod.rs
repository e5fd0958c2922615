//! The feed of events: what a shop is told, when, and what it may rely on.

mod asked;
mod consumer;
mod gone;
mod readership;
mod told;
mod waiting;

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::server::{Premises, Server, read};
use crate::shop::FEED_TOKEN;

/// What an event tells, by its type; the only one.
#[track_caller]
fn only<'a>(told: &'a [Value], kind: &str) -> &'a Value {
    let mut found = told.iter().filter(|event| event["type"] == kind);
    let (first, more) = (found.next(), found.next());
    assert!(more.is_none(), "{kind} is told once: {told:?}");
    &first.unwrap_or_else(|| panic!("{kind} is not told: {told:?}"))["data"]
}

/// The real binary, with a feed.
pub fn serve_feed(premises: &Premises) -> Server {
    premises.serve_by(
        premises
            .command(&["serve"])
            .env("FLASHSALE_FEED_TOKEN", FEED_TOKEN),
    )
}

/// Events of a server, by these parameters.
pub fn events(server: &Server, query: &str) -> (u16, Value) {
    let path = format!("/api/events{query}");
    let request = server.agent.get(format!("{}{path}", server.base));
    let request = request.header("Authorization", format!("Bearer {FEED_TOKEN}"));
    read("GET", &path, request.call()).unwrap()
}

pub fn request_text(query: &str) -> String {
    format!(
        "GET /api/events{query} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {FEED_TOKEN}\r\n\r\n"
    )
}

pub fn ids(events: &Value) -> Vec<i64> {
    let events = events.as_array().unwrap().iter();
    events.map(|event| event["id"].as_i64().unwrap()).collect()
}

/// An order that is paid; its id.
pub fn sell(server: &Server, key: &str) -> i64 {
    let (status, hold) = server.hold(1);
    assert_eq!(status, 201, "{hold}");
    let (_, order) = server.post("/api/orders", &json!({"hold_id": hold["hold_id"]}));
    let event = json!({"idempotency_key": key, "order_id": order["order_id"], "status": "success"});
    assert_eq!(server.post("/api/payments/webhook", &event).0, 200);
    order["order_id"].as_i64().unwrap()
}

/// A request for events, on a connection of its own; its answer is for the test to read.
pub fn waits(server: &Server, query: &str) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(request_text(query).as_bytes()).unwrap();
    stream
}
