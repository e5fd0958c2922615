//! The operator takes money after all, if its units are there, and finds refunds by what became of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{accept, due, mismatched, resolve, shop, success};
use crate::shop::{HOLD_TTL, ORDER_TTL, Shop, config, item};

#[test]
fn money_is_taken_after_all_whatever_its_amount() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    let accepted = accept(&shop, wrong).ok();
    assert_eq!(accepted.body["note"], "accepted");
    assert_eq!(accepted.body["order_id"], order);
    assert_eq!(accepted.body["transaction_id"], "t");
    assert!(accepted.body["resolved_at"].is_string());
    shop.show_order(order).ok().says("status", "paid");
    shop.stock_is("tee", 9, 0, 1);
    let before = shop.contents();
    assert_eq!(accept(&shop, wrong).ok().body, accepted.body);
    assert!(shop.contents() == before, "again moves nothing");
    assert!(due(&shop).is_empty());
    success(&shop, "again", ("order_id", order), "t", 99.99).verdict("ignored", "paid");
    success(&shop, "other", ("order_id", order), "u", 99.99).verdict("duplicate_payment", "paid");
}

#[test]
fn money_for_a_cancelled_or_expired_order_is_taken_if_its_units_are_there() {
    let shop = shop();
    let cancelled = shop.ordered("tee", 6);
    shop.cancel(cancelled).ok();
    let late = success(&shop, "a", ("order_id", cancelled), "t", json!(null)).id("webhook_id");
    let held = shop.hold("tee", 5).created().id("hold_id");
    accept(&shop, late)
        .refused("insufficient_stock")
        .says("available_stock", 5);
    assert_eq!(due(&shop), [late]);
    shop.release(held).ok();
    accept(&shop, late).ok().says("order_id", cancelled);
    shop.show_order(cancelled).ok().says("status", "paid");
    shop.stock_is("tee", 4, 0, 6);

    let expired = shop.ordered("tee", 3);
    shop.after(ORDER_TTL);
    let late = success(&shop, "b", ("order_id", expired), "u", 1).id("webhook_id");
    accept(&shop, late).ok();
    shop.stock_is("tee", 1, 0, 9);
}

/// A hold that is past its deadline, swept or not, gives its units to the order whose money is taken.
#[test]
fn money_is_taken_for_units_that_are_overdue_elsewhere() {
    let shop = shop();
    let order = shop.ordered("tee", 6);
    shop.cancel(order).ok();
    let late = success(&shop, "a", ("order_id", order), "t", json!(null)).id("webhook_id");
    shop.hold("tee", 7).created();
    accept(&shop, late).refused("insufficient_stock");
    shop.after(HOLD_TTL);
    accept(&shop, late).ok();
    shop.stock_is("tee", 4, 0, 6);
}

#[test]
fn what_cannot_be_taken_says_why_in_order() {
    let shop = shop();
    accept(&shop, 1).failed_with(404, "refund_not_found");
    let order = shop.ordered("tee", 1);
    shop.pay("paid", order).ok();
    accept(&shop, 1).failed_with(404, "refund_not_found");

    let released = shop.hold("tee", 1).created().id("hold_id");
    shop.release(released).ok();
    let orderless = success(&shop, "a", ("hold_id", released), "t", json!(null)).id("webhook_id");
    accept(&shop, orderless).refused("order_not_found");
    resolve(&shop, orderless).ok();
    accept(&shop, orderless).refused("refund_resolved");

    let about = ("order_id", order);
    success(&shop, "b", about, "u", json!(null)).verdict("ignored", "paid");
    let twice = success(&shop, "c", about, "v", json!(null)).id("webhook_id");
    accept(&shop, twice).refused("order_paid");
    shop.admin_post(&format!("/orders/{order}/refund"), "").ok();
    accept(&shop, twice).refused("order_refunded");
    shop.admin_post(&format!("/refunds/{twice}/accept"), r#"{"amount":1}"#)
        .invalid("amount");
}

/// An event that stopped waiting before its order came can still buy it.
#[test]
fn money_that_waited_in_vain_is_taken_for_the_order_that_came_later() {
    let shop = Shop::operated_on_terms(vec![item("tee", 10)], config(|it| it.parked_ttl_s = 10));
    let hold = shop.hold("tee", 2).created().id("hold_id");
    let early = success(&shop, "a", ("hold_id", hold), "t", json!(null)).id("webhook_id");
    let named = success(&shop, "b", ("order_id", 1), "t", json!(null)).id("webhook_id");
    shop.after(Duration::from_secs(10));
    let refunds = shop.admin_get("/refunds").ok();
    assert_eq!(
        refunds.body["data"][0]["order_id"],
        json!(null),
        "there is none yet"
    );
    accept(&shop, early).refused("order_not_found");
    let order = shop
        .order(hold)
        .created()
        .says("status", "pending")
        .id("order_id");
    let refunds = shop.admin_get("/refunds").ok();
    for row in refunds.body["data"].as_array().unwrap() {
        assert_eq!(row["order_id"], order, "{row}");
    }
    accept(&shop, early).ok().says("order_id", order);
    assert!(
        due(&shop).is_empty(),
        "the other report of it ({named}) is owed nothing"
    );
    shop.stock_is("tee", 8, 0, 2);
}

#[test]
fn refunds_are_listed_by_what_became_of_them() {
    let shop = shop();
    let (first, second) = (shop.ordered("tee", 1), shop.ordered("tee", 1));
    let (first, second) = (mismatched(&shop, first), mismatched(&shop, second));
    resolve(&shop, first).ok();
    let ids = |query: &str| -> Vec<Value> {
        let refunds = shop.admin_get(&format!("/refunds{query}")).ok();
        let rows = refunds.body["data"].as_array().unwrap().iter();
        rows.map(|row| row["webhook_id"].clone()).collect()
    };
    assert_eq!(ids("?status=due"), [second]);
    assert_eq!(ids("?status=resolved"), [first]);
    assert_eq!(ids(""), [second, first]);
    shop.admin_get("/refunds?status=paid").invalid("status");
}
