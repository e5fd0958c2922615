//! `Stripe-Signature`. A signature is accepted only if it was made with a secret, over the header's time and these bytes.

use flashsale::api::{StripeRefused, understand_stripe};
use flashsale::config::StripeSecret;
use flashsale::http::{Method, Request};
use flashsale::sale::Timestamp;

use super::api::NOW_S;
use super::{header_values, parts};
use crate::provider::{OTHER_STRIPE_SECRET, STRIPE_SECRET, stripe_v1};

/// Parts: headers, a body. No input could hold the right signature: `@` stands for the one over the header's first `t`, and
/// `#` for one that was made with another secret.
pub fn target(bytes: &[u8]) {
    let Some([headers, body]) = parts(bytes) else {
        return;
    };
    let Ok(headers) = std::str::from_utf8(headers) else {
        return;
    };
    let first = header_values(headers).first().copied().unwrap_or_default();
    let sent_s = times(first).first().copied().flatten().unwrap_or(NOW_S);
    let right = stripe_v1(STRIPE_SECRET, sent_s, body);
    let headers = headers.replace('@', &right);
    let headers = headers.replace('#', &stripe_v1(OTHER_STRIPE_SECRET, sent_s, body));
    let headers = header_values(&headers);
    let mut request = Request::new(Method::Post, "/api/payments/stripe").with_body(body);
    for header in &headers {
        request = request.with_header("stripe-signature", header);
    }
    let secrets = [StripeSecret::parse(STRIPE_SECRET).unwrap()];
    let now = Timestamp::from_micros(NOW_S * 1_000_000);
    let understood = understand_stripe(&request, &secrets, now, false);
    let is_accepted = !matches!(understood, Err(StripeRefused::Signature(_)));
    let is_right = match &headers[..] {
        [header] => {
            let is_now = times(header) == [Some(sent_s)] && (sent_s - NOW_S).abs() <= 300;
            let entry = format!("v1={right}");
            is_now && header.split(',').any(|element| element == entry)
        }
        _ => false,
    };
    assert_eq!(is_accepted, is_right, "accepted, and made with the secret");
}

/// Of the elements `t`; `None` stands for what is no number of seconds as it is signed.
fn times(header: &str) -> Vec<Option<i64>> {
    let sent = header
        .split(',')
        .filter_map(|element| element.strip_prefix("t="));
    let seconds = |text: &str| {
        let number = text.parse::<i64>().ok();
        number.filter(|number| number.to_string() == text && *number < 1 << 40 && *number >= 0)
    };
    sent.map(seconds).collect()
}
