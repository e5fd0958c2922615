//! The payment webhook: every row of the table of verdicts, events before their orders, and keys that come again.

mod fields;
mod parked;
mod repeats;
mod verdicts;

use flashsale::config::Config;
use flashsale::sale::LatePayment;
use serde_json::{Value, json};

use crate::shop::{Answer, Shop, config};

fn accepting() -> Config {
    config(|it| it.late_payment = LatePayment::Accept)
}

fn pay_amount(shop: &Shop, key: &str, order: i64, amount: impl Into<Value>) -> Answer {
    let payload = json!({"transaction_id": "t", "amount": amount.into()});
    shop.webhook(&json!({"idempotency_key": key, "order_id": order, "status": "success", "payload": payload}))
}

fn about_hold(shop: &Shop, key: &str, hold: i64, status: &str) -> Answer {
    shop.webhook(&json!({"idempotency_key": key, "hold_id": hold, "status": status}))
}
