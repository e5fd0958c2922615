//! Which file is a database of ours, and who may read, make and migrate it.

use std::os::unix::fs::PermissionsExt;

use crate::server::Premises;
use crate::wire::post_with_key;

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
    let conn = premises.database();
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
    let premises = Premises::of_version_1();
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
        let answer = post_with_key(&server, path, key, &body);
        answer.has_line("Idempotent-Replayed: ").body
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
fn a_database_name_means_nothing_but_a_file() {
    let premises = Premises::new();
    for name in [":memory:", "file:shop.db?mode=memory"] {
        premises.run(&["seed", "--db", name]).succeeded();
        premises.run(&["verify", "--db", name]).succeeded();
        assert!(premises.path().join(name).exists());
    }
}
