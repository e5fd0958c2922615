//! What Stripe reports about money that came before: it went back, did not arrive, or its payer disputes it.

use serde_json::{Value, json};

use super::{event, is_ignored, paid, send, shop, taking_stripe};
use crate::shop::{Answer, Shop, item, with_feed};

/// Of this charge, by this PaymentIntent or none.
fn refunded(id: &str, intent: Value, minor_units: i64) -> Value {
    let object = json!({
        "id": "ch_1", "object": "charge", "payment_intent": intent, "amount": 19_998, "amount_refunded": minor_units,
        "currency": "usd", "metadata": {}, "billing_details": {"name": "Ada Lovelace"}
    });
    event(id, "charge.refunded", object)
}

fn dispute(id: &str, kind: &str, status: &str) -> Value {
    let object = json!({
        "id": "dp_1", "object": "dispute", "charge": "ch_1", "payment_intent": "pi_1", "amount": 19_998,
        "currency": "usd", "status": status
    });
    event(id, kind, object)
}

/// With an order of two that `pi_1` has paid.
fn with_paid_order() -> Shop {
    let shop = shop();
    let order = shop.ordered("tee", 2);
    send(&shop, &paid("evt_paid", "pi_1", order, 19_998)).verdict("applied", "paid");
    shop
}

#[track_caller]
fn is_taken(answer: Answer, verdict: &str) -> Answer {
    answer.ok().says("success", true).says("verdict", verdict)
}

#[test]
fn money_that_went_back_is_shown_and_moves_no_units() {
    let shop = with_paid_order();
    for (id, minor_units, shown) in [
        ("evt_1", 5_000, 50.0),
        ("evt_2", 19_998, 199.98),
        ("evt_3", 100, 199.98),
    ] {
        is_taken(
            send(&shop, &refunded(id, json!("pi_1"), minor_units)),
            "applied",
        );
        let order = shop.show_order(1).ok();
        order
            .says("refunded_amount", shown)
            .says("refunded_quantity", 0);
    }
    shop.show_order(1).ok().says("status", "paid");
    shop.stock_is("tee", 48, 0, 2);
    let (again, first) = (
        refunded("evt_1", json!("pi_1"), 5_000),
        refunded("evt_paid", json!("pi_1"), 1),
    );
    is_taken(send(&shop, &again), "applied").says("already_processed", true);
    send(&shop, &first).failed_with(422, "idempotency_key_reused");
    send(&shop, &paid("evt_1", "pi_1", 1, 19_998)).failed_with(422, "idempotency_key_reused");
}

#[test]
fn a_charge_without_a_payment_intent_is_a_transaction_by_its_own_id() {
    let shop = shop();
    shop.ordered("tee", 2);
    send(&shop, &paid("evt_paid", "ch_1", 1, 19_998)).verdict("applied", "paid");
    is_taken(send(&shop, &refunded("evt_1", json!(null), 100)), "applied");
    shop.show_order(1).ok().says("refunded_amount", 1.0);
    let mut disputed = dispute("evt_2", "charge.dispute.created", "needs_response");
    disputed["data"]["object"]["payment_intent"] = json!(null);
    is_taken(send(&shop, &disputed), "applied");
    shop.show_order(1).ok().says("dispute", "open");
}

#[test]
fn a_dispute_is_open_until_it_is_won_or_lost_in_whatever_order_that_comes() {
    for status in ["won", "lost"] {
        let shop = with_paid_order();
        let created = dispute("evt_1", "charge.dispute.created", "needs_response");
        let closed = dispute("evt_2", "charge.dispute.closed", status);
        is_taken(send(&shop, &created), "applied");
        shop.show_order(1).ok().says("dispute", "open");
        is_taken(send(&shop, &closed), "applied");
        shop.show_order(1).ok().says("dispute", status);
        let late = dispute("evt_3", "charge.dispute.created", "needs_response");
        is_taken(send(&shop, &late), "applied");
        shop.show_order(1)
            .ok()
            .says("dispute", status)
            .says("status", "paid");
    }
    let shop = shop();
    for status in ["warning_closed", "under_review", ""] {
        let closed = dispute("evt_1", "charge.dispute.closed", status);
        is_ignored(&shop, send(&shop, &closed), "not_final");
    }
}

