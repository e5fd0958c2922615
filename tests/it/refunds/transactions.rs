//! A transaction pays its order or is owed back, never both.

use std::time::Duration;

use serde_json::json;

use super::{accept, accepting_shop, due, mismatched, resolve, shop, success};
use crate::shop::{ORDER_TTL, Shop, config, item};

#[test]
fn a_transaction_that_pays_is_owed_nothing() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    assert_eq!(due(&shop), [wrong]);
    success(&shop, "right", ("order_id", order), "t", 99.99).verdict("applied", "paid");
    assert!(due(&shop).is_empty());
    let resolved = shop.admin_get("/refunds?status=resolved").ok();
    let row = &resolved.body["data"][0];
    assert_eq!(row["webhook_id"], wrong);
    assert_eq!(row["note"], "paid its order after all");
    assert!(row["resolved_at"].is_string());
    shop.stock_is("tee", 9, 0, 1);
}

#[test]
fn a_transaction_that_was_paid_back_pays_nothing() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    resolve(&shop, wrong).ok();
    let before = shop.product("tee");
    success(&shop, "right", ("order_id", order), "t", 99.99).verdict("ignored", "pending");
    assert_eq!(shop.product("tee"), before);
    success(&shop, "other", ("order_id", order), "u", 99.99).verdict("applied", "paid");
    shop.stock_is("tee", 9, 0, 1);
}

/// Both reports wait for the order, and are judged in the transaction that makes it.
#[test]
fn of_two_parked_reports_of_a_transaction_one_pays_and_none_is_owed() {
    for about in [("hold_id", 1), ("order_id", 1)] {
        let shop = shop();
        let hold = shop.hold("tee", 1).created().id("hold_id");
        success(&shop, "wrong", about, "t", 1000).has_status(202);
        success(&shop, "right", about, "t", 99.99).has_status(202);
        shop.order(hold).created().says("status", "paid");
        assert!(due(&shop).is_empty(), "{about:?}");
        shop.stock_is("tee", 9, 0, 1);
    }
}

/// The younger report gave up waiting for the hold's order before the older one, which names the order to come.
#[test]
fn a_report_that_waited_in_vain_is_not_owed_once_its_transaction_has_paid() {
    let shop = Shop::operated_on_terms(vec![item("tee", 10)], config(|it| it.parked_ttl_s = 60));
    let hold = shop.hold("tee", 1).created().id("hold_id");
    success(&shop, "by-hold", ("hold_id", hold), "t", json!(null)).has_status(202);
    shop.after(Duration::from_secs(30));
    success(&shop, "by-order", ("order_id", 1), "t", json!(null)).has_status(202);
    shop.after(Duration::from_secs(30));
    assert_eq!(due(&shop), [1], "the first has waited in vain");
    shop.order(hold).created().says("status", "paid");
    assert!(due(&shop).is_empty());
}

#[test]
fn a_late_payment_that_is_accepted_is_owed_nothing() {
    let shop = accepting_shop();
    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    shop.after(ORDER_TTL);
    assert_eq!(due(&shop), [wrong]);
    success(&shop, "late", ("hold_id", 1), "t", "99.99").verdict("applied", "paid");
    assert!(due(&shop).is_empty());

    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    shop.after(ORDER_TTL);
    resolve(&shop, wrong).ok();
    success(&shop, "later", ("order_id", order), "t", "99.99").verdict("ignored", "expired");
    shop.stock_is("tee", 9, 0, 1);
}

#[test]
fn an_order_adopts_the_first_transaction_it_is_told() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    shop.pay("nameless", order).verdict("applied", "paid");
    let about = ("order_id", order);
    success(&shop, "a", about, "t", json!(null)).verdict("ignored", "paid");
    let second = success(&shop, "b", about, "u", json!(null)).verdict("duplicate_payment", "paid");
    let third = success(&shop, "c", about, "v", json!(null)).verdict("duplicate_payment", "paid");
    success(&shop, "d", about, "t", json!(null)).verdict("ignored", "paid");
    success(&shop, "e", about, "u", json!(null)).verdict("ignored", "paid");
    assert_eq!(
        due(&shop),
        [third.id("webhook_id"), second.id("webhook_id")]
    );
    let orders = shop.admin_get("/orders").ok();
    assert_eq!(orders.body["data"][0]["transaction_id"], "t");
}

