//! What is told of what happens: each type with its fields, once, in order, and in the same bytes each time.

use flashsale::sale::LatePayment;
use serde_json::json;

use super::only;
use crate::shop::{HOLD_TTL, OPENING, ORDER_TTL, SECOND, Shop, config, item, with_feed};

fn shop() -> Shop {
    Shop::with_feed(vec![item("tee", 10)])
}

fn accepting_shop() -> Shop {
    let config = config(|it| it.late_payment = LatePayment::Accept);
    Shop::operated_on_terms(vec![item("tee", 10)], with_feed(config))
}

/// As every event of an order tells it that was made at the opening.
fn order_told(order: i64, quantity: i64, customer: Option<&str>) -> serde_json::Value {
    let total = [0.0, 99.99, 199.98][usize::try_from(quantity).unwrap()];
    json!({"order_id": order, "hold_id": order, "product_id": 1, "quantity": quantity, "unit_price": 99.99,
        "total_price": total, "customer": customer, "pay_by": "2024-01-01T12:15:00.000000Z"})
}

fn with(mut told: serde_json::Value, more: serde_json::Value) -> serde_json::Value {
    let more = more.as_object().unwrap().clone();
    told.as_object_mut().unwrap().extend(more);
    told
}

#[test]
fn an_order_is_told_of_when_it_is_made_and_when_it_is_paid() {
    let shop = shop();
    let hold = shop.hold_for("ada", "tee", 2).created().id("hold_id");
    assert!(shop.told().is_empty(), "nothing is told of holds");
    let placed = shop.order(hold).created();
    let order = placed.id("order_id");
    let told = shop.told();
    assert_eq!(
        told[0],
        json!({"id": 1, "type": "order.placed", "timestamp": "2024-01-01T12:00:00.000000Z",
            "data": order_told(1, 2, Some("ada"))})
    );
    shop.after(SECOND);
    shop.pay_by_transaction("k", order, "txn").ok();
    let told = shop.told();
    let paid = json!({"transaction_id": "txn", "webhook_id": 1});
    assert_eq!(
        told[1],
        json!({"id": 2, "type": "order.paid", "timestamp": "2024-01-01T12:00:01.000000Z",
            "data": with(order_told(1, 2, Some("ada")), paid)})
    );
    assert_eq!(told.len(), 2);
    let token = placed.body["token"].as_str().unwrap();
    let bytes = shop.feed("").ok().bytes;
    assert!(!String::from_utf8(bytes).unwrap().contains(token));
}

#[test]
fn an_order_of_nothing_is_paid_by_no_event() {
    let shop = Shop::with_feed(vec![item("gift", 2).price(0)]);
    shop.ordered("gift", 1);
    assert_eq!(shop.told_types(), ["order.placed", "order.paid"]);
    let told = shop.told();
    let paid = only(&told, "order.paid");
    assert!(paid["transaction_id"].is_null() && paid["webhook_id"].is_null());
    assert!(paid["pay_by"].is_null() && paid["total_price"] == 0.0);
}

#[test]
fn a_payment_that_came_before_its_order_is_told_after_it() {
    let shop = shop();
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let event = json!({"idempotency_key": "k", "hold_id": hold, "status": "success"});
    shop.webhook(&event).has_status(202);
    assert!(shop.told().is_empty(), "it waits");
    shop.order(hold).created().says("status", "paid");
    assert_eq!(shop.told_types(), ["order.placed", "order.paid"]);
    assert_eq!(only(&shop.told(), "order.paid")["webhook_id"], 1);
}

#[test]
fn a_cancelled_order_tells_by_whom() {
    let shop = shop();
    let (by_customer, by_failure) = (shop.ordered("tee", 1), shop.ordered("tee", 2));
    shop.cancel(by_customer).ok();
    shop.cancel(by_customer).ok();
    shop.fail("k", by_failure).ok();
    let told = shop.told();
    assert_eq!(told.len(), 4, "a repeat tells nothing: {told:?}");
    let by_nobody = json!({"webhook_id": null});
    assert_eq!(told[2]["type"], "order.cancelled");
    assert_eq!(told[2]["data"], with(order_told(1, 1, None), by_nobody));
    let by_payment = json!({"webhook_id": 1});
    assert_eq!(told[3]["data"], with(order_told(2, 2, None), by_payment));
}

