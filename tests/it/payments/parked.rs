//! Events that come before their order: how long they wait, how many, and what they are then.

use std::time::Duration;

use serde_json::{Value, json};

use super::{about_hold, accepting};
use crate::shop::{DAY, HOLD_TTL, Shop, config, item};

#[test]
fn an_event_may_come_before_its_order() {
    let shop = Shop::with_stock("tee", 5);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    shop.pay("k", 1).verdict("parked", ());
    shop.order(hold).created().says("status", "paid");
    shop.stock_is("tee", 4, 0, 1);
    let again = shop.pay("k", 1).verdict("applied", "paid");
    again.says("already_processed", true).says("webhook_id", 1);
}

#[test]
fn an_event_may_name_the_hold_that_its_order_comes_from() {
    let shop = Shop::with_stock("tee", 5);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k1", hold, "success").verdict("parked", ());
    shop.order(hold).created().says("status", "paid");
    about_hold(&shop, "k2", hold, "failure").verdict("ignored", "paid");
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
    about_hold(&shop, "k1", released, "success").verdict("late_payment", ());
    about_hold(&shop, "k2", released, "failure").verdict("ignored", ());

    let expired = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k3", expired, "success").has_status(202);
    shop.after(HOLD_TTL);
    about_hold(&shop, "k3", expired, "success").verdict("late_payment", ());
    about_hold(&shop, "k4", expired, "success").verdict("late_payment", ());
    about_hold(&shop, "k5", expired, "failure").verdict("ignored", ());
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
        .verdict("late_payment", ())
        .says("already_processed", true);
    let order = shop.ordered("tee", 1);
    shop.show_order(order).ok().says("status", "pending");
    shop.pay("k1", 1).verdict("late_payment", "pending");
}

#[test]
fn an_event_that_waited_too_long_is_not_applied_even_if_no_sweep_has_passed() {
    let shop = Shop::on_terms(vec![item("tee", 5)], config(|it| it.parked_ttl_s = 60));
    let hold = shop.hold("tee", 1).created().id("hold_id");
    about_hold(&shop, "k", hold, "success").has_status(202);
    shop.after(Duration::from_secs(60));
    shop.order(hold).created().says("status", "pending");
    assert_eq!(shop.refunds_due(), [1]);
}

#[test]
fn only_so_many_events_may_wait() {
    let shop = Shop::on_terms(vec![item("tee", 5)], config(|it| it.parked_max = 1));
    shop.pay("k1", 1).has_status(202);
    let full = shop
        .pay("k2", 2)
        .failed_with(503, "parked_full")
        .says("outcome", "not_applied");
    assert!(full.header("Retry-After").is_some());
    shop.ordered("tee", 1);
    shop.pay("k2", 2).has_status(202);
}

fn success_of(key: &str, name: &str, id: i64, payload: &Value) -> Value {
    json!({"idempotency_key": key, name: id, "status": "success", "payload": payload})
}

#[test]
fn two_parked_reports_of_one_transaction_are_one_refund() {
    let shop = Shop::with_stock("tee", 5);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    for key in ["k1", "k2"] {
        let payload = json!({"transaction_id": "t"});
        shop.webhook(&success_of(key, "hold_id", hold, &payload))
            .has_status(202);
    }
    shop.release(hold).ok();
    assert_eq!(shop.refunds_due(), [1]);
}

#[test]
fn a_payment_refunded_under_its_holds_name_is_not_refunded_again_under_its_orders() {
    let shop = Shop::on_terms(vec![item("tee", 5)], config(|it| it.parked_ttl_s = 60));
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let payload = json!({"transaction_id": "t", "amount": 1});
    let event = |key: &str, name: &str, id: i64| shop.webhook(&success_of(key, name, id, &payload));
    event("k1", "hold_id", hold).has_status(202);
    shop.after(Duration::from_secs(60));
    shop.sweep();
    let order = shop.order(hold).created().id("order_id");
    event("k2", "order_id", order).verdict("ignored", "pending");
    assert_eq!(shop.refunds_due(), [1]);
}

/// Nobody could know that they meant the same: two refunds are due, and the books are right all the same.
#[test]
fn a_payment_that_waited_under_two_names_without_an_order_is_due_under_both() {
    let shop = Shop::on_terms(vec![item("tee", 5)], config(|it| it.parked_ttl_s = 60));
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let payload = json!({"transaction_id": "t"});
    let event = |key: &str, name: &str, id: i64| shop.webhook(&success_of(key, name, id, &payload));
    event("k1", "hold_id", hold).has_status(202);
    event("k2", "order_id", 1).has_status(202);
    shop.after(Duration::from_secs(60));
    shop.sweep();
    shop.order(hold).created();
    assert_eq!(shop.refunds_due(), [1, 2]);
}
