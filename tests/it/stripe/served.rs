//! The same on the real binary: what it asks of its configuration, and what it logs.

use serde_json::{Value, json};

use super::{PATH, paid};
use crate::provider::{STRIPE_SECRET, present_s, stripe_signature};
use crate::server::{Premises, Ran, Server};
use crate::wire;

const SETTINGS: [(&str, &str); 2] = [("stripe_secrets", STRIPE_SECRET), ("currency", "USD")];

fn send(server: &Server, signature: &str, event: &Value) -> wire::Answer {
    let headers = [("Stripe-Signature", signature)];
    wire::call(
        server,
        &format!("POST {PATH}"),
        &headers,
        event.to_string().as_bytes(),
    )
}

fn signed(event: &Value) -> String {
    stripe_signature(STRIPE_SECRET, present_s(), event.to_string().as_bytes())
}

#[test]
fn secrets_need_a_currency_and_count_as_signatures_for_a_public_address() {
    let premises = Premises::stocked(9);
    let serve = |settings: &[(&str, &str)]| {
        let mut command = premises.command(&["serve"]);
        wire::configure(&mut command, settings);
        Ran(command.output().unwrap())
    };
    serve(&SETTINGS[..1]).exited(78).complains("set currency");
    let public = ("listen", "0.0.0.0:0");
    serve(&[SETTINGS[0], SETTINGS[1], public])
        .exited(78)
        .complains("require_tokens");
    let mut command = premises.command(&["serve"]);
    wire::configure(
        &mut command,
        &[SETTINGS[0], SETTINGS[1], public, ("require_tokens", "true")],
    );
    premises.serve_where_told(&mut command).stop();
}

#[test]
fn the_log_tells_what_the_client_is_not_told_and_of_the_test_mode_once() {
    let premises = Premises::stocked(9);
    let server = wire::serve(&premises, &SETTINGS);
    let (_, hold) = server.hold(1);
    assert_eq!(
        server
            .post("/api/orders", &json!({"hold_id": hold["hold_id"]}))
            .0,
        201
    );
    let mut event = paid("evt_1", "pi_1", 1, 9999);
    let long_ago = stripe_signature(
        STRIPE_SECRET,
        present_s() - 500,
        event.to_string().as_bytes(),
    );
    for header in [
        "",
        "t=1",
        "t=1,v1=0",
        &format!("t=1,v1={}", "0".repeat(64)),
        &long_ago,
    ] {
        send(&server, header, &event).is(401);
    }
    event["livemode"] = false.into();
    for _ in 0..3 {
        send(&server, &signed(&event), &event).is(200);
    }
    event["livemode"] = true.into();
    send(&server, &signed(&event), &event).is(200);
    assert_eq!(server.get("/api/orders/1").1["status"], "paid");
    let log = server.stop_and_read_log();
    for part in [
        "has no t",
        "has no v1",
        "the secret: ",
        "the clock: its t is 50",
    ] {
        assert!(log.contains(part), "{part}");
    }
    assert_eq!(log.matches("test mode").count(), 1, "{log}");
    assert!(!log.contains("Ada"), "names are not logged");
    assert!(!log.contains(&STRIPE_SECRET[6..]), "nor secrets");
}

#[test]
fn a_sale_that_only_stripe_pays_is_rehearsed_with_a_bridge() {
    let premises = Premises::stocked(40);
    let mut command = premises.command(&["rehearse"]);
    wire::configure(&mut command, &SETTINGS);
    command.args(["--buyers", "60", "--seed", "7", "--format", "json"]);
    let figures = Ran(command.output().unwrap()).succeeded().json();
    assert!(figures["units_sold"].as_i64().unwrap() > 0, "{figures}");
}

#[test]
fn a_body_is_as_large_as_the_other_webhooks() {
    let premises = Premises::stocked(9);
    let server = wire::serve(&premises, &SETTINGS);
    let (_, hold) = server.hold(1);
    let order = json!({"hold_id": hold["hold_id"]});
    assert_eq!(server.post("/api/orders", &order).0, 201);
    let padded = |length: usize| {
        let mut event = paid("evt_1", "pi_1", 1, 9999);
        event["padding"] = "".into();
        let bare = event.to_string().len();
        event["padding"] = "x".repeat(length - bare).into();
        assert_eq!(event.to_string().len(), length);
        event
    };
    let largest = padded(64 * 1024);
    send(&server, &signed(&largest), &largest).is(200);
    let larger = padded(64 * 1024 + 1);
    send(&server, &signed(&larger), &larger).is(413);
    assert_eq!(server.get("/api/orders/1").1["status"], "paid");
}

#[test]
fn money_for_an_order_that_went_with_a_lost_disk_is_owed_back() {
    let premises = Premises::stocked(9);
    premises.run(&["backup", "copy.db"]).succeeded();
    let restore = ["restore", "copy.db", "restored.db", "--skip-ids", "10"];
    premises.run(&restore).succeeded();
    let mut command = premises.command(&["serve", "--db", "restored.db"]);
    let server = premises.serve_by(wire::configure(&mut command, &SETTINGS));
    let lost = paid("evt_1", "pi_1", 10, 9999);
    let answer = send(&server, &signed(&lost), &lost).is(200);
    assert_eq!(answer.body["verdict"], "late_payment");
    let never_given = paid("evt_2", "pi_2", 11, 9999);
    let answer = send(&server, &signed(&never_given), &never_given).is(422);
    assert!(
        answer.body["errors"]["order_id"].is_array(),
        "{}",
        answer.body
    );
}
