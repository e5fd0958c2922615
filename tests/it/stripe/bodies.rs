//! What an event must have, and which events count.

use flashsale::http::{Method, Request};
use serde_json::{Value, json};

use super::{OPENING_S, PATH, event, is_ignored, paid, send, send_text, session, shop, shop_on};
use crate::provider::{STRIPE_SECRET, stripe_signature};

#[test]
fn an_event_is_one_json_object() {
    let shop = shop();
    let deep = [r#"{"a":"#.repeat(17), "1".into(), "}".repeat(17)].concat();
    for body in [
        "",
        "{",
        "[]",
        "1",
        "{} {}",
        "\u{feff}{}",
        deep.as_str(),
        r#"{"id":"\ud800"}"#,
    ] {
        send_text(&shop, body).failed_with(400, "invalid_json");
    }
}

#[test]
fn an_event_that_is_encoded_is_not_read() {
    let body = paid("evt_1", "pi_1", 1, 9999).to_string();
    let request = Request::new(Method::Post, PATH).with_body(body.as_bytes());
    let header = stripe_signature(STRIPE_SECRET, OPENING_S, body.as_bytes());
    let request = request.with_header("Stripe-Signature", &header);
    let request = request.with_header("Content-Encoding", "gzip");
    shop()
        .call(request)
        .failed_with(415, "unsupported_encoding");
}

#[test]
fn every_event_has_an_id_a_type_and_an_object() {
    let shop = shop();
    let with = |name: &str, value: Value| {
        let mut event = event("evt_1", "customer.created", json!({}));
        if value.is_null() {
            event.as_object_mut().unwrap().remove(name);
        } else {
            event[name] = value;
        }
        send(&shop, &event)
    };
    for id in [
        json!(null),
        json!(""),
        json!("a b"),
        json!("é"),
        json!(1),
        json!("x".repeat(256)),
    ] {
        with("id", id).invalid("id");
    }
    for kind in [json!(null), json!(1), json!(["payment_intent.succeeded"])] {
        with("type", kind).invalid("type");
    }
    for data in [
        json!(null),
        json!(1),
        json!({}),
        json!({"object": 1}),
        json!({"object": []}),
    ] {
        with("data", data).invalid("data.object");
    }
    with("livemode", json!("false")).invalid("livemode");
    send_text(
        &shop,
        r#"{"id":"a","id":"b","type":"t","data":{"object":{}}}"#,
    )
    .invalid("id");
    is_ignored(&shop, with("anything", json!({"else": [1]})), "not_final");
}

#[test]
fn what_tells_of_no_final_outcome_is_not_stored_and_ends_no_order() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    for kind in [
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.created",
        "charge.succeeded",
        "charge.failed",
        "checkout.session.expired",
        "checkout.session.async_payment_failed",
        "customer.created",
        "",
    ] {
        let mut event = paid("evt_1", "pi_1", order, 9999);
        event["type"] = kind.into();
        is_ignored(&shop, send(&shop, &event), "not_final");
    }
    for status in ["unpaid", "no_payment_required", "PAID"] {
        let event = session(
            "evt_1",
            "checkout.session.completed",
            status,
            json!("order_1"),
        );
        is_ignored(&shop, send(&shop, &event), "not_final");
    }
    shop.show_order(order).ok().says("status", "pending");
}

#[test]
fn events_of_the_test_mode_count_where_that_is_said() {
    let test = |id: &str| {
        let mut event = paid(id, "pi_1", 1, 9999);
        event["livemode"] = false.into();
        event
    };
    let live = shop();
    live.ordered("tee", 1);
    is_ignored(&live, send(&live, &test("evt_1")), "test_mode");
    let mut about_nothing = test("evt_1");
    about_nothing["data"]["object"]["metadata"] = json!({"flashsale_order": "x"});
    is_ignored(&live, send(&live, &about_nothing), "test_mode");
    let mut of_no_type = test("evt_1");
    of_no_type["type"] = "charge.failed".into();
    is_ignored(&live, send(&live, &of_no_type), "not_final");
    let mut without_mode = paid("evt_2", "pi_1", 1, 9999);
    without_mode.as_object_mut().unwrap().remove("livemode");
    send(&live, &without_mode).verdict("applied", "paid");

    let tested = shop_on(|it| it.stripe_test_mode = true);
    tested.ordered("tee", 1);
    send(&tested, &test("evt_1")).verdict("applied", "paid");
    send(&tested, &paid("evt_2", "pi_1", 1, 9999)).verdict("ignored", "paid");
}

