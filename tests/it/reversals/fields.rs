//! What a report must say.

use serde_json::{Value, json};

use super::{paid, shop};

fn event(changes: &[(&str, Value)]) -> Value {
    let payload = json!({"transaction_id": "t", "amount": 5, "more": [1, {}]});
    let mut event = json!({"idempotency_key": "r", "status": "refunded", "payload": payload});
    for (name, value) in changes {
        match (name.split_once('.'), value) {
            (Some((of, name)), _) => event[of][name] = value.clone(),
            (None, Value::String(text)) if text == "absent" => {
                event.as_object_mut().unwrap().remove(*name);
            }
            (None, _) => event[*name] = value.clone(),
        }
    }
    event
}

#[test]
fn a_report_names_its_transaction() {
    let shop = shop();
    paid(&shop, "t");
    let before = shop.contents();
    for change in [
        ("payload", json!("absent")),
        ("payload", json!({})),
        ("payload.transaction_id", json!(null)),
        ("payload.transaction_id", json!("")),
        ("payload.transaction_id", json!(5)),
        ("payload.transaction_id", json!("t\0")),
        ("payload.transaction_id", json!("t".repeat(256))),
    ] {
        let answer = shop.webhook(&event(&[change]));
        let answer = answer.invalid("payload.transaction_id");
        let told = answer.body["errors"]["payload.transaction_id"].as_array();
        assert_eq!(told.unwrap().len(), 1);
    }
    for amount in [
        json!(-1),
        json!("1,5"),
        json!(1.005),
        json!({}),
        json!(true),
    ] {
        shop.webhook(&event(&[("payload.amount", amount)]))
            .invalid("payload.amount");
    }
    shop.webhook(&event(&[("payload", json!(5))]))
        .invalid("payload");
    shop.webhook(&event(&[("status", json!("refund"))]))
        .invalid("status");
    shop.webhook(&event(&[("idempotency_key", json!("absent"))]))
        .invalid("idempotency_key");
    shop.webhook(&event(&[("amount", json!(5))]))
        .invalid("amount");
    assert!(shop.contents() == before, "a refusal changes nothing");
}

/// Which order it is about, the transaction says.
#[test]
fn a_report_may_name_an_order_or_a_hold() {
    let shop = shop();
    let order = paid(&shop, "t");
    for (key, change) in [
        ("a", ("order_id", json!(order))),
        ("b", ("hold_id", json!(1))),
        ("c", ("order_id", json!(99))),
    ] {
        shop.webhook(&event(&[("idempotency_key", json!(key)), change]))
            .verdict("applied", "paid");
    }
    let both = [("order_id", json!(1)), ("hold_id", json!(1))];
    shop.webhook(&event(&both)).invalid("order_id");
    for wrong in [json!(0), json!("1"), json!(null)] {
        shop.webhook(&event(&[("order_id", wrong)]))
            .invalid("order_id");
    }
}

#[test]
fn a_payload_is_kept_as_it_came() {
    let shop = shop();
    let text = r#"{"idempotency_key":"r","status":"dispute_won","payload":{"z":1.50, "transaction_id":"t","a":"\u00e9"}}"#;
    shop.post_text("/api/payments/webhook", text)
        .verdict("ignored", json!(null));
    let (_, payload) = shop.contents().reversals.remove(0);
    let kept = r#"{"z":1.50, "transaction_id":"t","a":"\u00e9"}"#;
    assert_eq!(payload.as_deref(), Some(kept));
}
