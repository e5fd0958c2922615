//! A key that comes again has no second effect, and is told how things stand.

use serde_json::json;

use super::{about_hold, pay_amount};
use crate::shop::{ORDER_TTL, Shop};

#[test]
fn the_same_key_again_has_no_second_effect() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 1);
    let first = pay_amount(&shop, "k", order, 99.99)
        .ok()
        .says("already_processed", false);
    let again = pay_amount(&shop, "k", order, 1).verdict("applied", "paid");
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
    pay_amount(&shop, "k", order, 1).verdict("amount_mismatch", "pending");
    shop.after(ORDER_TTL);
    pay_amount(&shop, "k", order, 1).verdict("amount_mismatch", "expired");
}

#[test]
fn the_same_order_by_another_name_is_the_same() {
    let shop = Shop::with_stock("tee", 5);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k", hold, "success").has_status(202);
    shop.pay("k", 1).failed_with(422, "idempotency_key_reused");
    shop.order(hold).created().says("status", "paid");
    shop.pay("k", 1)
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
        .verdict("parked", ())
        .says("already_processed", true);
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
