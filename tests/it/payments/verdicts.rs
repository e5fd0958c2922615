//! Every row of the table of verdicts, for an event about an order that is there.

use flashsale::sale::{Command, FailedPayment, OrderId, PaymentId};
use serde_json::json;

use super::{accepting, pay_amount};
use crate::shop::{HOLD_TTL, ORDER_TTL, Shop, config, item};

#[test]
fn a_success_pays_a_pending_order() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 2);
    let answer = pay_amount(&shop, "k", order, 199.98).verdict("applied", "paid");
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
            .verdict("applied", "paid");
    }
    for amount in ["199.97", "0", "\"199.9\"", "1e2", "19998"] {
        let shop = Shop::with_stock("tee", 5);
        let order = shop.ordered("tee", 2);
        let body = format!(
            r#"{{"idempotency_key":"k","order_id":{order},"status":"success","payload":{{"amount":{amount}}}}}"#
        );
        shop.post_text("/api/payments/webhook", &body)
            .verdict("amount_mismatch", "pending");
        assert_eq!(shop.refunds_due(), [1], "{amount}");
        shop.stock_is("tee", 3, 2, 0);
    }
}

#[test]
fn a_failure_cancels_a_pending_order_once() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 2);
    shop.fail("k1", order).verdict("applied", "cancelled");
    shop.stock_is("tee", 5, 0, 0);
    shop.fail("k2", order).verdict("ignored", "cancelled");
    shop.stock_is("tee", 5, 0, 0);
}

#[test]
fn a_failure_changes_nothing_where_failures_are_attempts() {
    let keeping = config(|it| it.failed_payment = FailedPayment::Keep);
    let shop = Shop::on_terms(vec![item("tee", 5)], keeping);
    let order = shop.ordered("tee", 2);
    shop.fail("k1", order).verdict("ignored", "pending");
    shop.stock_is("tee", 3, 2, 0);
    shop.pay("k2", order).verdict("applied", "paid");

    let unpaid = shop.ordered("tee", 1);
    shop.fail("k3", unpaid).verdict("ignored", "pending");
    shop.after(ORDER_TTL);
    shop.fail("k4", unpaid).verdict("ignored", "expired");

    let hold = shop.hold("tee", 1).created().id("hold_id");
    let failure = json!({"idempotency_key": "k5", "hold_id": hold, "status": "failure"});
    shop.webhook(&failure).verdict("parked", ());
    shop.order(hold).created().says("status", "pending");
    shop.webhook(&failure).verdict("ignored", "pending");
    shop.stock_is("tee", 2, 1, 2);
}

#[test]
fn a_paid_order_stays_paid() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    shop.pay_by_transaction("k1", order, "t1")
        .verdict("applied", "paid");
    shop.pay_by_transaction("k2", order, "t1")
        .verdict("ignored", "paid");
    shop.pay("k3", order).verdict("ignored", "paid");
    shop.fail("k4", order).verdict("ignored", "paid");
    shop.pay_by_transaction("k5", order, "t2")
        .verdict("duplicate_payment", "paid");
    shop.stock_is("tee", 4, 0, 1);
    assert_eq!(shop.refunds_due(), [5]);
}

#[test]
fn a_missing_transaction_is_never_another_one() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    shop.pay("k1", order).verdict("applied", "paid");
    shop.pay_by_transaction("k2", order, "t2")
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
        quantity: None,
        restock: true,
    })
    .unwrap();
    shop.pay_by_transaction("k2", order, "t1")
        .verdict("ignored", "refunded");
    shop.fail("k3", order).verdict("ignored", "refunded");
    shop.pay_by_transaction("k4", order, "t2")
        .verdict("duplicate_payment", "refunded");
    assert_eq!(shop.refunds_due(), [4]);
}

#[test]
fn late_money_is_due_back() {
    let shop = Shop::with_stock("tee", 5);
    let cancelled = shop.ordered("tee", 1);
    shop.cancel(cancelled).ok();
    shop.pay("k1", cancelled)
        .verdict("late_payment", "cancelled");
    let expired = shop.ordered("tee", 1);
    shop.after(ORDER_TTL);
    shop.pay("k2", expired).verdict("late_payment", "expired");
    shop.fail("k3", expired).verdict("ignored", "expired");
    assert_eq!(shop.refunds_due(), [1, 2]);
    shop.stock_is("tee", 5, 0, 0);
}

#[test]
fn late_money_may_take_its_units_again() {
    let shop = Shop::on_terms(vec![item("tee", 2)], accepting());
    let cancelled = shop.ordered("tee", 1);
    shop.cancel(cancelled).ok();
    pay_amount(&shop, "k1", cancelled, 99.98).verdict("late_payment", "cancelled");
    shop.pay("k2", cancelled).verdict("applied", "paid");
    let expired = shop.ordered("tee", 1);
    shop.after(ORDER_TTL);
    shop.pay("k3", expired).verdict("applied", "paid");
    shop.stock_is("tee", 0, 0, 2);
    assert_eq!(shop.refunds_due(), [1]);
}

#[test]
fn late_money_gets_nothing_where_the_units_are_gone() {
    let shop = Shop::on_terms(vec![item("tee", 1)], accepting());
    let late = shop.ordered("tee", 1);
    shop.after(ORDER_TTL);
    shop.hold("tee", 1).created();
    shop.pay("k", late).verdict("late_payment", "expired");
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
    shop.pay("k", late).verdict("applied", "paid");
    shop.stock_is("tee", 0, 0, 1);
    shop.show_hold(2).ok().says("status", "expired");
}

#[test]
fn one_payment_is_refunded_once() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    shop.cancel(order).ok();
    shop.pay_by_transaction("k1", order, "t1")
        .verdict("late_payment", "cancelled");
    shop.pay_by_transaction("k2", order, "t1")
        .verdict("ignored", "cancelled");
    shop.pay_by_transaction("k3", order, "t2")
        .verdict("late_payment", "cancelled");
    shop.pay("k4", order).verdict("late_payment", "cancelled");
    shop.pay("k5", order).verdict("late_payment", "cancelled");
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
        .verdict("ignored", "cancelled");
}

#[test]
fn a_cancelled_order_that_was_paid_late_keeps_its_first_answer() {
    let shop = Shop::on_terms(vec![item("tee", 5)], accepting());
    let order = shop.ordered("tee", 1);
    let path = format!("/api/orders/{order}/cancel");
    let first = shop.post_with_key(&path, "c", &json!({})).ok();
    shop.pay("k", order).verdict("applied", "paid");
    let again = shop.post_with_key(&path, "c", &json!({})).ok();
    assert_eq!(again.bytes, first.bytes);
}
