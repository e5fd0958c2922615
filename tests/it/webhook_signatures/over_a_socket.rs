//! The same on the real binary, in its log, and in chunks.

use serde_json::{Value, json};

use super::{BODY_BYTES_MAX, PATH, event, odd_bodies, wrongly_signed};
use crate::provider::{OTHER_SECRET, SECRET, Signed, borrowed, present_s, signed_with};
use crate::server::Premises;
use crate::wire;

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
