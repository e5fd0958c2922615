//! What an event must say, and what is kept of it.

use serde_json::{Value, json};

use super::about_hold;
use crate::shop::Shop;

#[test]
fn an_event_about_nothing_is_refused() {
    let shop = Shop::with_stock("tee", 5);
    shop.ordered("tee", 1);
    shop.pay("k1", 10_001).has_status(202);
    shop.pay("k2", 10_002).invalid("order_id");
    about_hold(&shop, "k3", 2, "success").invalid("hold_id");
    assert_eq!(shop.contents().payments.len(), 1, "nothing else is stored");
}

#[test]
fn every_wrong_field_of_an_event_is_named() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    let event = |name: &str, value: Value| {
        let mut body =
            json!({"idempotency_key": "k", "order_id": order, "status": "success", "payload": {}});
        body[name] = value;
        shop.webhook(&body)
    };
    for key in [
        json!(""),
        json!("a b"),
        json!("é"),
        json!("a\n"),
        json!("x".repeat(256)),
        json!(1),
        json!(null),
    ] {
        event("idempotency_key", key).invalid("idempotency_key");
    }
    for status in [
        json!("paid"),
        json!("Success"),
        json!(""),
        json!(true),
        json!(null),
    ] {
        event("status", status).invalid("status");
    }
    for id in [json!(0), json!(-1), json!("1"), json!(1.5), json!(null)] {
        event("order_id", id).invalid("order_id");
    }
    for payload in [json!("x"), json!([1]), json!(1), json!(null)] {
        event("payload", payload).invalid("payload");
    }
    event("payload", json!({"transaction_id": 7})).invalid("payload.transaction_id");
    event("hold_id", json!(1)).invalid("hold_id");
    event("amount", json!(1)).invalid("amount");
    shop.webhook(&json!({"idempotency_key": "k", "status": "success"}))
        .invalid("order_id");
    assert!(shop.contents().payments.is_empty());
    event(
        "payload",
        json!({"transaction_id": null, "anything": {"deep": [1]}}),
    )
    .verdict("applied", "paid");
}

/// What each engine can keep in an index.
#[test]
fn a_transaction_is_named_by_at_most_255_characters_that_are_seen() {
    let shop = Shop::with_stock("tee", 5);
    shop.ordered("tee", 1);
    let paid = |transaction: &str| {
        shop.webhook(&json!({
            "idempotency_key": "k", "order_id": 1, "status": "success", "payload": {"transaction_id": transaction}
        }))
    };
    // No two alike in a row, so that none is packed into less.
    let long = |length: u32| -> String {
        let letters = (0..length).map(|n| char::from_u32(0x1_0000 + n * 7919 % 0xffff));
        letters.map(Option::unwrap).collect()
    };
    for wrong in [&long(256), &long(4_000), "a\0b", "\n", "\u{7f}", "\u{85}"] {
        paid(wrong).invalid("payload.transaction_id");
    }
    assert!(shop.contents().payments.is_empty());
    paid(&long(255)).verdict("applied", "paid");
    let (payment, _) = &shop.contents().payments[0];
    assert_eq!(payment.report.transaction_id, Some(long(255)));
}

#[test]
fn a_payload_is_stored_as_it_came() {
    let shop = Shop::with_stock("tee", 5);
    shop.ordered("tee", 1);
    let payload = r#"{ "transaction_id" : "t\u00e9" , "amount":99.990, "x": [1, 1e400] }"#;
    let body =
        format!(r#"{{"idempotency_key":"k","order_id":1,"status":"success","payload":{payload}}}"#);
    shop.post_text("/api/payments/webhook", &body)
        .verdict("applied", "paid");
    let (payment, stored) = &shop.contents().payments[0];
    assert_eq!(stored.as_deref(), Some(payload));
    assert_eq!(payment.report.transaction_id.as_deref(), Some("té"));
    assert_eq!(
        payment
            .report
            .amount
            .as_ref()
            .map(|amount| amount.as_json()),
        Some("99.990")
    );
}
