//! Refunds that are due no more, since the provider says that the money went back; and those that are due again.

use serde_json::json;

use super::{is_due, is_resolved, late, paid, refund, report, shop};
use crate::shop::{HOLD_TTL, ORDER_TTL, SECOND, Shop, config, item};

#[test]
fn a_refund_is_resolved_when_as_much_as_was_paid_went_back() {
    for amount in [json!(199.98), json!("199.98"), json!(null)] {
        let shop = shop();
        let id = late(&shop, "t", amount);
        report(&shop, "a", "dispute_opened", "t", json!(null)).verdict("applied", json!(null));
        report(&shop, "b", "refunded", "t", 199.97).verdict("applied", json!(null));
        is_due(&shop, id);
        report(&shop, "c", "refunded", "t", 199.98).verdict("applied", json!(null));
        is_resolved(&shop, id);
        let due = shop.admin_get("/refunds?status=due").ok();
        assert_eq!(due.body["data"], json!([]));
    }
}

#[test]
fn a_report_without_an_amount_says_that_all_went_back() {
    let shop = shop();
    let id = late(&shop, "t", 1_000_000);
    report(&shop, "r", "refunded", "t", json!(null)).verdict("applied", json!(null));
    is_resolved(&shop, id);
}

#[test]
fn a_refund_of_another_transaction_stays_due() {
    let shop = shop();
    let [one, other] = ["t", "u"].map(|transaction| late(&shop, transaction, json!(null)));
    report(&shop, "r", "refunded", "u", json!(null)).ok();
    is_due(&shop, one);
    is_resolved(&shop, other);
}

#[test]
fn a_refund_that_becomes_due_after_its_money_went_back_is_resolved_at_once() {
    let shop = shop();
    report(&shop, "r", "refunded", "t", 199.98).verdict("ignored", json!(null));
    let id = late(&shop, "t", 199.98);
    is_resolved(&shop, id);
    let more = late(&shop, "t", 199.99);
    is_due(&shop, more);
    let order = paid(&shop, "u");
    report(&shop, "s", "refunded", "v", 200).ok();
    let twice = shop.pay_by_transaction("twice", order, "v");
    is_resolved(
        &shop,
        twice.verdict("duplicate_payment", "paid").id("webhook_id"),
    );
}

#[test]
fn a_refund_that_failed_is_due_again_and_keeps_its_note() {
    let shop = shop();
    let id = late(&shop, "t", 199.98);
    report(&shop, "a", "refunded", "t", 199.98).ok();
    report(&shop, "b", "refund_failed", "t", 199.98).verdict("applied", json!(null));
    is_due(&shop, id);
    assert_eq!(refund(&shop, id)["note"], "refunded by the provider");
    report(&shop, "c", "refunded", "t", 199.98).ok();
    is_resolved(&shop, id);
}