/// What is adopted paid; of what is known to be another's money, nothing is withdrawn.
#[test]
fn a_transaction_that_is_owed_is_adopted_only_for_the_right_amount() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    shop.pay("nameless", order).verdict("applied", "paid");
    let about = ("order_id", order);
    success(&shop, "again", about, "t", 1000).verdict("ignored", "paid");
    assert_eq!(due(&shop), [wrong]);
    success(&shop, "right", about, "t", 99.99).verdict("ignored", "paid");
    assert!(due(&shop).is_empty(), "it is the one that paid");
    success(&shop, "other", about, "u", 99.99).verdict("duplicate_payment", "paid");
}

#[test]
fn an_empty_transaction_id_is_none() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    shop.after(ORDER_TTL);
    for key in ["a", "b"] {
        success(&shop, key, ("order_id", order), "", json!(null))
            .verdict("late_payment", "expired");
    }
    assert_eq!(due(&shop).len(), 2, "each is a payment of its own");
    let refunds = shop.admin_get("/refunds").ok();
    assert_eq!(refunds.body["data"][0]["transaction_id"], json!(null));
    success(&shop, "c", ("order_id", order), 7, json!(null)).invalid("payload.transaction_id");
}

/// Two reports of one payment gave up waiting under two names, before anybody could know that they are one.
#[test]
fn a_payment_that_is_due_under_two_names_is_paid_back_once() {
    let config = || config(|it| it.parked_ttl_s = 10);
    for is_resolved_first in [false, true] {
        let shop = Shop::operated_on_terms(vec![item("tee", 10)], config());
        let hold = shop.hold("tee", 1).created().id("hold_id");
        success(&shop, "a", ("order_id", 1), "t", json!(null)).has_status(202);
        success(&shop, "b", ("hold_id", hold), "t", json!(null)).has_status(202);
        shop.after(Duration::from_secs(10));
        assert_eq!(due(&shop), [2, 1]);
        if is_resolved_first {
            resolve(&shop, 1).ok().says("note", "sent back");
        }
        let order = shop
            .order(hold)
            .created()
            .says("status", "pending")
            .id("order_id");
        if !is_resolved_first {
            resolve(&shop, 1).ok().says("note", "sent back");
            assert!(due(&shop).is_empty(), "it is one payment");
        }
        accept(&shop, 2).refused("refund_resolved");
        resolve(&shop, 2)
            .ok()
            .says("note", "the same payment was paid back already");
        assert!(due(&shop).is_empty());
        success(&shop, "c", ("order_id", order), "t", json!(null)).verdict("ignored", "pending");
    }
}

#[test]
fn a_refunded_order_adopts_a_transaction_too() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    shop.pay("nameless", order).verdict("applied", "paid");
    shop.admin_post(&format!("/orders/{order}/refund"), "").ok();
    let about = ("order_id", order);
    success(&shop, "a", about, "t", json!(null)).verdict("ignored", "refunded");
    let second = success(&shop, "b", about, "u", json!(null))
        .verdict("duplicate_payment", "refunded")
        .id("webhook_id");
    success(&shop, "c", about, "t", json!(null)).verdict("ignored", "refunded");
    assert_eq!(due(&shop), [second]);
}

#[test]
fn an_event_may_be_one_of_thirty_two_that_wait_for_the_same() {
    let shop = shop();
    let hold = shop.hold("tee", 1).created().id("hold_id");
    for index in 0..32 {
        success(
            &shop,
            &format!("k{index}"),
            ("hold_id", hold),
            "t",
            json!(null),
        )
        .has_status(202);
    }
    let full = success(&shop, "full", ("hold_id", hold), "t", json!(null));
    full.failed_with(503, "parked_full")
        .says("outcome", "not_applied");
    success(&shop, "k0", ("hold_id", hold), "t", json!(null))
        .ok()
        .says("already_processed", true);
    success(&shop, "other", ("order_id", 1), "u", json!(null)).has_status(202);
    shop.order(hold).created().says("status", "paid");
    assert_eq!(due(&shop), [33], "the other transaction is owed");
}
