//! What the operator looks through: lists by the page and by the clock, refunds, the ledger, the figures.

mod figures;
mod pages;
mod refunds;
mod rows;

use serde_json::{Value, json};

use crate::shop::{Answer, Shop};

const LISTS: [(&str, &str); 5] = [
    ("/holds", "hold_id"),
    ("/orders", "order_id"),
    ("/payments", "webhook_id"),
    ("/refunds", "webhook_id"),
    ("/products/1/movements", "version"),
];

fn rows(answer: &Answer) -> &Vec<Value> {
    answer.body["data"].as_array().unwrap()
}

fn numbers(answer: &Answer, name: &str) -> Vec<i64> {
    rows(answer)
        .iter()
        .map(|row| row[name].as_i64().unwrap())
        .collect()
}

/// The database's one write lock: until it is dropped no sweep can pass. `None` on a server, where a list that no sweep has
/// passed is judged before the deadline, and so there is nothing to see.
fn unswept(shop: &Shop) -> Option<rusqlite::Connection> {
    if !shop.is_in_a_file() {
        println!("left out: this is about a database in a file");
        return None;
    }
    let connection = rusqlite::Connection::open(shop.database()).unwrap();
    connection.execute_batch("begin immediate").unwrap();
    Some(connection)
}

/// The numbers of a list that fits a page.
#[track_caller]
fn listed(shop: &Shop, target: &str) -> Vec<i64> {
    let name = LISTS
        .iter()
        .find(|(path, _)| target.split('?').next() == Some(path));
    let answer = shop.admin_get(target).ok();
    assert_eq!(answer.body["next_cursor"], json!(null), "{target}");
    numbers(&answer, name.unwrap().1)
}

/// A payment that came too late, and so a refund that is due.
fn late_payment(shop: &Shop, key: &str) -> i64 {
    let order = shop.ordered("tee", 1);
    shop.cancel(order).ok();
    shop.pay(key, order)
        .verdict("late_payment", "cancelled")
        .id("webhook_id")
}

fn event(key: &str, named: (&str, i64), status: &str, transaction: Option<&str>) -> Value {
    json!({"idempotency_key": key, named.0: named.1, "status": status, "payload": {"transaction_id": transaction}})
}
