//! Whatever bytes come, signed or not, the answer is one that is described, and the books are right.

use serde_json::{Value, json};

use super::{OPENING_S, event, paid, post, send_text, session, shop};
use crate::dice::Dice;
use crate::provider::{STRIPE_SECRET, stripe_signature};

fn corpus() -> Vec<Value> {
    let mut of_hold = paid("evt_2", "pi_2", 1, 500);
    of_hold["data"]["object"]["metadata"] = json!({"flashsale_hold": "3"});
    vec![
        paid("evt_1", "pi_1", 1, 9999),
        of_hold,
        session(
            "evt_3",
            "checkout.session.completed",
            "paid",
            json!("order_2"),
        ),
        session(
            "evt_4",
            "checkout.session.async_payment_succeeded",
            "paid",
            json!("hold_4"),
        ),
        event(
            "evt_5",
            "charge.refunded",
            json!({"id": "ch_1", "payment_intent": "pi_1", "amount_refunded": 9999, "currency": "usd"}),
        ),
        event(
            "evt_6",
            "charge.dispute.created",
            json!({"id": "dp_1", "charge": "ch_1", "payment_intent": "pi_1", "amount": 9999, "currency": "usd"}),
        ),
        event(
            "evt_7",
            "charge.dispute.closed",
            json!({"id": "dp_1", "charge": "ch_1", "amount": 9999, "currency": "usd", "status": "lost"}),
        ),
        event(
            "evt_8",
            "refund.failed",
            json!({"id": "re_1", "charge": "ch_1", "payment_intent": "pi_1", "amount": 9999, "currency": "usd"}),
        ),
    ]
}

/// What is put in place of a value.
fn odd_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1e300),
        json!(i64::MAX),
        json!(""),
        json!("1"),
        json!("é"),
        json!("order_1"),
        json!("usd"),
        json!("paid"),
        json!([]),
        json!({}),
        json!([[{}]]),
        json!("x".repeat(300)),
        json!({"flashsale_order": "1"}),
    ]
}

fn values_within(value: &Value) -> usize {
    let within = match value {
        Value::Object(fields) => fields.values().map(values_within).sum(),
        Value::Array(items) => items.iter().map(values_within).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    };
    1 + within
}

/// Changes the `at`th value; whether it was found.
fn change(value: &mut Value, at: &mut usize, to: &Value) -> bool {
    if *at == 0 {
        *value = to.clone();
        return true;
    }
    *at -= 1;
    match value {
        Value::Object(fields) => fields.values_mut().any(|value| change(value, at, to)),
        Value::Array(items) => items.iter_mut().any(|value| change(value, at, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn below(dice: &mut Dice, count: usize) -> usize {
    usize::try_from(dice.below(i64::try_from(count).unwrap())).unwrap()
}

#[test]
fn an_event_with_any_value_changed_is_answered_and_the_books_are_right() {
    let shop = shop();
    for _ in 0..6 {
        shop.ordered("tee", 1);
    }
    shop.hold("tee", 1).created();
    let (mut dice, odd) = (Dice::new(41), odd_values());
    let mut told = 0;
    for _ in 0..1_500 {
        let mut event = dice.one_of(&corpus());
        let mut at = below(&mut dice, values_within(&event));
        assert!(change(&mut event, &mut at, &dice.one_of(&odd)));
        let answer = send_text(&shop, &event.to_string());
        assert!(
            [200, 202, 400, 422].contains(&answer.status),
            "{event}: {}",
            answer.body
        );
        told += usize::from(answer.status < 300 && answer.body["reason"].is_null());
    }
    assert!(told > 100, "{told} were of this sale");
    let rows = shop.contents().payments;
    assert!(
        rows.iter()
            .all(|(payment, _)| payment.key.starts_with("stripe:"))
    );
}

#[test]
fn an_event_with_any_bytes_changed_is_answered() {
    let shop = shop();
    shop.ordered("tee", 1);
    let mut dice = Dice::new(42);
    for _ in 0..1_500 {
        let mut body = dice.one_of(&corpus()).to_string().into_bytes();
        for _ in 0..=dice.below(3) {
            let at = below(&mut dice, body.len());
            match dice.below(3) {
                0 => drop(body.remove(at)),
                1 => body.insert(at, body[below(&mut dice, body.len())]),
                _ => body[at] = u8::try_from(dice.below(256)).unwrap(),
            }
        }
        let header = stripe_signature(STRIPE_SECRET, OPENING_S, &body);
        let answer = post(&shop, &header, &body);
        assert!(
            [200, 202, 400, 422].contains(&answer.status),
            "{}",
            String::from_utf8_lossy(&body)
        );
    }
}

#[test]
fn a_letter_that_is_escaped_is_the_same_letter() {
    let shop = shop();
    shop.ordered("tee", 1);
    let event = session(
        "evt_1",
        "checkout.session.completed",
        "paid",
        json!("order_1"),
    );
    let escaped = event.to_string().replace("\"paid\"", r#""p\u0061id""#);
    assert_ne!(escaped, event.to_string());
    let verdict = &send_text(&shop, &escaped).body["verdict"];
    assert_ne!(*verdict, json!("ignored"), "{verdict}");
}

#[test]
fn a_header_with_any_letter_changed_signs_nothing_but_by_chance() {
    let shop = shop();
    shop.ordered("tee", 1);
    let body = paid("evt_1", "pi_1", 1, 9999).to_string().into_bytes();
    let right = stripe_signature(STRIPE_SECRET, OPENING_S, &body);
    for at in 0..right.len() {
        for letter in ["0", "f", "F", ",", "=", "v", "t", " ", ""] {
            let mut header = right.clone();
            header.replace_range(at..=at, letter);
            if header != right {
                post(&shop, &header, &body).failed_with(401, "invalid_signature");
            }
        }
    }
    post(&shop, &right, &body).verdict("applied", "paid");
}
