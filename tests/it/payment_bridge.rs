//! The example of a bridge between a payment provider and flashsale, against the real binary.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::provider::{SECRET, present_s};
use crate::readme::{blocks, document, part, run};
use crate::server::{Premises, Server};
use crate::wire;

const PROVIDER_SECRET: &str = "of-the-provider";

struct Bridge {
    process: Child,
    base: String,
}

impl Bridge {
    /// None where there is no Python.
    fn start(server: &Server) -> Option<Bridge> {
        let mut command = Command::new("python3");
        command
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/examples/payment_bridge.py"
            ))
            .arg("0")
            .env("FLASHSALE", &server.base)
            .env("WEBHOOK_SECRET", SECRET)
            .env("PROVIDER_SECRET", PROVIDER_SECRET)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let Ok(mut process) = command.spawn() else {
            eprintln!("left out: there is no python3");
            return None;
        };
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let base = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        Some(Bridge { process, base })
    }

    fn tell(&self, kind: &str, id: &str, order: u64, cents: u64, secret: &str) -> (u16, String) {
        let object = json!({"id": "pi_1", "amount": cents, "currency": "eur", "metadata": {"order_id": order.to_string()}});
        let body = json!({"id": id, "type": kind, "data": {"object": object}}).to_string();
        let sent_s = present_s();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{sent_s}.{body}").as_bytes());
        let signature: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let request = agent
            .post(&self.base)
            .header("Stripe-Signature", &format!("t={sent_s},v1={signature}"));
        let mut answer = request.send(&body).unwrap();
        (
            answer.status().as_u16(),
            answer.body_mut().read_to_string().unwrap(),
        )
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn order(server: &Server) -> u64 {
    let (_, hold) = server.hold(1);
    let (status, order) = server.post("/api/orders", &json!({"hold_id": hold["hold_id"]}));
    assert_eq!(status, 201, "{order}");
    order["order_id"].as_u64().unwrap()
}

#[test]
fn what_is_final_is_reported_once_in_major_units_and_nothing_else_is() {
    let premises = Premises::selling("sku,name,price,total_stock\ntee,Tee,19.99,5\n");
    let server = wire::serve(&premises, &[("FLASHSALE_WEBHOOK_SECRETS", SECRET)]);
    let Some(bridge) = Bridge::start(&server) else {
        return;
    };
    let status_of = |order: u64| {
        let (_, order) = server.get(&format!("/api/orders/{order}"));
        order["status"].as_str().unwrap().to_owned()
    };
    let (succeeded, canceled) = ("payment_intent.succeeded", "payment_intent.canceled");
    let (paid, given_up) = (order(&server), order(&server));

    let declined = bridge.tell(
        "payment_intent.payment_failed",
        "evt_1",
        paid,
        1999,
        PROVIDER_SECRET,
    );
    assert_eq!(declined.0, 200, "{declined:?}");
    assert_eq!(status_of(paid), "pending");

    let forged = bridge.tell(succeeded, "evt_2", paid, 1999, "of-another");
    assert_eq!(forged.0, 401, "{forged:?}");
    assert_eq!(status_of(paid), "pending");

    for already in [false, true] {
        let (status, words) = bridge.tell(succeeded, "evt_2", paid, 1999, PROVIDER_SECRET);
        assert_eq!(status, 200, "{words}");
        assert!(
            words.contains(&format!("\"already_processed\":{already}")),
            "{words}"
        );
    }
    assert_eq!(status_of(paid), "paid");

    let (status, words) = bridge.tell(canceled, "evt_3", given_up, 1999, PROVIDER_SECRET);
    assert_eq!(status, 200, "{words}");
    assert_eq!(status_of(given_up), "cancelled");

    // Far from every id that was given.
    let unknown = bridge.tell(succeeded, "evt_4", 4_000_000_000, 1999, PROVIDER_SECRET);
    assert_eq!(unknown.0, 422, "{unknown:?}");
    server.kill();
    let unanswered = bridge.tell(canceled, "evt_5", paid, 1999, PROVIDER_SECRET);
    assert_eq!(unanswered.0, 503, "{unanswered:?}");
    premises.books_are_right();
}

#[test]
fn the_walk_through_a_providers_reports_is_true() {
    let premises = Premises::new();
    let server = premises.serve_by(
        premises
            .command(&["serve", "--demo"])
            .env("FLASHSALE_WEBHOOK_SECRETS", SECRET),
    );
    let mut blocks = blocks(part(&document("docs/payment-provider.md"), "walk"));
    assert!(blocks.len() >= 3, "a walk has steps");
    let secret = format!("WEBHOOK_SECRET={SECRET}\n");
    blocks[0].commands.insert_str(0, &secret);
    run(&blocks, &premises, &server.base);
    server.stop();
    premises.books_are_right();
}
