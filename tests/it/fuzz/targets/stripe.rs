//! An event of Stripe's that is signed, and what it tells the sale. The same JSON in other letters tells the same, and so does
//! an event with a field more; what it tells has a key of Stripe's, and a payload of what was read alone.

use flashsale::api::{StripeReason, StripeUnderstood, understand_stripe};
use flashsale::config::StripeSecret;
use flashsale::http::{Method, Request};
use flashsale::sale::{Command, Timestamp};
use serde_json::Value;

use super::api::NOW_S;
use super::spelling::respelt;
use crate::provider::{STRIPE_SECRET, stripe_signature};

pub fn target(bytes: &[u8]) {
    let counted = understood(bytes, true);
    // Live or not is judged before what the event is about.
    let live_alone = understood(bytes, false);
    if !matches!(
        live_alone,
        Ok(StripeUnderstood::Ignored(StripeReason::TestMode))
    ) {
        assert_eq!(told(&counted), told(&live_alone), "a live event");
    }
    if let Ok(StripeUnderstood::Told(command)) = &counted {
        check(command);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert!(counted.is_err());
        return;
    };
    let respelt = understood(respelt(text).as_bytes(), true);
    assert_eq!(told(&counted), told(&respelt), "the same in other letters");
    if let Some(fields) = text.strip_prefix("{\"") {
        let more = understood(format!("{{\"a\\u0000z\":[1],\"{fields}").as_bytes(), true);
        assert_eq!(told(&counted), told(&more), "the same with a field more");
    }
}

fn understood(body: &[u8], counts_test_mode: bool) -> Result<StripeUnderstood, &'static str> {
    let header = stripe_signature(STRIPE_SECRET, NOW_S, body);
    let request = Request::new(Method::Post, "/api/payments/stripe")
        .with_header("Stripe-Signature", &header)
        .with_body(body);
    let secrets = [StripeSecret::parse(STRIPE_SECRET).unwrap()];
    let now = Timestamp::from_micros(NOW_S * 1_000_000);
    understand_stripe(&request, &secrets, now, counts_test_mode).map_err(|_| "refused")
}

fn told(understood: &Result<StripeUnderstood, &'static str>) -> String {
    format!("{understood:?}")
}

fn check(command: &Command) {
    let (key, payload) = if let Command::RecordPayment(event) = command {
        (&event.key, &event.payload)
    } else if let Command::RecordReversal(event) = command {
        assert!(!event.transaction_id.is_empty());
        (&event.key, &event.payload)
    } else {
        panic!("{command:?} is nothing that a provider tells");
    };
    let event = key.strip_prefix("stripe:").expect("a key of Stripe's");
    assert!((1..=255).contains(&event.len()) && event.bytes().all(|byte| byte.is_ascii_graphic()));
    let payload: Value = serde_json::from_str(payload.as_deref().unwrap()).unwrap();
    let names: Vec<_> = payload.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["provider", "event", "type", "object", "amount", "currency"]
    );
    assert_eq!(payload["event"], event);
    assert!(payload["amount"].as_i64().unwrap() >= 0);
}
