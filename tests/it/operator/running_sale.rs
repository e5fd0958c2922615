//! What a change does to a sale that is running: prices, pauses, windows and limits.

use serde_json::json;

use super::at;
use crate::shop::{MICROSECOND, OPENING, SECOND, Shop, item};

#[test]
fn a_new_price_is_for_new_holds() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let held = shop.hold("tee", 2).created().id("hold_id");
    let ordered = shop.ordered("tee", 1);
    shop.admin_patch("/products/1", r#"{"price":50.01}"#).ok();
    shop.order(held).created().says("total_price", 199.98);
    shop.show_order(ordered).ok().says("unit_price", 99.99);
    let paid = json!({"idempotency_key": "k", "order_id": ordered, "status": "success", "payload": {"amount": 99.99}});
    shop.webhook(&paid).verdict("applied", "paid");
    shop.hold("tee", 1).created().says("unit_price", 50.01);
}

#[test]
fn a_pause_stops_holds_and_nothing_that_was_begun() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let held = shop.hold("tee", 2).created().id("hold_id");
    shop.admin_patch("/products/1", r#"{"paused":true}"#).ok();
    shop.hold("tee", 1).refused("sale_paused");
    let order = shop.order(held).created().id("order_id");
    shop.pay("k", order).verdict("applied", "paid");
    shop.admin_patch("/products/1", r#"{"paused":false}"#).ok();
    shop.hold("tee", 1).created();
}

#[test]
fn a_new_window_acts_at_once_and_to_the_microsecond() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let window = json!({"starts_at": at(OPENING + 1_000_000), "ends_at": at(OPENING + 2_000_000)});
    shop.admin_patch("/products/1", &window.to_string())
        .ok()
        .says("status", "upcoming");
    shop.hold("tee", 1)
        .refused("sale_not_started")
        .says("starts_at", at(OPENING + 1_000_000));
    shop.after(SECOND - MICROSECOND);
    shop.hold("tee", 1).refused("sale_not_started");
    shop.after(MICROSECOND);
    shop.hold("tee", 1).created();
    shop.after(SECOND - MICROSECOND);
    shop.hold("tee", 1).created();
    shop.after(MICROSECOND);
    shop.hold("tee", 1).refused("sale_ended");
    shop.admin_patch("/products/1", r#"{"ends_at":null}"#)
        .ok()
        .says("status", "live");
    shop.hold("tee", 1).created();
}

#[test]
fn new_limits_act_at_once_and_count_what_was_before() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    shop.hold_for("ada", "tee", 3).created();
    shop.admin_patch("/products/1", r#"{"max_per_hold":2,"max_per_customer":4}"#)
        .ok();
    shop.hold_for("ada", "tee", 3)
        .refused("limit_exceeded")
        .says("limit", 2);
    shop.hold_for("ada", "tee", 2)
        .refused("limit_exceeded")
        .says("used", 3);
    shop.hold("tee", 1).invalid("customer");
    shop.hold_for("ada", "tee", 1).created();
    shop.admin_patch(
        "/products/1",
        r#"{"max_per_hold":null,"max_per_customer":null}"#,
    )
    .ok();
    shop.hold("tee", 6).created();
}
