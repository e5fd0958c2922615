//! The payment webhook: every row of the table of verdicts, events before their orders, and keys that come again.

use std::time::Duration;

use flashsale::config::Config;
use flashsale::sale::{Command, OrderId, PaymentId};
use serde_json::{Value, json};

use crate::shop::{Answer, HOLD_TTL, ORDER_TTL, Shop, item};

const DAY: Duration = Duration::from_secs(86_400);

fn accepting() -> Config {
    Config {
        accept_late_payments: true,
        ..Config::default()
    }
}

fn pay_amount(shop: &Shop, key: &str, order: i64, amount: Value) -> Answer {
    let payload = json!({"transaction_id": "t", "amount": amount});
    shop.webhook(&json!({"idempotency_key": key, "order_id": order, "status": "success", "payload": payload}))
}

fn about_hold(shop: &Shop, key: &str, hold: i64, status: &str) -> Answer {
    shop.webhook(&json!({"idempotency_key": key, "hold_id": hold, "status": status}))
}

#[test]
fn a_success_pays_a_pending_order() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 2);
    let answer = pay_amount(&shop, "k", order, json!(199.98))
        .ok()
        .verdict("applied", "paid");
    let expected = json!({
        "success": true, "already_processed": false, "order_status": "paid", "webhook_id": 1, "verdict": "applied"
    });
    assert_eq!(answer.body, expected);
    shop.stock_is("tee", 3, 0, 2);
}

#[test]
fn an_amount_is_compared_as_an_exact_decimal() {
    for amount in [
        "199.98",
        "199.980",
        "1.9998e2",
        "199.98000000000002",
        "\"199.98\"",
        "null",
    ] {
        let shop = Shop::with_stock("tee", 5);
        let order = shop.ordered("tee", 2);
        let body = format!(
            r#"{{"idempotency_key":"k","order_id":{order},"status":"success","payload":{{"amount":{amount}}}}}"#
        );
        shop.post_text("/api/payments/webhook", &body)
            .ok()
            .verdict("applied", "paid");
    }
    for amount in ["199.97", "0", "\"199.9\"", "1e2", "19998"] {
        let shop = Shop::with_stock("tee", 5);
        let order = shop.ordered("tee", 2);
        let body = format!(
            r#"{{"idempotency_key":"k","order_id":{order},"status":"success","payload":{{"amount":{amount}}}}}"#
        );
        shop.post_text("/api/payments/webhook", &body)
            .ok()
            .verdict("amount_mismatch", "pending");
        assert_eq!(shop.refunds_due(), [1], "{amount}");
        shop.stock_is("tee", 3, 2, 0);
    }
}

#[test]
fn a_failure_cancels_a_pending_order_once() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 2);
    shop.fail("k1", order).ok().verdict("applied", "cancelled");
    shop.stock_is("tee", 5, 0, 0);
    shop.fail("k2", order).ok().verdict("ignored", "cancelled");
    shop.stock_is("tee", 5, 0, 0);
}

#[test]
fn a_paid_order_stays_paid() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    shop.pay_by_transaction("k1", order, "t1")
        .ok()
        .verdict("applied", "paid");
    shop.pay_by_transaction("k2", order, "t1")
        .ok()
        .verdict("ignored", "paid");
    shop.pay("k3", order).ok().verdict("ignored", "paid");
    shop.fail("k4", order).ok().verdict("ignored", "paid");
    shop.pay_by_transaction("k5", order, "t2")
        .ok()
        .verdict("duplicate_payment", "paid");
    shop.stock_is("tee", 4, 0, 1);
    assert_eq!(shop.refunds_due(), [5]);
}

#[test]
fn a_missing_transaction_is_never_another_one() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    shop.pay("k1", order).ok().verdict("applied", "paid");
    shop.pay_by_transaction("k2", order, "t2")
        .ok()
        .verdict("ignored", "paid");
    assert!(shop.refunds_due().is_empty());
}

#[test]
fn a_refunded_order_takes_no_more_money() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    shop.pay_by_transaction("k1", order, "t1").ok();
    shop.command(Command::RefundOrder {
        order: OrderId::new(order).unwrap(),
        restock: true,
    })
    .unwrap();
    shop.pay_by_transaction("k2", order, "t1")
        .ok()
        .verdict("ignored", "refunded");
    shop.fail("k3", order).ok().verdict("ignored", "refunded");
    shop.pay_by_transaction("k4", order, "t2")
        .ok()
        .verdict("duplicate_payment", "refunded");
    assert_eq!(shop.refunds_due(), [4]);
}