/// By the clock it is over at `pay_by`; it is told when the row is ended, by a sweep or for its units.
#[test]
fn an_order_that_was_not_paid_in_time_is_told_when_it_is_ended() {
    let shop = Shop::with_feed(vec![item("tee", 1)]);
    shop.ordered("tee", 1);
    shop.after(ORDER_TTL);
    shop.hold("tee", 1).created();
    assert_eq!(shop.told_types(), ["order.placed", "order.expired"]);
    assert_eq!(*only(&shop.told(), "order.expired"), order_told(1, 1, None));
    shop.after(HOLD_TTL);
    shop.sweep();
    assert_eq!(shop.told().len(), 2, "nothing is told of holds");
}

#[test]
fn a_late_payment_that_is_accepted_pays_after_the_end() {
    let shop = accepting_shop();
    let order = shop.ordered("tee", 1);
    shop.cancel(order).ok();
    shop.pay_by_transaction("k", order, "txn").ok();
    assert_eq!(
        shop.told_types(),
        ["order.placed", "order.cancelled", "order.paid"]
    );
    assert_eq!(only(&shop.told(), "order.paid")["transaction_id"], "txn");
}

#[test]
fn units_given_back_are_told_each_time() {
    let shop = shop();
    let hold = shop.hold_for("ada", "tee", 2).created().id("hold_id");
    let order = shop.order(hold).created().id("order_id");
    shop.pay("k", order).ok();
    let refund = |body| shop.admin_post("/orders/1/refund", body).ok();
    refund(r#"{"refunded_quantity":1,"restock":true}"#);
    refund(r#"{"refunded_quantity":1,"restock":true}"#);
    refund("");
    let told = shop.told();
    assert_eq!(told.len(), 4, "a repeat tells nothing: {told:?}");
    let one = json!({"order_id": 1, "product_id": 1, "customer": "ada", "quantity": 1, "restocked": true,
        "refunded_quantity": 1});
    assert_eq!(
        (&told[2]["type"], &told[2]["data"]),
        (&json!("order.refunded"), &one)
    );
    let two = json!({"restocked": false, "refunded_quantity": 2});
    assert_eq!(told[3]["data"], with(one, two));
}

fn refund_told(
    order: Option<i64>,
    hold: Option<i64>,
    verdict: &str,
    customer: Option<&str>,
) -> serde_json::Value {
    json!({"webhook_id": 1, "order_id": order, "hold_id": hold, "verdict": verdict, "amount": 10.50,
        "transaction_id": "t", "customer": customer})
}

/// An event about `about`, of 10.50 by transaction `t`.
fn pay_wrongly(shop: &Shop, key: &str, about: (&str, i64)) {
    let payload = json!({"transaction_id": "t", "amount": 10.50});
    let (name, id) = about;
    let event = json!({"idempotency_key": key, name: id, "status": "success", "payload": payload});
    let answer = shop.webhook(&event);
    assert!(matches!(answer.status, 200 | 202), "{}", answer.body);
}

#[test]
fn money_that_bought_nothing_is_told_and_so_is_that_it_was_paid_back() {
    let shop = shop();
    let hold = shop.hold_for("ada", "tee", 1).created().id("hold_id");
    let order = shop.order(hold).created().id("order_id");
    pay_wrongly(&shop, "k", ("order_id", order));
    pay_wrongly(&shop, "again", ("order_id", order));
    let told = shop.told();
    let due = refund_told(Some(1), None, "amount_mismatch", Some("ada"));
    assert_eq!(*only(&told, "refund.due"), due);
    let resolve = || shop.admin_post("/refunds/1/resolve", r#"{"note":"sent back"}"#);
    resolve().ok();
    resolve().ok();
    let told = shop.told();
    let resolved = with(due, json!({"note": "sent back"}));
    assert_eq!(*only(&told, "refund.resolved"), resolved);
    assert_eq!(told.len(), 3, "{told:?}");
}

/// The customer is the hold's, where there is no order.
#[test]
fn money_for_a_hold_that_ended_is_told_with_its_customer() {
    for is_swept in [true, false] {
        let shop = shop();
        let hold = shop.hold_for("ada", "tee", 1).created().id("hold_id");
        if is_swept {
            pay_wrongly(&shop, "k", ("hold_id", hold));
            shop.after(HOLD_TTL);
            assert!(shop.told().is_empty(), "it waited for an order");
            shop.sweep();
        } else {
            shop.release(hold).ok();
            pay_wrongly(&shop, "k", ("hold_id", hold));
        }
        let told = shop.told();
        let due = refund_told(None, Some(1), "late_payment", Some("ada"));
        assert_eq!(*only(&told, "refund.due"), due);
    }
}

/// Without a sweep, by the operator who pays it back at once.
#[test]
fn money_that_waited_in_vain_is_told_before_it_is_resolved() {
    let shop = shop();
    let hold = shop.hold_for("ada", "tee", 1).created().id("hold_id");
    pay_wrongly(&shop, "k", ("hold_id", hold));
    shop.after(HOLD_TTL);
    shop.admin_post("/refunds/1/resolve", "").ok();
    assert_eq!(shop.told_types(), ["refund.due", "refund.resolved"]);
    let due = refund_told(None, Some(1), "late_payment", Some("ada"));
    assert_eq!(*only(&shop.told(), "refund.due"), due);
    assert!(only(&shop.told(), "refund.resolved")["note"].is_null());
}

#[test]
fn money_for_an_order_that_never_came_names_no_order() {
    let shop = shop();
    pay_wrongly(&shop, "k", ("order_id", 7));
    shop.after(2 * crate::shop::DAY);
    shop.sweep();
    let due = refund_told(None, None, "late_payment", None);
    assert_eq!(*only(&shop.told(), "refund.due"), due);
}

#[test]
fn money_that_is_accepted_is_resolved_and_pays() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    pay_wrongly(&shop, "k", ("order_id", order));
    shop.admin_post("/refunds/1/accept", "").ok();
    shop.admin_post("/refunds/1/accept", "").ok();
    assert_eq!(
        shop.told_types(),
        [
            "order.placed",
            "refund.due",
            "refund.resolved",
            "order.paid"
        ]
    );
    let told = shop.told();
    assert_eq!(only(&told, "refund.resolved")["note"], "accepted");
    let paid = only(&told, "order.paid");
    assert_eq!(
        (&paid["transaction_id"], &paid["webhook_id"]),
        (&json!("t"), &json!(1))
    );
}

#[test]
fn money_that_paid_after_all_is_withdrawn() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    pay_wrongly(&shop, "k", ("order_id", order));
    shop.pay_by_transaction("l", order, "t").ok();
    assert_eq!(
        shop.told_types(),
        [
            "order.placed",
            "refund.due",
            "order.paid",
            "refund.resolved"
        ]
    );
    let told = shop.told();
    assert_eq!(
        only(&told, "refund.resolved")["note"],
        "paid its order after all"
    );
    assert_eq!(only(&told, "order.paid")["webhook_id"], 2);
}

/// What is adopted later is in no event: nothing that was told changes.
#[test]
fn what_was_told_never_changes() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    shop.pay("k", order).ok();
    let before = shop.feed("").ok().bytes;
    shop.pay_by_transaction("l", order, "adopted").ok();
    assert_eq!(shop.show_order(order).ok().body["status"], "paid");
    assert_eq!(shop.feed("").ok().bytes, before);
    assert!(only(&shop.told(), "order.paid")["transaction_id"].is_null());
    shop.admin_post("/orders/1/refund", "").ok();
    let after = shop.feed("?limit=2").ok();
    let (before, after) = (
        String::from_utf8(before).unwrap(),
        String::from_utf8(after.bytes).unwrap(),
    );
    let (before, _) = before.split_once(",\"next_after\"").unwrap();
    assert!(after.starts_with(before), "{before} {after}");
}

