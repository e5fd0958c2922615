//! Orders: from a hold to paid, cancelled or expired.

use std::time::Duration;

use flashsale::http::{Method, Request};
use flashsale::sale::{Command, OrderId};
use serde_json::json;

use crate::shop::{HOLD_TTL, ORDER_TTL, Shop, config, item};

#[test]
fn an_order_keeps_what_its_hold_kept() {
    let shop = Shop::with_stock("tee", 5);
    let hold = shop.hold("tee", 2).created().id("hold_id");
    let answer = shop.order(hold).created();
    assert_eq!(answer.header("Location"), Some("/api/orders/1"));
    let expected = json!({
        "order_id": 1, "product_id": 1, "quantity": 2, "total_price": 199.98, "status": "pending",
        "pay_by": "2024-01-01T12:15:00.000000Z", "token": answer.body["token"]
    });
    assert_eq!(answer.body, expected);
    shop.stock_is("tee", 3, 2, 0);
    let expected = json!({
        "order_id": 1, "hold_id": 1, "product_id": 1, "quantity": 2, "unit_price": 99.99, "total_price": 199.98,
        "status": "pending", "pay_by": "2024-01-01T12:15:00.000000Z", "created_at": "2024-01-01T12:00:00.000000Z",
        "paid_at": null, "refunded_quantity": 0, "refunded_amount": 0.00, "dispute": null
    });
    assert_eq!(shop.show_order(1).ok().body, expected);
    shop.after(Duration::from_secs(1));
    shop.pay("k", 1).ok();
    shop.show_order(1)
        .ok()
        .says("status", "paid")
        .says("paid_at", "2024-01-01T12:00:01.000000Z");
}

#[test]
fn an_order_names_a_hold_that_can_be_ordered() {
    let shop = Shop::with_stock("tee", 5);
    shop.order(1).invalid("hold_id");
    for hold in ["0", "-1", "1.5", "\"1\"", "null", "9007199254740992"] {
        shop.post_text("/api/orders", &format!("{{\"hold_id\":{hold}}}"))
            .invalid("hold_id");
    }
    shop.post("/api/orders", &json!({})).invalid("hold_id");
    shop.post("/api/orders", &json!({"hold_id": 1, "hold": 1}))
        .invalid("hold");
    let hold = shop.hold("tee", 1).created().id("hold_id");
    shop.order(hold).created();
    shop.order(hold)
        .refused("hold_used")
        .says("order_id", 1)
        .says("error", "Hold has already been used");
    let released = shop.hold("tee", 1).created().id("hold_id");
    shop.release(released).ok();
    shop.order(released).refused("hold_released");
    let expired = shop.hold("tee", 1).created().id("hold_id");
    shop.after(HOLD_TTL);
    shop.order(expired)
        .refused("hold_expired")
        .says("error", "Hold has expired");
}

#[test]
fn the_price_is_the_holds_even_if_the_products_has_changed() {
    let shop = Shop::with_stock("tee", 5);
    let hold = shop.hold("tee", 3).created().id("hold_id");
    let mut dearer = item("tee", 5);
    dearer.changes.price = Some(flashsale::sale::Cents::new(1));
    shop.command(dearer.load()).unwrap();
    let text = String::from_utf8(shop.order(hold).created().bytes).unwrap();
    assert!(text.contains("\"total_price\":299.97,"), "{text}");
}

#[test]
fn an_order_is_cancelled_once() {
    let shop = Shop::with_stock("tee", 5);
    let order = shop.ordered("tee", 2);
    let first = shop.cancel(order).ok().says("status", "cancelled");
    shop.stock_is("tee", 5, 0, 0);
    assert_eq!(shop.cancel(order).ok().bytes, first.bytes);
    assert_eq!(shop.show_order(order).ok().bytes, first.bytes);
    shop.stock_is("tee", 5, 0, 0);
}

