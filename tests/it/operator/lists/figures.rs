//! The ledger of a product, and the figures of the sale.

use std::time::Duration;

use flashsale::config::Config;
use flashsale::sale::{Command, LatePayment, PlaceHold, ProductId, Quantity};
use flashsale::store::SALES_RATE_MOVEMENTS_MAX;
use serde_json::{Value, json};

use super::rows;
use crate::operator::at;
use crate::shop::{Answer, MICROSECOND, OPENING, ORDER_TTL, Shop, config, item};

/// Every kind of movement: the orders that expire, that are paid and written off, cancelled and paid late, and paid.
fn every_movement(shop: &Shop) -> [i64; 4] {
    let released = shop.hold("tee", 1).created().id("hold_id");
    shop.release(released).ok();
    shop.hold("tee", 2).created();
    shop.hold("cap", 1).created();
    let expired = shop.ordered("tee", 3);
    shop.after(ORDER_TTL);
    shop.sweep();
    let paid = shop.ordered("tee", 4);
    shop.pay("paid", paid).verdict("applied", "paid");
    let cancelled = shop.ordered("tee", 1);
    shop.cancel(cancelled).ok();
    shop.pay("late", cancelled).verdict("applied", "paid");
    shop.admin_post(
        &format!("/orders/{cancelled}/refund"),
        r#"{"restock":true}"#,
    )
    .ok();
    shop.admin_post(&format!("/orders/{paid}/refund"), "").ok();
    shop.admin_post("/products/1/restock", r#"{"quantity":-2,"reason":"torn"}"#)
        .ok();
    let last = shop.ordered("tee", 5);
    shop.pay("last", last).ok();
    shop.hold("tee", 1).created();
    [expired, paid, cancelled, last]
}

/// Its kind, what it moved, and the hold or the order that it moved it for.
fn movement(row: &Value) -> (&str, [i64; 3], Option<i64>, Option<i64>) {
    let moved = ["available", "reserved", "sold"].map(|name| row[name].as_i64().unwrap());
    let kind = row["kind"].as_str().unwrap();
    (
        kind,
        moved,
        row["hold_id"].as_i64(),
        row["order_id"].as_i64(),
    )
}

#[test]
fn the_ledger_tells_every_movement_and_adds_up_to_the_counters() {
    let shop = Shop::operated_on_terms(
        vec![item("tee", 20), item("cap", 5)],
        config(|it| it.late_payment = LatePayment::Accept),
    );
    let [expired, paid, cancelled, last] = every_movement(&shop);
    let list = shop.admin_get("/products/1/movements?limit=100").ok();
    let ledger: Vec<&Value> = rows(&list).iter().rev().collect();
    let told: Vec<_> = ledger.iter().map(|row| movement(row)).collect();
    let expected = [
        ("stocked", [20, 0, 0], None, None),
        ("hold_placed", [-1, 1, 0], Some(1), None),
        ("hold_released", [1, -1, 0], Some(1), None),
        ("hold_placed", [-2, 2, 0], Some(2), None),
        ("hold_placed", [-3, 3, 0], Some(4), None),
        ("hold_expired", [2, -2, 0], Some(2), None),
        ("order_expired", [3, -3, 0], None, Some(expired)),
        ("hold_placed", [-4, 4, 0], Some(5), None),
        ("order_paid", [0, -4, 4], None, Some(paid)),
        ("hold_placed", [-1, 1, 0], Some(6), None),
        ("order_cancelled", [1, -1, 0], None, Some(cancelled)),
        ("order_paid_late", [-1, 0, 1], None, Some(cancelled)),
        ("order_restocked", [1, 0, -1], None, Some(cancelled)),
        ("order_written_off", [0, 0, -4], None, Some(paid)),
        ("stocked", [-2, 0, 0], None, None),
        ("hold_placed", [-5, 5, 0], Some(7), None),
        ("order_paid", [0, -5, 5], None, Some(last)),
        ("hold_placed", [-1, 1, 0], Some(8), None),
    ];
    assert_eq!(told, expected);
    assert_eq!(ledger[14]["reason"], "torn");
    for (row, version) in ledger.iter().zip(1_i64..) {
        assert_eq!(
            (&row["version"], &row["product_id"]),
            (&json!(version), &json!(1))
        );
    }
    assert_eq!(ledger[5]["at"], at(OPENING + 900_000_000));
    let sums = [0, 1, 2].map(|counter| told.iter().map(|row| row.1[counter]).sum::<i64>());
    let product = shop.product("tee");
    let counters = ["available_stock", "reserved_stock", "sold_stock"];
    assert_eq!(
        counters.map(|name| product[name].clone()),
        sums.map(Value::from)
    );
    assert_eq!(product["total_stock"], sums.iter().sum::<i64>());
    assert_eq!(rows(&shop.admin_get("/products/2/movements").ok()).len(), 3);
}

#[test]
fn the_figures_tell_what_happened_lately() {
    let shop = Shop::operated(vec![item("tee", 20).max_per_hold(9), item("cap", 5)]);
    shop.hold("tee", 3).created();
    let paid = shop.ordered("tee", 2);
    shop.hold("cap", 1).created();
    shop.after(Duration::from_secs(30));
    shop.pay("k", paid).ok();
    shop.hold("tee", 4).created();
    shop.hold("tee", 10).refused("limit_exceeded");
    shop.after(Duration::from_secs(30) - MICROSECOND);
    let stats = shop.admin_get("/stats").ok();
    let now = at(OPENING + 59_999_999);
    let tee = json!({"id": 1, "name": "TEE", "price": 99.99, "available_stock": 11, "total_stock": 20,
        "reserved_stock": 7, "sold_stock": 2, "status": "live", "starts_at": null, "ends_at": null, "max_per_hold": 9,
        "max_per_customer": null, "server_time": now, "sku": "tee", "paused": false,
        "lately": {"over_s": 60.0, "units_held": 9, "units_sold": 2}});
    assert_eq!(stats.body["products"][0], tee);
    let lately = |answer: &Answer, index: usize| answer.body["products"][index]["lately"].clone();
    let pace =
        |held: i64, sold: i64| json!({"over_s": 60.0, "units_held": held, "units_sold": sold});
    assert_eq!(lately(&stats, 1), pace(1, 0));
    assert_eq!(stats.body["server_time"], now);
    assert_eq!(stats.body["next_cursor"], json!(null));
    let queue_max = Config::default().queue_max;
    assert_eq!(stats.body["queue"], json!({"waiting": 0, "max": queue_max}));
    let names: Vec<_> = stats.body.as_object().unwrap().keys().collect();
    let before = ["server_time", "products", "next_cursor", "queue", "latency"];
    let since = [
        "version",
        "requests",
        "holds",
        "batches",
        "commits",
        "connections",
        "database",
        "last_backup_at",
        "books",
        "feed",
    ];
    assert_eq!(names, [&before[..], &since[..]].concat());
    let latency = stats.body["latency"].as_object().unwrap();
    let names: Vec<_> = latency.keys().collect();
    assert_eq!(names, ["over_s", "count", "p50_ms", "p99_ms", "max_ms"]);
    assert_eq!(latency["count"], 7, "reads are not counted");
    let ms = ["p50_ms", "p99_ms", "max_ms"].map(|name| latency[name].as_f64().unwrap());
    assert!(0.0 < ms[0] && ms.is_sorted(), "{ms:?}");

    shop.after(MICROSECOND);
    let stats = shop.admin_get("/stats").ok();
    assert_eq!(
        (lately(&stats, 0), lately(&stats, 1)),
        (pace(4, 2), pace(0, 0))
    );
    shop.after(Duration::from_secs(30));
    assert_eq!(lately(&shop.admin_get("/stats").ok(), 0), pace(0, 0));
    shop.after(Duration::from_secs(30));
    let stats = shop.admin_get("/stats").ok();
    assert_eq!(
        stats.body["products"][0]["available_stock"], 14,
        "what is overdue is available"
    );
}

/// So that a look at the figures costs a thousand rows of the ledger at most.
#[test]
fn a_product_that_moves_fast_is_looked_at_for_a_shorter_time() {
    let shop = Shop::operated(vec![item("tee", 2_000)]);
    shop.hold("tee", 1).created();
    shop.after(Duration::from_secs(30));
    for _ in 0..SALES_RATE_MOVEMENTS_MAX {
        shop.command(one_hold()).unwrap();
    }
    let stats = shop.admin_get("/stats").ok();
    assert_eq!(
        stats.body["products"][0]["lately"],
        json!({"over_s": 30.0, "units_held": 1_000, "units_sold": 0})
    );
}

fn one_hold() -> Command {
    Command::PlaceHold(PlaceHold {
        product: ProductId::FIRST,
        quantity: Quantity::new(1).unwrap(),
        customer: None,
        key: None,
    })
}

#[test]
fn the_figures_tell_how_the_server_is() {
    let shop = Shop::operated(vec![item("tee", 3), item("cap", 5)]);
    shop.hold("tee", 2).created();
    shop.hold("tee", 2).refused("insufficient_stock");
    shop.get("/api/products/7")
        .failed_with(404, "product_not_found");
    let stats = shop.admin_get("/stats").ok().body;
    assert_eq!(stats["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(stats["holds"]["count"], 2);
    let figure = |name: &str, of: &str| stats[name][of].as_f64().unwrap();
    let happened = |name: &str, of: &str| figure(name, of) * figure(name, "over_s");
    let about = |expected: f64, figure: f64| (figure - expected).abs() < 0.5;
    assert!(about(3.0, happened("requests", "per_s")), "{stats}");
    assert!(about(2.0, happened("requests", "refused_per_s")), "{stats}");
    assert!(figure("batches", "per_s") > 0.0, "{stats}");
    assert!(figure("batches", "commands_mean") >= 1.0, "{stats}");
    assert_eq!(stats["commits"]["count"], 1, "a refusal is not committed");
    assert!(figure("commits", "p50_ms") > 0.0, "{stats}");
    assert_eq!(stats["connections"], json!(null), "there is no front");
    assert_eq!(stats["books"], json!({"products": 2, "wrong": 0}));
    assert_eq!(stats["last_backup_at"], json!(null));
    let bytes = |of: &str| stats["database"][of].as_u64();
    assert!(bytes("bytes") > Some(4096), "{stats}");
    let are_told = [
        bytes("log_bytes").is_some(),
        bytes("disk_free_bytes").is_some(),
    ];
    assert_eq!(are_told, [shop.is_in_a_file(); 2], "{stats}");
}

#[test]
fn the_figures_come_by_the_page() {
    let shop = Shop::operated(vec![item("a", 1), item("b", 1), item("c", 1)]);
    let ids = |answer: &Answer| {
        let products = answer.body["products"].as_array().unwrap();
        products
            .iter()
            .map(|product| product["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    let first = shop.admin_get("/stats?limit=2").ok();
    assert_eq!(ids(&first), [1, 2]);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = shop
        .admin_get(&format!("/stats?limit=2&cursor={cursor}"))
        .ok();
    assert_eq!(ids(&second), [3]);
    second.says("next_cursor", json!(null));
    shop.admin_get("/stats?limit=0&cursor=x&y=1")
        .invalid("limit")
        .invalid("cursor")
        .invalid("y");
}
