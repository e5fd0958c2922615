//! A whole sale, with all that can go wrong in it: nothing secret gets into the log or an error.

use std::fs;

use serde_json::{Value, json};

use super::{ADMIN_TOKEN, TOKENS, tells_none};
use crate::provider::{OTHER_SECRET, SECRET, borrowed, present_s, signed_with};
use crate::server::{Premises, Server};
use crate::shop::FEED_TOKEN;
use crate::wire::{self, Answer, configure};

const WEBHOOK: &str = "POST /api/payments/webhook";
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
            ("feed_token", FEED_TOKEN),
            ("log_format", log_format),
            TOKENS,
        ];
        configure(&mut command, &settings).env("RUST_LOG", "trace");
        let server = premises.serve_by(&mut command);
        let command_line = fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
        let mut client = Client {
            server: &server,
            answers: Vec::new(),
        };
        let tokens = client.buys();
        client.reads_the_feed(&tokens);
        client.errs(&tokens);
        client.babbles(&tokens);
        let answers = client.answers;
        let log = server.stop_and_read_log();

        let mut secrets = vec![
            ADMIN_TOKEN,
            FEED_TOKEN,
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
        // One is not kept: it tells the shop its customer's name.
        assert_eq!(requests, answers.len() + 1, "each request is a line: {log}");
        tells_none(&log, &secrets);
        tells_none(&String::from_utf8_lossy(&command_line), &secrets);
        premises.books_are_right();
    }
}

fn text(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

/// A client that keeps every answer.
struct Client<'a> {
    server: &'a Server,
    answers: Vec<Answer>,
}

impl Client<'_> {
    #[track_caller]
    fn send(&mut self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
        let answer = wire::call(self.server, line, headers, body);
        let told = json!({"status": answer.status, "body": answer.body});
        self.answers.push(answer);
        told
    }

    /// Sends it, and is answered so.
    #[track_caller]
    fn gets(&mut self, status: u16, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
        let mut told = self.send(line, headers, body);
        assert_eq!(told["status"], status, "{line}: {told}");
        told["body"].take()
    }

    /// Money comes in twice for what was held and ordered; the tokens of both.
    fn buys(&mut self) -> [String; 2] {
        let key = |index: usize| [("Idempotency-Key", KEYS[index])];
        let token = |answer: Value| answer["token"].as_str().unwrap().to_owned();
        let wish = text(&json!({"product_id": 1, "quantity": 2, "customer": CUSTOMER}));
        let hold = token(self.gets(201, "POST /api/holds", &key(0), &wish));
        self.gets(201, "POST /api/holds", &key(0), &wish);
        let bearer = format!("Bearer {hold}");
        self.gets(200, "GET /api/holds/1", &[("Authorization", &bearer)], b"");
        let wish = text(&json!({"hold_id": 1, "token": hold}));
        let order = token(self.gets(201, "POST /api/orders", &key(1), &wish));
        self.gets(201, "POST /api/orders", &key(1), &wish);
        // It is used already.
        self.gets(400, "POST /api/orders", &[], &wish);
        let event = text(
            &json!({"idempotency_key": PAYMENT_KEY, "order_id": 1, "status": "success",
            "payload": {"transaction_id": TRANSACTION, "amount": 199.98, "email": CUSTOMER}}),
        );
        for secret in [SECRET, OTHER_SECRET] {
            let signed = signed_with(secret, present_s(), &event);
            self.gets(200, WEBHOOK, &borrowed(&signed), &event);
        }
        let bearer = format!("Bearer {order}");
        self.gets(200, "GET /api/orders/1", &[("Authorization", &bearer)], b"");
        let cancel = [("Authorization", bearer.as_str()), key(2)[0]];
        // It is paid already, and that key is for another wish.
        self.gets(400, "POST /api/orders/1/cancel", &cancel, b"");
        let other = br#"{"product_id":1,"quantity":3}"#;
        self.gets(422, "POST /api/holds", &key(0), other);
        [hold, order]
    }

    /// What the feed tells of this customer is the shop's to know; what it refuses, or has not, tells nothing.
    fn reads_the_feed(&mut self, [hold, order]: &[String; 2]) {
        let bearer = format!("Bearer {FEED_TOKEN}");
        let shown = [("Authorization", bearer.as_str())];
        self.gets(200, "GET /api/events?after=99", &shown, b"");
        let told = wire::call(self.server, "GET /api/events", &shown, b"");
        assert!(told.text.contains(CUSTOMER), "{}", told.text);
        tells_none(&told.text, &[hold, order, KEYS[0], PAYMENT_KEY]);
        for wrong in [hold, order, ADMIN_TOKEN, CUSTOMER] {
            let bearer = format!("Bearer {wrong}");
            let shown_wrong = [("Authorization", bearer.as_str())];
            self.gets(401, "GET /api/events", &shown_wrong, b"");
            let line = format!("GET /api/events?after={wrong}&limit={FEED_TOKEN}");
            self.gets(422, &line, &shown, b"");
        }
    }

    /// Wrong requests, secrets and all.
    fn errs(&mut self, [hold, order]: &[String; 2]) {
        let bearer = format!("Bearer {order}");
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
            WEBHOOK,
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
                    let told = self.send(line, headers, body.as_bytes());
                    let status = told["status"].as_u64().unwrap();
                    assert!(matches!(status, 400..=499), "{line}: {told}");
                }
            }
        }
        let broken = format!(
            "{{\"order_id\":1,\"idempotency_key\":\"{PAYMENT_KEY}\",\"status\":\"{all}\",\"payload\":\"{all}\"}}"
        );
        let signed = signed_with(SECRET, present_s(), broken.as_bytes());
        self.gets(422, WEBHOOK, &borrowed(&signed), broken.as_bytes());
        let reused =
            text(&json!({"idempotency_key": PAYMENT_KEY, "order_id": 1, "status": "failure"}));
        let signed = signed_with(SECRET, present_s(), &reused);
        self.gets(422, WEBHOOK, &borrowed(&signed), &reused);
        for path in [hold, SECRET, ADMIN_TOKEN, KEYS[0], PAYMENT_KEY, CUSTOMER] {
            self.send(&format!("GET /api/holds/{path}"), &shown, b"");
            self.send(&format!("GET /api/orders/{path}?token={path}"), &shown, b"");
            self.send(&format!("PUT /{path}"), &shown, b"");
            self.send(
                &format!("GET /api/products?cursor={path}&limit={path}"),
                &shown,
                b"",
            );
        }
    }

    /// What is no request at all.
    fn babbles(&mut self, [hold, order]: &[String; 2]) {
        let bearer = format!("Bearer {order}");
        let all = format!("{hold} {order} {SECRET} {ADMIN_TOKEN} {PAYMENT_KEY} {CUSTOMER}");
        for bytes in [
            format!("GET /api/holds/1 HTTP/1.1\r\nHost: a\r\nAuthorization {bearer}\r\n\r\n"),
            format!("GET /api/holds/1 HTTP/1.1\r\nHost: {all}\r\nAuthorization: {bearer}\r\n\r\n"),
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", hold.repeat(50)),
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n\r\n",
                hold.repeat(300)
            ),
            format!(
                "POST /api/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{all}"
            ),
            format!("POST /api/orders HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\n\r\n"),
            format!("{all}\r\n\r\n"),
            format!("{order} /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        ] {
            let answer = wire::answer_to(self.server, bytes.as_bytes());
            assert!(matches!(answer.status, 400..=599), "{}", answer.head);
            self.answers.push(answer);
        }
    }
}
