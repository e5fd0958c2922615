//! Idempotency keys where tokens are required: no key opens what a token guards.

use flashsale::http::Method;
use serde_json::json;

use super::{Call, call, guarded, of_hold, of_order, two_of_each};
use crate::crowd::at_once;
use crate::server::{Premises, Server};
use crate::wire;

/// As long as a key must be where tokens are required.
const KEY: &str = "0123456789abcdef";

fn keyed(call: Call, key: &str) -> Call {
    call.with("Idempotency-Key", key)
}

fn hold_call(quantity: i64) -> Call {
    let body = json!({"product_id": 1, "quantity": quantity});
    call(Method::Post, "/api/holds".into(), Some(body))
}

#[test]
fn a_short_key_is_refused_where_tokens_are_required() {
    let shop = guarded();
    let [hold, _, order, _] = two_of_each(&shop);
    let calls = [
        hold_call(1),
        of_hold(1)[3].clone().saying(&hold),
        of_order("1")[2].clone().saying(&order),
    ];
    let before = shop.contents();
    for call in &calls {
        for key in ["k", &KEY[1..], ""] {
            keyed(call.clone(), key)
                .at(&shop)
                .refused("invalid_idempotency_key");
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
    for (call, key) in
        calls
            .into_iter()
            .zip(["0123456789abcdef", "0123456789abcdeg", "0123456789abcdeh"])
    {
        let first = keyed(call.clone(), key).at(&shop);
        assert!(matches!(first.status, 200 | 201), "{}", first.body);
        let again = keyed(call, key).at(&shop);
        assert_eq!(
            (again.header("Idempotent-Replayed"), &again.bytes),
            (Some("true"), &first.bytes)
        );
    }
}

#[test]
fn a_known_key_does_not_stand_for_a_token() {
    let shop = guarded();
    let [hold, other_hold, order, other_order] = two_of_each(&shop);
    let other_key = KEY.replace('0', "1");
    for (call, nowhere, key, right, wrong) in [
        (
            of_hold(1)[3].clone(),
            of_hold(999)[3].clone(),
            KEY,
            &hold,
            &other_hold,
        ),
        (
            of_order("1")[2].clone(),
            of_order("999")[2].clone(),
            &other_key,
            &order,
            &other_order,
        ),
    ] {
        let nothing = nowhere.at(&shop).has_status(404);
        let first = keyed(call.clone().saying(right), key).at(&shop);
        assert!(matches!(first.status, 200 | 201), "{}", first.body);
        let before = shop.contents();
        let guesses = call.showing(wrong).into_iter().chain([call.clone()]);
        for guess in guesses {
            assert_eq!(
                keyed(guess.clone(), key).at(&shop).whole(),
                nothing.whole(),
                "{guess:?}"
            );
        }
        assert!(shop.contents() == before, "nothing is stored or moved");
        for shown in call.showing(right) {
            let again = keyed(shown, key).at(&shop).has_status(first.status);
            assert_eq!(
                (again.header("Idempotent-Replayed"), &again.bytes),
                (Some("true"), &first.bytes)
            );
        }
    }
}

#[test]
fn that_a_key_was_used_for_something_else_is_told_to_whoever_shows_the_token() {
    let shop = guarded();
    let [hold, other_hold, order, other_order] = two_of_each(&shop);
    keyed(of_hold(1)[3].clone().saying(&hold), KEY)
        .at(&shop)
        .created();
    let before = shop.contents();
    for (call, nowhere, right, wrong) in [
        (
            of_hold(2)[3].clone(),
            of_hold(999)[3].clone(),
            &other_hold,
            &hold,
        ),
        (
            of_order("1")[2].clone(),
            of_order("999")[2].clone(),
            &order,
            &other_order,
        ),
    ] {
        let nothing = nowhere.at(&shop).has_status(404);
        for guess in call.showing(wrong).into_iter().chain([call.clone()]) {
            assert_eq!(
                keyed(guess.clone(), KEY).at(&shop).whole(),
                nothing.whole(),
                "{guess:?}"
            );
        }
        for shown in call.showing(right) {
            keyed(shown, KEY)
                .at(&shop)
                .failed_with(422, "idempotency_key_reused");
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
}

#[test]
fn a_restart_changes_no_token_and_forgets_no_key() {
    let premises = Premises::stocked(9);
    let guarded = [("require_tokens", "true")];
    let sale = |server: &Server| {
        let hold = keyed(hold_call(2), "the-key-of-the-hold")
            .over(server)
            .is(201);
        let token = hold.body["token"].as_str().unwrap();
        let order = of_hold(1)[3].clone().saying(token);
        let order = keyed(order, "the-key-of-the-order").over(server).is(201);
        let token = order.body["token"].as_str().unwrap();
        of_order("1")[0].clone().bearing(token).over(server).is(200);
        [hold, order]
    };
    let server = wire::serve(&premises, &guarded);
    let first = sale(&server);
    server.stop();
    let server = wire::serve(&premises, &guarded);
    let again = sale(&server);
    server.kill();
    let server = wire::serve(&premises, &guarded);
    let last = sale(&server);
    for (first, replayed) in first.iter().zip(&again).chain(first.iter().zip(&last)) {
        assert!(
            !first.head.contains("Idempotent-Replayed"),
            "{}",
            first.head
        );
        assert!(
            replayed.head.contains("Idempotent-Replayed: true"),
            "{}",
            replayed.head
        );
        assert_eq!(replayed.text, first.text);
    }
    assert_eq!(server.get("/api/products/1").1["reserved_stock"], 2);
    server.stop();
    premises.books_are_right();
}

#[test]
fn equal_requests_at_once_have_one_effect_and_one_answer() {
    let premises = Premises::stocked(9);
    let server = wire::serve(&premises, &[("require_tokens", "true")]);
    let crowd = |call: Call| {
        let answers = at_once(16, |_| call.over(&server));
        let first = answers
            .iter()
            .filter(|answer| !answer.head.contains("Idempotent-Replayed: true"));
        assert_eq!(first.count(), 1, "{call:?}");
        for answer in &answers {
            assert_eq!(
                (answer.status, &answer.text),
                (answers[0].status, &answers[0].text)
            );
        }
        answers.into_iter().next().unwrap()
    };
    let hold = crowd(keyed(hold_call(2), "the-key-of-the-hold")).is(201);
    let token = hold.body["token"].as_str().unwrap();
    let order = of_hold(1)[3].clone().saying(token);
    let order = crowd(keyed(order, "the-key-of-the-order")).is(201);
    let token = order.body["token"].as_str().unwrap();
    let cancel = of_order("1")[2].clone().bearing(token);
    crowd(keyed(cancel, "the-key-of-the-cancellation")).is(200);
    let stored = premises.contents();
    assert_eq!(
        (
            stored.holds.len(),
            stored.orders.len(),
            stored.idempotency_records.len()
        ),
        (1, 1, 3)
    );
    assert_eq!(server.get("/api/products/1").1["available_stock"], 9);
    server.stop();
    premises.books_are_right();
}
