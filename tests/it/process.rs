//! The life of `flashsale serve`, and how commands end.

use std::os::unix::fs::PermissionsExt;

use crate::server::{Premises, flashsale};

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
fn the_database_is_its_owners_alone() {
    let premises = Premises::stocked(1);
    let server = premises.serve();
    server.hold(1);
    for entry in premises.path().read_dir().unwrap().map(Result::unwrap) {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("flash_sale.db")
        {
            assert_eq!(
                entry.metadata().unwrap().permissions().mode() & 0o077,
                0,
                "{:?}",
                entry.file_name()
            );
        }
    }
    server.stop();
}

#[test]
fn a_symbolic_link_is_no_database() {
    let premises = Premises::stocked(1);
    std::os::unix::fs::symlink(
        premises.path().join("flash_sale.db"),
        premises.path().join("link.db"),
    )
    .unwrap();
    for command in [
        &["verify"][..],
        &["seed"],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        premises
            .run(&[command, &["--db", "link.db"]].concat())
            .exited(78)
            .complains("symbolic link");
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

#[test]
fn commands_that_need_a_database_say_when_there_is_none() {
    let premises = Premises::new();
    for command in ["verify", "sweep-holds"] {
        premises
            .run(&[command])
            .exited(66)
            .complains("there is no database");
    }
    assert_eq!(
        premises.path().read_dir().unwrap().count(),
        0,
        "and make none"
    );
}

#[test]
fn a_database_that_is_being_made_is_no_foreign_one() {
    for _ in 0..20 {
        let premises = Premises::new();
        let verified = std::thread::scope(|scope| {
            let server = scope.spawn(|| premises.serve_with(&["--demo"]));
            let mut codes = Vec::new();
            while !server.is_finished() {
                codes.push(
                    premises
                        .run(&["verify", "--quick"])
                        .0
                        .status
                        .code()
                        .unwrap(),
                );
            }
            server.join().unwrap().stop();
            codes
        });
        assert!(
            verified.iter().all(|code| [0, 66, 75].contains(code)),
            "{verified:?}"
        );
    }
}

#[test]
fn several_may_make_the_database_at_once() {
    let premises = Premises::new();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| premises.run(&["seed"]).succeeded());
        }
    });
    premises.books_are_right();
}

#[test]
fn what_is_not_our_database_is_left_alone() {
    let premises = Premises::new();
    let text = premises.file("notes.txt", &"not a database ".repeat(100));
    for command in [
        &["verify"][..],
        &["sweep-holds"],
        &["seed"],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let arguments = [command, &["--db", "notes.txt"]].concat();
        premises.run(&arguments).exited(65);
    }
    assert_eq!(
        std::fs::read_to_string(text).unwrap(),
        "not a database ".repeat(100)
    );

    let foreign = premises.path().join("foreign.db");
    rusqlite::Connection::open(&foreign)
        .unwrap()
        .execute_batch("create table t (x)")
        .unwrap();
    let before = std::fs::read(&foreign).unwrap();
    premises.run(&["seed", "--db", "foreign.db"]).exited(65);
    assert_eq!(std::fs::read(&foreign).unwrap(), before);
}

#[test]
fn a_database_of_another_version_is_left_alone() {
    let premises = Premises::stocked(1);
    let conn = rusqlite::Connection::open(premises.path().join("flash_sale.db")).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    premises.run(&["verify"]).exited(65);
    premises.run(&["seed"]).exited(65);
    premises
        .run(&["serve", "--listen", "127.0.0.1:0"])
        .exited(65);
}

#[test]
fn a_database_of_an_older_version_is_migrated_by_whoever_may_create_one() {
    let premises = Premises::new();
    let conn = rusqlite::Connection::open(premises.path().join("flash_sale.db")).unwrap();
    conn.execute_batch(include_str!("schema_version_1.sql"))
        .unwrap();
    conn.execute_batch(include_str!("rows_of_version_1.sql"))
        .unwrap();
    drop(conn);
    for command in [
        ["verify"].as_slice(),
        &["sweep-holds"],
        &["backup", "copy.db"],
    ] {
        premises
            .run(command)
            .exited(75)
            .complains("its schema is older");
    }
    premises.run(&["seed"]).succeeded();
    premises.books_are_right();
    let server = premises.serve();
    let again = |path: &str, key: &str, body: serde_json::Value| {
        let request = server.agent.post(format!("{}{path}", server.base));
        let mut answer = request
            .header("Idempotency-Key", key)
            .send_json(body)
            .unwrap();
        assert!(
            answer.headers().contains_key("Idempotent-Replayed"),
            "{answer:?}"
        );
        answer.body_mut().read_json::<serde_json::Value>().unwrap()
    };
    let hold = serde_json::json!({"product_id": 1, "quantity": 2, "customer": "ada"});
    assert_eq!(again("/api/holds", "h", hold)["hold_id"], 1);
    let order = again("/api/orders", "o", serde_json::json!({"hold_id": 1}));
    assert_eq!(
        (&order["order_id"], &order["status"]),
        (&1.into(), &"pending".into())
    );
    let cancelled = again("/api/orders/1/cancel", "c", serde_json::json!({}));
    assert_eq!(cancelled["status"], "cancelled");
    server.stop();
    premises.books_are_right();
}

