//! What the operator looks through.

use serde_json::{Value, json};

use super::{paid, report, shop};
use crate::shop::Shop;

fn listed(shop: &Shop, target: &str, name: &str) -> Vec<i64> {
    let answer = shop.admin_get(target).ok();
    let rows = answer.body["data"].as_array().unwrap().iter();
    rows.map(|row| row[name].as_i64().unwrap()).collect()
}

#[test]
fn reports_are_listed_newest_first() {
    let shop = shop();
    paid(&shop, "t");
    report(&shop, "a", "refunded", "t", 50).ok();
    report(&shop, "b", "dispute_opened", "u", json!(null)).ok();
    report(&shop, "c", "refunded", "u", json!(null)).ok();
    let all = shop.admin_get("/reversals").ok();
    assert_eq!(all.body["next_cursor"], Value::Null);
    let mut oldest = all.body["data"][2].clone();
    assert!(oldest["received_at"].take().is_string());
    let expected = json!({
        "webhook_id": 2, "idempotency_key": "a", "kind": "refunded", "transaction_id": "t", "amount": 50.0,
        "verdict": "applied", "received_at": null
    });
    assert_eq!(oldest, expected);
    for (query, ids) in [
        ("", &[4, 3, 2][..]),
        ("?kind=refunded", &[4, 2]),
        ("?transaction_id=u", &[4, 3]),
        ("?kind=refunded&transaction_id=u", &[4]),
        ("?kind=dispute_lost", &[]),
        ("?transaction_id=x", &[]),
    ] {
        let found = listed(&shop, &format!("/reversals{query}"), "webhook_id");
        assert_eq!(found, ids, "{query}");
    }
    let first = shop.admin_get("/reversals?limit=2").ok();
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = format!("/reversals?limit=2&cursor={cursor}");
    assert_eq!(listed(&shop, &rest, "webhook_id"), [2]);
    for (query, field) in [
        ("kind=refund", "kind"),
        ("transaction_id=", "transaction_id"),
        ("transaction_id=t%00", "transaction_id"),
        ("verdict=applied", "verdict"),
        ("limit=0", "limit"),
    ] {
        shop.admin_get(&format!("/reversals?{query}"))
            .invalid(field);
    }
    shop.admin_get(&format!("/payments?cursor={cursor}"))
        .invalid("cursor");
}

#[test]
fn orders_are_found_by_their_disputes() {
    let shop = shop();
    let orders = ["t", "u", "v"].map(|transaction| paid(&shop, transaction));
    report(&shop, "a", "dispute_opened", "t", json!(null)).ok();
    report(&shop, "b", "dispute_opened", "v", json!(null)).ok();
    let found = |query: &str| listed(&shop, &format!("/orders?{query}"), "order_id");
    assert_eq!(found("dispute=open"), [orders[2], orders[0]]);
    assert_eq!(found("dispute=open&status=paid&limit=1"), [orders[2]]);
    assert!(found("dispute=open&status=refunded").is_empty());
    report(&shop, "c", "dispute_won", "v", json!(null)).ok();
    assert_eq!(found("dispute=open"), [orders[0]]);
    assert_eq!(found("dispute=won"), [orders[2]]);
    assert!(found("dispute=lost").is_empty());
    shop.admin_get("/orders?dispute=closed").invalid("dispute");
    shop.admin_get("/orders?dispute=open&money_back=unmatched")
        .invalid("money_back");
}

#[test]
fn orders_are_found_whose_money_went_back_and_whose_units_did_not() {
    let shop = shop();
    let orders = ["t", "u"].map(|transaction| paid(&shop, transaction));
    let found = || listed(&shop, "/orders?money_back=unmatched", "order_id");
    assert!(found().is_empty());
    report(&shop, "discount", "refunded", "t", 99.98).ok();
    assert!(found().is_empty(), "less than a unit costs is a discount");
    report(&shop, "a", "refunded", "t", 99.99).ok();
    report(&shop, "b", "refunded", "u", 300).ok();
    assert_eq!(found(), [orders[1], orders[0]]);
    for order in orders {
        let one = r#"{"refunded_quantity":1}"#;
        shop.admin_post(&format!("/orders/{order}/refund"), one)
            .ok();
    }
    assert_eq!(found(), [orders[1]]);
    shop.admin_post(&format!("/orders/{}/refund", orders[1]), "")
        .ok();
    assert!(found().is_empty());
    shop.admin_get("/orders?money_back=all")
        .invalid("money_back");
}
