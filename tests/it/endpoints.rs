//! Each endpoint asks for what its line of the table says, and for nothing else.

use flashsale::api::{Access, ENDPOINTS, Endpoint};
use flashsale::config::{AdminToken, Config, FeedToken, StripeSecret, WebhookSecret};
use flashsale::http::Request;
use flashsale::sale::TokenKind;
use serde_json::json;

use crate::provider::{SECRET, STRIPE_SECRET, signed_with, stripe_signature};
use crate::shop::{ADMIN_TOKEN, Answer, FEED_TOKEN, OPENING, Shop, item};

/// A shop that asks for everything that can be asked for, with a hold and an order.
fn guarded() -> Shop {
    let config = Config {
        require_tokens: true,
        webhook_secrets: vec![WebhookSecret::parse(SECRET).unwrap()],
        stripe_secrets: vec![StripeSecret::parse(STRIPE_SECRET).unwrap()],
        admin_token: Some(AdminToken::parse(ADMIN_TOKEN).unwrap()),
        feed_token: Some(FeedToken::parse(FEED_TOKEN).unwrap()),
        ..Config::default()
    };
    let shop = Shop::on_terms(vec![item("tee", 9)], config);
    let token = shop.hold("tee", 1).created().body["token"].clone();
    shop.hold("tee", 1).created();
    shop.post("/api/orders", &json!({"hold_id": 1, "token": token}))
        .created();
    shop
}

/// About hold 2 and order 1.
fn call(shop: &Shop, endpoint: &Endpoint, headers: &[(&str, String)]) -> Answer {
    let is_hold = endpoint.pattern == "/api/holds/{id}";
    let pattern = endpoint.pattern.replace("{webhook_id}", "{id}");
    let path = pattern.replace("{id}", if is_hold { "2" } else { "1" });
    let body = match endpoint.pattern {
        "/api/orders" => &br#"{"hold_id": 2}"#[..],
        _ => b"{}",
    };
    let request = Request::new(endpoint.method.clone(), &path).with_body(body);
    let headers = headers.iter();
    shop.call(headers.fold(request, |request, (name, value)| {
        request.with_header(name, value)
    }))
}

fn bearer(token: &str) -> [(&'static str, String); 1] {
    [("Authorization", format!("Bearer {token}"))]
}

/// The headers that a call of this endpoint needs.
fn shown(shop: &Shop, endpoint: &Endpoint) -> Vec<(&'static str, String)> {
    match endpoint.access {
        Access::Open => Vec::new(),
        Access::Feed => bearer(FEED_TOKEN).into(),
        Access::Operator => bearer(ADMIN_TOKEN).into(),
        Access::Signature => signed_with(SECRET, OPENING / 1_000_000, b"{}"),
        Access::Stripe => {
            let signature = stripe_signature(STRIPE_SECRET, OPENING / 1_000_000, b"{}");
            vec![("Stripe-Signature", signature)]
        }
        Access::Token => {
            let (kind, id) = match endpoint.pattern.starts_with("/api/orders/") {
                true => (TokenKind::Order, 1),
                false => (TokenKind::Hold, 2),
            };
            bearer(&shop.api().guard.secret.token(kind, id)).into()
        }
    }
}

#[test]
fn an_endpoint_asks_for_what_its_line_says() {
    for endpoint in ENDPOINTS {
        let shop = guarded();
        let answer = call(&shop, endpoint, &[]);
        let code = answer.body["code"].as_str().unwrap_or_default();
        let is_denied = match endpoint.access {
            Access::Open => false,
            Access::Feed | Access::Operator => code == "unauthorized",
            Access::Signature | Access::Stripe => code == "invalid_signature",
            Access::Token => code == "hold_not_found" || code == "order_not_found",
        };
        let line = format!("{} {}", endpoint.method, endpoint.pattern);
        assert_eq!(is_denied, endpoint.access != Access::Open, "{line}: {code}");

        let answer = call(&shop, endpoint, &shown(&shop, endpoint));
        let code = answer.body["code"].as_str().unwrap_or_default();
        let denials = [
            "unauthorized",
            "invalid_signature",
            "hold_not_found",
            "order_not_found",
        ];
        assert!(!denials.contains(&code), "{line}: {code}");
    }
}
