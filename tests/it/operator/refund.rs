//! A paid order is refunded, once, with its units or without.

use flashsale::http::Method;
use serde_json::json;

use super::request;
use crate::shop::{Answer, MICROSECOND, ORDER_TTL, Shop, item};

fn refund(shop: &Shop, order: i64, body: &str) -> Answer {
    shop.admin_post(&format!("/orders/{order}/refund"), body)
}

#[test]
fn a_refund_with_restock_puts_the_units_back_once() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let order = shop.ordered("tee", 3);
    shop.pay("k", order).ok();
    let paid = shop.show_order(order).ok().body;
    let refunded = refund(&shop, order, r#"{"restock":true}"#).ok();
    let mut expected = paid;
    expected["status"] = "refunded".into();
    expected["refunded_quantity"] = 3.into();
    assert_eq!(shop.show_order(order).ok().body, expected);
    expected["customer"] = json!(null);
    expected["transaction_id"] = json!(null);
    assert_eq!(refunded.body, expected);
    shop.stock_is("tee", 10, 0, 0);
    let before = shop.contents();
    for body in [r#"{"restock":true}"#, r#"{"restock":false}"#, "{}", ""] {
        assert_eq!(refund(&shop, order, body).ok().body, expected);
    }
    assert!(shop.contents() == before, "nothing moves twice");
    shop.hold("tee", 10).created();
}

#[test]
fn units_refunded_without_restock_leave_the_sale() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    for body in [None, Some(""), Some("{}"), Some(r#"{"restock":false}"#)] {
        let order = shop.ordered("tee", 1);
        shop.pay(&format!("k{order}"), order).ok();
        let path = format!("/orders/{order}/refund");
        let answer = shop.operate(request(&Method::Post, &path, body));
        answer.ok().says("status", "refunded");
        shop.stock_is("tee", 10 - order, 0, 0);
        assert_eq!(shop.product("tee")["total_stock"], 10 - order);
    }
    refund(&shop, 1, r#"{"restock":true}"#).ok();
    shop.stock_is("tee", 6, 0, 0);
}

#[test]
fn only_a_paid_order_is_refunded() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let overdue = shop.ordered("tee", 1);
    shop.after(ORDER_TTL - MICROSECOND);
    let (pending, cancelled, failed) = (
        shop.ordered("tee", 1),
        shop.ordered("tee", 1),
        shop.ordered("tee", 1),
    );
    shop.cancel(cancelled).ok();
    shop.fail("f", failed).ok();
    shop.after(MICROSECOND);
    shop.sweep();
    let before = shop.contents();
    for order in [overdue, pending, cancelled, failed] {
        refund(&shop, order, r#"{"restock":true}"#).refused("order_not_paid");
    }
    for path in [
        "/orders/99/refund",
        "/orders/0/refund",
        "/orders/abc/refund",
    ] {
        shop.admin_post(path, "")
            .failed_with(404, "order_not_found");
    }
    for body in [r#"{"restock":1}"#, r#"{"restock":null}"#] {
        refund(&shop, pending, body).invalid("restock");
    }
    refund(&shop, pending, r#"{"restok":true}"#).invalid("restok");
    refund(&shop, pending, "[]").refused("invalid_json");
    assert!(shop.contents() == before, "a refusal changes nothing");
}

#[test]
fn a_refund_frees_the_customers_limit() {
    let shop = Shop::operated(vec![item("tee", 10).max_per_customer(2)]);
    let hold = shop.hold_for("ada", "tee", 2).created().id("hold_id");
    let order = shop.order(hold).created().id("order_id");
    shop.pay("k", order).ok();
    shop.hold_for("ada", "tee", 1).refused("limit_exceeded");
    refund(&shop, order, "").ok();
    shop.hold_for("ada", "tee", 2).created();
}

#[test]
fn units_are_given_back_in_part_until_none_is_left() {
    let shop = Shop::operated(vec![item("tee", 10).max_per_customer(4)]);
    let hold = shop.hold_for("ada", "tee", 4).created().id("hold_id");
    let order = shop.order(hold).created().id("order_id");
    shop.pay("k", order).ok();
    let part = r#"{"refunded_quantity":1,"restock":true}"#;
    let given_back = refund(&shop, order, part).ok();
    given_back
        .says("status", "paid")
        .says("refunded_quantity", 1);
    shop.stock_is("tee", 7, 0, 3);
    shop.hold_for("ada", "tee", 2).refused("limit_exceeded");
    shop.hold_for("ada", "tee", 1).created();

    let before = shop.contents();
    refund(&shop, order, part).ok().says("refunded_quantity", 1);
    for quantity in ["0", "-1", "1.5", "\"1\"", "null", "5"] {
        let body = format!(r#"{{"refunded_quantity":{quantity}}}"#);
        refund(&shop, order, &body).invalid("refunded_quantity");
    }
    assert!(shop.contents() == before, "nothing moves");

    refund(&shop, order, r#"{"refunded_quantity":3}"#)
        .ok()
        .says("status", "paid")
        .says("refunded_quantity", 3);
    assert_eq!(shop.product("tee")["total_stock"], 8);
    refund(&shop, order, r#"{"refunded_quantity":2,"restock":true}"#)
        .ok()
        .says("refunded_quantity", 3);
    refund(&shop, order, r#"{"restock":true}"#)
        .ok()
        .says("status", "refunded")
        .says("refunded_quantity", 4);
    assert_eq!(shop.product("tee")["total_stock"], 8);
    assert_eq!(shop.product("tee")["sold_stock"], 0);
}
