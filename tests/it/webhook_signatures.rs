//! Signed webhooks: nothing that is not signed, rightly and just now, is looked at any further.

use std::time::Duration;

use flashsale::config::{Config, WebhookSecret};
use flashsale::http::{Method, Request};
use serde_json::{Value, json};

use crate::provider::{OTHER_SECRET, SECRET, Signed, borrowed, present_s, signed_with};
use crate::server::Premises;
use crate::shop::{Answer, OPENING, Shop, item};
use crate::wire;

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
    let config = Config {
        webhook_secrets: secrets.collect(),
        require_tokens: true,
        ..Config::default()
    };
    let shop = Shop::on_terms(vec![item("tee", 9)], config);
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

fn whole(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    (answer.status, answer.headers.clone(), text)
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

#[test]
fn an_event_that_either_secret_signs_is_applied_without_a_token() {
    for secret in [SECRET, OTHER_SECRET] {
        let shop = shop();
        let body = event("k");
        let headers = signed_with(secret, OPENING_S, &body);
        post(&shop, &headers, &body).ok().verdict("applied", "paid");
        let by_hold = br#"{"idempotency_key":"h","hold_id":2,"status":"success"}"#;
        let headers = signed_with(secret, OPENING_S, by_hold);
        post(&shop, &headers, by_hold)
            .ok()
            .verdict("applied", "paid");
    }
}

#[test]
fn one_right_signature_among_others_is_enough() {
    let shop = shop();
    let body = event("k");
    let old = signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", OPENING_S, &body);
    let mut headers = signed_with(OTHER_SECRET, OPENING_S, &body);
    headers[2].1 = format!("{} v2,x {}", old[2].1, headers[2].1);
    post(&shop, &headers, &body).ok().verdict("applied", "paid");
}

#[test]
fn a_secret_that_was_taken_out_signs_no_more() {
    let shop = shop_that_knows(&[OTHER_SECRET]);
    let body = event("k");
    post_signed(&shop, &body).failed_with(401, "invalid_signature");
    let headers = signed_with(OTHER_SECRET, OPENING_S, &body);
    post(&shop, &headers, &body).ok();
}

#[test]
fn whatever_is_wrong_with_a_signature_the_answer_is_the_same_and_nothing_is_stored() {
    let shop = shop();
    let body = event("k");
    let before = shop.contents();
    let first = post(&shop, &Vec::new(), &body).failed_with(401, "invalid_signature");
    assert!(first.header("WWW-Authenticate").is_some());
    for (wrong, headers) in wrongly_signed(&body, OPENING_S) {
        assert_eq!(
            whole(&post(&shop, &headers, &body)),
            whole(&first),
            "{wrong}"
        );
    }
    assert!(shop.contents() == before, "nothing is stored");
    post_signed(&shop, &body)
        .ok()
        .says("already_processed", false);
}

#[test]
fn a_known_event_is_not_told_to_whoever_does_not_sign() {
    let shop = shop();
    let body = event("k");
    let nothing = post(&shop, &Vec::new(), &event("unknown")).has_status(401);
    post_signed(&shop, &body).ok();
    let before = shop.contents();
    for (wrong, headers) in wrongly_signed(&body, OPENING_S) {
        assert_eq!(
            whole(&post(&shop, &headers, &body)),
            whole(&nothing),
            "{wrong}"
        );
    }
    assert!(shop.contents() == before, "nothing is stored");
    post_signed(&shop, &body)
        .ok()
        .says("already_processed", true);
}

#[test]
fn no_byte_of_a_signed_body_can_be_changed() {
    let shop = shop();
    let body = event("k");
    let headers = signed_with(SECRET, OPENING_S, &body);
    let before = shop.contents();
    for at in 0..body.len() {
        let mut changed = body.clone();
        changed[at] ^= 1;
        post(&shop, &headers, &changed).failed_with(401, "invalid_signature");
    }
    for changed in [
        &body[1..],
        &body[..body.len() - 1],
        &[&body[..], b" "].concat(),
        b"",
    ] {
        post(&shop, &headers, changed).failed_with(401, "invalid_signature");
    }
    assert!(shop.contents() == before, "nothing is stored");
    post(&shop, &headers, &body).ok();
}

#[test]
fn a_signature_is_good_for_300_seconds_either_way() {
    let shop = shop();
    let body = event("k");
    let send = |sent_s: i64| post(&shop, &signed_with(SECRET, sent_s, &body), &body).status;
    let now_s = OPENING_S;
    assert_eq!(
        [now_s - 301, now_s - 300, now_s + 300, now_s + 301].map(send),
        [401, 200, 200, 401]
    );
    let overheard = signed_with(SECRET, now_s, &body);
    shop.after(Duration::from_secs(300));
    post(&shop, &overheard, &body).ok();
    shop.after(Duration::from_secs(1));
    post(&shop, &overheard, &body).failed_with(401, "invalid_signature");
    for sent_s in [i64::MIN, -1, i64::MAX] {
        assert_eq!(send(sent_s), 401, "{sent_s}");
    }
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

#[test]
fn a_signature_is_judged_before_the_body_is_read() {
    let shop = shop();
    let before = shop.contents();
    let first = post(&shop, &Vec::new(), &event("k")).failed_with(401, "invalid_signature");
    for (body, _) in odd_bodies() {
        for (wrong, headers) in wrongly_signed(&body, OPENING_S) {
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_eq!(
                whole(&post(&shop, &headers, &body)),
                whole(&first),
                "{wrong}: {shown}"
            );
        }
    }
    assert!(shop.contents() == before, "nothing is stored");
    for (body, status) in odd_bodies() {
        post_signed(&shop, &body).has_status(status);
    }
}

#[test]
fn a_token_is_no_signature() {
    let shop = shop();
    let secret = shop.api().guard.secret.clone();
    let token = secret.token(flashsale::sale::TokenKind::Order, 1);
    let body = event("k");
    let headers = vec![("Authorization", format!("Bearer {token}"))];
    post(&shop, &headers, &body).failed_with(401, "invalid_signature");
}

#[test]
fn without_secrets_nobody_looks_at_signatures() {
    let shop = Shop::with_stock("tee", 1);
    shop.ordered("tee", 1);
    let wrong = signed_with(SECRET, 0, b"of another body");
    post(&shop, &wrong, &event("k"))
        .ok()
        .verdict("applied", "paid");
}

#[test]
fn over_a_socket_only_what_is_signed_is_taken() {
    let premises = Premises::stocked(9);
    let both = format!("{SECRET},{OTHER_SECRET}");
    let settings = [
        ("webhook_secrets", both.as_str()),
        ("require_tokens", "true"),
    ];
    let server = wire::serve(&premises, &settings);
    for hold in 1..=2 {
        let (_, placed) = server.hold(1);
        let wish = json!({"hold_id": hold, "token": placed["token"]});
        assert_eq!(server.post("/api/orders", &wish).0, 201);
    }
    let send = |headers: &Signed, body: &[u8]| {
        wire::call(&server, &format!("POST {PATH}"), &borrowed(headers), body)
    };
    let told = |answer: wire::Answer| {
        let lines = answer.head.lines().map(str::to_owned);
        let is_same =
            |line: &String| !line.starts_with("Date:") && !line.starts_with("X-Request-Id:");
        (lines.filter(is_same).collect::<Vec<_>>(), answer.text)
    };
    let first = send(&Vec::new(), &event("k"))
        .is(401)
        .has_line("WWW-Authenticate: ");
    let first = told(first.says("code", "invalid_signature"));
    let odd = odd_bodies();
    let now_s = present_s();
    for body in odd.iter().map(|(body, _)| body.clone()).chain([event("k")]) {
        for (wrong, headers) in wrongly_signed(&body, present_s()) {
            assert_eq!(told(send(&headers, &body)), first, "{wrong}");
        }
        let mut changed = body.clone();
        changed.reverse();
        if changed != body {
            let headers = signed_with(SECRET, now_s, &body);
            assert_eq!(told(send(&headers, &changed)), first);
        }
        for sent_s in [now_s - 310, now_s + 400] {
            assert_eq!(
                told(send(&signed_with(SECRET, sent_s, &body), &body)),
                first
            );
        }
    }
    assert_eq!(server.get("/api/products/1").1["sold_stock"], 0);
    for (body, status) in odd {
        send(&signed_with(SECRET, present_s(), &body), &body).is(status);
    }
    for (secret, is_known) in [(SECRET, false), (OTHER_SECRET, true)] {
        for slow_s in [0, 280, -280] {
            let headers = signed_with(secret, present_s() + slow_s, &event("k"));
            let answer = send(&headers, &event("k")).is(200);
            assert_eq!(
                answer.body["already_processed"],
                Value::Bool(is_known || slow_s != 0)
            );
        }
    }
    assert_eq!(server.get("/api/products/1").1["sold_stock"], 2);
    let too_large = vec![b' '; BODY_BYTES_MAX + 1];
    let line = format!(
        "POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        too_large.len()
    );
    wire::answer_to(&server, line.as_bytes()).is(413);
    server.stop();
    premises.books_are_right();
}

#[test]
fn whoever_signs_is_not_asked_for_an_origin() {
    let shop = shop();
    let from_a_page = |headers: &Signed, body: &[u8]| {
        let mut headers = headers.clone();
        headers.push(("Origin", "https://evil.example".into()));
        post(&shop, &headers, body)
    };
    let body = event("k");
    from_a_page(&signed_with(SECRET, OPENING_S, &body), &body).ok();
    let stranger = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (wrong, headers) in wrongly_signed(&body, OPENING_S) {
        let answer = from_a_page(&headers, &body);
        assert_eq!(answer.status, 401, "{wrong}");
    }
    from_a_page(&signed_with(stranger, OPENING_S, &body), &body)
        .failed_with(401, "invalid_signature");

    let open = shop_that_knows(&[]);
    let request = Request::new(Method::Post, PATH).with_body(&body);
    open.call(request.with_header("Origin", "https://evil.example"))
        .failed_with(403, "origin_not_allowed");
}

#[test]
fn the_log_says_what_was_wrong_with_a_signature_and_the_sender_learns_nothing() {
    let premises = Premises::stocked(5);
    let settings = [("webhook_secrets", SECRET), ("require_tokens", "true")];
    let server = wire::serve(&premises, &settings);
    let body = event("k");
    let now_s = present_s();
    let right = signed_with(SECRET, now_s, &body);
    let with = |at: usize, value: &str| {
        let mut headers = right.clone();
        headers[at].1 = value.to_owned();
        headers
    };
    let line = format!("POST {PATH}");
    let mut told = Vec::new();
    for headers in [
        Vec::new(),
        with(2, ""),
        with(1, "soon"),
        signed_with(SECRET, now_s - 4000, &body),
        signed_with(SECRET, now_s + 4000, &body),
        signed_with(OTHER_SECRET, now_s, &body),
    ] {
        told.push(
            wire::call(&server, &line, &borrowed(&headers), &body)
                .is(401)
                .text,
        );
    }
    assert!(told.iter().all(|text| *text == told[0]), "{told:?}");
    let log = server.stop_and_read_log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    let said = [
        "the header webhook-id is missing",
        "the header webhook-signature is missing",
        "the header webhook-timestamp is not a number",
        "s behind ours",
        "s ahead of ours",
        "the key: no signature",
    ];
    assert_eq!(lines.len(), said.len(), "{log}");
    for (line, said) in lines.iter().zip(said) {
        assert!(
            line.contains("401") && line.contains(said),
            "{said}: {line}"
        );
    }
    assert!(
        !log.contains("whsec_") && !log.contains(&right[2].1),
        "{log}"
    );
}

#[test]
fn what_is_signed_may_come_in_chunks() {
    let premises = Premises::stocked(5);
    let settings = [("webhook_secrets", SECRET), ("require_tokens", "true")];
    let server = wire::serve(&premises, &settings);
    let body = String::from_utf8(event("k")).unwrap();
    let (first, second) = body.split_at(10);
    let chunks = format!(
        "{:x}\r\n{first}\r\n{:x};x\r\n{second}\r\n0\r\nX: y\r\n\r\n",
        first.len(),
        second.len()
    );
    let send = |signed: &[u8]| {
        let headers = signed_with(SECRET, present_s(), signed);
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!("POST {PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n");
        let request = format!("{head}Connection: close\r\n{headers}\r\n{chunks}");
        wire::answer_to(&server, request.as_bytes())
    };
    send(chunks.as_bytes()).is(401);
    send(body.as_bytes()).is(202).says("verdict", "parked");
    server.stop();
}
