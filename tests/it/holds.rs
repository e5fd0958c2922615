//! Holds: what one gets, and every reason not to get one, in the order in which the reasons are given.

use flashsale::http::{Method, Request};
use serde_json::json;

use crate::shop::{HOLD_TTL, OPENING, Shop, item};

#[test]
fn a_hold_keeps_units_for_two_minutes_at_a_frozen_price() {
    let shop = Shop::with_stock("tee", 5);
    let answer = shop.hold("tee", 2).created();
    assert_eq!(answer.header("Location"), Some("/api/holds/1"));
    let token = answer.body["token"].as_str().unwrap().to_owned();
    assert!(token.len() >= 32, "128 bits or more");
    let expected = json!({
        "hold_id": 1, "expires_at": "2024-01-01T12:02:00.000000Z", "product_id": 1, "quantity": 2,
        "unit_price": 99.99, "token": token
    });
    assert_eq!(answer.body, expected);
    shop.stock_is("tee", 3, 2, 0);
    assert_ne!(shop.hold("tee", 1).created().body["token"], token);
}

#[test]
fn a_quantity_is_a_whole_number_written_plainly() {
    let shop = Shop::with_stock("tee", 5);
    for quantity in [
        "0",
        "-1",
        "1.5",
        "1.0",
        "1e2",
        "\"2\"",
        "true",
        "null",
        "2147483648",
        "1e400",
        "[1]",
        "{}",
        "99999999999999999999",
    ] {
        shop.post_text(
            "/api/holds",
            &format!("{{\"product_id\":1,\"quantity\":{quantity}}}"),
        )
        .invalid("quantity");
    }
    shop.stock_is("tee", 5, 0, 0);
    shop.hold("tee", 2_147_483_647)
        .refused("insufficient_stock");
}

#[test]
fn a_customer_is_a_clean_text() {
    let shop = Shop::with_stock("tee", 5);
    for customer in [
        json!(""),
        json!(" ada"),
        json!("ada "),
        json!("a\nb"),
        json!("x".repeat(129)),
        json!(7),
        json!(null),
    ] {
        let body = json!({"product_id": 1, "quantity": 1, "customer": customer});
        shop.post("/api/holds", &body).invalid("customer");
    }
    for customer in ["ada", "山田 太郎", &"é".repeat(128)] {
        shop.hold_for(customer, "tee", 1).created();
    }
}

#[test]
fn every_wrong_field_is_named() {
    let shop = Shop::with_stock("tee", 5);
    let answer = shop
        .post("/api/holds", &json!({"qty": 1, "product_id": "1"}))
        .invalid("quantity");
    for field in ["qty", "product_id", "quantity"] {
        assert!(
            answer.body["errors"][field][0].is_string(),
            "{}",
            answer.body
        );
    }
    shop.post_text(
        "/api/holds",
        r#"{"product_id":1,"quantity":1,"quantity":2}"#,
    )
    .invalid("quantity");
}

#[test]
fn a_bad_field_comes_before_an_unknown_product() {
    let shop = Shop::with_stock("tee", 5);
    let answer = shop
        .post("/api/holds", &json!({"product_id": 9, "quantity": 0}))
        .invalid("quantity");
    assert!(answer.body["errors"]["product_id"].is_null());
    shop.post("/api/holds", &json!({"product_id": 9, "quantity": 1}))
        .invalid("product_id");
}

#[test]
fn a_sale_that_has_not_started_comes_before_a_pause_and_limits() {
    let shop = Shop::with(vec![
        item("tee", 1)
            .starts_at(OPENING + 1_000_000)
            .max_per_hold(1),
    ]);
    shop.pause("tee");
    let answer = shop.hold("tee", 2).refused("sale_not_started");
    answer.says("starts_at", "2024-01-01T12:00:01.000000Z");
    shop.after(std::time::Duration::from_secs(1));
    shop.hold("tee", 2).refused("sale_paused");
}

#[test]
fn a_sale_that_has_ended_comes_before_a_pause() {
    let shop = Shop::with(vec![item("tee", 1).ends_at(OPENING + 1)]);
    shop.hold("tee", 1).created();
    shop.pause("tee");
    shop.after(std::time::Duration::from_micros(1));
    shop.hold("tee", 1).refused("sale_ended");
}

#[test]
fn a_pause_comes_before_the_limit_per_hold() {
    let shop = Shop::with(vec![item("tee", 1).max_per_hold(1)]);
    shop.pause("tee");
    shop.hold("tee", 2).refused("sale_paused");
}

#[test]
fn the_limit_per_hold_comes_before_the_missing_customer() {
    let shop = Shop::with(vec![item("tee", 5).max_per_hold(2).max_per_customer(1)]);
    shop.hold("tee", 3)
        .refused("limit_exceeded")
        .says("limit", 2);
    shop.hold("tee", 2).invalid("customer");
}

