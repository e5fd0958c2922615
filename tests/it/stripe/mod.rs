//! Stripe's own webhooks: an event as Stripe sends it, signed as Stripe signs it.

mod bodies;
mod documented;
mod mutated;
mod reversals;
mod served;
mod signatures;
mod successes;

use flashsale::config::{Config, StripeSecret, WebhookSecret};
use flashsale::http::{Method, Request};
use flashsale::sale::Currency;
use serde_json::{Value, json};

use crate::provider::{OTHER_STRIPE_SECRET, SECRET, STRIPE_SECRET, stripe_signature};
use crate::shop::{Answer, OPENING, Shop, config, item};

const PATH: &str = "/api/payments/stripe";
const OPENING_S: i64 = OPENING / 1_000_000;

/// Prices are in dollars.
fn taking_stripe(set: impl FnOnce(&mut Config)) -> Config {
    config(|it| {
        let secrets = [STRIPE_SECRET, OTHER_STRIPE_SECRET];
        it.stripe_secrets = secrets
            .map(|text| StripeSecret::parse(text).unwrap())
            .into();
        it.webhook_secrets = vec![WebhookSecret::parse(SECRET).unwrap()];
        it.currency = Currency::parse("USD");
        set(it);
    })
}

fn shop() -> Shop {
    shop_on(|_| {})
}

fn shop_on(set: impl FnOnce(&mut Config)) -> Shop {
    let items = vec![item("tee", 50), item("gift", 9).price(0)];
    Shop::operated_on_terms(items, taking_stripe(set))
}

fn post(shop: &Shop, signature: &str, body: &[u8]) -> Answer {
    let request = Request::new(Method::Post, PATH).with_body(body);
    shop.call(request.with_header("Stripe-Signature", signature))
}

fn now_s(shop: &Shop) -> i64 {
    shop.clock().now().micros() / 1_000_000
}

/// Signed by Stripe, just now.
fn send_text(shop: &Shop, body: &str) -> Answer {
    let signature = stripe_signature(STRIPE_SECRET, now_s(shop), body.as_bytes());
    post(shop, &signature, body.as_bytes())
}

fn send(shop: &Shop, event: &Value) -> Answer {
    send_text(shop, &event.to_string())
}

fn event(id: &str, kind: &str, object: Value) -> Value {
    json!({
        "id": id, "object": "event", "api_version": "2025-03-31.basil", "created": OPENING_S, "livemode": true,
        "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null},
        "type": kind, "data": {"object": object}
    })
}

/// A payment that succeeded, of an order.
fn paid(id: &str, intent: &str, order: i64, minor_units: i64) -> Value {
    let object = json!({
        "id": intent, "object": "payment_intent", "amount": minor_units, "amount_received": minor_units,
        "currency": "usd", "metadata": {"flashsale_order": order.to_string(), "cart": "7"},
        "shipping": {"name": "Ada Lovelace"}
    });
    event(id, "payment_intent.succeeded", object)
}

/// A Checkout session, of what its reference says.
fn session(id: &str, kind: &str, payment_status: &str, reference: Value) -> Value {
    let object = json!({
        "id": "cs_1", "object": "checkout.session", "amount_total": 9999, "currency": "usd",
        "payment_status": payment_status, "payment_intent": "pi_1", "client_reference_id": reference,
        "metadata": {}, "customer_details": {"name": "Ada Lovelace"}
    });
    event(id, kind, object)
}

#[track_caller]
fn is_ignored(shop: &Shop, answer: Answer, reason: &str) {
    let expected = json!({"success": true, "verdict": "ignored", "reason": reason});
    assert_eq!(answer.ok().body, expected);
    assert!(shop.contents().payments.is_empty(), "nothing is stored");
}
