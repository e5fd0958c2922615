//! `flashsale verify`: each check fires when what it is about is broken, and only then.

use flashsale::store::{Access, Depth};
use serde_json::json;

use crate::database;
use crate::server::Premises;
use crate::wire;

/// What breaks the books behind the program's back, and the check that finds it.
pub const DRIFTS: [(&str, &str); 46] = [
        (
            "update orders set refunded_quantity = 1 where id = 1",
            "an order's refunds in the ledger",
        ),
        (
            "update orders set status = 'refunded' where id = 1",
            "an order is refunded exactly",
        ),
        (
            "update products set total = total + 1",
            "stock is conserved",
        ),
        (
            "update products set available = available - 1, sold = sold + 1",
            "the ledger's replay equals the counters",
        ),
        (
            "delete from movements where version = 2",
            "the ledger has no gap",
        ),
        (
            "update holds set quantity = quantity + 1 where status = 'active'",
            "reserved units are those of live holds",
        ),
        (
            "update orders set quantity = quantity + 1 where status = 'paid'",
            "sold units are those of paid orders",
        ),
        (
            "update holds set status = 'released' where status = 'ordered'",
            "every hold is resolved once",
        ),
        (
            "update orders set customer = 'eve'",
            "every order is its hold's",
        ),
        (
            "update movements set kind = 'hold_released' where kind = 'hold_placed'",
            "every hold moved its stock",
        ),
        (
            "update movements set kind = 'order_paid' where kind = 'order_cancelled'",
            "every order was paid as often",
        ),
        (
            "update payments set verdict = 'ignored'",
            "every paid order has the one payment",
        ),
        (
            "update payments set order_id = 1, transaction_id = 't', verdict = 'late_payment', refund_due = true
                where key = 'l';
             update orders set transaction_id = 't' where id = 1",
            "no refund is due for the transaction that paid",
        ),
        (
            "update payments set verdict = 'duplicate_payment', refund_due = true, transaction_id = 't', order_id = 1",
            "one transaction's refund is due once",
        ),
        (
            "update payments set verdict = 'late_payment', refund_due = true, transaction_id = 't', order_id = null,
                named_order = null, named_hold = 4",
            "one transaction's refund is due once",
        ),
        (
            "delete from holds where id = 4",
            "every request kept",
        ),
        ("delete from orders where id = 1", "every request kept"),
        (
            "update orders set status = 'expired' where id = 2",
            "every request kept",
        ),
        (
            "update replays set hold_id = 99 where key = 'hold'",
            "every request kept",
        ),
        (
            "update replays set done = 'order_cancelled', order_id = 1, status = null where key = 'order'",
            "every request kept",
        ),
        (
            "insert into replays (key, done, hold_id, order_id, status, expires_at)
                select 'twin', done, hold_id, order_id, status, expires_at from replays where key = 'hold'",
            "no hold, order or product was given out",
        ),
        (
            "insert into replays (key, done, hold_id, order_id, status, expires_at)
                select 'twin', done, hold_id, order_id, status, expires_at from replays where key = 'order'",
            "no hold, order or product was given out",
        ),
        (
            "insert into replays (key, done, order_id, expires_at)
                select key, done, order_id, expires_at from replays where key = 'cancel'",
            "no idempotency key is kept twice",
        ),
        (
            "update meta set next_replay = next_replay - 1",
            "no idempotency key is kept twice",
        ),
        (
            "update meta set parked = parked + 1",
            "parked payments are as many as counted",
        ),
        (
            "update meta set next_order = 8, parked = parked + 1; insert into gaps values ('orders', 3, 7);
             update payments set verdict = 'parked', parked_until = 9000000000000000, named_order = 7, order_id = null
                 where key = 'l'",
            "parked payments are as many as counted",
        ),
        (
            "update meta set next_hold = 1",
            "every id given is there",
        ),
        (
            "delete from payments where key = 'k'",
            "every id given is there",
        ),
        (
            "insert into gaps values ('orders', 3, 7)",
            "every id given is there",
        ),
        (
            "update meta set next_hold = next_hold + 7; insert into gaps values ('holds', 5, 8), ('holds', 10, 12)",
            "no id that a restore skipped was ever given",
        ),
        (
            "update meta set next_order = next_order + 5; insert into gaps values ('orders', 3, 8)",
            "no id that a restore skipped was ever given",
        ),
        (
            "update meta set next_order = next_order + 6; insert into gaps values ('orders', 3, 5), ('orders', 4, 6)",
            "no id that a restore skipped was ever given",
        ),
        (
            "update meta set next_hold = next_hold + 6;
             insert into gaps values ('holds', 5, 10); update holds set id = 7 where id = 3",
            "no id that a restore skipped was ever given",
        ),
        (
            "update meta set next_order = next_order + 6;
             insert into gaps values ('orders', 3, 8); update orders set id = 7 where id = 2",
            "no id that a restore skipped was ever given",
        ),
        (
            "update meta set next_payment = next_payment + 6;
             insert into gaps values ('payments', 3, 8); update payments set id = 7 where key = 'l'",
            "no id that a restore skipped was ever given",
        ),
        (
            "update payments set named_order = null, named_hold = 99 where key = 'l'",
            "every hold that a payment names is there",
        ),
        (
            "update holds set product_id = 99 where status = 'released'",
            "foreign_key_check",
        ),
        (
            "delete from events where id = 2",
            "events count up by one",
        ),
        (
            "update meta set next_event = next_event + 1",
            "events count up by one",
        ),
        (
            "update events set id = 99 where id = 4",
            "events count up by one",
        ),
        (
            "update meta set next_event = next_event + 3; insert into gaps values ('events', 4, 7)",
            "no id that a restore skipped was ever given",
        ),
        (
            "update meta set next_event = next_event + 1; insert into events (id, at, kind, order_id)
                select 5, at, kind, order_id from events where kind = 'order.paid'",
            "every order paid since events were last forgotten",
        ),
        (
            "update events set order_id = 2 where kind = 'order.paid'",
            "every order paid since events were last forgotten",
        ),
        (
            "update events set kind = 'order.placed' where kind = 'order.paid'",
            "every order paid since events were last forgotten",
        ),
        (
            "update events set order_id = 99 where kind = 'order.cancelled'",
            "every event names what is there",
        ),
        (
            "update events set hold_id = 99 where kind = 'order.cancelled'",
            "every event names what is there",
        ),
];

