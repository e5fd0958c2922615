//! `docs/stripe.md` is run against the real binary: its events are signed by the scheme that Stripe publishes, and what it asks
//! of Stripe comes to a program that answers as Stripe does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::PATH;
use crate::provider::{STRIPE_SECRET, present_s, stripe_signature};
use crate::readme::{Block, blocks, document, part, run};
use crate::server::{Premises, Server};
use crate::wire;

/// As the document configures it.
fn serve(premises: &Premises) -> Server {
    let document = document("docs/stripe.md");
    let config = document.split("```toml\n").nth(1).unwrap();
    let lines = config.split("```").next().unwrap().lines().map(str::trim);
    let config = lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace("whsec_…", STRIPE_SECRET);
    let file = premises.file("flash_sale.toml", &config);
    let only_mine = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(file, only_mine).unwrap();
    premises.serve_with(&["--demo"])
}

fn with_secret(mut blocks: Vec<Block>) -> Vec<Block> {
    let first = format!("STRIPE_SECRET={STRIPE_SECRET}\n");
    blocks[0].commands.insert_str(0, &first);
    blocks
}

#[test]
fn the_walk_through_stripes_events_is_true() {
    let premises = Premises::new();
    let server = serve(&premises);
    let blocks = with_secret(blocks(part(&document("docs/stripe.md"), "walk")));
    assert!(blocks.len() >= 6, "a walk has steps");
    run(&blocks, &premises, &server.base);
    server.stop();
    premises.books_are_right();
}

type Form = BTreeMap<String, String>;

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (digits, after) = after.split_at(2);
                rest = after;
                u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// What the document's blocks ask of Stripe: the path, the `Idempotency-Key` and the form of each request.
fn asked_of_stripe(premises: &Premises, blocks: Vec<Block>) -> Vec<(String, String, Form)> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let count = blocks.len();
    let stripe = std::thread::spawn(move || {
        let answer = |_| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                lines.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_owned());
            }
            let field = |name: &str| {
                let mut values = head.iter().filter_map(|line| line.split_once(": "));
                values
                    .find(|(it, _)| it.eq_ignore_ascii_case(name))
                    .unwrap()
                    .1
                    .to_owned()
            };
            let mut body = vec![0; field("Content-Length").parse().unwrap()];
            lines.read_exact(&mut body).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}\n")
                .unwrap();
            let body = String::from_utf8(body).unwrap();
            let pairs = body.split('&').map(|pair| pair.split_once('=').unwrap());
            let form = pairs
                .map(|(name, value)| (unescaped(name), unescaped(value)))
                .collect();
            let path = head[0].split(' ').nth(1).unwrap().to_owned();
            (path, field("Idempotency-Key"), form)
        };
        (0..count).map(answer).collect()
    });
    let blocks: Vec<Block> = blocks
        .into_iter()
        .map(|block| Block {
            commands: format!(
                "STRIPE_KEY=sk_test_x\n{}",
                block.commands.replace("https://api.stripe.com", &base)
            ),
            ..block
        })
        .collect();
    run(&blocks, premises, &base);
    stripe.join().unwrap()
}

/// Of a form, the entries of this object.
fn entries(form: &Form, of: &str) -> Value {
    let named = form.iter().filter_map(|(name, value)| {
        let name = name
            .strip_prefix(of)?
            .strip_prefix('[')?
            .strip_suffix(']')?;
        Some((name.to_owned(), value.as_str().into()))
    });
    Value::Object(named.collect())
}

fn number(form: &Form, name: &str) -> i64 {
    form[name].parse().unwrap()
}

#[test]
fn what_the_document_asks_of_stripe_pays_the_orders() {
    let premises = Premises::new();
    let server = serve(&premises);
    for hold in 1..=2 {
        assert_eq!(server.hold(2).0, 201);
        let (_, order) = server.post("/api/orders", &json!({"hold_id": hold}));
        assert_eq!(order["total_price"].to_string(), "199.98");
    }
    let document = document("docs/stripe.md");
    let parts = ["payment intent", "checkout"].map(|mark| blocks(part(&document, mark)));
    let asked = asked_of_stripe(&premises, parts.into_iter().flatten().collect());
    let send = |id: &str, kind: &str, object: Value| {
        let event = json!({"id": id, "type": kind, "livemode": true, "data": {"object": object}});
        let body = event.to_string();
        let signature = stripe_signature(STRIPE_SECRET, present_s(), body.as_bytes());
        let headers = [("Stripe-Signature", signature.as_str())];
        let answer =
            wire::call(&server, &format!("POST {PATH}"), &headers, body.as_bytes()).is(200);
        answer.body["verdict"].as_str().unwrap().to_owned()
    };

    let (path, key, form) = &asked[0];
    assert_eq!(
        (path.as_str(), key.as_str()),
        ("/v1/payment_intents", "order-1")
    );
    let intent = json!({
        "id": "pi_1", "amount_received": number(form, "amount"), "currency": form["currency"],
        "metadata": entries(form, "metadata")
    });
    assert_eq!(send("evt_1", "payment_intent.succeeded", intent), "applied");

    let (path, key, form) = &asked[1];
    assert_eq!(
        (path.as_str(), key.as_str()),
        ("/v1/checkout/sessions", "order-2")
    );
    let unit_amount = number(form, "line_items[0][price_data][unit_amount]");
    let amount = unit_amount * number(form, "line_items[0][quantity]");
    let currency = &form["line_items[0][price_data][currency]"];
    let left_s = number(form, "expires_at") - present_s();
    assert!(
        (1_980..=2_040).contains(&left_s),
        "the order waits for 2100 s: {left_s}"
    );
    let session = json!({
        "id": "cs_1", "amount_total": amount, "currency": currency, "payment_status": "paid",
        "payment_intent": "pi_2", "client_reference_id": form["client_reference_id"],
        "metadata": entries(form, "metadata")
    });
    assert_eq!(
        send("evt_2", "checkout.session.completed", session),
        "applied"
    );
    let intent = json!({
        "id": "pi_2", "amount_received": amount, "currency": currency,
        "metadata": entries(form, "payment_intent_data[metadata]")
    });
    assert_eq!(send("evt_3", "payment_intent.succeeded", intent), "ignored");
    assert_eq!(server.get("/api/products/1").1["sold_stock"], 4);
    server.stop();
    premises.books_are_right();
}
