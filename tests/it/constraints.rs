//! What the program's rules promise, the file promises again: who writes it behind the program's back is refused too.

use rusqlite::Connection;
use serde_json::json;

use crate::server::Premises;

/// A write that breaks a promise, and the constraint that refuses it.
const BREACHES: [(&str, &str); 18] = [
    (
        "update products set available = available - 6, reserved = reserved + 6",
        "stock_is_never_negative",
    ),
    (
        "update products set reserved = -1, available = available + 2",
        "stock_is_never_negative",
    ),
    ("update products set sold = sold + 1", "stock_is_conserved"),
    (
        "update products set total = total + 2147483647, available = available + 2147483647",
        "stock_is_bounded",
    ),
    (
        "update products set price = -1",
        "the_price_is_bounded",
    ),
    (
        "update products set starts_at = 2, ends_at = 1",
        "the_window_is_open",
    ),
    ("update products set max_per_hold = 0", "limits_are_positive"),
    ("update holds set quantity = 0", "a_hold_keeps_something"),
    (
        "update holds set status = 'lost'",
        "a_hold_has_a_known_status",
    ),
    (
        "update orders set hold_id = (select min(hold_id) from orders)",
        "orders.hold_id",
    ),
    (
        "update orders set total_price = total_price + 1",
        "the_total_is_exact",
    ),
    (
        "update orders set paid_at = null where status = 'paid'",
        "what_was_paid_has_its_time",
    ),
    (
        "update orders set refunded_quantity = quantity + 1",
        "units_given_back_were_bought",
    ),
    (
        "update payments set key = (select min(key) from payments)",
        "payments.key",
    ),
    (
        "update payments set resolved_at = 1",
        "what_is_resolved_was_due",
    ),
    ("update movements set sold = 1", "append-only"),
    ("delete from movements", "append-only"),
    (
        "insert into movements (product_id, version, at, kind, available, reserved, sold)
            select product_id, version + 2, at, kind, 0, 0, 0 from movements order by version desc limit 1",
        "FOREIGN KEY",
    ),
];

#[test]
fn every_promise_is_kept_by_the_file_too() {
    let premises = Premises::stocked(5);
    let server = premises.serve();
    for key in ["a", "b"] {
        let hold = server.hold(1).1["hold_id"].clone();
        let order = server.post("/api/orders", &json!({"hold_id": hold})).1["order_id"].clone();
        server.post(
            "/api/payments/webhook",
            &json!({"idempotency_key": key, "order_id": order, "status": "success"}),
        );
    }
    server.hold(1);
    server.stop();

    let conn = Connection::open(premises.path().join("flash_sale.db")).unwrap();
    conn.execute_batch("pragma foreign_keys = on").unwrap();
    for (breach, constraint) in BREACHES {
        let refused = conn.execute(breach, []).map_err(|error| error.to_string());
        let why = refused.expect_err(breach);
        assert!(why.contains(constraint), "{breach}: {why}");
    }
    premises.books_are_right();
}