#[test]
fn late_money_is_due_back() {
    let shop = Shop::with_stock("tee", 5);
    let cancelled = shop.ordered("tee", 1);
    shop.cancel(cancelled).ok();
    shop.pay("k1", cancelled)
        .ok()
        .verdict("late_payment", "cancelled");
    let expired = shop.ordered("tee", 1);
    shop.after(ORDER_TTL);
    shop.pay("k2", expired)
        .ok()
        .verdict("late_payment", "expired");
    shop.fail("k3", expired).ok().verdict("ignored", "expired");
    assert_eq!(shop.refunds_due(), [1, 2]);
    shop.stock_is("tee", 5, 0, 0);
}

#[test]
fn late_money_may_take_its_units_again() {
    let shop = Shop::on_terms(vec![item("tee", 2)], accepting());
    let cancelled = shop.ordered("tee", 1);
    shop.cancel(cancelled).ok();
    pay_amount(&shop, "k1", cancelled, json!(99.98))
        .ok()
        .verdict("late_payment", "cancelled");
    shop.pay("k2", cancelled).ok().verdict("applied", "paid");
    let expired = shop.ordered("tee", 1);
    shop.after(ORDER_TTL);
    shop.pay("k3", expired).ok().verdict("applied", "paid");
    shop.stock_is("tee", 0, 0, 2);
    assert_eq!(shop.refunds_due(), [1]);
}

#[test]
fn late_money_gets_nothing_where_the_units_are_gone() {
    let shop = Shop::on_terms(vec![item("tee", 1)], accepting());
    let late = shop.ordered("tee", 1);
    shop.after(ORDER_TTL);
    shop.hold("tee", 1).created();
    shop.pay("k", late).ok().verdict("late_payment", "expired");
    shop.stock_is("tee", 0, 1, 0);
    assert_eq!(shop.refunds_due(), [1]);
}

#[test]
fn late_money_takes_units_that_are_free_by_the_clock_alone() {
    let shop = Shop::on_terms(vec![item("tee", 1)], accepting());
    let late = shop.ordered("tee", 1);
    shop.cancel(late).ok();
    shop.hold("tee", 1).created();
    shop.after(HOLD_TTL);
    shop.pay("k", late).ok().verdict("applied", "paid");
    shop.stock_is("tee", 0, 0, 1);
    shop.show_hold(2).ok().says("status", "expired");
}

#[test]
fn an_event_may_come_before_its_order() {
    let shop = Shop::with_stock("tee", 5);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    shop.pay("k", 1)
        .has_status(202)
        .verdict("parked", json!(null));
    shop.order(hold).created().says("status", "paid");
    shop.stock_is("tee", 4, 0, 1);
    let again = shop.pay("k", 1).ok().verdict("applied", "paid");
    again.says("already_processed", true).says("webhook_id", 1);
}

#[test]
fn an_event_may_name_the_hold_that_its_order_comes_from() {
    let shop = Shop::with_stock("tee", 5);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k1", hold, "success")
        .has_status(202)
        .verdict("parked", json!(null));
    shop.order(hold).created().says("status", "paid");
    about_hold(&shop, "k2", hold, "failure")
        .ok()
        .verdict("ignored", "paid");
    let other = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k3", other, "failure").has_status(202);
    shop.order(other).created().says("status", "cancelled");
    shop.stock_is("tee", 4, 0, 1);
}

#[test]
fn parked_events_are_applied_in_the_order_in_which_they_came() {
    let shop = Shop::on_terms(vec![item("tee", 5)], accepting());
    let hold = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k1", hold, "failure").has_status(202);
    shop.pay("k2", 1).has_status(202);
    shop.fail("k3", 1).has_status(202);
    shop.order(hold).created().says("status", "paid");
    let verdicts: Vec<_> = shop
        .contents()
        .payments
        .iter()
        .map(|(payment, _)| payment.verdict.as_str())
        .collect();
    assert_eq!(
        verdicts,
        ["applied", "applied", "ignored"],
        "cancelled, taken again, and then it stays paid"
    );
    shop.stock_is("tee", 4, 0, 1);
}