/// The operator said that it went back, and the provider says that it did not.
#[test]
fn a_refund_that_the_operator_had_marked_is_due_again_when_it_failed() {
    let shop = shop();
    let id = late(&shop, "t", 199.98);
    shop.admin_post(&format!("/refunds/{id}/resolve"), r#"{"note":"sent back"}"#)
        .ok();
    report(&shop, "a", "refunded", "t", 199.98).verdict("applied", json!(null));
    assert_eq!(refund(&shop, id)["note"], "sent back");
    report(&shop, "b", "refund_failed", "t", json!(null)).ok();
    is_due(&shop, id);
    assert_eq!(refund(&shop, id)["note"], "sent back");
}

/// Two reports of one payment were due under two names. What became of the second one, and when, stays.
#[test]
fn a_refund_that_was_of_the_same_payment_keeps_its_end_when_that_is_due_again() {
    for ends_by in ["resolve", "accept"] {
        let shop =
            Shop::operated_on_terms(vec![item("tee", 10)], config(|it| it.parked_ttl_s = 10));
        let hold = shop.hold("tee", 2).created().id("hold_id");
        for (key, about) in [
            ("a", json!({"order_id": 1})),
            ("b", json!({"hold_id": hold})),
        ] {
            let mut event = json!({"idempotency_key": key, "status": "success", "payload": {"transaction_id": "t"}});
            event
                .as_object_mut()
                .unwrap()
                .extend(about.as_object().unwrap().clone());
            shop.webhook(&event).has_status(202);
        }
        shop.after(10 * SECOND);
        shop.order(hold).created();
        shop.admin_post("/refunds/1/resolve", "").ok();
        let same = refund(&shop, 2);
        assert_eq!(same["note"], "the same payment was paid back already");
        shop.after(SECOND);
        report(&shop, "r", "refund_failed", "t", json!(null)).ok();
        is_due(&shop, 1);
        shop.after(SECOND);
        shop.admin_post(&format!("/refunds/1/{ends_by}"), "").ok();
        assert_eq!(refund(&shop, 2), same, "{ends_by}");
    }
}

#[test]
fn money_that_failed_to_go_back_may_pay_its_order() {
    let shop = shop();
    let order = shop.ordered("tee", 2);
    let payload = json!({"transaction_id": "t", "amount": 1000});
    let wrong =
        json!({"idempotency_key": "k", "order_id": order, "status": "success", "payload": payload});
    let id = shop.webhook(&wrong).id("webhook_id");
    report(&shop, "a", "refunded", "t", 1000).ok();
    let accept = || shop.admin_post(&format!("/refunds/{id}/accept"), "");
    accept().refused("refund_resolved");
    shop.pay_by_transaction("l", order, "t")
        .verdict("ignored", "pending");
    report(&shop, "b", "refund_failed", "t", 1000).ok();
    accept().ok().says("note", "accepted");
    super::shows(&shop, order, 1000.0, json!(null));
    report(&shop, "c", "refund_failed", "t", 1000).verdict("applied", "paid");
    assert_eq!(refund(&shop, id)["note"], "accepted");
}

/// No sweep has come by: the report settles what has waited in vain, as the operator does who resolves it.
#[test]
fn what_waited_in_vain_is_known_to_a_report_swept_or_not() {
    for sweeps in [true, false] {
        let shop = shop();
        let hold = shop.hold("tee", 1).created().id("hold_id");
        let event = json!({"idempotency_key": "k", "hold_id": hold, "status": "success", "payload": {"transaction_id": "t"}});
        let id = shop.webhook(&event).has_status(202).id("webhook_id");
        report(&shop, "a", "refunded", "t", 99.98).verdict("ignored", json!(null));
        shop.after(HOLD_TTL);
        if sweeps {
            shop.sweep();
        }
        report(&shop, "b", "refunded", "t", 99.99).verdict("applied", json!(null));
        is_resolved(&shop, id);
    }
}

/// The deadline is when the wait ended, whenever a sweep comes by.
#[test]
fn a_refund_that_was_never_to_pay_is_resolved_as_of_its_deadline() {
    let shop = shop();
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let event = json!({"idempotency_key": "k", "hold_id": hold, "status": "success", "payload": {"transaction_id": "t"}});
    let id = shop.webhook(&event).has_status(202).id("webhook_id");
    report(&shop, "a", "refunded", "t", json!(null)).ok();
    shop.after(HOLD_TTL + SECOND);
    let resolve = || shop.admin_post(&format!("/refunds/{id}/resolve"), r#"{"note":"by hand"}"#);
    let listed = refund(&shop, id);
    is_resolved(&shop, id);
    assert_eq!(resolve().ok().body, listed);
    shop.admin_post(&format!("/refunds/{id}/accept"), "")
        .refused("refund_resolved");
    shop.sweep();
    assert_eq!(refund(&shop, id), listed);
    shop.after(ORDER_TTL);
    assert_eq!(resolve().ok().body, listed);
}
