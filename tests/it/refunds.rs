//! Money that bought nothing: a transaction paid its order or is owed back, never both; the operator pays it back, or takes
//! it after all.

use std::time::Duration;

use flashsale::config::Config;
use serde_json::{Value, json};

use crate::server::Premises;
use crate::shop::{Answer, HOLD_TTL, ORDER_TTL, Shop, item};

const DAY: Duration = Duration::from_secs(86_400);

fn shop() -> Shop {
    Shop::operated(vec![item("tee", 10)])
}

fn accepting_shop() -> Shop {
    let config = Config {
        accept_late_payments: true,
        ..Config::default()
    };
    Shop::operated_on_terms(vec![item("tee", 10)], config)
}

/// A success about `about` (`order_id` or `hold_id`), of a transaction, with an amount; null for none.
fn success(shop: &Shop, key: &str, about: (&str, i64), of: Value, amount: Value) -> Answer {
    let payload = json!({"transaction_id": of, "amount": amount});
    let (name, id) = about;
    shop.webhook(
        &json!({"idempotency_key": key, name: id, "status": "success", "payload": payload}),
    )
}

fn due(shop: &Shop) -> Vec<i64> {
    let refunds = shop.admin_get("/refunds?status=due").ok();
    let rows = refunds.body["data"].as_array().unwrap().iter();
    rows.map(|row| row["webhook_id"].as_i64().unwrap())
        .collect()
}

fn resolve(shop: &Shop, id: i64) -> Answer {
    shop.admin_post(&format!("/refunds/{id}/resolve"), r#"{"note":"sent back"}"#)
}

fn accept(shop: &Shop, id: i64) -> Answer {
    shop.admin_post(&format!("/refunds/{id}/accept"), "")
}

fn mismatched(shop: &Shop, order: i64) -> i64 {
    success(
        shop,
        &format!("wrong-{order}"),
        ("order_id", order),
        json!("t"),
        json!(1000),
    )
    .verdict("amount_mismatch", "pending")
    .id("webhook_id")
}

#[test]
fn a_transaction_that_pays_is_owed_nothing() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    assert_eq!(due(&shop), [wrong]);
    success(
        &shop,
        "right",
        ("order_id", order),
        json!("t"),
        json!(99.99),
    )
    .verdict("applied", "paid");
    assert!(due(&shop).is_empty());
    let resolved = shop.admin_get("/refunds?status=resolved").ok();
    let row = &resolved.body["data"][0];
    assert_eq!(row["webhook_id"], wrong);
    assert_eq!(row["note"], "paid its order after all");
    assert!(row["resolved_at"].is_string());
    shop.stock_is("tee", 9, 0, 1);
}

#[test]
fn a_transaction_that_was_paid_back_pays_nothing() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    resolve(&shop, wrong).ok();
    let before = shop.product("tee");
    success(
        &shop,
        "right",
        ("order_id", order),
        json!("t"),
        json!(99.99),
    )
    .verdict("ignored", "pending");
    assert_eq!(shop.product("tee"), before);
    success(
        &shop,
        "other",
        ("order_id", order),
        json!("u"),
        json!(99.99),
    )
    .verdict("applied", "paid");
    shop.stock_is("tee", 9, 0, 1);
}

/// Both reports wait for the order, and are judged in the transaction that makes it.
#[test]
fn of_two_parked_reports_of_a_transaction_one_pays_and_none_is_owed() {
    for about in [("hold_id", 1), ("order_id", 1)] {
        let shop = shop();
        let hold = shop.hold("tee", 1).created().id("hold_id");
        success(&shop, "wrong", about, json!("t"), json!(1000)).has_status(202);
        success(&shop, "right", about, json!("t"), json!(99.99)).has_status(202);
        shop.order(hold).created().says("status", "paid");
        assert!(due(&shop).is_empty(), "{about:?}");
        shop.stock_is("tee", 9, 0, 1);
    }
}

