//! Money that goes back: what a provider reports of it, what orders show, and which refunds are due no more. Units never
//! move by it.

pub mod drift;
mod fields;
mod keys;
mod lists;
mod orders;
mod refunds;
mod told;

use serde_json::{Value, json};

use crate::shop::{Answer, Shop, item};

fn shop() -> Shop {
    Shop::operated(vec![item("tee", 10)])
}

/// With an amount; null for none.
fn report(shop: &Shop, key: &str, kind: &str, of: &str, amount: impl Into<Value>) -> Answer {
    let payload = json!({"transaction_id": of, "amount": amount.into()});
    shop.webhook(&json!({"idempotency_key": key, "status": kind, "payload": payload}))
}

/// An order of two for 199.98 that this transaction paid.
fn paid(shop: &Shop, transaction: &str) -> i64 {
    let order = shop.ordered("tee", 2);
    shop.pay_by_transaction(&format!("pay-{order}"), order, transaction)
        .verdict("applied", "paid");
    order
}

/// An order of two for 199.98 that was cancelled before its money came, and the refund that is due.
fn late(shop: &Shop, transaction: &str, amount: impl Into<Value>) -> i64 {
    let order = shop.ordered("tee", 2);
    shop.cancel(order).ok();
    let payload = json!({"transaction_id": transaction, "amount": amount.into()});
    let event = json!({"idempotency_key": format!("late-{order}"), "order_id": order, "status": "success", "payload": payload});
    shop.webhook(&event)
        .verdict("late_payment", "cancelled")
        .id("webhook_id")
}

#[track_caller]
fn shows(shop: &Shop, order: i64, refunded_amount: impl Into<Value>, dispute: impl Into<Value>) {
    shop.show_order(order)
        .ok()
        .says("refunded_amount", refunded_amount)
        .says("dispute", dispute);
}

fn refund(shop: &Shop, id: i64) -> Value {
    let refunds = shop.admin_get("/refunds?limit=100").ok();
    let mut rows = refunds.body["data"].as_array().unwrap().iter();
    let row = rows.find(|row| row["webhook_id"] == id);
    row.unwrap_or_else(|| panic!("no refund {id}")).clone()
}

#[track_caller]
fn is_due(shop: &Shop, id: i64) {
    assert_eq!(refund(shop, id)["resolved_at"], json!(null));
}

#[track_caller]
fn is_resolved(shop: &Shop, id: i64) {
    let refund = refund(shop, id);
    assert!(refund["resolved_at"].is_string(), "{refund}");
    assert_eq!(refund["note"], "refunded by the provider");
}
