//! An order with all that belongs to it.

use serde_json::Value;

use crate::shop::{Shop, item};

/// This field of each row.
fn column(rows: &Value, field: &str) -> Vec<Value> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row[field].clone()).collect()
}

#[test]
fn an_order_has_its_hold_its_payments_and_its_movements_and_nothing_of_others() {
    let shop = Shop::operated(vec![item("tee", 10), item("cap", 10)]);
    let (other, order) = (shop.ordered("tee", 1), shop.ordered("tee", 3));
    let elsewhere = shop.ordered("cap", 2);
    shop.pay("elsewhere", elsewhere).ok();
    shop.pay("other", other).ok();
    shop.pay("first", order).ok();
    shop.pay("second", order).ok();
    shop.admin_post(&format!("/orders/{order}/refund"), r#"{"restock":true}"#)
        .ok();
    let history = shop.admin_get(&format!("/orders/{order}")).ok().body;
    let listed = shop.admin_get("/orders?product_id=1").ok().body;
    assert_eq!(history["order"], listed["data"][0]);
    let holds = shop.admin_get("/holds?product_id=1").ok().body;
    assert_eq!(history["hold"], holds["data"][0]);
    let keys = column(&history["payments"], "idempotency_key");
    assert_eq!(keys, ["second", "first"]);
    let kinds = column(&history["movements"], "kind");
    assert_eq!(kinds, ["order_restocked", "order_paid", "hold_placed"]);
    assert_eq!(column(&history["movements"], "available"), [3, 0, -3]);
}

#[test]
fn an_order_that_is_not_there_has_no_history() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    for id in ["1", "0", "x"] {
        shop.admin_get(&format!("/orders/{id}"))
            .failed_with(404, "order_not_found");
    }
}
