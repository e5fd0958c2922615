//! A disk is lost, and the sale goes on from a backup: nothing is given twice, and no money is forgotten.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::server::{Premises, Server};

pub fn order(server: &Server) -> i64 {
    let hold = server.hold(1).1["hold_id"].as_i64().unwrap();
    let (status, order) = server.post("/api/orders", &json!({"hold_id": hold}));
    assert_eq!(status, 201, "{order}");
    order["order_id"].as_i64().unwrap()
}

pub fn report(server: &Server, key: &str, named: Value, status: &str) -> (u16, Value) {
    let mut event = json!({"idempotency_key": key, "status": status});
    let fields = named.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(fields);
    server.post("/api/payments/webhook", &event)
}

/// What `Idempotency-Key` answered before the backup, it answers after the restore.
#[test]
fn a_restored_database_knows_the_same_tokens() {
    let premises = Premises::stocked(10);
    let place = |server: &Server| {
        let request = server.agent.post(format!("{}/api/holds", server.base));
        let answer = request
            .header("Idempotency-Key", "k")
            .send_json(json!({"product_id": 1, "quantity": 1}));
        let mut answer = answer.unwrap();
        assert_eq!(answer.status().as_u16(), 201);
        answer.body_mut().read_to_string().unwrap()
    };
    let server = premises.serve();
    let first = place(&server);
    assert!(first.contains("token"), "{first}");
    premises.run(&["backup", "night.db"]).succeeded();
    server.stop();
    premises
        .run(&["restore", "night.db", "shop.db"])
        .succeeded();
    let server = premises.serve_with(&["--db", "shop.db"]);
    assert_eq!(place(&server), first);
    server.stop();
}

#[test]
fn restoring_one_backup_twice_gives_nothing_twice() {
    let premises = Premises::stocked(100);
    premises.run(&["backup", "night.db"]).succeeded();
    let mut given = BTreeSet::new();
    for name in ["one.db", "two.db", "three.db"] {
        premises.run(&["restore", "night.db", name]).succeeded();
        let server = premises.serve_with(&["--db", name]);
        for _ in 0..3 {
            let hold = server.hold(1).1;
            for value in [&hold["hold_id"], &hold["token"]] {
                assert!(given.insert(value.to_string()), "{value} is given twice");
            }
        }
        server.stop();
    }
}

/// An event that waits for an order which the lost disk had waits in vain; on its number, nobody else's order is paid.
#[test]
fn events_parked_on_lost_orders_are_owed_back() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    let next = order(&server) + 1;
    for (key, ahead, status) in [
        ("k", 0, "success"),
        ("l", 4, "failure"),
        ("m", 5, "success"),
    ] {
        let (code, _) = report(&server, key, json!({"order_id": next + ahead}), status);
        assert_eq!(code, 202);
    }
    let hold = server.hold(1).1["hold_id"].clone();
    assert_eq!(
        report(&server, "n", json!({"hold_id": hold}), "success").0,
        202
    );
    premises.run(&["backup", "night.db"]).succeeded();
    server.stop();

    let ran = premises.run(&["restore", "night.db", "shop.db", "--skip-ids", "5"]);
    ran.succeeded();
    premises.run(&["verify", "--db", "shop.db"]).succeeded();
    let exported = || {
        let ran = premises.run(&["export", "payments", "--db", "shop.db", "--format", "json"]);
        let lines = ran.succeeded().stdout();
        let payments = lines.lines().map(|line| {
            let payment: Value = serde_json::from_str(line).unwrap();
            (
                payment["verdict"].as_str().unwrap().to_owned(),
                payment["refund_due"].clone(),
            )
        });
        payments.collect::<Vec<_>>()
    };
    let fates = [
        ("late_payment", true),
        ("ignored", false),
        ("parked", false),
        ("parked", false),
    ];
    let expected = fates.map(|(verdict, due)| (verdict.to_owned(), json!(due)));
    assert_eq!(exported(), expected, "before a sweep");
    premises
        .run(&["sweep-holds", "--db", "shop.db"])
        .succeeded();
    assert_eq!(exported(), expected, "after it");
    premises.run(&["verify", "--db", "shop.db"]).succeeded();

    let server = premises.serve_with(&["--db", "shop.db"]);
    let (_, ordered) = server.post("/api/orders", &json!({"hold_id": hold}));
    assert_eq!(ordered["order_id"], next + 5, "the first after the gap");
    assert_eq!(
        ordered["status"], "paid",
        "by the events that named it or its hold"
    );
    server.stop();
}