/// A hold that is live, one that was released, an order that is paid and one that was cancelled, with and without keys.
pub fn with_some_of_everything() -> Premises {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    for _ in 0..3 {
        server.hold(1);
    }
    let keyed = |path: &str, key: &str, body: serde_json::Value| {
        let answer = wire::post_with_key(&server, path, key, &body);
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    };
    let wish = json!({"product_id": 1, "quantity": 1});
    keyed("/api/holds", "hold", wish);
    keyed("/api/orders", "order", json!({"hold_id": 1}));
    server.post("/api/orders", &json!({"hold_id": 2}));
    for key in ["k", "l"] {
        server.post(
            "/api/payments/webhook",
            &json!({"idempotency_key": key, "order_id": 1, "status": "success"}),
        );
    }
    keyed("/api/orders/2/cancel", "cancel", json!({}));
    keyed("/api/orders/2/cancel", "cancel-again", json!({}));
    wire::call(&server, "DELETE /api/holds/3", &[], b"").is(200);
    server.stop();
    premises
}

/// Every check fires when what it is about is broken behind the program's back.
#[test]
fn verify_finds_each_kind_of_drift() {
    let off = "pragma foreign_keys = off; pragma ignore_check_constraints = on;
        drop trigger the_ledger_is_append_only; drop trigger the_ledger_forgets_nothing;
        drop trigger an_event_never_changes;";
    let right = with_some_of_everything();
    right.books_are_right();
    for (tampering, finding) in DRIFTS {
        let premises = Premises::new();
        let path = |premises: &Premises| premises.path().join("flash_sale.db");
        std::fs::copy(path(&right), path(&premises)).unwrap();
        let conn = premises.database();
        conn.execute_batch(&format!("{off} {tampering}")).unwrap();
        drop(conn);
        let ran = premises
            .run(&["verify", "--quick", "--format", "json"])
            .exited(1);
        let verified = ran.json();
        assert_eq!(verified["ok"], false);
        let checks = verified["checks"].as_array().unwrap();
        let found = checks.iter().any(|check| {
            check["name"].as_str().unwrap().starts_with(finding)
                && check["broken"].as_i64().unwrap() > 0
        });
        assert!(found, "{tampering} is not found as {finding}: {verified}");
    }
}