#[test]
fn what_is_not_pending_cannot_be_cancelled() {
    let shop = Shop::with_stock("tee", 5);
    let paid = shop.ordered("tee", 1);
    shop.pay("k", paid).ok();
    shop.cancel(paid).refused("order_paid");
    shop.command(Command::RefundOrder {
        order: OrderId::new(paid).unwrap(),
        quantity: None,
        restock: true,
    })
    .unwrap();
    shop.cancel(paid).refused("order_refunded");
    let expired = shop.ordered("tee", 1);
    shop.after(ORDER_TTL);
    shop.cancel(expired).refused("order_expired");
    shop.cancel(99).failed_with(404, "order_not_found");
    shop.post_text("/api/orders/x/cancel", "")
        .failed_with(404, "order_not_found");
    shop.get("/api/orders/x")
        .failed_with(404, "order_not_found");
}

#[test]
fn an_unpaid_order_expires_and_its_units_are_free() {
    let shop = Shop::with_stock("tee", 1);
    let order = shop.ordered("tee", 1);
    shop.after(ORDER_TTL - Duration::from_micros(1));
    shop.show_order(order).ok().says("status", "pending");
    shop.hold("tee", 1).refused("insufficient_stock");
    shop.after(Duration::from_micros(1));
    shop.show_order(order).ok().says("status", "expired");
    shop.stock_is("tee", 1, 0, 0);
    shop.hold("tee", 1).created();
}

#[test]
fn an_order_may_wait_for_ever() {
    let shop = Shop::on_terms(vec![item("tee", 1)], config(|it| it.order_ttl_s = 0));
    let hold = shop.hold("tee", 1).created().id("hold_id");
    shop.order(hold).created().says("pay_by", json!(null));
    shop.after(Duration::from_secs(365 * 86_400));
    shop.show_order(1)
        .ok()
        .says("status", "pending")
        .says("pay_by", json!(null));
    shop.pay("k", 1).verdict("applied", "paid");
}

#[test]
fn a_refunded_order_is_available_again_or_leaves_the_sale() {
    let shop = Shop::with_stock("tee", 5);
    let refund = |order, restock| {
        let command = Command::RefundOrder {
            order: OrderId::new(order).unwrap(),
            quantity: None,
            restock,
        };
        shop.command(command).map(|_| ())
    };
    let (back, gone) = (shop.ordered("tee", 1), shop.ordered("tee", 2));
    assert!(refund(back, true).is_err(), "it is not paid");
    shop.pay("k1", back).ok();
    shop.pay("k2", gone).ok();
    shop.stock_is("tee", 2, 0, 3);
    refund(back, true).unwrap();
    refund(back, true).unwrap();
    shop.stock_is("tee", 3, 0, 2);
    refund(gone, false).unwrap();
    shop.stock_is("tee", 3, 0, 0);
    assert_eq!(shop.product("tee")["total_stock"], 3);
    shop.show_order(gone).ok().says("status", "refunded");
}

/// A lost answer costs nobody their order: whoever shows the hold's token gets the order's.
#[test]
fn who_shows_the_holds_token_gets_to_know_the_order_that_it_became() {
    let shop = Shop::with_stock("tee", 5);
    let held = shop.hold("tee", 1).created();
    let token = held.body["token"].as_str().unwrap();
    let placed = shop.order(1).created();
    let again = shop.post("/api/orders", &json!({"hold_id": 1, "token": token}));
    again
        .refused("hold_used")
        .says("order_id", placed.id("order_id"))
        .says("order_token", placed.body["token"].clone());
    let request = Request::new(Method::Post, "/api/orders").with_body(br#"{"hold_id":1}"#);
    let shown = request.with_header("Authorization", &format!("Bearer {token}"));
    let again = shop.call(shown).refused("hold_used");
    assert_eq!(again.body["order_token"], placed.body["token"]);
    let other = shop.hold("tee", 1).created();
    for body in [
        json!({"hold_id": 1}),
        json!({"hold_id": 1, "token": "guess"}),
        json!({"hold_id": 1, "token": other.body["token"]}),
    ] {
        let again = shop.post("/api/orders", &body).refused("hold_used");
        assert_eq!(again.body.get("order_token"), None, "{body}");
    }
    assert_eq!(
        shop.release(1).refused("hold_used").body.get("order_token"),
        None
    );
}
