//! A whole sale, with all that can go wrong in it: nothing secret gets into the log or an error.

use std::fs;

use serde_json::{Value, json};

use super::{ADMIN_TOKEN, TOKENS, tells_none};
use crate::provider::{OTHER_SECRET, SECRET, borrowed, present_s, signed_with};
use crate::server::{Premises, Server};
use crate::wire::{self, Answer, configure};

const CUSTOMER: &str = "ada.lovelace@shop.example";

const KEYS: [&str; 3] = [
    "f3c1a7d2-hold-key-4c1d",
    "f3c1a7d2-order-key-9b2e",
    "f3c1a7d2-cancel-key-77aa",
];

const PAYMENT_KEY: &str = "evt_9f8e7d6c5b4a";
const TRANSACTION: &str = "txn_1a2b3c4d5e6f";
const WHSEC_BYTES: &str = "FmPmDHTVyEtOjE5SKBkUpRqHgZXbwn8O4sTuaLYf";

#[test]
fn in_a_whole_sale_no_secret_gets_into_the_log_or_an_error() {
    for log_format in ["text", "json"] {
        let premises = Premises::stocked(9);
        let mut command = premises.command(&["serve"]);
        let both = format!("{SECRET},{OTHER_SECRET}");
        let settings = [
            ("webhook_secrets", both.as_str()),
            ("admin_token", ADMIN_TOKEN),
            ("log_format", log_format),
            TOKENS,
        ];
        configure(&mut command, &settings).env("RUST_LOG", "trace");
        let server = premises.serve_by(&mut command);
        let command_line = fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
        let (tokens, answers) = whole_sale(&server);
        let log = server.stop_and_read_log();

        let mut secrets = vec![
            ADMIN_TOKEN,
            SECRET,
            OTHER_SECRET,
            WHSEC_BYTES,
            CUSTOMER,
            PAYMENT_KEY,
            TRANSACTION,
        ];
        secrets.extend(KEYS);
        secrets.extend(tokens.iter().map(String::as_str));
        // Whoever shows a hold's token is told the token of the order that it became.
        let told = answers.iter().filter(|answer| {
            answer.status != 201 && !answer.text.contains(r#""code":"hold_used""#)
        });
        for answer in told {
            tells_none(&format!("{}\n{}", answer.head, answer.text), &secrets);
        }
        let requests = log
            .lines()
            .filter(|line| line.contains("request_id"))
            .count();
        assert_eq!(requests, answers.len(), "each request is a line: {log}");
        tells_none(&log, &secrets);
        tells_none(&String::from_utf8_lossy(&command_line), &secrets);
        premises.books_are_right();
    }
}

/// What is sold and what goes wrong: the tokens that were given, and every answer.
fn whole_sale(server: &Server) -> ([String; 2], Vec<Answer>) {
    let mut answers = Vec::new();
    let mut send = |line: &str, headers: &[(&str, &str)], body: &[u8]| {
        let answer = wire::call(server, line, headers, body);
        let told = (answer.status, answer.body.clone());
        answers.push(answer);
        told
    };
    let text = |body: &Value| body.to_string().into_bytes();

    let wish = text(&json!({"product_id": 1, "quantity": 2, "customer": CUSTOMER}));
    let (_, hold) = send("POST /api/holds", &[("Idempotency-Key", KEYS[0])], &wish);
    send("POST /api/holds", &[("Idempotency-Key", KEYS[0])], &wish);
    let hold = hold["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {hold}");
    assert_eq!(
        send("GET /api/holds/1", &[("Authorization", &bearer)], b"").0,
        200
    );
    let wish = text(&json!({"hold_id": 1, "token": hold}));
    let (_, order) = send("POST /api/orders", &[("Idempotency-Key", KEYS[1])], &wish);
    send("POST /api/orders", &[("Idempotency-Key", KEYS[1])], &wish);
    assert_eq!(send("POST /api/orders", &[], &wish).0, 400, "used");
    let order = order["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {order}");
    let event = text(
        &json!({"idempotency_key": PAYMENT_KEY, "order_id": 1, "status": "success",
        "payload": {"transaction_id": TRANSACTION, "amount": 199.98, "email": CUSTOMER}}),
    );
    for secret in [SECRET, OTHER_SECRET] {
        let signed = signed_with(secret, present_s(), &event);
        assert_eq!(
            send("POST /api/payments/webhook", &borrowed(&signed), &event).0,
            200
        );
    }
    assert_eq!(
        send("GET /api/orders/1", &[("Authorization", &bearer)], b"").0,
        200
    );
    let cancel = [
        ("Authorization", bearer.as_str()),
        ("Idempotency-Key", KEYS[2]),
    ];
    assert_eq!(
        send("POST /api/orders/1/cancel", &cancel, b"").0,
        400,
        "paid"
    );
    let other = br#"{"product_id":1,"quantity":3}"#;
    assert_eq!(
        send("POST /api/holds", &[("Idempotency-Key", KEYS[0])], other).0,
        422,
        "reused"
    );

    // What is sent wrongly, secrets and all.
    let all = format!("{hold} {order} {SECRET} {ADMIN_TOKEN} {PAYMENT_KEY} {CUSTOMER}");
    let shown = [
        ("Authorization", bearer.as_str()),
        ("Idempotency-Key", KEYS[0]),
    ];
    let spaced = format!("{} {}", KEYS[0], KEYS[1]);
    for line in [
        "POST /api/holds",
        "POST /api/orders",
        "POST /api/orders/1/cancel",
        "DELETE /api/holds/1",
        "POST /api/payments/webhook",
    ] {
        for body in [
            format!("{{\"token\":\"{all}\""),
            format!("{{\"token\":[\"{all}\"]}}"),
            format!("{{\"token\":\"{all}\",\"customer\":\"{all} \",\"x\":\"{all}\"}}"),
            format!(
                "{{\"product_id\":\"{all}\",\"hold_id\":\"{all}\",\"idempotency_key\":\"{all}\"}}"
            ),
            all.clone(),
        ] {
            for headers in [
                &shown[..],
                &[],
                &[("Idempotency-Key", &spaced)],
                &[("Authorization", &all), ("webhook-signature", &all)],
            ] {
                let (status, body) = send(line, headers, body.as_bytes());
                assert!(matches!(status, 400..=499), "{line}: {body}");
            }
        }
    }
    let broken = format!(
        "{{\"order_id\":1,\"idempotency_key\":\"{PAYMENT_KEY}\",\"status\":\"{all}\",\"payload\":\"{all}\"}}"
    );
    let signed = signed_with(SECRET, present_s(), broken.as_bytes());
    assert_eq!(
        send(
            "POST /api/payments/webhook",
            &borrowed(&signed),
            broken.as_bytes()
        )
        .0,
        422
    );
    let reused = text(&json!({"idempotency_key": PAYMENT_KEY, "order_id": 1, "status": "failure"}));
    let signed = signed_with(SECRET, present_s(), &reused);
    assert_eq!(
        send("POST /api/payments/webhook", &borrowed(&signed), &reused).0,
        422,
        "reused"
    );
    for path in [&hold, SECRET, ADMIN_TOKEN, KEYS[0], PAYMENT_KEY, CUSTOMER] {
        send(&format!("GET /api/holds/{path}"), &shown, b"");
        send(&format!("GET /api/orders/{path}?token={path}"), &shown, b"");
        send(&format!("PUT /{path}"), &shown, b"");
        send(
            &format!("GET /api/products?cursor={path}&limit={path}"),
            &shown,
            b"",
        );
    }
    // What is no request at all.
    for bytes in [
        format!("GET /api/holds/1 HTTP/1.1\r\nHost: a\r\nAuthorization {bearer}\r\n\r\n"),
        format!("GET /api/holds/1 HTTP/1.1\r\nHost: {all}\r\nAuthorization: {bearer}\r\n\r\n"),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", hold.repeat(50)),
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n\r\n",
            hold.repeat(300)
        ),
        format!("POST /api/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{all}"),
        format!("POST /api/orders HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\n\r\n"),
        format!("{all}\r\n\r\n"),
        format!("{order} /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    ] {
        let answer = wire::answer_to(server, bytes.as_bytes());
        assert!(matches!(answer.status, 400..=599), "{}", answer.head);
        answers.push(answer);
    }
    ([hold, order], answers)
}