fn with_a_paid_order() -> Premises {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    server.hold(1);
    server.post("/api/orders", &json!({"hold_id": 1}));
    let event = json!({"idempotency_key": "k", "hold_id": 1, "status": "success"});
    assert_eq!(server.post("/api/payments/webhook", &event).0, 200);
    server.stop();
    premises
}

/// Ids that a restore skipped are no drift, nor are payments that name what was lost with them.
#[test]
fn skipped_ids_are_no_drift() {
    let premises = with_a_paid_order();
    let conn = premises.database();
    conn.execute_batch(
        "update meta set next_hold = 12, next_order = 12, next_payment = 13;
         insert into gaps values ('holds', 2, 6), ('holds', 7, 11), ('orders', 2, 11), ('payments', 2, 11);
         insert into payments (id, key, named_hold, status, verdict, refund_due, received_at)
             values (12, 'lost', 6, 'success', 'late_payment', 1, 0);",
    )
    .unwrap();
    drop(conn);
    let verified = premises.run(&["verify"]).succeeded().stdout();
    assert!(
        verified.contains("4  no id that a restore skipped")
            && verified.contains("2  every hold that a payment names")
            && verified.contains("5  every id given is there"),
        "{verified}"
    );
}

/// Two checks are about what constraints make impossible; they fire where the constraints are gone.
#[test]
fn verify_finds_twins_where_nothing_forbids_them() {
    for (table, unique, finding) in [
        (
            "orders",
            "constraint one_order_a_hold unique (hold_id),",
            "no hold has two orders",
        ),
        (
            "payments",
            "constraint one_effect_a_key unique (key),",
            "no payment key took effect twice",
        ),
    ] {
        let premises = with_a_paid_order();
        let path = premises.path().join("flash_sale.db");
        let conn = rusqlite::Connection::open(&path).unwrap();
        conn.execute_batch("pragma foreign_keys = off; pragma writable_schema = on")
            .unwrap();
        let sql: String = conn
            .query_row(
                "select sql from sqlite_schema where name = ?1",
                [table],
                |row| row.get(0),
            )
            .unwrap();
        assert!(sql.contains(unique), "{sql}");
        conn.execute(
            "update sqlite_schema set sql = ?1 where name = ?2",
            [&sql.replace(unique, ""), table],
        )
        .unwrap();
        let index = format!("sqlite_autoindex_{table}_1");
        conn.execute("delete from sqlite_schema where name = ?1", [&index])
            .unwrap();
        conn.execute_batch("pragma writable_schema = reset")
            .unwrap();
        conn.execute_batch(&format!(
            "create temp table twin as select * from {table}; update twin set id = id + 1;
             insert into {table} select * from twin;"
        ))
        .unwrap();
        drop(conn);
        let database = database::open(&path, Access::Existing).unwrap();
        let checks = database.books().unwrap().audit(Depth::Quick).unwrap();
        let check = checks
            .iter()
            .find(|check| check.name.starts_with(finding))
            .unwrap();
        assert_eq!(check.broken, 1, "{checks:?}");
    }
}

#[test]
fn verify_prints_each_check_with_its_figure() {
    let premises = Premises::stocked(10);
    let text = premises.run(&["verify"]).succeeded().stdout();
    assert!(
        text.contains("integrity_check") && text.ends_with("The books are right.\n"),
        "{text}"
    );
    assert!(
        text.lines()
            .any(|line| line.starts_with("ok             1  stock is conserved")),
        "{text}"
    );
    let quick = premises.run(&["verify", "--quick"]).succeeded().stdout();
    assert!(!quick.contains("integrity_check"), "{quick}");
    let verified = premises
        .run(&["verify", "--format", "json"])
        .succeeded()
        .json();
    assert_eq!(verified["ok"], true);
}

#[test]
fn a_damaged_file_is_found() {
    let premises = Premises::stocked(10);
    let path = premises.path().join("flash_sale.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..]
        .chunks_mut(4096)
        .for_each(|page| page[..64].fill(0xff));
    std::fs::write(&path, bytes).unwrap();
    let code = premises.run(&["verify"]).0.status.code();
    assert!(matches!(code, Some(1 | 65)), "{code:?}");
}