#[test]
fn what_names_nothing_of_this_sale_is_not_stored() {
    let shop = shop();
    shop.ordered("tee", 1);
    for metadata in [
        json!(null),
        json!({}),
        json!({"order": "1", "Flashsale_order": "1"}),
    ] {
        let mut event = paid("evt_1", "pi_1", 1, 9999);
        event["data"]["object"]["metadata"] = metadata;
        // Of a Checkout session alone.
        event["data"]["object"]["client_reference_id"] = "order_1".into();
        is_ignored(&shop, send(&shop, &event), "not_ours");
    }
    for reference in [
        json!(null),
        json!(""),
        json!("1"),
        json!("order_"),
        json!("order_01"),
        json!("order_1 "),
        json!("order-1"),
        json!("cart_1"),
        json!("order_0"),
        json!("order_99999999999999999999"),
        json!("hold_x"),
        json!(1),
    ] {
        let event = session("evt_1", "checkout.session.completed", "paid", reference);
        is_ignored(&shop, send(&shop, &event), "not_ours");
    }
}

#[test]
fn metadata_names_one_id_by_its_digits() {
    let shop = shop();
    shop.ordered("tee", 1);
    for metadata in [
        json!({"flashsale_order": "1", "flashsale_hold": "1"}),
        json!({"flashsale_order": ""}),
        json!({"flashsale_order": "01"}),
        json!({"flashsale_order": "1.0"}),
        json!({"flashsale_order": " 1"}),
        json!({"flashsale_order": "order_1"}),
        json!({"flashsale_order": "0"}),
        json!({"flashsale_order": "9007199254740992"}),
        json!({"flashsale_order": 1}),
        json!({"flashsale_order": null}),
        json!({"flashsale_hold": "x"}),
        json!("flashsale_order"),
        json!([]),
    ] {
        let mut event = paid("evt_1", "pi_1", 1, 9999);
        event["data"]["object"]["metadata"] = metadata;
        send(&shop, &event).invalid("metadata");
    }
    assert!(shop.contents().payments.is_empty());
}

#[test]
fn a_success_says_how_much_of_which_currency_was_paid() {
    let shop = shop();
    shop.ordered("tee", 1);
    let with = |name: &str, value: Value| {
        let mut event = paid("evt_1", "pi_1", 1, 9999);
        event["data"]["object"][name] = value;
        send(&shop, &event)
    };
    for amount in [
        json!(null),
        json!(-1),
        json!(99.99),
        json!("9999"),
        json!(1e300),
        json!(i64::MAX),
    ] {
        with("amount_received", amount).invalid("data.object.amount_received");
    }
    for currency in [
        json!(null),
        json!(""),
        json!("us"),
        json!("usdt"),
        json!("us1"),
        json!(840),
    ] {
        with("currency", currency).invalid("data.object.currency");
    }
    for id in [json!(null), json!(""), json!("pi 1"), json!({})] {
        with("id", id).invalid("data.object.id");
    }
    for intent in [json!(1), json!({"id": "pi_1"}), json!("")] {
        let mut event = session(
            "evt_1",
            "checkout.session.completed",
            "paid",
            json!("order_1"),
        );
        event["data"]["object"]["payment_intent"] = intent;
        send(&shop, &event).invalid("data.object.payment_intent");
    }
    assert!(shop.contents().payments.is_empty());
}

/// Stripe sends an event that was not taken again for days, and then switches the endpoint off.
#[test]
fn an_event_that_does_not_count_need_not_say_how_much_was_paid() {
    let shop = shop();
    let bare = |kind: &str| event("evt_1", kind, json!({"payment_status": "paid"}));
    for kind in [
        "payment_intent.succeeded",
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
    ] {
        is_ignored(&shop, send(&shop, &bare(kind)), "not_ours");
    }
    for kind in ["payment_intent.succeeded", "charge.refunded"] {
        let mut of_test_mode = bare(kind);
        of_test_mode["livemode"] = false.into();
        is_ignored(&shop, send(&shop, &of_test_mode), "test_mode");
    }
    let mut ours = bare("payment_intent.succeeded");
    ours["data"]["object"]["metadata"] = json!({"flashsale_order": "1"});
    send(&shop, &ours).invalid("data.object.amount_received");
}
