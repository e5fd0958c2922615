//! A success that Stripe reports, judged by the table of verdicts.

use flashsale::sale::LatePayment;
use serde_json::{Value, json};

use super::{paid, send, session, shop, shop_on};
use crate::log_lines;
use crate::shop::{HOLD_TTL, ORDER_TTL, Shop};

/// The amounts of refunds that are due, as the operator sees them.
fn refunds(shop: &Shop) -> Vec<Value> {
    let refunds = shop.admin_get("/refunds?status=due").ok().body["data"].clone();
    let refunds = refunds.as_array().unwrap().iter();
    refunds.map(|refund| refund["amount"].clone()).collect()
}

#[test]
fn a_success_pays_its_order_and_keeps_of_the_event_what_is_money() {
    let shop = shop();
    let order = shop.ordered("tee", 2);
    let answer = send(&shop, &paid("evt_1", "pi_1", order, 19_998)).verdict("applied", "paid");
    assert_eq!(
        answer.body,
        json!({"success": true, "already_processed": false, "order_status": "paid", "webhook_id": 1, "verdict": "applied"})
    );
    let shown = shop.admin_get("/payments").ok().body["data"][0].clone();
    assert_eq!(shown["idempotency_key"], "stripe:evt_1");
    assert_eq!(shown["transaction_id"], "pi_1");
    assert_eq!(shown["amount"], "199.98 usd");
    let (_, payload) = &shop.contents().payments[0];
    assert_eq!(
        payload.as_deref().unwrap(),
        r#"{"provider":"stripe","event":"evt_1","type":"payment_intent.succeeded","object":"pi_1","amount":19998,"currency":"usd"}"#
    );
}

#[test]
fn a_checkout_session_pays_once_it_is_paid() {
    for (kind, status) in [
        ("checkout.session.completed", "paid"),
        ("checkout.session.async_payment_succeeded", "paid"),
    ] {
        let shop = shop();
        shop.ordered("tee", 1);
        let event = session("evt_1", kind, status, json!("order_1"));
        send(&shop, &event).verdict("applied", "paid");
        let (payment, payload) = &shop.contents().payments[0];
        assert_eq!(payment.report.transaction_id.as_deref(), Some("pi_1"));
        assert!(payload.as_deref().unwrap().contains(r#""object":"cs_1""#));
    }
}

#[test]
fn metadata_goes_before_the_reference_of_a_session() {
    let shop = shop();
    shop.ordered("tee", 1);
    shop.ordered("tee", 1);
    let mut event = session(
        "evt_1",
        "checkout.session.completed",
        "paid",
        json!("order_1"),
    );
    event["data"]["object"]["metadata"] = json!({"flashsale_order": "2"});
    send(&shop, &event).verdict("applied", "paid");
    shop.show_order(2).ok().says("status", "paid");
}

#[test]
fn two_events_of_one_payment_are_one_and_of_two_payments_are_two() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    send(&shop, &paid("evt_1", "pi_1", order, 9999)).verdict("applied", "paid");
    let of_session = session(
        "evt_2",
        "checkout.session.completed",
        "paid",
        json!("order_1"),
    );
    send(&shop, &of_session).verdict("ignored", "paid");
    send(&shop, &paid("evt_3", "pi_2", order, 9999)).verdict("duplicate_payment", "paid");
    assert_eq!(shop.refunds_due(), [3]);
}

#[test]
fn a_storm_of_one_event_is_one_row() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    let event = paid("evt_1", "pi_1", order, 9999);
    send(&shop, &event).verdict("applied", "paid");
    for _ in 0..20 {
        let again = send(&shop, &event).verdict("applied", "paid");
        again.says("already_processed", true).says("webhook_id", 1);
    }
    assert_eq!(shop.contents().payments.len(), 1);
    let other = shop.ordered("tee", 1);
    send(&shop, &paid("evt_1", "pi_1", other, 9999)).failed_with(422, "idempotency_key_reused");
}

#[test]
fn a_key_of_stripes_is_no_bridges() {
    let shop = shop_on(|it| it.webhook_secrets = Vec::new());
    let open = Shop::with_stock("tee", 1);
    let order = open.ordered("tee", 1);
    open.pay("stripe:evt_1", order).invalid("idempotency_key");
    open.pay("Stripe:evt_1", order).verdict("applied", "paid");
    let order = shop.ordered("tee", 1);
    let id = "x".repeat(255);
    send(&shop, &paid(&id, "pi_1", order, 9999)).verdict("applied", "paid");
    let shown = shop.admin_get("/payments").ok().body["data"][0].clone();
    assert_eq!(shown["idempotency_key"], format!("stripe:{id}"));
}

