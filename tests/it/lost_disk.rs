//! A disk is lost, and the sale goes on from a backup: nothing is given twice, and no money is forgotten.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::readme::{Block, blocks, document, part, run};
use crate::server::{Premises, Server};
use crate::wire;

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
        let wish = json!({"product_id": 1, "quantity": 1});
        let answer = wire::post_with_key(server, "/api/holds", "k", &wish);
        answer.is(201).text
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

/// Who has bought what, as the customer sees it: each id and each token is theirs alone.
struct Bought {
    hold: Value,
    order: Value,
}

fn buy(server: &Server) -> Bought {
    let (status, hold) = server.hold(1);
    assert_eq!(status, 201, "{hold}");
    let wish = json!({"hold_id": hold["hold_id"], "token": hold["token"]});
    let (status, order) = server.post("/api/orders", &wish);
    assert_eq!(status, 201, "{order}");
    assert_eq!(order["status"], "pending", "nobody has paid it yet");
    Bought { hold, order }
}

fn with_token(server: &Server, path: &str, token: &Value) -> u16 {
    let token = format!("Bearer {}", token.as_str().unwrap());
    let headers = [("Authorization", token.as_str())];
    wire::call(server, &format!("GET {path}"), &headers, b"").status
}

fn serve_with_tokens(premises: &Premises, database: &str) -> Server {
    let mut command = premises.command(&["serve", "--db", database]);
    command
        .env("FLASHSALE_REQUIRE_TOKENS", "true")
        .env("FLASHSALE_ADMIN_TOKEN", ADMIN_TOKEN);
    premises.serve_by(&mut command)
}

const ADMIN_TOKEN: &str = "sixteen-characters-or-more";

fn refunds_due(server: &Server) -> Vec<i64> {
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let headers = [("Authorization", bearer.as_str())];
    let path = "GET /admin/api/refunds?status=due";
    let refunds = wire::call(server, path, &headers, b"").is(200);
    let refunds = refunds.body["data"].as_array().unwrap();
    let mut ids: Vec<i64> = refunds
        .iter()
        .map(|refund| refund["webhook_id"].as_i64().unwrap())
        .collect();
    ids.sort_unstable();
    ids
}

#[test]
fn what_a_lost_disk_gave_is_given_to_nobody_else() {
    let premises = Premises::stocked(100);
    let server = serve_with_tokens(&premises, "flash_sale.db");
    let mut bought = vec![buy(&server)];
    premises.run(&["backup", "night.db"]).succeeded();
    for number in 0..5 {
        let lost = buy(&server);
        let named = json!({"order_id": lost.order["order_id"]});
        let (_, recorded) = report(&server, &format!("lost-{number}"), named, "success");
        assert_eq!(recorded["order_status"], "paid");
        bought.push(lost);
    }
    server.kill();
    for name in ["flash_sale.db", "flash_sale.db-wal", "flash_sale.db-shm"] {
        std::fs::remove_file(premises.path().join(name)).unwrap();
    }

    premises
        .run(&["restore", "night.db", "shop.db"])
        .succeeded();
    let server = serve_with_tokens(&premises, "shop.db");
    bought.extend((0..5).map(|_| buy(&server)));
    let mut given = BTreeSet::new();
    for Bought { hold, order } in &bought {
        for id in [
            ("hold", &hold["hold_id"]),
            ("token", &hold["token"]),
            ("order", &order["order_id"]),
            ("token", &order["token"]),
        ] {
            assert!(given.insert((id.0, id.1.to_string())), "{id:?} given twice");
        }
    }
    for (place, Bought { order, .. }) in bought.iter().enumerate() {
        let was_lost = (1..=5).contains(&place);
        let path = format!("/api/orders/{}", order["order_id"]);
        let status = with_token(&server, &path, &order["token"]);
        assert_eq!(status, if was_lost { 404 } else { 200 }, "{path}");
    }
    server.stop();
    premises.run(&["verify", "--db", "shop.db"]).succeeded();
}