#[test]
fn the_limit_per_customer_comes_before_the_stock() {
    let shop = Shop::with(vec![item("tee", 1).max_per_customer(2)]);
    shop.hold_for("ada", "tee", 3)
        .refused("limit_exceeded")
        .says("limit", 2)
        .says("used", 0);
    shop.hold_for("ada", "tee", 2)
        .refused("insufficient_stock")
        .says("available_stock", 1);
}

#[test]
fn never_a_part_of_what_was_wished_for() {
    let shop = Shop::with_stock("tee", 2);
    let answer = shop
        .hold("tee", 3)
        .refused("insufficient_stock")
        .says("available_stock", 2);
    answer.says("error", "Insufficient stock available");
    shop.stock_is("tee", 2, 0, 0);
    shop.hold("tee", 2).created();
    shop.hold("tee", 1)
        .refused("insufficient_stock")
        .says("available_stock", 0);
}

#[test]
fn a_customers_limit_counts_live_pending_and_paid_units() {
    let shop = Shop::with(vec![item("tee", 100).max_per_customer(3)]);
    let full = |used: i64| {
        shop.hold_for("ada", "tee", 4 - used)
            .refused("limit_exceeded")
            .says("used", used)
    };
    let hold = shop.hold_for("ada", "tee", 1).created().id("hold_id");
    full(1);
    let order = shop.order(hold).created().id("order_id");
    full(1);
    shop.pay("k", order).ok();
    full(1);
    let second = shop.hold_for("ada", "tee", 2).created().id("hold_id");
    full(3);
    shop.hold_for("eve", "tee", 3).created();
    shop.release(second).ok();
    full(1);
    let third = shop.hold_for("ada", "tee", 2).created().id("hold_id");
    let third = shop.order(third).created().id("order_id");
    full(3);
    shop.cancel(third).ok();
    full(1);
    shop.hold_for("ada", "tee", 2).created();
    full(3);
    shop.after(HOLD_TTL);
    full(1);
}

#[test]
fn a_hold_shows_how_long_it_lasts() {
    let shop = Shop::with_stock("tee", 5);
    let id = shop.hold("tee", 2).created().id("hold_id");
    shop.after(std::time::Duration::from_micros(1));
    let expected = json!({
        "hold_id": 1, "product_id": 1, "quantity": 2, "unit_price": 99.99, "status": "active",
        "expires_at": "2024-01-01T12:02:00.000000Z", "expires_in_s": 120, "order_id": null
    });
    assert_eq!(shop.show_hold(id).ok().body, expected);
    shop.order(id).created();
    shop.show_hold(id)
        .ok()
        .says("status", "ordered")
        .says("expires_in_s", 0)
        .says("order_id", 1);
    for id in ["2", "0", "abc", "18446744073709551616"] {
        shop.get(&format!("/api/holds/{id}"))
            .failed_with(404, "hold_not_found");
    }
}

#[test]
fn a_hold_is_released_once() {
    let shop = Shop::with_stock("tee", 5);
    let id = shop.hold("tee", 2).created().id("hold_id");
    let first = shop
        .release(id)
        .ok()
        .says("status", "released")
        .says("expires_in_s", 0);
    shop.stock_is("tee", 5, 0, 0);
    assert_eq!(shop.release(id).ok().bytes, first.bytes);
    assert_eq!(shop.show_hold(id).ok().bytes, first.bytes);
    shop.stock_is("tee", 5, 0, 0);
    shop.order(id).refused("hold_released");
}

#[test]
fn what_is_not_active_cannot_be_released() {
    let shop = Shop::with_stock("tee", 5);
    let ordered = shop.hold("tee", 1).created().id("hold_id");
    shop.order(ordered).created();
    shop.release(ordered)
        .refused("hold_used")
        .says("order_id", 1);
    let expired = shop.hold("tee", 1).created().id("hold_id");
    shop.after(HOLD_TTL);
    shop.release(expired).refused("hold_expired");
    shop.release(99).failed_with(404, "hold_not_found");
    shop.call(Request::new(Method::Delete, "/api/holds/x"))
        .failed_with(404, "hold_not_found");
}

#[test]
fn a_release_may_show_a_token_and_nothing_else() {
    let shop = Shop::with_stock("tee", 5);
    shop.hold("tee", 1).created();
    let release =
        |body: &[u8]| shop.call(Request::new(Method::Delete, "/api/holds/1").with_body(body));
    release(b"{\"reason\":\"x\"}").invalid("reason");
    release(b"{").failed_with(400, "invalid_json");
    release(b"{\"token\":7}").invalid("token");
    release(b"{\"token\":\"t\"}").ok();
}