#[test]
fn that_nothing_is_left_is_told_by_what_brought_it_about() {
    let shop = Shop::with_feed(vec![item("tee", 2)]);
    let (first, second) = (shop.ordered("tee", 1), shop.ordered("tee", 1));
    shop.pay("k", first).ok();
    assert!(
        !shop.told_types().contains(&"product.sold_out".into()),
        "one is reserved"
    );
    shop.pay("l", second).ok();
    assert_eq!(shop.told_types()[3..], ["order.paid", "product.sold_out"]);
    assert_eq!(
        *only(&shop.told(), "product.sold_out"),
        json!({"product_id": 1, "sold": 2})
    );
    shop.admin_post("/products/1/restock", r#"{"quantity":1}"#)
        .ok();
    shop.admin_post("/products/1/restock", r#"{"quantity":-1}"#)
        .ok();
    assert_eq!(shop.told_types()[5..], ["product.sold_out"], "by a restock");
    shop.admin_post("/orders/1/refund", "").ok();
    assert_eq!(
        shop.told_types()[6..],
        ["order.refunded"],
        "it was sold out before"
    );
}

#[test]
fn a_seed_that_takes_the_rest_away_sells_out() {
    let shop = Shop::with_feed(vec![item("tee", 5)]);
    let order = shop.ordered("tee", 2);
    shop.pay("k", order).ok();
    shop.command(item("tee", 2).load()).unwrap();
    assert_eq!(
        *only(&shop.told(), "product.sold_out"),
        json!({"product_id": 1, "sold": 2})
    );
}

#[test]
fn what_was_never_sold_is_not_sold_out() {
    let shop = shop();
    shop.admin_post("/products/1/restock", r#"{"quantity":-10}"#)
        .ok();
    assert!(shop.told().is_empty());
}

#[test]
fn a_refusal_and_a_repeat_tell_nothing() {
    let shop = shop();
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let body = json!({"hold_id": hold});
    let first = shop
        .post_with_key("/api/orders", "the-key", &body)
        .created();
    let again = shop
        .post_with_key("/api/orders", "the-key", &body)
        .created();
    assert_eq!(first.bytes, again.bytes);
    shop.order(hold).refused("hold_used");
    shop.pay("k", 1).ok();
    shop.pay("k", 1).says("already_processed", true);
    shop.cancel(1).refused("order_paid");
    shop.fail("l", 1).verdict("ignored", "paid");
    assert_eq!(shop.told_types(), ["order.placed", "order.paid"]);
}

/// Also of what many clients did at once, and of one batch.
#[test]
fn ids_count_up_by_one_from_1() {
    let shop = Shop::with_feed(vec![item("tee", 40)]);
    std::thread::scope(|scope| {
        for client in 0..4 {
            let shop = &shop;
            scope.spawn(move || {
                for number in 0..5 {
                    let order = shop.ordered("tee", 1);
                    shop.pay(&format!("{client}-{number}"), order).ok();
                }
            });
        }
    });
    let told = shop.told();
    let ids: Vec<i64> = told
        .iter()
        .map(|event| event["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, (1..=40).collect::<Vec<_>>());
    for order in 1..=20 {
        let of_it = told
            .iter()
            .filter(|event| event["data"]["order_id"] == order);
        let types: Vec<_> = of_it.map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["order.placed", "order.paid"]);
    }
    assert!(
        told.iter()
            .all(|event| event["timestamp"] == "2024-01-01T12:00:00.000000Z"),
        "{OPENING}"
    );
}
