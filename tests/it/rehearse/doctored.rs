//! A database that does not bear out what the crowd was told: found, and named.

use std::io::Read;

use flashsale::rehearsal::{Comparison, Good, Told, ToldHold, ToldOrder};
use flashsale::sale::{ProductId, Timestamp};
use flashsale::store::Access;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{WAIT_MAX, begun};
use crate::database;
use crate::server::Premises;

/// The control of the whole: a hold that a buyer was told of is taken out of the database behind the server's back.
#[test]
fn a_lost_hold_is_found_and_named() {
    let premises = Premises::new();
    let (mut child, place) = begun(&premises);
    let doctored = Connection::open(place).unwrap();
    doctored.busy_timeout(WAIT_MAX).unwrap();
    let sql = "pragma foreign_keys = off; delete from holds where id = 1;";
    doctored.execute_batch(sql).unwrap();
    assert_eq!(doctored.changes(), 1);
    drop(doctored);
    let mut log = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{log}");
    assert!(
        log.contains("hold 1 was acknowledged and is missing"),
        "{log}"
    );
}

/// What a crowd was told of one paid order, and the sale as a database has it after `sql`.
fn compared(sql: &str) -> Comparison {
    let premises = Premises::stocked(5);
    let server = premises.serve();
    let (_, hold) = server.hold(2);
    let (_, order) = server.post(
        "/api/orders",
        &json!({"hold_id": hold["hold_id"], "token": hold["token"]}),
    );
    let event = json!({"idempotency_key": "k", "order_id": order["order_id"], "status": "success"});
    let (_, paid) = server.post("/api/payments/webhook", &event);
    server.stop();
    let off = "pragma foreign_keys = off; pragma ignore_check_constraints = on;";
    premises
        .database()
        .execute_batch(&[off, sql].concat())
        .unwrap();

    let number = |value: &Value| value.as_i64().unwrap();
    let (hold, order) = (number(&hold["hold_id"]), number(&order["order_id"]));
    let mut told = Told::default();
    told.holds.push(ToldHold {
        id: hold,
        product: 1,
        quantity: 2,
    });
    told.orders.push(ToldOrder {
        id: order,
        hold,
        is_paid: true,
    });
    told.event(number(&paid["webhook_id"]));
    let good = Good {
        id: ProductId::new(1).unwrap(),
        stock: 5,
        quantity_max: 5,
        is_limited_per_customer: false,
    };
    let path = premises.path().join("flash_sale.db");
    let database = database::open(&path, Access::Read).unwrap();
    let reader = database.reader_beside(Timestamp::FIRST).unwrap();
    Comparison::of(&*reader, told, &[good]).unwrap()
}

#[test]
fn a_database_that_bears_out_its_crowd_has_nothing_missing() {
    let right = compared("");
    assert_eq!((right.oversold_units, right.missing_writes), (0, 0));
    assert_eq!(right.findings, Vec::<String>::new());
    assert_eq!((right.holds, right.orders, right.units_sold), (1, 1, 2));
}

#[test]
fn each_thing_that_is_wrong_is_counted_and_named() {
    for (sql, oversold, missing, named) in [
        (
            "update orders set quantity = 9",
            4,
            0,
            "product 1 was oversold by 4 units",
        ),
        (
            "update products set sold = 7",
            2,
            0,
            "product 1 was oversold by 2 units",
        ),
        (
            "delete from holds",
            0,
            1,
            "hold 1 was acknowledged and is missing",
        ),
        (
            "delete from orders",
            0,
            1,
            "order 1 was acknowledged and is missing",
        ),
        (
            "delete from payments",
            0,
            1,
            "payment event 1 was acknowledged and is missing",
        ),
        (
            "update holds set quantity = 1",
            0,
            1,
            "hold 1 of 2 units of product 1 was acknowledged",
        ),
        (
            "update orders set status = 'cancelled'",
            0,
            1,
            "order 1 was acknowledged as paid",
        ),
    ] {
        let found = compared(sql);
        assert_eq!(
            (found.oversold_units, found.missing_writes),
            (oversold, missing),
            "{sql}"
        );
        assert!(
            found.findings[0].starts_with(named),
            "{sql}: {:?}",
            found.findings
        );
    }
}