#[test]
fn wrong_configuration_is_refused_with_its_place() {
    let premises = Premises::stocked(1);
    premises.file("flash_sale.toml", "hold_ttl_s = 5\norder_ttl_s = -1\n");
    premises
        .run(&["verify"])
        .exited(78)
        .complains("flash_sale.toml, line 2: order_ttl_s");
    premises.file("flash_sale.toml", "hold_ttl = 5\n");
    premises
        .run(&["serve"])
        .exited(78)
        .complains("line 1: hold_ttl");
    premises.file("flash_sale.toml", "");
    premises
        .run(&["serve", "--config", "missing.toml"])
        .exited(66);
    premises
        .run(&["serve", "--hold-ttl-s", "0"])
        .exited(78)
        .complains("--hold-ttl-s");
    premises
        .run(&["serve", "--listen", "0.0.0.0:0"])
        .exited(78)
        .complains("allow_open");
    premises.run(&["serve", "--listen", "nonsense"]).exited(78);
    let by_environment = premises
        .command(&["verify"])
        .env("FLASHSALE_BATCH_MAX", "0")
        .output()
        .unwrap();
    assert_eq!(by_environment.status.code(), Some(78));
}

#[test]
fn an_unknown_variable_is_a_warning() {
    let premises = Premises::stocked(1);
    let output = premises
        .command(&["verify"])
        .env("FLASHSALE_HODL", "1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("FLASHSALE_HODL")
    );
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        &["sell"][..],
        &["serve", "--colour"],
        &["verify", "--format", "xml"],
        &[],
    ] {
        assert_eq!(
            flashsale().args(arguments).output().unwrap().status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
    assert_eq!(
        flashsale().arg("--help").output().unwrap().status.code(),
        Some(0)
    );
    assert_eq!(
        flashsale().arg("--version").output().unwrap().status.code(),
        Some(0)
    );
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
    let conn = rusqlite::Connection::open(premises.path().join("flash_sale.db")).unwrap();
    conn.execute_batch(
        "pragma foreign_keys = off;
         insert into replays (key, done, hold_id, expires_at)
            values ('old', 'hold_placed', 99, 1), ('new', 'hold_placed', 99, 9223372036854775807);",
    )
    .unwrap();
    drop(conn);
    let server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    let with_key = server
        .agent
        .post(format!("{}/api/holds", server.base))
        .header("Idempotency-Key", "new");
    let answer = with_key
        .send_json(serde_json::json!({"product_id": 1, "quantity": 1}))
        .unwrap();
    assert_eq!(answer.status().as_u16(), 500);
    assert_eq!(server.hold(1).0, 201);
    server.stop();
}

#[test]
fn a_database_name_means_nothing_but_a_file() {
    let premises = Premises::new();
    for name in [":memory:", "file:shop.db?mode=memory"] {
        premises.run(&["seed", "--db", name]).succeeded();
        premises.run(&["verify", "--db", name]).succeeded();
        assert!(premises.path().join(name).exists());
    }
}

#[test]
fn a_variable_that_is_no_text_is_not_ignored() {
    use std::os::unix::ffi::OsStrExt;
    let premises = Premises::stocked(1);
    let no_text = std::ffi::OsStr::from_bytes(b"\xff");
    let output = premises
        .command(&["verify"])
        .env("FLASHSALE_DB", no_text)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    std::fs::write(
        premises.path().join("flash_sale.toml"),
        b"drain_s = 1\ndb = \"\xff\"\n",
    )
    .unwrap();
    premises.run(&["verify"]).exited(78).complains("line 2");
}
