//! `flashsale restore`: a database to serve out of a backup, in which nothing is given twice.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use crate::faults::Disk;
use crate::lost_disk::{order, report};
use crate::server::{Premises, Ran};

pub fn names(folder: &Path) -> BTreeSet<String> {
    let entries = folder.read_dir().unwrap().map(Result::unwrap);
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

impl Premises {
    fn counters(&self, database: &str) -> (Vec<u8>, [Option<i64>; 6]) {
        let conn = Connection::open(self.path().join(database)).unwrap();
        let sql = "select file_id, next_hold, next_order, next_payment, last_now, log_base, copied_at from meta";
        conn.query_row(sql, [], |row| {
            let figures = [1, 2, 3, 4, 5, 6].map(|column| row.get(column).unwrap());
            Ok((row.get(0)?, figures))
        })
        .unwrap()
    }
}

#[test]
fn what_was_restored_is_told_and_serves() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    let paid = order(&server);
    report(&server, "k", json!({"order_id": paid}), "success");
    server.hold(2);
    premises.run(&["backup", "night.db"]).succeeded();
    server.stop();
    let (backup_id, [_, _, _, last_now, ..]) = premises.counters("night.db");
    let before = fs::read(premises.path().join("night.db")).unwrap();

    let ran = premises.run(&["restore", "night.db", "shop.db", "--skip-ids", "100"]);
    let told = ran.succeeded().stdout();
    let metadata = fs::metadata(premises.path().join("shop.db")).unwrap();
    let conn = Connection::open(premises.path().join("night.db")).unwrap();
    let sql = "select strftime('%Y-%m-%dT%H:%M:%S', last_now / 1000000, 'unixepoch')
            || printf('.%06dZ', last_now % 1000000) from meta";
    let known: String = conn.query_row(sql, [], |row| row.get(0)).unwrap();
    drop(conn);
    assert_eq!(
        told,
        format!(
            "shop.db: restored from night.db, {} bytes, verified\nknows the sale until: {known}\n\
             products: 1\nholds: 2\norders: 1\npayments: 1\n\
             skipped: holds 3 to 102 are never given\nskipped: orders 2 to 101 are never given\n\
             skipped: payments 2 to 101 are never given\nskipped: events 3 to 102 are never given\n",
            metadata.len()
        )
    );
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(premises.path().join("night.db")).unwrap(), before);
    let (file_id, figures) = premises.counters("shop.db");
    assert_ne!(file_id, backup_id);
    let expected = [Some(103), Some(102), Some(102), last_now, last_now, None];
    assert_eq!(figures, expected);

    let server = premises.serve_with(&["--db", "shop.db"]);
    assert_eq!(server.get("/api/holds/2").1["status"], "active");
    assert_eq!(order(&server), 102);
    let (_, recorded) = report(&server, "l", json!({"order_id": 102}), "success");
    assert_eq!(recorded["webhook_id"], 102);
    server.stop();
    premises.run(&["verify", "--db", "shop.db"]).succeeded();
    premises
        .run(&["backup", "day.db", "--db", "shop.db"])
        .succeeded();
    premises.run(&["restore", "day.db", "again.db"]).succeeded();
    premises.run(&["verify", "--db", "again.db"]).succeeded();
}

#[test]
fn a_program_reads_the_same() {
    let premises = Premises::stocked(10);
    premises.run(&["backup", "night.db"]).succeeded();
    let before = names(premises.path());
    let ran = premises.run(&["restore", "night.db", "shop.db", "--format", "json"]);
    let mut told = ran.succeeded().json();
    let after = names(premises.path());
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), ["shop.db"]);
    let skip_ids = told["skip_ids"].as_i64().unwrap();
    assert!((1_000_000..=2_000_000).contains(&skip_ids), "{skip_ids}");
    let known = told["knows_until"].take();
    assert!(known.as_str().unwrap().ends_with('Z'), "{known}");
    let gap = |ids| json!({"ids": ids, "first": 1, "last": skip_ids});
    let verified = premises.run(&["verify", "--db", "shop.db", "--format", "json"]);
    assert_eq!(
        told,
        json!({
            "path": "shop.db", "ok": true,
            "bytes": fs::metadata(premises.path().join("shop.db")).unwrap().len(),
            "knows_until": null, "products": 1, "holds": 0, "orders": 0, "payments": 0, "skip_ids": skip_ids,
            "skipped": [gap("holds"), gap("orders"), gap("payments"), gap("events")],
            "checks": verified.json()["checks"],
        })
    );
}