#[test]
fn a_refund_that_is_due_ends_when_stripe_says_that_the_money_went_back_and_is_due_again_if_that_failed()
 {
    let shop = with_paid_order();
    send(&shop, &paid("evt_1", "pi_2", 1, 20_500)).verdict("duplicate_payment", "paid");
    let due = || {
        shop.admin_get("/refunds?status=due").ok().body["data"]
            .as_array()
            .unwrap()
            .len()
    };
    is_taken(
        send(&shop, &refunded("evt_2", json!("pi_2"), 20_499)),
        "applied",
    );
    assert_eq!(due(), 1, "a part of it");
    is_taken(
        send(&shop, &refunded("evt_3", json!("pi_2"), 20_500)),
        "applied",
    );
    assert_eq!(due(), 0);
    let object = json!({
        "id": "re_1", "object": "refund", "charge": "ch_2", "payment_intent": "pi_2", "amount": 20_500, "currency": "usd",
        "failure_reason": "expired_or_canceled_card"
    });
    is_taken(
        send(&shop, &event("evt_4", "refund.failed", object)),
        "applied",
    );
    assert_eq!(due(), 1);
}

#[test]
fn money_that_went_back_before_its_payment_was_told_pays_nothing() {
    let shop = shop();
    let order = shop.ordered("tee", 2);
    is_taken(
        send(&shop, &refunded("evt_1", json!("pi_1"), 19_998)),
        "ignored",
    );
    send(&shop, &paid("evt_2", "pi_1", order, 19_998)).verdict("ignored", "pending");
    send(&shop, &paid("evt_3", "pi_3", order, 19_998)).verdict("applied", "paid");
}

#[test]
fn a_reversal_names_a_transaction_and_an_amount() {
    let shop = shop();
    send(&shop, &dispute("evt_1", "charge.dispute.created", "x")).ok();
    let without = |name: &str| {
        let mut event = dispute("evt_2", "charge.dispute.created", "x");
        event["data"]["object"][name] = json!(null);
        send(&shop, &event)
    };
    without("amount").invalid("data.object.amount");
    without("currency").invalid("data.object.currency");
    without("id").invalid("data.object.id");
    let mut of_nothing = dispute("evt_2", "charge.dispute.created", "x");
    of_nothing["data"]["object"]["charge"] = json!(null);
    of_nothing["data"]["object"]["payment_intent"] = json!(null);
    send(&shop, &of_nothing).invalid("data.object.payment_intent");
    let mut of_a_test = dispute("evt_2", "charge.dispute.created", "x");
    of_a_test["livemode"] = false.into();
    send(&shop, &of_a_test).ok().says("reason", "test_mode");
}

#[test]
fn of_money_that_went_back_what_is_money_is_kept() {
    let shop = with_paid_order();
    is_taken(
        send(&shop, &refunded("evt_1", json!("pi_1"), 5_000)),
        "applied",
    );
    let contents = format!("{:?}", shop.contents());
    let payload = r#"{"provider":"stripe","event":"evt_1","type":"charge.refunded","object":"ch_1","amount":5000,"currency":"usd"}"#;
    assert!(
        contents.contains(&payload.replace('"', "\\\"")),
        "{contents}"
    );
    assert!(!contents.contains("Ada"), "names are not kept");
}

#[test]
fn the_feed_tells_of_stripes_events_with_amounts_as_they_were_sent() {
    let config = with_feed(taking_stripe(|_| {}));
    let shop = Shop::operated_on_terms(vec![item("tee", 9)], config);
    let order = shop.ordered("tee", 2);
    send(&shop, &paid("evt_1", "pi_0", order, 100)).verdict("amount_mismatch", "pending");
    send(&shop, &paid("evt_2", "pi_1", order, 20_500)).verdict("applied", "paid");
    is_taken(
        send(&shop, &refunded("evt_3", json!("pi_1"), 5_000)),
        "applied",
    );
    let opened = dispute("evt_4", "charge.dispute.created", "needs_response");
    is_taken(send(&shop, &opened), "applied");
    is_taken(
        send(&shop, &dispute("evt_5", "charge.dispute.closed", "lost")),
        "applied",
    );
    let told = shop.told();
    let told: Vec<_> = told
        .iter()
        .map(|event| (event["type"].as_str().unwrap(), &event["data"]["amount"]))
        .collect();
    assert_eq!(
        told,
        [
            ("order.placed", &json!(null)),
            ("refund.due", &json!("1.00 usd")),
            ("order.paid", &json!(null)),
            ("payment.refunded", &json!(50.0)),
            ("dispute.opened", &json!(199.98)),
            ("dispute.closed", &json!(199.98)),
        ]
    );
}