#[test]
fn money_for_a_hold_that_ends_without_an_order_is_due_back() {
    let shop = Shop::with_stock("tee", 5);
    let released = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k1", released, "success").has_status(202);
    about_hold(&shop, "k2", released, "failure").has_status(202);
    shop.release(released).ok();
    about_hold(&shop, "k1", released, "success")
        .ok()
        .verdict("late_payment", json!(null));
    about_hold(&shop, "k2", released, "failure")
        .ok()
        .verdict("ignored", json!(null));

    let expired = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k3", expired, "success").has_status(202);
    shop.after(HOLD_TTL);
    about_hold(&shop, "k3", expired, "success")
        .ok()
        .verdict("late_payment", json!(null));
    about_hold(&shop, "k4", expired, "success")
        .ok()
        .verdict("late_payment", json!(null));
    about_hold(&shop, "k5", expired, "failure")
        .ok()
        .verdict("ignored", json!(null));
    assert_eq!(shop.refunds_due(), [1, 3, 4]);
}

#[test]
fn money_that_waits_too_long_for_its_order_is_due_back() {
    let shop = Shop::with_stock("tee", 5);
    shop.pay("k1", 1).has_status(202);
    shop.after(DAY);
    shop.sweep();
    assert_eq!(shop.refunds_due(), [1]);
    shop.pay("k1", 1)
        .ok()
        .verdict("late_payment", json!(null))
        .says("already_processed", true);
    let order = shop.ordered("tee", 1);
    shop.show_order(order).ok().says("status", "pending");
    shop.pay("k1", 1).ok().verdict("late_payment", "pending");
}

#[test]
fn an_event_that_waited_too_long_is_not_applied_even_if_no_sweep_has_passed() {
    let shop = Shop::on_terms(
        vec![item("tee", 5)],
        Config {
            parked_ttl_s: 60,
            ..Config::default()
        },
    );
    let hold = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k", hold, "success").has_status(202);
    shop.after(Duration::from_secs(60));
    shop.order(hold).created().says("status", "pending");
    assert_eq!(shop.refunds_due(), [1]);
}

#[test]
fn only_so_many_events_may_wait() {
    let shop = Shop::on_terms(
        vec![item("tee", 5)],
        Config {
            parked_max: 1,
            ..Config::default()
        },
    );
    shop.pay("k1", 1).has_status(202);
    let full = shop
        .pay("k2", 2)
        .failed_with(503, "parked_full")
        .says("outcome", "not_applied");
    assert!(full.header("Retry-After").is_some());
    shop.ordered("tee", 1);
    shop.pay("k2", 2).has_status(202);
}

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
fn the_same_key_again_has_no_second_effect() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    let first = pay_amount(&shop, "k", order, json!(99.99))
        .ok()
        .says("already_processed", false);
    let again = pay_amount(&shop, "k", order, json!(1))
        .ok()
        .verdict("applied", "paid");
    again
        .says("already_processed", true)
        .says("webhook_id", first.id("webhook_id"));
    shop.fail("k", order)
        .failed_with(422, "idempotency_key_reused");
    let other = shop.ordered("tee", 1);
    shop.pay("k", other)
        .failed_with(422, "idempotency_key_reused");
    shop.show_order(other).ok().says("status", "pending");
    shop.pay("k", 9_999_999)
        .failed_with(422, "idempotency_key_reused");
}

#[test]
fn a_repeat_tells_how_things_stand_now() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    pay_amount(&shop, "k", order, json!(1))
        .ok()
        .verdict("amount_mismatch", "pending");
    shop.after(ORDER_TTL);
    pay_amount(&shop, "k", order, json!(1))
        .ok()
        .verdict("amount_mismatch", "expired");
}

#[test]
fn the_same_order_by_another_name_is_the_same() {
    let shop = Shop::with_stock("tee", 5);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k", hold, "success").has_status(202);
    shop.pay("k", 1).failed_with(422, "idempotency_key_reused");
    shop.order(hold).created().says("status", "paid");
    shop.pay("k", 1)
        .ok()
        .verdict("applied", "paid")
        .says("already_processed", true);
}

#[test]
fn a_repeat_of_an_event_that_still_waits_is_parked_still() {
    let shop = Shop::with_stock("tee", 5);
    shop.pay("k", 1)
        .has_status(202)
        .says("already_processed", false);
    shop.pay("k", 1)
        .ok()
        .verdict("parked", json!(null))
        .says("already_processed", true);
}

