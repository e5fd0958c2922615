//! Nothing that Stripe has not signed, just now, is looked at.

use flashsale::http::{Method, Request};

use super::{OPENING_S, PATH, paid, post, send, shop, shop_on};
use crate::provider::{
    OTHER_STRIPE_SECRET, SECRET, STRIPE_SECRET, signed_with, stripe_signature, stripe_v1,
};
use crate::shop::Shop;

fn body() -> Vec<u8> {
    paid("evt_1", "pi_1", 1, 9999).to_string().into_bytes()
}

/// What is wrong, and the header.
fn wrong_headers(body: &[u8]) -> Vec<(&'static str, String)> {
    let now_s = OPENING_S;
    let v1 = stripe_v1(STRIPE_SECRET, now_s, body);
    let of = |secret: &str, sent_s: i64| stripe_signature(secret, sent_s, body);
    let other = |at: usize| {
        let digit = if v1.as_bytes()[at] == b'0' { "1" } else { "0" };
        let mut v1 = v1.clone();
        v1.replace_range(at..=at, digit);
        format!("t={now_s},v1={v1}")
    };
    vec![
        ("empty", String::new()),
        ("no t", format!("v1={v1}")),
        ("an empty t", format!("t=,v1={v1}")),
        ("two ts", format!("t={now_s},t={now_s},v1={v1}")),
        ("no number", format!("t=+{now_s},v1={v1}")),
        ("a fraction", format!("t={now_s}.0,v1={v1}")),
        ("too large", format!("t=99999999999999999999,v1={v1}")),
        ("no v1", format!("t={now_s}")),
        ("another scheme", format!("t={now_s},v0={v1}")),
        ("capitals", format!("t={now_s},v1={}", v1.to_uppercase())),
        ("shorter", format!("t={now_s},v1={}", &v1[1..])),
        ("longer", format!("t={now_s},v1={v1}0")),
        ("a space", format!("t={now_s}, v1={v1}")),
        (
            "base64 of another scheme",
            signed_with(SECRET, now_s, body)[2].1.clone(),
        ),
        ("its first digit differs", other(0)),
        ("its last digit differs", other(63)),
        ("another t", format!("t={},v1={v1}", now_s + 1)),
        ("a leading zero", format!("t=0{now_s},v1={v1}")),
        ("a stranger's secret", of("whsec_strangers0123456", now_s)),
        (
            "the secret without its beginning",
            of(&STRIPE_SECRET[6..], now_s),
        ),
        ("long ago", of(STRIPE_SECRET, now_s - 301)),
        ("long ahead", of(STRIPE_SECRET, now_s + 301)),
    ]
}

#[test]
fn whatever_is_wrong_with_a_signature_the_answer_is_the_same_and_nothing_is_stored() {
    let shop = shop();
    shop.ordered("tee", 1);
    let before = shop.contents();
    let unsigned = shop
        .post_text(PATH, "{")
        .failed_with(401, "invalid_signature");
    assert_eq!(
        unsigned.header("WWW-Authenticate"),
        Some("Stripe-Signature")
    );
    for text in ["", "{", "[]"] {
        let answer = shop.post_text(PATH, text);
        assert_eq!(answer.whole(), unsigned.whole(), "unsigned {text}");
    }
    for (wrong, header) in wrong_headers(&body()) {
        let answer = post(&shop, &header, &body());
        assert_eq!(answer.whole(), unsigned.whole(), "{wrong}");
    }
    let twice = Request::new(Method::Post, PATH).with_body(&body());
    let header = stripe_signature(STRIPE_SECRET, OPENING_S, &body());
    let twice = twice.with_header("Stripe-Signature", &header);
    let twice = twice.with_header("Stripe-Signature", &header);
    assert_eq!(shop.call(twice).whole(), unsigned.whole(), "twice");
    assert!(shop.contents() == before, "nothing is stored");
}

#[test]
fn a_signature_is_one_of_any_v1_by_any_of_the_secrets_within_300_seconds() {
    let sent = OPENING_S;
    let right = stripe_v1(STRIPE_SECRET, sent, &body());
    let by_other = stripe_v1(OTHER_STRIPE_SECRET, sent, &body());
    let zeros = "0".repeat(64);
    for header in [
        format!("t={sent},v1={right}"),
        format!("t={sent},v1={by_other}"),
        format!("v1={right},t={sent}"),
        format!("t={sent},v1={zeros},v1={right}"),
        format!("t={sent},v1={right},v1={zeros},v0={zeros}"),
        format!("t={sent},v1=broken,,=,x,v1={right},v2=ok"),
        stripe_signature(STRIPE_SECRET, sent - 300, &body()),
        stripe_signature(OTHER_STRIPE_SECRET, sent + 300, &body()),
    ] {
        let shop = shop();
        shop.ordered("tee", 1);
        post(&shop, &header, &body()).verdict("applied", "paid");
    }
}

#[test]
fn no_byte_of_a_signed_body_can_be_changed() {
    let shop = shop();
    shop.ordered("tee", 1);
    let (body, header) = (body(), stripe_signature(STRIPE_SECRET, OPENING_S, &body()));
    for at in 0..body.len() {
        let mut changed = body.clone();
        changed[at] ^= 1;
        post(&shop, &header, &changed).failed_with(401, "invalid_signature");
    }
    post(&shop, &header, &body[1..]).failed_with(401, "invalid_signature");
    post(&shop, &header, &body).verdict("applied", "paid");
}

#[test]
fn without_its_secrets_there_is_no_such_path() {
    let shop = Shop::with_stock("tee", 1);
    for method in [Method::Post, Method::Get, Method::Options] {
        let answer = shop.call(Request::new(method, PATH).with_body(b"{}"));
        answer.failed_with(404, "not_found");
    }
}

#[test]
fn without_secrets_of_its_own_the_other_webhook_takes_nothing_beside_stripes() {
    let shop = shop_on(|it| it.webhook_secrets = Vec::new());
    shop.ordered("tee", 1);
    shop.pay("k", 1).failed_with(401, "invalid_signature");
    let body = r#"{"idempotency_key":"k","order_id":1,"status":"success"}"#;
    let signed = signed_with(SECRET, OPENING_S, body.as_bytes());
    let request = Request::new(Method::Post, "/api/payments/webhook").with_body(body.as_bytes());
    let request = signed.iter().fold(request, |request, (name, value)| {
        request.with_header(name, value)
    });
    shop.call(request).failed_with(401, "invalid_signature");
    assert!(shop.contents().payments.is_empty());
    send(&shop, &paid("evt_1", "pi_1", 1, 9999)).verdict("applied", "paid");
}