/// The younger report gave up waiting for the hold's order before the older one, which names the order to come.
#[test]
fn a_report_that_waited_in_vain_is_not_owed_once_its_transaction_has_paid() {
    let config = Config {
        parked_ttl_s: 60,
        ..Config::default()
    };
    let shop = Shop::operated_on_terms(vec![item("tee", 10)], config);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    success(&shop, "by-hold", ("hold_id", hold), json!("t"), json!(null)).has_status(202);
    shop.after(Duration::from_secs(30));
    success(&shop, "by-order", ("order_id", 1), json!("t"), json!(null)).has_status(202);
    shop.after(Duration::from_secs(30));
    assert_eq!(due(&shop), [1], "the first has waited in vain");
    shop.order(hold).created().says("status", "paid");
    assert!(due(&shop).is_empty());
}

#[test]
fn a_late_payment_that_is_accepted_is_owed_nothing() {
    let shop = accepting_shop();
    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    shop.after(ORDER_TTL);
    assert_eq!(due(&shop), [wrong]);
    success(&shop, "late", ("hold_id", 1), json!("t"), json!("99.99")).verdict("applied", "paid");
    assert!(due(&shop).is_empty());

    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    shop.after(ORDER_TTL);
    resolve(&shop, wrong).ok();
    success(
        &shop,
        "later",
        ("order_id", order),
        json!("t"),
        json!("99.99"),
    )
    .verdict("ignored", "expired");
    shop.stock_is("tee", 9, 0, 1);
}

#[test]
fn an_order_adopts_the_first_transaction_it_is_told() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    shop.pay("nameless", order).verdict("applied", "paid");
    let about = ("order_id", order);
    success(&shop, "a", about, json!("t"), json!(null)).verdict("ignored", "paid");
    let second =
        success(&shop, "b", about, json!("u"), json!(null)).verdict("duplicate_payment", "paid");
    let third =
        success(&shop, "c", about, json!("v"), json!(null)).verdict("duplicate_payment", "paid");
    success(&shop, "d", about, json!("t"), json!(null)).verdict("ignored", "paid");
    success(&shop, "e", about, json!("u"), json!(null)).verdict("ignored", "paid");
    assert_eq!(
        due(&shop),
        [third.id("webhook_id"), second.id("webhook_id")]
    );
    let orders = shop.admin_get("/orders").ok();
    assert_eq!(orders.body["data"][0]["transaction_id"], "t");
}

/// What is adopted paid; of what is known to be another's money, nothing is withdrawn.
#[test]
fn a_transaction_that_is_owed_is_adopted_only_for_the_right_amount() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    shop.pay("nameless", order).verdict("applied", "paid");
    let about = ("order_id", order);
    success(&shop, "again", about, json!("t"), json!(1000)).verdict("ignored", "paid");
    assert_eq!(due(&shop), [wrong]);
    success(&shop, "right", about, json!("t"), json!(99.99)).verdict("ignored", "paid");
    assert!(due(&shop).is_empty(), "it is the one that paid");
    success(&shop, "other", about, json!("u"), json!(99.99)).verdict("duplicate_payment", "paid");
}

#[test]
fn an_empty_transaction_id_is_none() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    shop.after(ORDER_TTL);
    for key in ["a", "b"] {
        success(&shop, key, ("order_id", order), json!(""), json!(null))
            .verdict("late_payment", "expired");
    }
    assert_eq!(due(&shop).len(), 2, "each is a payment of its own");
    let refunds = shop.admin_get("/refunds").ok();
    assert_eq!(refunds.body["data"][0]["transaction_id"], json!(null));
    success(&shop, "c", ("order_id", order), json!(7), json!(null))
        .invalid("payload.transaction_id");
}

#[test]
fn what_is_no_amount_is_refused_and_the_shapes_are_named() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    for amount in [
        json!("199,98"),
        json!("199.98 EUR"),
        json!("+199.98"),
        json!(" 99.99"),
        json!("99.999"),
        json!("1e2"),
        json!(""),
        json!({"value": 99.99}),
        json!([99.99]),
        json!(true),
        json!(99.999),
        json!(-99.99),
        json!("-99.99"),
        json!(3e16),
    ] {
        let answer = success(&shop, "k", ("order_id", order), json!("t"), amount.clone());
        let answer = answer.invalid("payload.amount");
        let sentence = answer.body["errors"]["payload.amount"][0].as_str().unwrap();
        assert!(sentence.contains("199.98"), "{amount}: {sentence}");
    }
    assert!(shop.contents().payments.is_empty(), "nothing was stored");
    success(&shop, "k", ("order_id", order), json!("t"), json!(99.99)).verdict("applied", "paid");
}