#[test]
fn what_cannot_be_restored_from_is_refused_and_leaves_nothing() {
    let premises = Premises::stocked(10);
    premises.run(&["backup", "night.db"]).succeeded();
    premises.file("notes.txt", &"not a database ".repeat(100));
    fs::create_dir(premises.path().join("folder")).unwrap();
    symlink("night.db", premises.path().join("link.db")).unwrap();
    let tampered = |name: &str, sql: &str| {
        let path = premises.path().join(name);
        fs::copy(premises.path().join("night.db"), &path).unwrap();
        Connection::open(path).unwrap().execute_batch(sql).unwrap();
    };
    tampered("newer.db", "pragma user_version = 99");
    tampered("theirs.db", "pragma application_id = 1");
    tampered(
        "trigger.db",
        "create trigger meddling after update on meta begin update products set price = 0; end",
    );
    tampered(
        "full.db",
        "update meta set next_order = 9007199254740991 - 2000000;
         insert into gaps values ('orders', 1, 9007199254740990 - 2000000)",
    );
    let before = names(premises.path());
    for (file, code, about) in [
        ("missing.db", 66, "missing.db: there is no database"),
        (
            "missing/night.db",
            66,
            "missing/night.db: there is no database",
        ),
        ("notes.txt", 65, "notes.txt: it is not a flashsale database"),
        ("folder", 65, "folder: it is not a flashsale database"),
        ("theirs.db", 65, "theirs.db: it is not a flashsale database"),
        ("newer.db", 65, "newer.db: its schema has version 99"),
        (
            "trigger.db",
            65,
            "trigger.db: its schema is not the one of its version: `meddling`",
        ),
        ("link.db", 78, "link.db: it is a symbolic link"),
    ] {
        let ran = premises.run(&["restore", file, "shop.db"]);
        ran.exited(code).complains(about);
    }
    for skip_ids in ["0", "-1", "1000000001", "many", "1.5", ""] {
        let skip_ids = format!("--skip-ids={skip_ids}");
        premises
            .run(&["restore", "night.db", "shop.db", &skip_ids])
            .exited(2);
    }
    premises.run(&["restore", "night.db"]).exited(2);
    let ran = premises.run(&["restore", "full.db", "shop.db", "--skip-ids", "2000001"]);
    ran.exited(65)
        .complains("full.db: its next id of orders is 9007199252740991");
    assert_eq!(names(premises.path()), before);
    for skip_ids in ["1", "2000000", "1000000000"] {
        let file = if skip_ids == "2000000" {
            "full.db"
        } else {
            "night.db"
        };
        let dest = format!("{skip_ids}.db");
        let ran = premises.run(&["restore", file, &dest, "--skip-ids", skip_ids]);
        ran.succeeded();
    }
}

#[test]
fn what_has_the_name_stays_as_it_is() {
    let premises = Premises::stocked(10);
    premises.run(&["backup", "night.db"]).succeeded();
    premises.file("file", "a file");
    for companion in ["one.db-wal", "two.db-shm", "three.db-journal"] {
        premises.file(companion, "of a database that is gone");
    }
    fs::create_dir(premises.path().join("folder")).unwrap();
    symlink("nowhere", premises.path().join("dangling")).unwrap();
    let before = names(premises.path());
    for (dest, about) in [
        ("file", "file: there is something"),
        ("folder", "folder: there is something"),
        ("dangling", "dangling: there is something"),
        ("night.db", "night.db: there is something"),
        ("flash_sale.db", "flash_sale.db: there is something"),
        ("night.db-wal", "night.db: there is something"),
        ("one.db", "one.db-wal: there is something"),
        ("two.db", "two.db-shm: there is something"),
        ("three.db", "three.db-journal: there is something"),
        ("missing/shop.db", "missing/shop.db: No such file"),
        ("file/shop.db", "file/shop.db: Not a directory"),
        ("missing/", "missing/: Not a directory"),
    ] {
        let ran = premises.run(&["restore", "night.db", dest]);
        ran.exited(73).complains(about);
    }
    assert_eq!(names(premises.path()), before);
    let text = fs::read_to_string(premises.path().join("file")).unwrap();
    assert_eq!(text, "a file");
}

#[test]
fn drifted_books_are_not_restored() {
    let premises = Premises::stocked(10);
    premises.run(&["backup", "night.db"]).succeeded();
    let conn = Connection::open(premises.path().join("night.db")).unwrap();
    conn.execute_batch(
        "pragma ignore_check_constraints = on; update products set total = total + 1",
    )
    .unwrap();
    drop(conn);
    let before = names(premises.path());
    let told = premises.run(&["restore", "night.db", "shop.db"]).exited(1);
    let told = told.stdout();
    assert!(
        told.starts_with("DRIFT          1  stock is conserved")
            && told.ends_with("shop.db: not made, since the books of night.db have drifted\n"),
        "{told}"
    );
    let ran = premises.run(&["restore", "night.db", "shop.db", "--format", "json"]);
    assert_eq!(ran.exited(1).json()["ok"], false);
    assert_eq!(names(premises.path()), before);
}

#[test]
fn a_full_disk_leaves_nothing() {
    let premises = Premises::stocked(10);
    premises.run(&["backup", "night.db"]).succeeded();
    let before = names(premises.path());
    let mut command = premises.command_after("ulimit -f 80", &["restore", "night.db", "shop.db"]);
    let ran = Ran(command.output().unwrap()).exited(74);
    ran.complains("shop.db: ");
    assert_eq!(names(premises.path()), before);
}

/// Killed when all is written and only the name is missing.
#[test]
fn a_killed_restore_leaves_no_database() {
    let premises = Premises::stocked(10);
    premises.run(&["backup", "night.db"]).succeeded();
    let disk = Disk::new();
    disk.fails("fsync");
    let mut command = premises.command(&["restore", "night.db", "shop.db"]);
    disk.is_under(&mut command);
    let status = command.status().unwrap();
    assert_eq!(status.signal(), Some(9));
    assert!(!premises.path().join("shop.db").exists());
    let left = names(premises.path());
    assert!(
        left.iter()
            .any(|name| name.starts_with(".flashsale-restore-")),
        "{left:?}"
    );
    premises
        .run(&["restore", "night.db", "shop.db"])
        .succeeded();
}