#[test]
fn one_payment_is_refunded_once() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    shop.cancel(order).ok();
    shop.pay_by_transaction("k1", order, "t1")
        .ok()
        .verdict("late_payment", "cancelled");
    shop.pay_by_transaction("k2", order, "t1")
        .ok()
        .verdict("ignored", "cancelled");
    shop.pay_by_transaction("k3", order, "t2")
        .ok()
        .verdict("late_payment", "cancelled");
    shop.pay("k4", order)
        .ok()
        .verdict("late_payment", "cancelled");
    shop.pay("k5", order)
        .ok()
        .verdict("late_payment", "cancelled");
    assert_eq!(shop.refunds_due(), [1, 3, 4, 5]);
    let resolve = || {
        let command = Command::ResolveRefund {
            payment: PaymentId::new(1).unwrap(),
            note: Some("by hand".into()),
        };
        shop.command(command).unwrap()
    };
    assert_eq!(resolve(), resolve());
    shop.pay_by_transaction("k6", order, "t1")
        .ok()
        .verdict("ignored", "cancelled");
}

#[test]
fn two_parked_reports_of_one_transaction_are_one_refund() {
    let shop = Shop::with_stock("tee", 5);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    for key in ["k1", "k2"] {
        let payload = json!({"transaction_id": "t"});
        let body = json!({"idempotency_key": key, "hold_id": hold, "status": "success", "payload": payload});
        shop.webhook(&body).has_status(202);
    }
    shop.release(hold).ok();
    assert_eq!(shop.refunds_due(), [1]);
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
    .ok()
    .verdict("applied", "paid");
}

#[test]
fn a_payload_is_stored_as_it_came() {
    let shop = Shop::with_stock("tee", 5);
    shop.ordered("tee", 1);
    let payload = r#"{ "transaction_id" : "t\u00e9" , "amount":99.990, "x": [1, 1e400] }"#;
    let body =
        format!(r#"{{"idempotency_key":"k","order_id":1,"status":"success","payload":{payload}}}"#);
    shop.post_text("/api/payments/webhook", &body)
        .ok()
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

#[test]
fn a_key_is_judged_after_fields_and_before_existence() {
    let shop = Shop::with_stock("tee", 5);
    shop.ordered("tee", 1);
    shop.pay("k", 1).ok();
    shop.webhook(&json!({"idempotency_key": "k", "order_id": 1, "status": "other"}))
        .invalid("status");
    shop.pay("k", 99_999)
        .failed_with(422, "idempotency_key_reused");
}

#[test]
fn a_payment_refunded_under_its_holds_name_is_not_refunded_again_under_its_orders() {
    let shop = Shop::on_terms(
        vec![item("tee", 5)],
        Config {
            parked_ttl_s: 60,
            ..Config::default()
        },
    );
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let event = |key: &str, name: &str, id: i64| {
        let payload = json!({"transaction_id": "t", "amount": 1});
        shop.webhook(
            &json!({"idempotency_key": key, name: id, "status": "success", "payload": payload}),
        )
    };
    event("k1", "hold_id", hold).has_status(202);
    shop.after(Duration::from_secs(60));
    shop.sweep();
    let order = shop.order(hold).created().id("order_id");
    event("k2", "order_id", order)
        .ok()
        .verdict("ignored", "pending");
    assert_eq!(shop.refunds_due(), [1]);
}

/// Nobody could know that they meant the same: two refunds are due, and the books are right all the same.
#[test]
fn a_payment_that_waited_under_two_names_without_an_order_is_due_under_both() {
    let shop = Shop::on_terms(
        vec![item("tee", 5)],
        Config {
            parked_ttl_s: 60,
            ..Config::default()
        },
    );
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let event = |key: &str, name: &str, id: i64| {
        let payload = json!({"transaction_id": "t"});
        shop.webhook(
            &json!({"idempotency_key": key, name: id, "status": "success", "payload": payload}),
        )
    };
    event("k1", "hold_id", hold).has_status(202);
    event("k2", "order_id", 1).has_status(202);
    shop.after(Duration::from_secs(60));
    shop.sweep();
    shop.order(hold).created();
    assert_eq!(shop.refunds_due(), [1, 2]);
}

#[test]
fn a_cancelled_order_that_was_paid_late_keeps_its_first_answer() {
    let shop = Shop::on_terms(vec![item("tee", 5)], accepting());
    let order = shop.ordered("tee", 1);
    let path = format!("/api/orders/{order}/cancel");
    let first = shop.post_with_key(&path, "c", &json!({})).ok();
    shop.pay("k", order).ok().verdict("applied", "paid");
    let again = shop.post_with_key(&path, "c", &json!({})).ok();
    assert_eq!(again.bytes, first.bytes);
}
