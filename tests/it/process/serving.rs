//! From start to stop: what is there at once, what is ended by itself, and what is kept.

use serde_json::json;

use crate::sale_time::Wrong;
use crate::server::Premises;
use crate::wire::post_with_key;

#[test]
fn a_demo_has_a_catalogue_and_the_first_product_is_the_sale() {
    let premises = Premises::new();
    let server = premises.serve_with(&["--demo"]);
    let (_, product) = server.get("/api/products/1");
    assert_eq!(product["name"], "Limited Edition Flash Sale Item");
    assert_eq!(
        (&product["price"], &product["total_stock"]),
        (&serde_json::json!(99.99), &serde_json::json!(100))
    );
    let (_, list) = server.get("/api/products");
    assert_eq!(list["data"].as_array().unwrap().len(), 4);
    server.stop();
    let server = premises.serve_with(&["--demo"]);
    let (_, list) = server.get("/api/products");
    assert_eq!(
        list["data"].as_array().unwrap().len(),
        4,
        "it is loaded once"
    );
    server.stop();
}

#[test]
fn a_second_server_on_the_same_database_is_refused() {
    let premises = Premises::stocked(1);
    let server = premises.serve();
    premises
        .run(&["serve", "--listen", "127.0.0.1:0"])
        .exited(75)
        .complains("another flashsale");
    server.stop();
    premises.serve().stop();
}

#[test]
fn a_stopped_server_has_forgotten_nothing() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    server.hold(3);
    server.stop();
    assert!(
        !premises
            .path()
            .join("flash_sale.db-wal")
            .metadata()
            .is_ok_and(|wal| wal.len() > 0),
        "it checkpointed"
    );
    let server = premises.serve();
    assert_eq!(server.get("/api/holds/1").1["status"], "active");
    assert_eq!(server.get("/api/products/1").1["available_stock"], 7);
    server.stop();
}

#[test]
fn what_fell_due_while_nobody_served_is_ended_before_anybody_is_served() {
    let premises = Premises::stocked(10);
    let server = premises.serve_with(&["--hold-ttl-s", "1"]);
    for _ in 0..5 {
        server.hold(1);
    }
    let (_, hold) = server.get("/api/holds/5");
    server.stop();
    wait_until_past(hold["expires_at"].as_str().unwrap());
    premises.serve().stop();
    let swept = premises
        .run(&["sweep-holds", "--format", "json"])
        .succeeded()
        .json();
    assert_eq!(swept["holds_expired"], 0, "nothing was left to sweep");
    premises.books_are_right();
}

#[test]
fn what_fell_due_while_nobody_served_is_counted_in_the_log() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    assert_eq!(server.hold(3).0, 201);
    assert_eq!(server.hold(2).0, 201);
    assert_eq!(server.post("/api/orders", &json!({"hold_id": 2})).0, 201);
    for key in ["early", "earlier"] {
        let event = json!({"idempotency_key": key, "order_id": 2, "status": "success"});
        assert_eq!(server.post("/api/payments/webhook", &event).0, 202);
    }
    server.stop();
    let two_days_on = Wrong::by(2 * 24 * 3600);
    let mut command = premises.command(&["serve"]);
    two_days_on.is_over(&mut command);
    let log = premises.serve_by(&mut command).stop_and_read_log();
    let counted = "1 holds, 1 orders and 2 parked payments were past their deadlines and are ended; 5 units are free again";
    assert!(log.contains(counted), "{log}");
}

#[test]
fn a_server_ends_holds_by_itself_when_nobody_asks() {
    let premises = Premises::stocked(10);
    let server = premises.serve_with(&["--hold-ttl-s", "1"]);
    let (_, hold) = server.hold(4);
    wait_until_past(hold["expires_at"].as_str().unwrap());
    assert_eq!(server.get("/api/products/1").1["available_stock"], 10);
    let row = || {
        premises
            .run(&["sweep-holds", "--format", "json"])
            .succeeded()
            .json()["holds_expired"]
            .clone()
    };
    let swept_by_us = row();
    assert!(swept_by_us == 0 || swept_by_us == 1);
    server.stop();
    premises.books_are_right();
}

/// Spins on the wall clock, which is what the deadline is measured by.
fn wait_until_past(time: &str) {
    let time = chrono::DateTime::parse_from_rfc3339(time).unwrap();
    while chrono::Utc::now() <= time {
        std::thread::yield_now();
    }
}

#[test]
fn a_port_that_is_taken_cannot_be_listened_on() {
    let premises = Premises::stocked(1);
    let server = premises.serve();
    let other = Premises::new();
    other
        .run(&["serve", "--listen", server.address()])
        .exited(69);
    assert_eq!(
        other.path().read_dir().unwrap().count(),
        0,
        "and no new database is left behind"
    );
    server.stop();
}

/// Requests that follow each other with small pauses leave the writer neither busy nor idle.
#[test]
fn the_log_stays_small_under_a_steady_trickle() {
    let premises = Premises::stocked(1_000_000);
    let server = premises.serve();
    for _ in 0..1500 {
        assert_eq!(server.hold(1).0, 201);
    }
    let wal = premises
        .path()
        .join("flash_sale.db-wal")
        .metadata()
        .unwrap()
        .len();
    assert!(wal < 16 * 1024 * 1024, "the log has {wal} bytes");
    server.stop();
}

#[test]
fn a_kept_answer_about_a_hold_that_is_gone_stops_nobody() {
    let premises = Premises::stocked(10);
    let conn = premises.database();
    conn.execute_batch(
        "pragma foreign_keys = off;
         insert into replays (key, done, hold_id, expires_at)
            values ('old', 'hold_placed', 99, 1), ('new', 'hold_placed', 99, 9223372036854775807);
         update meta set next_replay = 3;",
    )
    .unwrap();
    drop(conn);
    let server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    let wish = serde_json::json!({"product_id": 1, "quantity": 1});
    post_with_key(&server, "/api/holds", "new", &wish).is(500);
    assert_eq!(server.hold(1).0, 201);
    server.stop();
}