#[test]
fn an_order_of_nothing_is_paid_at_once() {
    let shop = Shop::operated(vec![item("gift", 10).price(0)]);
    let hold = shop.hold("gift", 2).created().id("hold_id");
    let placed = shop
        .order(hold)
        .created()
        .says("status", "paid")
        .says("pay_by", json!(null));
    let order = placed.id("order_id");
    shop.stock_is("gift", 8, 0, 2);
    let shown = shop.show_order(order).ok();
    assert_eq!(shown.body["paid_at"], shown.body["created_at"]);
    shop.cancel(order).refused("order_paid");
    let about = ("order_id", order);
    success(&shop, "a", about, json!("t"), json!(null)).verdict("ignored", "paid");
    success(&shop, "b", about, json!("u"), json!(0)).verdict("ignored", "paid");
    success(&shop, "c", about, json!("v"), json!("0.01")).verdict("amount_mismatch", "paid");
    success(&shop, "d", about, json!("v"), json!("0.01")).verdict("ignored", "paid");
    shop.fail("e", order).verdict("ignored", "paid");
    assert_eq!(due(&shop), [3]);
    accept(&shop, 3).refused("order_paid");
    shop.after(ORDER_TTL + DAY);
    shop.show_order(order).ok().says("status", "paid");
    shop.admin_post(&format!("/orders/{order}/refund"), r#"{"restock":true}"#)
        .ok();
    success(&shop, "f", about, json!("w"), json!(5)).verdict("amount_mismatch", "refunded");
    shop.stock_is("gift", 10, 0, 0);
}

/// Events that wait are judged by what the order turns out to be.
#[test]
fn money_that_waits_for_an_order_of_nothing_is_owed() {
    let shop = Shop::operated(vec![item("gift", 10).price(0)]);
    let hold = shop.hold("gift", 1).created().id("hold_id");
    success(&shop, "a", ("hold_id", hold), json!("t"), json!(5)).has_status(202);
    success(&shop, "b", ("hold_id", hold), json!("u"), json!(0)).has_status(202);
    shop.order(hold).created().says("status", "paid");
    assert_eq!(due(&shop), [1]);
}

#[test]
fn money_is_taken_after_all_whatever_its_amount() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    let wrong = mismatched(&shop, order);
    let accepted = accept(&shop, wrong).ok();
    assert_eq!(accepted.body["note"], "accepted");
    assert_eq!(accepted.body["order_id"], order);
    assert_eq!(accepted.body["transaction_id"], "t");
    assert!(accepted.body["resolved_at"].is_string());
    shop.show_order(order).ok().says("status", "paid");
    shop.stock_is("tee", 9, 0, 1);
    let before = shop.contents();
    assert_eq!(accept(&shop, wrong).ok().body, accepted.body);
    assert!(shop.contents() == before, "again moves nothing");
    assert!(due(&shop).is_empty());
    success(
        &shop,
        "again",
        ("order_id", order),
        json!("t"),
        json!(99.99),
    )
    .verdict("ignored", "paid");
    success(
        &shop,
        "other",
        ("order_id", order),
        json!("u"),
        json!(99.99),
    )
    .verdict("duplicate_payment", "paid");
}

#[test]
fn money_for_a_cancelled_or_expired_order_is_taken_if_its_units_are_there() {
    let shop = shop();
    let cancelled = shop.ordered("tee", 6);
    shop.cancel(cancelled).ok();
    let late =
        success(&shop, "a", ("order_id", cancelled), json!("t"), json!(null)).id("webhook_id");
    let held = shop.hold("tee", 5).created().id("hold_id");
    accept(&shop, late)
        .refused("insufficient_stock")
        .says("available_stock", 5);
    assert_eq!(due(&shop), [late]);
    shop.release(held).ok();
    accept(&shop, late).ok().says("order_id", cancelled);
    shop.show_order(cancelled).ok().says("status", "paid");
    shop.stock_is("tee", 4, 0, 6);

    let expired = shop.ordered("tee", 3);
    shop.after(ORDER_TTL);
    let late = success(&shop, "b", ("order_id", expired), json!("u"), json!(1)).id("webhook_id");
    accept(&shop, late).ok();
    shop.stock_is("tee", 1, 0, 9);
}

