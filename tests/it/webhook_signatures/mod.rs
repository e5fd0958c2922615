//! Signed webhooks: nothing that is not signed, rightly and just now, is looked at any further.

mod over_a_socket;
mod refused;
mod signed;

use flashsale::config::WebhookSecret;
use flashsale::http::{Method, Request};
use serde_json::json;

use crate::provider::{OTHER_SECRET, SECRET, Signed, signed_with};
use crate::shop::{Answer, OPENING, Shop, config, item};

const PATH: &str = "/api/payments/webhook";
const OPENING_S: i64 = OPENING / 1_000_000;
const BODY_BYTES_MAX: usize = 64 * 1024;

/// With an order, and tokens that no provider has.
fn shop() -> Shop {
    shop_that_knows(&[SECRET, OTHER_SECRET])
}

fn shop_that_knows(secrets: &[&str]) -> Shop {
    let secrets = secrets
        .iter()
        .map(|text| WebhookSecret::parse(text).unwrap());
    let shop = Shop::on_terms(
        vec![item("tee", 9)],
        config(|it| {
            it.webhook_secrets = secrets.collect();
            it.require_tokens = true;
        }),
    );
    for hold in 1..=2 {
        let token = shop.hold("tee", 1).created().body["token"].clone();
        shop.post("/api/orders", &json!({"hold_id": hold, "token": token}))
            .created();
    }
    shop
}

fn event(key: &str) -> Vec<u8> {
    let event = json!({"idempotency_key": key, "order_id": 1, "status": "success", "payload": {"amount": 99.99}});
    event.to_string().into_bytes()
}

fn post(shop: &Shop, headers: &Signed, body: &[u8]) -> Answer {
    let request = Request::new(Method::Post, PATH).with_body(body);
    shop.call(headers.iter().fold(request, |request, (name, value)| {
        request.with_header(name, value)
    }))
}

fn post_signed(shop: &Shop, body: &[u8]) -> Answer {
    post(shop, &signed_with(SECRET, OPENING_S, body), body)
}

/// What is wrong, and the headers that are.
fn wrongly_signed(body: &[u8], now_s: i64) -> Vec<(&'static str, Signed)> {
    let right = signed_with(SECRET, now_s, body);
    let signature = right[2].1.clone();
    let with = |at: usize, value: &str| {
        let mut headers = right.clone();
        headers[at].1 = value.to_owned();
        headers
    };
    let without = |at: usize| {
        let mut headers = right.clone();
        headers.remove(at);
        headers
    };
    let twice = |at: usize| {
        let mut headers = right.clone();
        headers.push(headers[at].clone());
        headers
    };
    let stranger = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    vec![
        ("no header", Vec::new()),
        ("no id", without(0)),
        ("no timestamp", without(1)),
        ("no signature", without(2)),
        ("two ids", twice(0)),
        ("two timestamps", twice(1)),
        ("two signatures", twice(2)),
        ("an empty id", with(0, "")),
        ("an empty timestamp", with(1, "")),
        ("an empty signature", with(2, "")),
        ("another id", with(0, "msg_other")),
        ("another timestamp", with(1, &(now_s + 1).to_string())),
        ("no number", with(1, "now")),
        ("no version", with(2, &signature[3..])),
        (
            "another version",
            with(2, &signature.replace("v1,", "v1a,")),
        ),
        ("a later version", with(2, &signature.replace("v1,", "v2,"))),
        (
            "other letters",
            with(2, &format!("v1,{}", signature[3..].to_lowercase())),
        ),
        ("a shorter one", with(2, &signature[..signature.len() - 1])),
        ("nothing behind the version", with(2, "v1,")),
        (
            "a comma between two",
            with(2, &format!("{signature},{signature}")),
        ),
        ("a stranger's secret", signed_with(stranger, now_s, body)),
        ("an empty secret", signed_with("whsec_", now_s, body)),
        (
            "the name of the secret",
            signed_with("whsec_d2hzZWNf", now_s, body),
        ),
        ("long ago", signed_with(SECRET, now_s - 400, body)),
        ("long ahead", signed_with(SECRET, now_s + 400, body)),
        ("never", signed_with(SECRET, 0, body)),
        ("of another body", signed_with(SECRET, now_s, b"{}")),
    ]
}

/// Bodies that something is wrong with, and what: told to whoever signs them.
fn odd_bodies() -> Vec<(Vec<u8>, u16)> {
    let mut padded =
        br#"{"idempotency_key":"p","order_id":2,"status":"success","payload":{"x":""}}"#.to_vec();
    let at = padded.len() - 3;
    padded.splice(
        at..at,
        std::iter::repeat_n(b'x', BODY_BYTES_MAX - padded.len()),
    );
    assert_eq!(padded.len(), BODY_BYTES_MAX);
    vec![
        (b"".to_vec(), 400),
        (b"{".to_vec(), 400),
        (b"[]".to_vec(), 400),
        (b"\xff\xfe\x00".to_vec(), 400),
        (b"{\"idempotency_key\":\"\xff\"}".to_vec(), 400),
        (
            [b"{\"a\":".repeat(20), b"1".to_vec(), b"}".repeat(20)].concat(),
            400,
        ),
        (vec![b'['; BODY_BYTES_MAX], 400),
        (
            br#"{"idempotency_key":"k","order_id":1,"status":"success","x":1}"#.to_vec(),
            422,
        ),
        (
            br#"{"idempotency_key":"","order_id":1,"status":"success"}"#.to_vec(),
            422,
        ),
        (
            br#"{"idempotency_key":"k","order_id":999999,"status":"success"}"#.to_vec(),
            422,
        ),
        (
            br#"{"idempotency_key":"k","order_id":1,"status":"paid"}"#.to_vec(),
            422,
        ),
        (padded, 200),
    ]
}
