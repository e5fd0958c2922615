//! Whatever is wrong with a signature, the answer is the same and nothing else is looked at.

use super::{OPENING_S, event, odd_bodies, post, post_signed, shop, wrongly_signed};
use crate::provider::{SECRET, signed_with};
use crate::shop::{Answer, Shop};

/// However this body is signed wrongly.
#[track_caller]
fn all_are_answered(shop: &Shop, body: &[u8], expected: &Answer) {
    for (wrong, headers) in wrongly_signed(body, OPENING_S) {
        let answer = post(shop, &headers, body);
        assert_eq!(answer.whole(), expected.whole(), "{wrong}");
    }
}

#[test]
fn whatever_is_wrong_with_a_signature_the_answer_is_the_same_and_nothing_is_stored() {
    let shop = shop();
    let body = event("k");
    let before = shop.contents();
    let first = post(&shop, &Vec::new(), &body).failed_with(401, "invalid_signature");
    assert!(first.header("WWW-Authenticate").is_some());
    all_are_answered(&shop, &body, &first);
    assert!(shop.contents() == before, "nothing is stored");
    let answer = post_signed(&shop, &body).ok();
    answer.says("already_processed", false);
}

#[test]
fn a_known_event_is_not_told_to_whoever_does_not_sign() {
    let shop = shop();
    let body = event("k");
    let nothing = post(&shop, &Vec::new(), &event("unknown")).has_status(401);
    post_signed(&shop, &body).ok();
    let before = shop.contents();
    all_are_answered(&shop, &body, &nothing);
    assert!(shop.contents() == before, "nothing is stored");
    let answer = post_signed(&shop, &body).ok();
    answer.says("already_processed", true);
}

#[test]
fn no_byte_of_a_signed_body_can_be_changed() {
    let shop = shop();
    let body = event("k");
    let headers = signed_with(SECRET, OPENING_S, &body);
    let before = shop.contents();
    for at in 0..body.len() {
        let mut changed = body.clone();
        changed[at] ^= 1;
        post(&shop, &headers, &changed).failed_with(401, "invalid_signature");
    }
    for changed in [
        &body[1..],
        &body[..body.len() - 1],
        &[&body[..], b" "].concat(),
        b"",
    ] {
        post(&shop, &headers, changed).failed_with(401, "invalid_signature");
    }
    assert!(shop.contents() == before, "nothing is stored");
    post(&shop, &headers, &body).ok();
}

#[test]
fn a_signature_is_judged_before_the_body_is_read() {
    let shop = shop();
    let before = shop.contents();
    let first = post(&shop, &Vec::new(), &event("k")).failed_with(401, "invalid_signature");
    for (body, _) in odd_bodies() {
        for (wrong, headers) in wrongly_signed(&body, OPENING_S) {
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_eq!(
                post(&shop, &headers, &body).whole(),
                first.whole(),
                "{wrong}: {shown}"
            );
        }
    }
    assert!(shop.contents() == before, "nothing is stored");
    for (body, status) in odd_bodies() {
        post_signed(&shop, &body).has_status(status);
    }
}