/// A hold that is past its deadline, swept or not, gives its units to the order whose money is taken.
#[test]
fn money_is_taken_for_units_that_are_overdue_elsewhere() {
    let shop = shop();
    let order = shop.ordered("tee", 6);
    shop.cancel(order).ok();
    let late = success(&shop, "a", ("order_id", order), json!("t"), json!(null)).id("webhook_id");
    shop.hold("tee", 7).created();
    accept(&shop, late).refused("insufficient_stock");
    shop.after(HOLD_TTL);
    accept(&shop, late).ok();
    shop.stock_is("tee", 4, 0, 6);
}

#[test]
fn what_cannot_be_taken_says_why_in_order() {
    let shop = shop();
    accept(&shop, 1).failed_with(404, "refund_not_found");
    let order = shop.ordered("tee", 1);
    shop.pay("paid", order).ok();
    accept(&shop, 1).failed_with(404, "refund_not_found");

    let released = shop.hold("tee", 1).created().id("hold_id");
    shop.release(released).ok();
    let orderless =
        success(&shop, "a", ("hold_id", released), json!("t"), json!(null)).id("webhook_id");
    accept(&shop, orderless).refused("order_not_found");
    resolve(&shop, orderless).ok();
    accept(&shop, orderless).refused("refund_resolved");

    let about = ("order_id", order);
    success(&shop, "b", about, json!("u"), json!(null)).verdict("ignored", "paid");
    let twice = success(&shop, "c", about, json!("v"), json!(null)).id("webhook_id");
    accept(&shop, twice).refused("order_paid");
    shop.admin_post(&format!("/orders/{order}/refund"), "").ok();
    accept(&shop, twice).refused("order_refunded");
    shop.admin_post(&format!("/refunds/{twice}/accept"), r#"{"amount":1}"#)
        .invalid("amount");
}

/// An event that stopped waiting before its order came can still buy it.
#[test]
fn money_that_waited_in_vain_is_taken_for_the_order_that_came_later() {
    let config = Config {
        parked_ttl_s: 10,
        ..Config::default()
    };
    let shop = Shop::operated_on_terms(vec![item("tee", 10)], config);
    let hold = shop.hold("tee", 2).created().id("hold_id");
    let early = success(&shop, "a", ("hold_id", hold), json!("t"), json!(null)).id("webhook_id");
    let named = success(&shop, "b", ("order_id", 1), json!("t"), json!(null)).id("webhook_id");
    shop.after(Duration::from_secs(10));
    let refunds = shop.admin_get("/refunds").ok();
    assert_eq!(
        refunds.body["data"][0]["order_id"],
        json!(null),
        "there is none yet"
    );
    accept(&shop, early).refused("order_not_found");
    let order = shop
        .order(hold)
        .created()
        .says("status", "pending")
        .id("order_id");
    let refunds = shop.admin_get("/refunds").ok();
    for row in refunds.body["data"].as_array().unwrap() {
        assert_eq!(row["order_id"], order, "{row}");
    }
    accept(&shop, early).ok().says("order_id", order);
    assert!(
        due(&shop).is_empty(),
        "the other report of it ({named}) is owed nothing"
    );
    shop.stock_is("tee", 8, 0, 2);
}

/// Two reports of one payment gave up waiting under two names, before anybody could know that they are one.
#[test]
fn a_payment_that_is_due_under_two_names_is_paid_back_once() {
    let config = || Config {
        parked_ttl_s: 10,
        ..Config::default()
    };
    for is_resolved_first in [false, true] {
        let shop = Shop::operated_on_terms(vec![item("tee", 10)], config());
        let hold = shop.hold("tee", 1).created().id("hold_id");
        success(&shop, "a", ("order_id", 1), json!("t"), json!(null)).has_status(202);
        success(&shop, "b", ("hold_id", hold), json!("t"), json!(null)).has_status(202);
        shop.after(Duration::from_secs(10));
        assert_eq!(due(&shop), [2, 1]);
        if is_resolved_first {
            resolve(&shop, 1).ok().says("note", "sent back");
        }
        let order = shop
            .order(hold)
            .created()
            .says("status", "pending")
            .id("order_id");
        if !is_resolved_first {
            resolve(&shop, 1).ok().says("note", "sent back");
            assert!(due(&shop).is_empty(), "it is one payment");
        }
        accept(&shop, 2).refused("refund_resolved");
        resolve(&shop, 2)
            .ok()
            .says("note", "the same payment was paid back already");
        assert!(due(&shop).is_empty());
        success(&shop, "c", ("order_id", order), json!("t"), json!(null))
            .verdict("ignored", "pending");
    }
}

#[test]
fn a_refunded_order_adopts_a_transaction_too() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    shop.pay("nameless", order).verdict("applied", "paid");
    shop.admin_post(&format!("/orders/{order}/refund"), "").ok();
    let about = ("order_id", order);
    success(&shop, "a", about, json!("t"), json!(null)).verdict("ignored", "refunded");
    let second = success(&shop, "b", about, json!("u"), json!(null))
        .verdict("duplicate_payment", "refunded")
        .id("webhook_id");
    success(&shop, "c", about, json!("t"), json!(null)).verdict("ignored", "refunded");
    assert_eq!(due(&shop), [second]);
}

