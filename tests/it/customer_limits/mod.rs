//! `max_per_customer`: exact whoever asks at the same time, and free again when units come back.

mod crowd;
mod freed;
mod names;

use std::collections::BTreeMap;

use flashsale::sale::{HoldStatus, OrderStatus};
use flashsale::store::Contents;
use serde_json::{Value, json};

use crate::server::{Premises, Server};
use crate::wire;

const CUSTOMERS: [&str; 4] = ["ada@shop.example", "eve", "山田 太郎", "Ada@shop.example"];
const LIMIT: i64 = 5;

fn premises() -> Premises {
    Premises::selling(&format!(
        "sku,name,price,total_stock,max_per_customer\ntee,Tee,1.00,1000,{LIMIT}\n"
    ))
}

fn ask(server: &Server, customer: &str, quantity: i64, key: Option<&str>) -> (u16, Value) {
    let wish = json!({"product_id": 1, "quantity": quantity, "customer": customer});
    let Some(key) = key else {
        return server.post("/api/holds", &wish);
    };
    let answer = wire::post_with_key(server, "/api/holds", key, &wish);
    (answer.status, answer.body)
}

/// Live holds, pending and paid units of each customer.
fn used(contents: &Contents) -> BTreeMap<String, i64> {
    let holds = contents.holds.iter();
    let live = holds.filter(|hold| hold.status == HoldStatus::Active);
    let live = live.map(|hold| (&hold.customer, hold.line.units()));
    let orders = contents.orders.iter();
    let kept =
        orders.filter(|order| matches!(order.status, OrderStatus::Pending | OrderStatus::Paid));
    let kept = kept.map(|order| (&order.customer, order.line.units()));
    let mut used = BTreeMap::new();
    for (customer, units) in live.chain(kept) {
        *used
            .entry(customer.as_ref().unwrap().as_str().to_owned())
            .or_default() += units;
    }
    used
}
