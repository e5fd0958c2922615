//! A sale is moved from a file to a server and back: whole or not at all, and nothing of it changes on the way.

use std::process::Stdio;

use flashsale::sale::Timestamp;
use flashsale::store::postgres::Step;
use flashsale::store::{self, Access, Contents, Place};
use serde_json::{Value, json};

use super::Schema;
use crate::server::{Premises, Ran, Server};
use crate::waiting::wait_until;

fn contents(place: &Place) -> Contents {
    let database = store::open(place, Access::Existing).unwrap();
    let reader = database.reader_beside(Timestamp::FIRST).unwrap();
    reader.contents().unwrap()
}

/// With the schema's server as the configured database.
fn command(premises: &Premises, schema: &Schema, arguments: &[&str]) -> std::process::Command {
    let mut command = premises.command(arguments);
    command
        .env("FLASHSALE_DB", schema.url())
        .env("FLASHSALE_DURABILITY", "normal");
    command
}

pub fn run(premises: &Premises, schema: &Schema, arguments: &[&str]) -> Ran {
    let mut command = command(premises, schema, arguments);
    Ran(command.stdin(Stdio::null()).output().unwrap())
}

fn keyed(server: &Server, path: &str, key: &str, body: &Value) -> (u16, Value) {
    let request = server.agent.post(format!("{}{path}", server.base));
    let answer = request.header("Idempotency-Key", key).send_json(body);
    let mut answer = answer.unwrap();
    let body = answer.body_mut().read_json().unwrap();
    (answer.status().as_u16(), body)
}

const HOLD: &str = r#"{"product_id": 1, "quantity": 2, "customer": "Ada ✓"}"#;

/// Something of every kind: holds that live, are ordered and released, orders that are paid and wait, and events that wait.
fn sells(server: &Server) -> Value {
    let hold: Value = serde_json::from_str(HOLD).unwrap();
    let (status, kept) = keyed(server, "/api/holds", "key-1", &hold);
    assert_eq!(status, 201, "{kept}");
    for _ in 0..3 {
        let (_, hold) = server.hold(1);
        let order = json!({"hold_id": hold["hold_id"]});
        assert_eq!(server.post("/api/orders", &order).0, 201);
    }
    let event = |key: &str, order: i64| {
        let body = json!({"idempotency_key": key, "order_id": order, "status": "success"});
        let (status, told) = server.post("/api/payments/webhook", &body);
        assert!(status < 300, "{told}");
    };
    event("evt-1", 1);
    event("evt-2", 1);
    event("evt-of-one-to-come", 5);
    kept
}

#[test]
fn a_sale_is_moved_to_a_server_and_back_and_goes_on_as_if_it_had_stayed() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = Premises::stocked(1_000);
    let server = premises.serve();
    let kept = sells(&server);
    let to_server = ["copy", "flash_sale.db", "-"];
    let refused = run(&premises, &schema, &to_server);
    refused.exited(75).complains("serves this database");
    server.stop();

    let copied = run(&premises, &schema, &to_server).succeeded();
    assert!(copied.stdout().contains("verified"), "{}", copied.stdout());
    assert_eq!(contents(&schema.place()), premises.contents());
    let again = run(&premises, &schema, &to_server);
    again
        .exited(73)
        .complains("there is a flashsale database already");

    let server = premises.serve_by(&mut command(&premises, &schema, &["serve"]));
    let hold: Value = serde_json::from_str(HOLD).unwrap();
    assert_eq!(keyed(&server, "/api/holds", "key-1", &hold), (201, kept));
    let (_, next) = server.hold(1);
    assert_eq!(next["hold_id"], 5, "ids go on: {next}");
    let order = json!({"hold_id": next["hold_id"]});
    assert_eq!(server.post("/api/orders", &order).0, 201);
    let back = ["copy", "-", "back.db"];
    let refused = run(&premises, &schema, &back);
    refused.exited(75).complains("serves this database");
    assert!(!premises.path().join("back.db").exists());
    server.stop();

    let copied = run(
        &premises,
        &schema,
        &["copy", "--format", "json", "-", "back.db"],
    );
    let copied = copied.succeeded().json();
    assert_eq!(copied["tables"][3], json!({"table": "holds", "rows": 5}));
    let file = Place::File(premises.path().join("back.db"));
    assert_eq!(contents(&file), contents(&schema.place()));
    premises.run(&["verify", "--db", "back.db"]).succeeded();
    run(&premises, &schema, &back).exited(73);
    let server = premises.serve_with(&["--db", "back.db"]);
    assert_eq!(server.hold(1).1["hold_id"], 6);
    server.stop();
}

#[test]
fn a_copy_that_cannot_be_whole_leaves_nothing() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = Premises::stocked(7);
    let refused = |arguments: &[&str], code: i32, why: &str| {
        run(&premises, &schema, arguments)
            .exited(code)
            .complains(why);
    };
    refused(&["copy", "none.db", "-"], 66, "there is no database");
    refused(&["copy", "-", "back.db"], 66, "there is no database");
    refused(
        &["copy", "flash_sale.db", "other.db"],
        78,
        "flashsale backup",
    );
    refused(
        &["copy", "flash_sale.db", &schema.url()],
        78,
        "command line",
    );

    // Another one makes a table of ours just now: it is killed as it waits for what becomes of that.
    let mut other = schema.session();
    other
        .execute("begin; set local idle_in_transaction_session_timeout = 0; create table replays (id bigint)")
        .unwrap();
    let mut copying = command(&premises, &schema, &["copy", "flash_sale.db", "-"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut watch = schema.session();
    wait_until("the copy waits for the lock", || {
        let waits = Step::new(
            "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%create table turn%'",
        );
        let has_ended = copying.try_wait().unwrap().is_some();
        has_ended || !watch.run(&[waits]).unwrap()[0].is_empty()
    });
    copying.kill().unwrap();
    copying.wait().unwrap();
    other.execute("rollback").unwrap();
    run(&premises, &schema, &["verify"]).exited(66);

    let drift = "update products set available = 6, total = 6";
    premises.database().execute_batch(drift).unwrap();
    let ran = run(&premises, &schema, &["copy", "flash_sale.db", "-"]).exited(1);
    assert!(ran.stdout().contains("DRIFT"), "{}", ran.stdout());
    run(&premises, &schema, &["verify"]).exited(66);
    let right = "update products set available = 7, total = 7";
    premises.database().execute_batch(right).unwrap();
    run(&premises, &schema, &["copy", "flash_sale.db", "-"]).succeeded();
    run(&premises, &schema, &["verify"]).succeeded();
}
