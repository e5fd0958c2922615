//! `Idempotency-Key`: the same request again gets the first answer, byte for byte.

use std::time::Duration;

use flashsale::http::{Method, Request};
use serde_json::json;

use crate::shop::{HOLD_TTL, Shop};

#[test]
fn the_same_key_and_request_get_the_first_answer_byte_for_byte() {
    let shop = Shop::with_stock("tee", 1);
    let body = json!({"product_id": 1, "quantity": 1});
    let first = shop.post_with_key("/api/holds", "a", &body).created();
    assert_eq!(first.header("Idempotent-Replayed"), None);
    shop.after(Duration::from_secs(1));
    let request = Request::new(Method::Post, "/api/holds").with_header("Idempotency-Key", "a");
    let again = shop
        .call(request.with_body(br#" { "quantity":1, "product_id" : 1 } "#))
        .created();
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.header("Location"), first.header("Location"));
    assert_eq!(again.header("Idempotent-Replayed"), Some("true"));
    shop.stock_is("tee", 0, 1, 0);
}

#[test]
fn orders_and_cancellations_take_keys_too() {
    let shop = Shop::with_stock("tee", 1);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let first = shop
        .post_with_key("/api/orders", "o", &json!({"hold_id": hold}))
        .created();
    shop.after(HOLD_TTL);
    let again = shop
        .post_with_key("/api/orders", "o", &json!({"hold_id": hold}))
        .created();
    assert_eq!(again.bytes, first.bytes);
    let first = shop
        .post_with_key("/api/orders/1/cancel", "c", &json!({}))
        .ok();
    let again = shop
        .post_with_key("/api/orders/1/cancel", "c", &json!({}))
        .ok();
    assert_eq!(
        (again.bytes.clone(), again.header("Idempotent-Replayed")),
        (first.bytes, Some("true"))
    );
}

#[test]
fn a_key_is_for_one_request() {
    let shop = Shop::with_stock("tee", 5);
    shop.post_with_key("/api/holds", "a", &json!({"product_id": 1, "quantity": 1}))
        .created();
    let reused = |path, body| {
        shop.post_with_key(path, "a", &body)
            .failed_with(422, "idempotency_key_reused")
    };
    reused("/api/holds", json!({"product_id": 1, "quantity": 2}));
    reused(
        "/api/holds",
        json!({"product_id": 1, "quantity": 1, "customer": "ada"}),
    );
    reused("/api/orders", json!({"hold_id": 1}));
    reused("/api/orders/1/cancel", json!({}));
    shop.stock_is("tee", 4, 1, 0);
}

#[test]
fn a_key_of_one_hold_or_order_is_not_for_another() {
    let shop = Shop::with_stock("tee", 5);
    for _ in 0..2 {
        shop.hold("tee", 1).created();
    }
    shop.post_with_key("/api/orders", "o", &json!({"hold_id": 1}))
        .created();
    shop.post_with_key("/api/orders", "o", &json!({"hold_id": 2}))
        .failed_with(422, "idempotency_key_reused");
    shop.order(2).created();
    shop.post_with_key("/api/orders/1/cancel", "c", &json!({}))
        .ok();
    shop.post_with_key("/api/orders/2/cancel", "c", &json!({}))
        .failed_with(422, "idempotency_key_reused");
    shop.stock_is("tee", 4, 1, 0);
}

#[test]
fn a_refusal_is_judged_anew() {
    let shop = Shop::with_stock("tee", 1);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let body = json!({"product_id": 1, "quantity": 1});
    shop.post_with_key("/api/holds", "a", &body)
        .refused("insufficient_stock");
    shop.release(hold).ok();
    shop.post_with_key("/api/holds", "a", &body).created();
}

#[test]
fn a_key_is_kept_for_a_day() {
    let shop = Shop::with_stock("tee", 5);
    let body = json!({"product_id": 1, "quantity": 1});
    shop.post_with_key("/api/holds", "a", &body)
        .created()
        .says("hold_id", 1);
    shop.after(Duration::from_secs(86_400) - Duration::from_micros(1));
    shop.post_with_key("/api/holds", "a", &body)
        .created()
        .says("hold_id", 1);
    shop.after(Duration::from_micros(1));
    shop.post_with_key("/api/holds", "a", &body)
        .created()
        .says("hold_id", 2);
    shop.after(Duration::from_secs(86_400));
    shop.sweep();
    assert!(shop.contents().replays.is_empty());
}

#[test]
fn a_malformed_key_is_refused() {
    let shop = Shop::with_stock("tee", 5);
    let body = json!({"product_id": 1, "quantity": 1});
    for key in ["", "a b", &"x".repeat(256), "é"] {
        shop.post_with_key("/api/holds", key, &body)
            .refused("invalid_idempotency_key");
    }
    let twice = Request::new(Method::Post, "/api/holds")
        .with_header("Idempotency-Key", "a")
        .with_header("Idempotency-Key", "a");
    shop.call(twice.with_body(body.to_string().as_bytes()))
        .refused("invalid_idempotency_key");
    shop.post_with_key("/api/holds", &"x".repeat(255), &body)
        .created();
}