#[test]
fn refunds_are_listed_by_what_became_of_them() {
    let shop = shop();
    let (first, second) = (shop.ordered("tee", 1), shop.ordered("tee", 1));
    let (first, second) = (mismatched(&shop, first), mismatched(&shop, second));
    resolve(&shop, first).ok();
    let ids = |query: &str| -> Vec<Value> {
        let refunds = shop.admin_get(&format!("/refunds{query}")).ok();
        let rows = refunds.body["data"].as_array().unwrap().iter();
        rows.map(|row| row["webhook_id"].clone()).collect()
    };
    assert_eq!(ids("?status=due"), [second]);
    assert_eq!(ids("?status=resolved"), [first]);
    assert_eq!(ids(""), [second, first]);
    shop.admin_get("/refunds?status=paid").invalid("status");
}

#[test]
fn an_event_may_be_one_of_thirty_two_that_wait_for_the_same() {
    let shop = shop();
    let hold = shop.hold("tee", 1).created().id("hold_id");
    for index in 0..32 {
        success(
            &shop,
            &format!("k{index}"),
            ("hold_id", hold),
            json!("t"),
            json!(null),
        )
        .has_status(202);
    }
    let full = success(&shop, "full", ("hold_id", hold), json!("t"), json!(null));
    full.failed_with(503, "parked_full")
        .says("outcome", "not_applied");
    success(&shop, "k0", ("hold_id", hold), json!("t"), json!(null))
        .ok()
        .says("already_processed", true);
    success(&shop, "other", ("order_id", 1), json!("u"), json!(null)).has_status(202);
    shop.order(hold).created().says("status", "paid");
    assert_eq!(due(&shop), [33], "the other transaction is owed");
}

/// A bridge that counts in cents is told by the log before the sale is over, and once.
#[test]
fn an_amount_of_a_hundred_times_the_total_is_logged_as_what_it_looks_like() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    let pay = |key: &str, about: &str, id: i64, amount: i64| {
        let payload = json!({"amount": amount});
        let event =
            json!({"idempotency_key": key, about: id, "status": "success", "payload": payload});
        server.post("/api/payments/webhook", &event)
    };
    let price = server.get("/api/products/1").1["price"].as_f64().unwrap();
    let cents = (price * 100.0).round() as i64;
    for _ in 0..3 {
        server.hold(1);
    }
    assert_eq!(pay("early", "hold_id", 1, cents).1["verdict"], "parked");
    server.post("/api/orders", &json!({"hold_id": 2}));
    assert_eq!(
        pay("late", "order_id", 1, cents).1["verdict"],
        "amount_mismatch"
    );
    assert_eq!(
        pay("other", "order_id", 1, cents + 1).1["verdict"],
        "amount_mismatch"
    );
    let log = server.stop_and_read_log();
    let told = log.lines().filter(|line| line.contains("minor units"));
    assert_eq!(told.count(), 1, "{log}");
}
