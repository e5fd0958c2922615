//! What the feed tells of money that goes back.

use serde_json::{Value, json};

use super::{late, paid, report};
use crate::shop::{Shop, item, with_feed};

fn shop() -> Shop {
    Shop::operated_on_terms(vec![item("tee", 10)], with_feed(Default::default()))
}

/// What was told since the event with this id, each by its type and data.
fn told_since(shop: &Shop, id: usize) -> Vec<(String, Value)> {
    let told = shop.told();
    let since = told.iter().skip(id);
    let parts = since.map(|it| (it["type"].as_str().unwrap().to_owned(), it["data"].clone()));
    parts.collect()
}

#[test]
fn a_report_is_told_of_for_each_order_that_its_transaction_paid() {
    let shop = shop();
    let orders = [paid(&shop, "t"), paid(&shop, "t")];
    let before = shop.told().len();
    report(&shop, "a", "refunded", "t", 50).ok();
    report(&shop, "less", "refunded", "t", 40).ok();
    report(&shop, "unsaid", "refunded", "t", json!(null)).ok();
    report(&shop, "other", "refunded", "u", 90).ok();
    report(&shop, "a", "refunded", "t", 50).ok();
    report(&shop, "b", "refund_failed", "t", 50).ok();
    report(&shop, "c", "dispute_opened", "t", 399.96).ok();
    report(&shop, "d", "dispute_lost", "t", json!(null)).ok();
    report(&shop, "e", "dispute_opened", "t", json!(null)).ok();
    let each = |kind: &str, more: Value| {
        orders.map(|order| {
            let mut data = json!({"order_id": order, "transaction_id": "t"});
            let more = more.as_object().unwrap().clone();
            data.as_object_mut().unwrap().extend(more);
            (kind.to_owned(), data)
        })
    };
    let expected = [
        each("payment.refunded", json!({"amount": 50.0, "failed": false})),
        each("payment.refunded", json!({"amount": 50.0, "failed": true})),
        each("dispute.opened", json!({"amount": 399.96, "outcome": null})),
        each("dispute.closed", json!({"amount": null, "outcome": "lost"})),
    ];
    assert_eq!(told_since(&shop, before), expected.concat());
}

#[test]
fn a_refund_is_told_of_as_often_as_it_becomes_due() {
    let shop = shop();
    let id = late(&shop, "t", 199.98);
    let before = shop.told().len();
    report(&shop, "a", "refunded", "t", 199.98).ok();
    report(&shop, "b", "refund_failed", "t", 199.98).ok();
    report(&shop, "c", "refunded", "t", json!(null)).ok();
    let told = told_since(&shop, before);
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| &**kind).collect();
    assert_eq!(kinds, ["refund.resolved", "refund.due", "refund.resolved"]);
    for (_, data) in &told {
        assert_eq!(
            (&data["webhook_id"], &data["order_id"]),
            (&json!(id), &json!(1))
        );
    }
    assert_eq!(told[2].1["note"], "refunded by the provider");
}

#[test]
fn what_goes_back_before_it_is_owed_is_told_of_as_due_and_resolved() {
    let shop = shop();
    report(&shop, "a", "refunded", "t", 199.98).ok();
    late(&shop, "t", 199.98);
    let told = told_since(&shop, 2);
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| &**kind).collect();
    assert_eq!(kinds, ["refund.due", "refund.resolved"]);
}