#[test]
fn more_than_the_total_pays_less_or_another_currency_does_not() {
    for (minor_units, currency, verdict, shown) in [
        (9999, "usd", "applied", json!(null)),
        (9999, "USD", "applied", json!(null)),
        (10_000, "usd", "applied", json!(null)),
        (999_900, "usd", "applied", json!(null)),
        (9998, "usd", "amount_mismatch", json!("99.98 usd")),
        (0, "usd", "amount_mismatch", json!("0.00 usd")),
        (9999, "eur", "amount_mismatch", json!("99.99 eur")),
        (9999, "jpy", "amount_mismatch", json!("9999.00 jpy")),
    ] {
        let shop = shop();
        let order = shop.ordered("tee", 1);
        let mut event = paid("evt_1", "pi_1", order, minor_units);
        event["data"]["object"]["currency"] = currency.into();
        let status = if verdict == "applied" {
            "paid"
        } else {
            "pending"
        };
        send(&shop, &event).verdict(verdict, status);
        let expected: Vec<_> = [shown]
            .into_iter()
            .filter(|shown| !shown.is_null())
            .collect();
        assert_eq!(refunds(&shop), expected, "{minor_units} {currency}");
    }
}

#[test]
fn money_for_what_costs_nothing_is_owed_back() {
    let shop = shop();
    let order = shop.ordered("gift", 1);
    send(&shop, &paid("evt_1", "pi_1", order, 0)).verdict("ignored", "paid");
    send(&shop, &paid("evt_2", "pi_2", order, 500)).verdict("amount_mismatch", "paid");
    assert_eq!(refunds(&shop), ["5.00 usd"]);
}

#[test]
fn a_late_success_is_owed_back_or_takes_its_units_again() {
    let late = |shop: &Shop| {
        let order = shop.ordered("tee", 1);
        shop.after(ORDER_TTL);
        send(shop, &paid("evt_1", "pi_1", order, 10_500))
    };
    let refunding = shop();
    late(&refunding).verdict("late_payment", "expired");
    assert_eq!(refunds(&refunding), ["105.00 usd"]);
    late(&shop_on(|it| it.late_payment = LatePayment::Accept)).verdict("applied", "paid");
}

#[test]
fn a_hold_is_waited_for_and_its_order_is_paid_by_the_same_rules() {
    for (minor_units, verdict, status) in [
        (10_500, "applied", "paid"),
        (9_000, "amount_mismatch", "pending"),
    ] {
        let shop = shop();
        let hold = shop.hold("tee", 1).created().id("hold_id");
        let mut event = paid("evt_1", "pi_1", 1, minor_units);
        event["data"]["object"]["metadata"] = json!({"flashsale_hold": hold.to_string()});
        send(&shop, &event).verdict("parked", ());
        shop.order(hold).created().says("status", status);
        send(&shop, &event).verdict(verdict, status);
    }
    let shop = shop();
    let mut event = session(
        "evt_1",
        "checkout.session.completed",
        "paid",
        json!("hold_1"),
    );
    shop.hold("tee", 1).created();
    send(&shop, &event).verdict("parked", ());
    shop.after(HOLD_TTL);
    send(&shop, &event).verdict("late_payment", ());
    event["id"] = "evt_2".into();
    event["data"]["object"]["client_reference_id"] = "hold_2".into();
    send(&shop, &event).invalid("hold_id");
}

#[test]
fn an_order_that_does_not_exist_is_refused_and_told_as_an_error() {
    log_lines::keep();
    let shop = shop();
    shop.ordered("tee", 1);
    for order in [2, 17, 20_000] {
        send(&shop, &paid("evt_lost_41", "pi_1", order, 9999)).invalid("order_id");
    }
    assert!(shop.contents().payments.is_empty(), "nothing waits");
    let line = "stripe:evt_lost_41 reports money for order 17, and there is no such order 17 (422)";
    assert_eq!(log_lines::with(line), 1);
    let figures = String::from_utf8(shop.get("/metrics").ok().bytes).unwrap();
    assert!(
        figures.contains("flashsale_payments_total{verdict=\"unknown_order\"} 3.0\n"),
        "{figures}"
    );
    shop.ordered("tee", 1);
    send(&shop, &paid("evt_lost_41", "pi_1", 2, 9999)).verdict("applied", "paid");
}

#[test]
fn what_is_not_stored_is_counted_by_its_reason() {
    let shop = shop();
    let mut event = paid("evt_1", "pi_1", 1, 9999);
    event["data"]["object"]["metadata"] = json!({});
    send(&shop, &event).ok();
    event["type"] = "charge.failed".into();
    send(&shop, &event).ok();
    let order = shop.ordered("tee", 1);
    send(&shop, &paid("evt_2", "pi_1", order, 9999)).ok();
    let figures = String::from_utf8(shop.get("/metrics").ok().bytes).unwrap();
    for verdict in ["not_ours", "not_final", "applied"] {
        let line = format!("flashsale_payments_total{{verdict=\"{verdict}\"}} 1.0\n");
        assert!(figures.contains(&line), "{line}");
    }
}
