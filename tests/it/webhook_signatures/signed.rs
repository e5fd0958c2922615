//! What is signed rightly, and just now, is taken.

use std::time::Duration;

use flashsale::http::{Method, Request};

use super::{OPENING_S, PATH, event, post, post_signed, shop, shop_that_knows, wrongly_signed};
use crate::provider::{OTHER_SECRET, SECRET, Signed, signed_with};
use crate::shop::Shop;

#[test]
fn an_event_that_either_secret_signs_is_applied_without_a_token() {
    for secret in [SECRET, OTHER_SECRET] {
        let shop = shop();
        let body = event("k");
        let headers = signed_with(secret, OPENING_S, &body);
        post(&shop, &headers, &body).verdict("applied", "paid");
        let by_hold = br#"{"idempotency_key":"h","hold_id":2,"status":"success"}"#;
        let headers = signed_with(secret, OPENING_S, by_hold);
        post(&shop, &headers, by_hold).verdict("applied", "paid");
    }
}

#[test]
fn one_right_signature_among_others_is_enough() {
    let shop = shop();
    let body = event("k");
    let old = signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", OPENING_S, &body);
    let mut headers = signed_with(OTHER_SECRET, OPENING_S, &body);
    headers[2].1 = format!("{} v2,x {}", old[2].1, headers[2].1);
    post(&shop, &headers, &body).verdict("applied", "paid");
    // The same one twice is right twice.
    let right = signed_with(OTHER_SECRET, OPENING_S, &body)[2].1.clone();
    headers[2].1 = format!("{right} {right}");
    post(&shop, &headers, &body).ok();
}

#[test]
fn a_secret_that_was_taken_out_signs_no_more() {
    let shop = shop_that_knows(&[OTHER_SECRET]);
    let body = event("k");
    post_signed(&shop, &body).failed_with(401, "invalid_signature");
    let headers = signed_with(OTHER_SECRET, OPENING_S, &body);
    post(&shop, &headers, &body).ok();
}

#[test]
fn a_signature_is_good_for_300_seconds_either_way() {
    let shop = shop();
    let body = event("k");
    let send = |sent_s: i64| post(&shop, &signed_with(SECRET, sent_s, &body), &body).status;
    let now_s = OPENING_S;
    assert_eq!(
        [now_s - 301, now_s - 300, now_s + 300, now_s + 301].map(send),
        [401, 200, 200, 401]
    );
    let overheard = signed_with(SECRET, now_s, &body);
    shop.after(Duration::from_secs(300));
    post(&shop, &overheard, &body).ok();
    shop.after(Duration::from_secs(1));
    post(&shop, &overheard, &body).failed_with(401, "invalid_signature");
    for sent_s in [i64::MIN, -1, i64::MAX] {
        assert_eq!(send(sent_s), 401, "{sent_s}");
    }
}

#[test]
fn a_token_is_no_signature() {
    let shop = shop();
    let secret = shop.api().guard.secret.clone();
    let token = secret.token(flashsale::sale::TokenKind::Order, 1);
    let body = event("k");
    let headers = vec![("Authorization", format!("Bearer {token}"))];
    post(&shop, &headers, &body).failed_with(401, "invalid_signature");
}

#[test]
fn without_secrets_nobody_looks_at_signatures() {
    let shop = Shop::with_stock("tee", 1);
    shop.ordered("tee", 1);
    let wrong = signed_with(SECRET, 0, b"of another body");
    post(&shop, &wrong, &event("k")).verdict("applied", "paid");
}

#[test]
fn whoever_signs_is_not_asked_for_an_origin() {
    let shop = shop();
    let from_a_page = |headers: &Signed, body: &[u8]| {
        let mut headers = headers.clone();
        headers.push(("Origin", "https://evil.example".into()));
        post(&shop, &headers, body)
    };
    let body = event("k");
    from_a_page(&signed_with(SECRET, OPENING_S, &body), &body).ok();
    let stranger = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (wrong, headers) in wrongly_signed(&body, OPENING_S) {
        let answer = from_a_page(&headers, &body);
        assert_eq!(answer.status, 401, "{wrong}");
    }
    from_a_page(&signed_with(stranger, OPENING_S, &body), &body)
        .failed_with(401, "invalid_signature");

    let open = shop_that_knows(&[]);
    let request = Request::new(Method::Post, PATH).with_body(&body);
    open.call(request.with_header("Origin", "https://evil.example"))
        .failed_with(403, "origin_not_allowed");
}
