//! Money that bought nothing: a transaction paid its order or is owed back, never both; the operator pays it back, or takes
//! it after all.

mod accepted;
mod amounts;
mod transactions;

use flashsale::sale::LatePayment;
use serde_json::{Value, json};

use crate::shop::{Answer, Shop, config, item};

fn shop() -> Shop {
    Shop::operated(vec![item("tee", 10)])
}

fn accepting_shop() -> Shop {
    Shop::operated_on_terms(
        vec![item("tee", 10)],
        config(|it| it.late_payment = LatePayment::Accept),
    )
}

/// A success about `about` (`order_id` or `hold_id`), of a transaction, with an amount; null for none.
fn success(
    shop: &Shop,
    key: &str,
    about: (&str, i64),
    of: impl Into<Value>,
    amount: impl Into<Value>,
) -> Answer {
    let payload = json!({"transaction_id": of.into(), "amount": amount.into()});
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
        "t",
        1000,
    )
    .verdict("amount_mismatch", "pending")
    .id("webhook_id")
}
