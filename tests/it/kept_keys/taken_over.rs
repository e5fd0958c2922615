//! Keys of a database that was migrated or restored.

use serde_json::json;

use crate::server::{Premises, Server};
use crate::wire::{self, post_with_key};

/// A sale with a key of each kind, and how each was answered.
fn with_keys() -> (Premises, Vec<String>) {
    let premises = Premises::stocked(10);
    let server = served(&premises);
    assert_eq!(server.hold(1).0, 201);
    let answers = repeat(&server, None);
    server.stop();
    (premises, answers)
}

const ADMIN_TOKEN: &str = "correct-horse-battery";

fn served(premises: &Premises) -> Server {
    premises.serve_by(
        premises
            .command(&["serve"])
            .env("FLASHSALE_ADMIN_TOKEN", ADMIN_TOKEN),
    )
}

/// The same requests each time.
#[track_caller]
fn repeat(server: &Server, first: Option<&[String]>) -> Vec<String> {
    let operate = |path: &str, key: &str, body: &str| {
        let bearer = format!("Bearer {ADMIN_TOKEN}");
        let headers = [
            ("Authorization", &*bearer),
            ("Idempotency-Key", key),
            ("Content-Type", "application/json"),
        ];
        wire::call(
            server,
            &format!("POST /admin/api{path}"),
            &headers,
            body.as_bytes(),
        )
    };
    let novelty = r#"{"name":"New","price":1.50,"total_stock":3}"#;
    let answers = [
        post_with_key(
            server,
            "/api/holds",
            "hold",
            &json!({"product_id": 1, "quantity": 2}),
        ),
        post_with_key(server, "/api/orders", "order", &json!({"hold_id": 2})),
        post_with_key(server, "/api/orders/1/cancel", "cancel", &json!({})),
        operate("/products", "product", novelty),
        operate("/products/1/restock", "restock", r#"{"quantity":4}"#),
    ];
    let is_replayed = |answer: &wire::Answer| answer.head.contains("Idempotent-Replayed: true");
    for answer in &answers {
        assert!(
            matches!(answer.status, 200 | 201),
            "{} {}",
            answer.head,
            answer.text
        );
        assert_eq!(is_replayed(answer), first.is_some(), "{}", answer.head);
    }
    let texts = answers.map(|answer| answer.text).to_vec();
    assert!(first.is_none_or(|first| first == texts), "{texts:?}");
    texts
}

/// As version 3 kept it, with a key besides that is past its time.
pub fn of_version_3(premises: &Premises) -> Premises {
    let older = Premises::new();
    let conn = older.database();
    let newer = premises.path().join("flash_sale.db");
    conn.execute_batch(include_str!("../schema_version_3.sql"))
        .unwrap();
    conn.execute("attach ?1 as newer", [newer.to_str()])
        .unwrap();
    conn.execute_batch(
        "pragma foreign_keys = off;
         insert into meta select one, next_product, next_hold, next_order, next_payment, parked, last_now, token_secret,
             file_id, log_base, copied_at from newer.meta;
         insert into products select * from newer.products;
         insert into holds select * from newer.holds;
         insert into orders select id, hold_id, product_id, quantity, unit_price, total_price, customer, status, pay_by,
             created_at, paid_at, transaction_id from newer.orders;
         insert into movements (product_id, version, at, kind, available, reserved, sold, hold_id, order_id, reason)
             select product_id, version, at, kind, available, reserved, sold, hold_id, order_id, reason
             from newer.movements;
         insert into replays select key, done, hold_id, order_id, product_id, answer, status, expires_at
             from newer.replays;
         insert into replays (key, done, hold_id, expires_at) values ('lapsed', 'hold_placed', 1, 1);
         pragma application_id = 0x464c5348; pragma user_version = 3;",
    )
    .unwrap();
    older
}

#[test]
fn keys_of_version_3_are_known_after_its_migration() {
    let (premises, first) = with_keys();
    let older = of_version_3(&premises);
    older.run(&["verify"]).exited(75);
    let server = served(&older);
    repeat(&server, Some(&first));
    let wish = json!({"product_id": 1, "quantity": 1});
    let anew = post_with_key(&server, "/api/holds", "lapsed", &wish).is(201);
    assert!(!anew.head.contains("Idempotent-Replayed"), "{}", anew.head);
    server.kill();
    older.books_are_right();
    let server = served(&older);
    repeat(&server, Some(&first));
    post_with_key(&server, "/api/holds", "lapsed", &wish)
        .is(201)
        .has_line("Idempotent-Replayed: ");
    server.stop();
    older.books_are_right();
}

#[test]
fn keys_are_known_in_a_database_that_was_restored() {
    let (premises, first) = with_keys();
    premises.run(&["backup", "copy.db"]).succeeded();
    premises
        .run(&["restore", "copy.db", "restored.db"])
        .succeeded();
    std::fs::rename(
        premises.path().join("restored.db"),
        premises.path().join("flash_sale.db"),
    )
    .unwrap();
    let server = served(&premises);
    repeat(&server, Some(&first));
    server.stop();
    premises.books_are_right();
}
