//! A database with a whole sale in it, as an orderly stop leaves it, and as a kill does: with a log, and its index.

use std::fs;
use std::path::Path;

use flashsale::http::{Method, Request};
use serde_json::json;

use crate::shop::{DAY, SECOND, Shop, config, item};

/// The database, its log and the log's index, by what SQLite calls them after the database.
pub const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

pub type Files = [Option<Vec<u8>>; SUFFIXES.len()];

pub struct Found {
    pub stopped: Files,
    pub killed: Files,
}

impl Found {
    /// `None` where shops keep their databases on a server, and that is said.
    pub fn new() -> Option<Found> {
        let items = vec![item("tee", 400), item("mug", 50), item("cap", 0)];
        let shop = Shop::on_terms(
            items,
            config(|it| (it.order_ttl_s, it.hold_ttl_s) = (0, 86_400)),
        );
        if !shop.is_in_a_file() {
            println!("left out: this is about a database in a file");
            return None;
        }
        let clock = shop.clock();
        let now = chrono::Utc::now().timestamp_micros();
        clock.set(now - i64::try_from(DAY.as_micros()).unwrap() - 3_600_000_000);
        buy(&shop, 0..120);
        clock.set(now);
        // Keys that are forgotten leave pages free.
        shop.sweep();
        let path = shop.database();
        let conn = rusqlite::Connection::open(&path).unwrap();
        let truncate = "pragma wal_checkpoint(truncate)";
        conn.query_row(truncate, [], |_| Ok(())).unwrap();
        buy(&shop, 120..160);
        let killed = files(&path);
        conn.query_row(truncate, [], |_| Ok(())).unwrap();
        let stopped = [Some(fs::read(&path).unwrap()), None, None];
        shop.after(SECOND);
        Some(Found { stopped, killed })
    }
}

fn files(database: &Path) -> Files {
    SUFFIXES.map(|suffix| {
        let name = format!("{}{suffix}", database.display());
        Some(fs::read(name).unwrap())
    })
}

/// Holds, most of them ordered, most orders paid, one way or another.
fn buy(shop: &Shop, customers: std::ops::Range<i64>) {
    for customer in customers {
        let wish = json!({"product_id": 1 + customer % 2, "quantity": 1, "customer": format!("customer-{customer}")});
        let request = Request::new(Method::Post, "/api/holds").with_header(
            "Idempotency-Key",
            &format!("key-of-{customer}-{}", "x".repeat(200)),
        );
        let answer = shop.call(request.with_body(wish.to_string().as_bytes()));
        if answer.status != 201 {
            continue;
        }
        let hold = answer.id("hold_id");
        match customer % 8 {
            0 => {}
            1 => _ = shop.release(hold).ok(),
            2..6 => {
                let order = shop.order(hold).created().id("order_id");
                shop.pay_by_transaction(&format!("paid-{order}"), order, &format!("t-{order}"))
                    .ok();
            }
            6 => {
                let order = shop.order(hold).created().id("order_id");
                shop.fail(&format!("failed-{order}"), order).ok();
            }
            _ => {
                let order = shop.order(hold).created().id("order_id");
                let body = json!({"idempotency_key": format!("little-{order}"), "order_id": order, "status": "success",
                    "payload": {"amount": 1, "memo": "m".repeat(300)}});
                shop.webhook(&body).ok();
            }
        }
    }
}
