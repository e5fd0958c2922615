//! What the orders show that a transaction paid.

use serde_json::json;

use super::{paid, report, shop, shows};
use crate::shop::HOLD_TTL;

#[test]
fn an_order_shows_the_money_that_went_back_and_keeps_its_units() {
    let shop = shop();
    let order = paid(&shop, "t");
    shows(&shop, order, 0.0, json!(null));
    let answer = report(&shop, "r", "refunded", "t", 50).verdict("applied", "paid");
    let expected = json!({
        "success": true, "already_processed": false, "order_status": "paid", "webhook_id": 2, "verdict": "applied"
    });
    assert_eq!(answer.body, expected);
    shows(&shop, order, 50.0, json!(null));
    shop.stock_is("tee", 8, 0, 2);
    report(&shop, "all", "refunded", "t", "199.98").verdict("applied", "paid");
    shows(&shop, order, 199.98, json!(null));
    shop.stock_is("tee", 8, 0, 2);
    shop.admin_post(&format!("/orders/{order}/refund"), r#"{"restock":true}"#)
        .ok()
        .says("status", "refunded")
        .says("refunded_amount", 199.98);
    report(&shop, "more", "dispute_opened", "t", json!(null)).verdict("applied", "refunded");
}

#[test]
fn the_largest_amount_that_was_reported_counts() {
    let shop = shop();
    let order = paid(&shop, "t");
    for (key, amount) in [("a", json!(60)), ("b", json!(20)), ("c", json!(null))] {
        report(&shop, key, "refunded", "t", amount).ok();
        shows(&shop, order, 60.0, json!(null));
    }
    report(&shop, "d", "refund_failed", "t", 60).verdict("applied", "paid");
    shows(&shop, order, 60.0, json!(null));
}

#[test]
fn a_dispute_that_is_over_is_not_opened_again() {
    for (reports, dispute) in [
        (&["dispute_opened"][..], "open"),
        (&["dispute_opened", "dispute_won"], "won"),
        (&["dispute_won", "dispute_opened"], "won"),
        (&["dispute_lost", "dispute_opened"], "lost"),
        (&["dispute_opened", "refunded", "dispute_lost"], "lost"),
        (&["dispute_won", "dispute_lost", "dispute_opened"], "lost"),
    ] {
        let shop = shop();
        let order = paid(&shop, "t");
        for (number, kind) in (1..).zip(reports) {
            report(&shop, &format!("r{number}"), kind, "t", json!(null)).verdict("applied", "paid");
        }
        shows(&shop, order, 0.0, dispute);
    }
}

#[test]
fn a_report_of_another_transaction_is_kept_and_shown_nowhere() {
    let shop = shop();
    let order = paid(&shop, "t");
    report(&shop, "r", "refunded", "u", 10).verdict("ignored", json!(null));
    report(&shop, "s", "dispute_opened", "u", 10).verdict("ignored", json!(null));
    shows(&shop, order, 0.0, json!(null));
    assert_eq!(shop.contents().reversals.len(), 2);
}

#[test]
fn a_report_that_overtook_its_payment_is_shown_by_the_order() {
    let shop = shop();
    report(&shop, "r", "refunded", "t", 10).verdict("ignored", json!(null));
    report(&shop, "s", "dispute_opened", "t", json!(null)).verdict("ignored", json!(null));
    let order = paid(&shop, "t");
    shows(&shop, order, 10.0, "open");
    report(&shop, "r", "refunded", "t", 10)
        .verdict("ignored", "paid")
        .says("already_processed", true);
}

#[test]
fn an_order_that_adopts_a_transaction_shows_what_was_reported_of_it() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    shop.pay("k", order).verdict("applied", "paid");
    report(&shop, "r", "refunded", "t", 99.99).verdict("ignored", json!(null));
    shows(&shop, order, 0.0, json!(null));
    shop.pay_by_transaction("l", order, "t")
        .verdict("ignored", "paid");
    shows(&shop, order, 99.99, json!(null));
    report(&shop, "s", "dispute_lost", "t", json!(null)).verdict("applied", "paid");
    shows(&shop, order, 99.99, "lost");
}

#[test]
fn every_order_that_a_transaction_paid_shows_it() {
    let shop = shop();
    let orders = [paid(&shop, "t"), paid(&shop, "t"), paid(&shop, "u")];
    report(&shop, "r", "refunded", "t", 300).verdict("applied", "paid");
    shows(&shop, orders[0], 300.0, json!(null));
    shows(&shop, orders[1], 300.0, json!(null));
    shows(&shop, orders[2], 0.0, json!(null));
}

#[test]
fn a_success_whose_money_went_back_in_full_pays_nothing() {
    for amount in [json!(199.98), json!(250), json!(null)] {
        let shop = shop();
        let order = shop.ordered("tee", 2);
        report(&shop, "r", "refunded", "t", amount).verdict("ignored", json!(null));
        shop.pay_by_transaction("k", order, "t")
            .verdict("ignored", "pending");
        shop.stock_is("tee", 8, 2, 0);
        assert!(shop.refunds_due().is_empty());
        shop.pay_by_transaction("l", order, "u")
            .verdict("applied", "paid");
    }
}

#[test]
fn a_success_of_which_a_part_went_back_or_nothing_after_all_pays() {
    let shop = shop();
    let order = shop.ordered("tee", 2);
    report(&shop, "r", "refunded", "t", 199.97).ok();
    shop.pay_by_transaction("k", order, "t")
        .verdict("applied", "paid");
    shows(&shop, order, 199.97, json!(null));
    report(&shop, "s", "refunded", "u", json!(null)).ok();
    report(&shop, "f", "refund_failed", "u", json!(null)).verdict("ignored", json!(null));
    let order = shop.ordered("tee", 2);
    shop.pay_by_transaction("l", order, "u")
        .verdict("applied", "paid");
}

/// The payment waits for its order, and the report comes before it or in between.
#[test]
fn a_parked_success_whose_money_went_back_pays_nothing() {
    for is_first in [true, false] {
        let shop = shop();
        let hold = shop.hold("tee", 1).created().id("hold_id");
        let event = json!({"idempotency_key": "k", "hold_id": hold, "status": "success", "payload": {"transaction_id": "t"}});
        let report = || report(&shop, "r", "refunded", "t", 99.99).verdict("ignored", json!(null));
        if is_first {
            report();
        }
        shop.webhook(&event).verdict("parked", json!(null));
        if !is_first {
            report();
        }
        shop.order(hold).created().says("status", "pending");
        shop.webhook(&event).verdict("ignored", "pending");
        shop.stock_is("tee", 9, 1, 0);
    }
}

/// A hold that ends without an order leaves nothing to pay.
#[test]
fn a_parked_success_that_waits_in_vain_for_its_order_is_due_and_went_back() {
    let shop = shop();
    let hold = shop.hold("tee", 1).created().id("hold_id");
    report(&shop, "r", "refunded", "t", json!(null)).ok();
    let event = json!({"idempotency_key": "k", "hold_id": hold, "status": "success", "payload": {"transaction_id": "t"}});
    let id = shop.webhook(&event).id("webhook_id");
    shop.after(HOLD_TTL);
    super::is_resolved(&shop, id);
    shop.sweep();
    super::is_resolved(&shop, id);
}