/// The provider repeats what it told the lost disk, and tells what it never could.
#[test]
fn money_for_what_a_lost_disk_sold_is_owed_back() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let kept = order(&server);
    let kept_hold = server.hold(1).1["hold_id"].as_i64().unwrap();
    premises.run(&["backup", "night.db"]).succeeded();
    server.kill();
    let ran = premises.run(&["restore", "night.db", "shop.db", "--skip-ids", "20000"]);
    ran.succeeded();
    let server = serve_with_tokens(&premises, "shop.db");

    let (first, last) = (kept + 1, kept + 20_000);
    let mut due = Vec::new();
    for (key, named) in [
        ("first order", json!({"order_id": first})),
        ("last order", json!({"order_id": last})),
        ("first hold", json!({"hold_id": kept_hold + 1})),
        ("last hold", json!({"hold_id": kept_hold + 20_000})),
    ] {
        let key = key.replace(' ', "-");
        let (status, recorded) = report(&server, &key, named.clone(), "success");
        assert_eq!(status, 200, "{recorded}");
        assert_eq!(recorded["verdict"], "late_payment", "{key}");
        assert_eq!(recorded["order_status"], Value::Null);
        due.push(recorded["webhook_id"].as_i64().unwrap());
        let (status, again) = report(&server, &key, named.clone(), "success");
        assert_eq!((status, &again["already_processed"]), (200, &json!(true)));
        assert_eq!(again["webhook_id"], recorded["webhook_id"]);
        assert_eq!(again["verdict"], "late_payment");
        let (status, failed) = report(&server, &format!("{key}-failed"), named, "failure");
        assert_eq!((status, &failed["verdict"]), (200, &json!("ignored")));
    }
    assert_eq!(refunds_due(&server), due);

    let (status, _) = report(&server, "next", json!({"order_id": last + 1}), "failure");
    assert_eq!(status, 202, "an order that is still to come");
    let (status, _) = report(
        &server,
        "far",
        json!({"order_id": last + 10_001}),
        "success",
    );
    assert_eq!(status, 422);
    let (status, _) = report(
        &server,
        "hold",
        json!({"hold_id": kept_hold + 20_001}),
        "success",
    );
    assert_eq!(status, 422);
    let (_, recorded) = report(&server, "kept", json!({"order_id": kept}), "success");
    assert_eq!(recorded["verdict"], "applied");
    server.stop();
    premises.run(&["verify", "--db", "shop.db"]).succeeded();
}

#[test]
fn a_lost_disk_is_survived_as_the_operations_say() {
    let premises = Premises::new();
    let catalogue = "sku,name,price,total_stock\nVINYL,Signed Vinyl,35.00,300\n";
    premises.file("catalogue.csv", catalogue);
    premises.run(&["seed", "catalogue.csv"]).succeeded();
    let server = premises.serve();
    let pay = |number: i64| {
        assert_eq!(order(&server), number);
        let named = json!({"order_id": number});
        report(&server, &format!("evt_{number}"), named, "success");
    };
    pay(1);
    let folder = |name: &str| std::fs::create_dir(premises.path().join(name)).unwrap();
    folder("backups");
    premises.run(&["backup", "backups/night.db"]).succeeded();
    pay(2);
    server.kill();
    folder("bin");
    let program = premises.path().join("bin/flashsale");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_flashsale"), program).unwrap();

    let operations = document("docs/operations.md");
    let mut before = blocks(part(&operations, "lost disk"));
    before.insert(
        0,
        Block {
            commands: format!("PATH=$PWD/bin:$PATH; export FLASHSALE_ADMIN_TOKEN={ADMIN_TOKEN}"),
            shown: None,
        },
    );
    let is_serving = |block: &Block| block.commands.starts_with("flashsale serve");
    let serving = before.iter().position(is_serving).unwrap();
    let mut after = before.split_off(serving);
    assert!(before.len() > 3 && after.len() > 3, "each step is taken");
    run(&before, &premises, "nowhere");
    assert_eq!(after[0].commands, "flashsale serve --db restored.db");
    let server = serve_with_tokens(&premises, "restored.db");
    after[0].commands.clone_from(&before[0].commands);
    run(&after, &premises, &server.base);
    assert_eq!(refunds_due(&server), Vec::<i64>::new());
    server.stop();
    premises.run(&["verify", "--db", "restored.db"]).succeeded();
}
