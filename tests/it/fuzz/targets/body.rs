//! The JSON body of every command. What is accepted is JSON to `serde_json` too, and the same JSON in other letters means the
//! same, to the last field.

use flashsale::http::{Method, Request};
use flashsale::sale::Command;
use serde_json::Value;

use super::api::{Meaning, OPEN};
use super::picked;
use super::spelling::respelt;

/// Of every command that has a body. The first byte picks one.
const ENDPOINTS: [(Method, &str); 11] = [
    (Method::Post, "/api/holds"),
    (Method::Post, "/api/orders"),
    (Method::Post, "/api/orders/1/cancel"),
    (Method::Post, "/api/payments/webhook"),
    (Method::Delete, "/api/holds/1"),
    (Method::Post, "/admin/api/products"),
    (Method::Patch, "/admin/api/products/1"),
    (Method::Post, "/admin/api/products/1/restock"),
    (Method::Post, "/admin/api/orders/1/refund"),
    (Method::Post, "/admin/api/refunds/1/resolve"),
    (Method::Post, "/admin/api/refunds/1/accept"),
];

pub fn target(bytes: &[u8]) {
    let Some(((method, path), body)) = picked(&ENDPOINTS, bytes) else {
        return;
    };
    let meaning_of = |body: &[u8]| {
        let request = Request::new(method.clone(), path).with_body(body);
        told(OPEN.meaning_of(request))
    };
    let meaning = meaning_of(body);
    let Ok(text) = std::str::from_utf8(body) else {
        assert!(meaning.starts_with("Refused"), "{meaning}");
        return;
    };
    assert_eq!(
        meaning,
        meaning_of(respelt(text).as_bytes()),
        "the same in other letters"
    );
    if meaning.starts_with("Command") && !text.is_empty() {
        // What a provider cut in the middle of a character is kept, and is no text to serde_json.
        let read = serde_json::from_str::<Value>(text);
        let is_cut = text.contains("\\u");
        assert!(
            read.is_ok_and(|value| value.is_object()) || is_cut,
            "{meaning}"
        );
    }
}

/// Without the payload, which is kept letter by letter.
fn told(mut meaning: Meaning) -> String {
    if let Meaning::Command(Command::RecordPayment(event)) = &mut meaning {
        event.payload = event.payload.take().map(|_| String::new());
    }
    if let Meaning::Command(Command::RecordReversal(event)) = &mut meaning {
        event.payload = event.payload.take().map(|_| String::new());
    }
    format!("{meaning:?}")
}
