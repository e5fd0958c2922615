//! What is owed back, and how it is resolved.

use std::collections::BTreeSet;
use std::time::Duration;

use flashsale::http::{Method, Request};
use serde_json::{Value, json};

use super::{event, late_payment, listed, numbers, rows};
use crate::operator::at;
use crate::shop::{Answer, MICROSECOND, OPENING, Shop, item};

#[test]
fn a_refund_that_is_due_by_the_clock_can_be_resolved() {
    let shop = Shop::operated(vec![item("tee", 100)]);
    let named = shop.webhook(&event("k", ("order_id", 7), "success", Some("t")));
    let id = named.has_status(202).id("webhook_id");
    let path = format!("/refunds/{id}/resolve");
    shop.after(Duration::from_secs(86_400) - MICROSECOND);
    shop.admin_post(&path, "")
        .failed_with(404, "refund_not_found");
    shop.after(MICROSECOND);
    let resolved = shop.admin_post(&path, r#"{"note":"by bank"}"#).ok();
    let expected = json!({"webhook_id": id, "order_id": null, "hold_id": null, "verdict": "late_payment", "amount": null,
        "transaction_id": "t", "received_at": at(OPENING), "resolved_at": at(OPENING + 86_400_000_000_i64),
        "note": "by bank"});
    assert_eq!(resolved.body, expected);
    assert_eq!(rows(&shop.admin_get("/refunds").ok()), &[expected]);
}

#[test]
fn what_is_owed_is_listed_and_nothing_else() {
    let shop = Shop::operated(vec![item("tee", 100)]);
    let pay = |key: &str, order: i64, payload: &str| {
        let body = format!(
            r#"{{"idempotency_key":"{key}","order_id":{order},"status":"success","payload":{payload}}}"#
        );
        shop.post_text("/api/payments/webhook", &body).ok()
    };
    let order = shop.ordered("tee", 1);
    let sent = ["1.10", "99.98000000000000001", "-0.0", "\"12.500\"", "1e2"];
    for (index, raw) in sent.into_iter().enumerate() {
        pay(
            &format!("k{index}"),
            order,
            &format!(r#"{{"amount":{raw}}}"#),
        )
        .says("verdict", "amount_mismatch");
        let newest = shop.admin_get("/refunds?limit=1").ok();
        let text = String::from_utf8(newest.bytes).unwrap();
        assert!(text.contains(&format!(r#""amount":{raw},"#)), "{text}");
    }
    pay("paid", order, r#"{"amount":"99.99","transaction_id":"t1"}"#).says("verdict", "applied");
    pay("same", order, r#"{"transaction_id":"t1"}"#).says("verdict", "ignored");
    let duplicate = pay("twice", order, r#"{"amount":null,"transaction_id":"t2"}"#)
        .says("verdict", "duplicate_payment")
        .id("webhook_id");
    pay("thrice", order, r#"{"transaction_id":"t2"}"#).says("verdict", "ignored");
    let hold = shop.hold("tee", 1).created().id("hold_id");
    shop.release(hold).ok();
    let named = shop.webhook(&event("late", ("hold_id", hold), "success", None));
    let late = named.verdict("late_payment", json!(null)).id("webhook_id");
    shop.webhook(&event("failed", ("hold_id", hold), "failure", None))
        .verdict("ignored", json!(null));
    shop.webhook(&event("ahead", ("order_id", 2), "success", None))
        .has_status(202);

    let refunds = shop.admin_get("/refunds").ok();
    let row = |id: i64, order: Value, hold: Value, verdict: &str, transaction: Value| {
        json!({"webhook_id": id, "order_id": order, "hold_id": hold, "verdict": verdict, "amount": null,
            "transaction_id": transaction, "received_at": at(OPENING), "resolved_at": null, "note": null})
    };
    let expected = [
        row(late, json!(null), json!(hold), "late_payment", json!(null)),
        row(
            duplicate,
            json!(order),
            json!(null),
            "duplicate_payment",
            json!("t2"),
        ),
    ];
    assert_eq!(rows(&refunds)[..2], expected);
    assert_eq!(rows(&refunds).len(), 2 + sent.len());
    let due: BTreeSet<i64> = shop.refunds_due().into_iter().collect();
    assert_eq!(
        numbers(&refunds, "webhook_id")
            .into_iter()
            .collect::<BTreeSet<_>>(),
        due
    );
    for row in rows(&shop.admin_get("/payments").ok()) {
        let id = row["webhook_id"].as_i64().unwrap();
        assert_eq!(row["refund_due"], due.contains(&id), "{row}");
    }
}

#[test]
fn an_event_that_named_a_hold_is_owed_for_its_order_too() {
    let shop = Shop::operated(vec![item("tee", 100)]);
    let order = shop.ordered("tee", 1);
    shop.cancel(order).ok();
    shop.webhook(&event("k", ("hold_id", 1), "success", None))
        .verdict("late_payment", "cancelled");
    let owed = rows(&shop.admin_get("/refunds").ok())[0].clone();
    assert_eq!(
        (&owed["order_id"], &owed["hold_id"]),
        (&json!(order), &json!(1))
    );
}

#[test]
fn a_refund_is_resolved_once() {
    let shop = Shop::operated(vec![item("tee", 100)]);
    let [first, second] = ["a", "b"].map(|key| late_payment(&shop, key));
    let paid = shop.ordered("tee", 1);
    let applied = shop.pay("applied", paid).ok().id("webhook_id");
    let resolve = |id: &str, body: &str| shop.admin_post(&format!("/refunds/{id}/resolve"), body);
    let text = |answer: Answer| String::from_utf8(answer.bytes).unwrap();

    let before = shop.contents();
    let unknown = text(resolve("999", "").failed_with(404, "refund_not_found"));
    for id in [&applied.to_string(), "0", "abc", "", "-1"] {
        let refused = resolve(id, "").failed_with(404, "refund_not_found");
        assert_eq!(text(refused), unknown, "{id}");
    }
    for body in [
        r#"{"note":""}"#,
        r#"{"note":5}"#,
        r#"{"note":"a","note":"b"}"#,
        &json!({"note": "é".repeat(256)}).to_string(),
    ] {
        resolve(&first.to_string(), body).invalid("note");
    }
    resolve(&first.to_string(), r#"{"nota":"x"}"#).invalid("nota");
    resolve(&first.to_string(), "5").refused("invalid_json");
    assert!(shop.contents() == before, "a refusal changes nothing");

    shop.after(Duration::from_secs(1));
    let longest = json!({"note": "é".repeat(255)}).to_string();
    let resolved = resolve(&first.to_string(), &longest).ok();
    let resolved = resolved
        .says("note", "é".repeat(255))
        .says("resolved_at", at(OPENING + 1_000_000));
    let after_first = shop.contents();
    shop.after(Duration::from_secs(1));
    for body in ["", "{}", r#"{"note":"other"}"#] {
        assert_eq!(resolve(&first.to_string(), body).ok().body, resolved.body);
    }
    let mut now = shop.contents();
    now.counters = after_first.counters;
    assert!(now == after_first, "again, nothing changes");
    let bodiless = Request::new(Method::Post, &format!("/refunds/{second}/resolve"));
    shop.operate(bodiless).ok().says("note", json!(null));
    assert_eq!(rows(&shop.admin_get("/refunds").ok())[1], resolved.body);
    assert_eq!(listed(&shop, "/refunds"), [second, first]);
}
