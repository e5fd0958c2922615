//! What `flashsale restore` reads, wherever and however it lies: with its log, on a disk that is full or may not be written,
//! under two names. And what it does not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use serde_json::json;

use crate::faults::Disk;
use crate::kept_keys::of_version_3;
use crate::lost_disk::{order, report};
use crate::restore::names;
use crate::server::{Premises, Ran};

/// A copy of the file and its log, as from a disk that is mounted elsewhere.
#[test]
fn a_raw_copy_is_restored_with_its_log() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    let conn = premises.database();
    conn.execute_batch("begin; select * from meta").unwrap();
    let paid = order(&server);
    report(&server, "k", json!({"order_id": paid}), "success");
    for (name, copy) in [
        ("flash_sale.db", "raw.db"),
        ("flash_sale.db-wal", "raw.db-wal"),
    ] {
        fs::copy(premises.path().join(name), premises.path().join(copy)).unwrap();
    }
    drop(conn);
    server.kill();
    assert!(
        fs::metadata(premises.path().join("raw.db-wal"))
            .unwrap()
            .len()
            > 0
    );

    let ran = premises.run(&["restore", "raw.db", "shop.db"]).succeeded();
    assert!(
        ran.stdout().contains("\norders: 1\npayments: 1\n"),
        "{}",
        ran.stdout()
    );
    let server = premises.serve_with(&["--db", "shop.db"]);
    assert_eq!(server.get("/api/orders/1").1["status"], "paid");
    server.stop();
    premises.run(&["verify", "--db", "shop.db"]).succeeded();
}

/// Played into the backup, the log would bring back what the backup does not know, as pages of another file.
#[test]
fn a_log_that_is_not_its_own_is_not_played_into_a_backup() {
    let premises = Premises::stocked(10);
    premises.run(&["backup", "night.db"]).succeeded();
    let server = premises.serve();
    order(&server);
    server.kill();
    let log = |database: &str| premises.path().join(format!("{database}-wal"));
    fs::copy(log("flash_sale.db"), log("night.db")).unwrap();
    let before = names(premises.path());
    let ran = premises.run(&["restore", "night.db", "shop.db"]);
    ran.exited(78)
        .complains("night.db-wal, belongs to another file");
    assert!(before.is_subset(&names(premises.path())));
    assert!(!premises.path().join("shop.db").exists());
}

/// As programs keep them that make daily snapshots. Of a database that was served, the log may lie beside the other name.
#[test]
fn a_backup_of_two_names_is_restored_and_a_raw_copy_of_two_names_is_not() {
    let premises = Premises::stocked(10);
    premises.run(&["backup", "night.db"]).succeeded();
    for (name, other) in [("night.db", "monday.db"), ("flash_sale.db", "raw.db")] {
        fs::hard_link(premises.path().join(name), premises.path().join(other)).unwrap();
    }
    premises
        .run(&["restore", "monday.db", "shop.db"])
        .succeeded();
    premises.run(&["verify", "--db", "shop.db"]).succeeded();
    let ran = premises.run(&["restore", "raw.db", "other.db"]);
    ran.exited(78).complains("it has 2 names");
    assert!(!premises.path().join("other.db").exists());
}

#[test]
fn what_is_served_is_not_restored_from() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    let ran = premises.run(&["restore", "flash_sale.db", "shop.db"]);
    ran.exited(75)
        .complains("flash_sale.db: another flashsale serves");
    assert!(!premises.path().join("shop.db").exists());
    server.stop();
    premises
        .run(&["restore", "flash_sale.db", "shop.db"])
        .succeeded();
}

/// Of a disk that is mounted read-only.
#[test]
fn a_folder_that_cannot_be_written_is_read() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    assert_eq!(order(&server), 1);
    premises.run(&["backup", "night.db"]).succeeded();
    server.kill();
    let folder = premises.path().join("mounted");
    fs::create_dir(&folder).unwrap();
    for name in ["night.db", "flash_sale.db", "flash_sale.db-wal"] {
        fs::rename(premises.path().join(name), folder.join(name)).unwrap();
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    let before = names(&folder);
    for (file, dest) in [
        ("mounted/night.db", "one.db"),
        ("mounted/flash_sale.db", "two.db"),
    ] {
        let ran = without_privilege(&premises, &["restore", file, dest]).succeeded();
        assert!(ran.stdout().contains("\norders: 1\n"), "{}", ran.stdout());
        premises.run(&["verify", "--db", dest]).succeeded();
    }
    let ran = without_privilege(
        &premises,
        &["restore", "mounted/night.db", "mounted/shop.db"],
    );
    ran.exited(73)
        .complains("mounted/shop.db: Permission denied");
    assert_eq!(names(&folder), before);
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
}

/// SQLite wants an index beside a log, and finds no room for it.
#[test]
fn a_disk_that_is_full_is_read() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    assert_eq!(order(&server), 1);
    server.kill();
    let disk = Disk::new();
    let full = disk.full_folder();
    for name in ["flash_sale.db", "flash_sale.db-wal"] {
        fs::copy(premises.path().join(name), full.join(name)).unwrap();
    }
    let file = full.join("flash_sale.db");
    let run = |arguments: &[&str]| {
        let mut command = premises.command(arguments);
        disk.is_under(&mut command);
        Ran(command.output().unwrap())
    };
    let ran = run(&["sweep-holds", "--db", file.to_str().unwrap()]);
    ran.exited(74).complains("disk I/O error");
    let ran = run(&["restore", file.to_str().unwrap(), "shop.db"]).succeeded();
    assert!(ran.stdout().contains("\norders: 1\n"), "{}", ran.stdout());
    premises.run(&["verify", "--db", "shop.db"]).succeeded();
}

/// Root writes anywhere, unless told not to.
fn without_privilege(premises: &Premises, arguments: &[&str]) -> Ran {
    let is_root = fs::metadata(premises.path()).unwrap().uid() == 0;
    let mut command = if is_root {
        premises.command_after(
            "exec setpriv --bounding-set=-dac_override,-dac_read_search \"$0\" \"$@\"; true",
            arguments,
        )
    } else {
        premises.command(arguments)
    };
    Ran(command.output().unwrap())
}

/// Of version 3, as `backup` left it.
fn older_backup() -> Premises {
    let newer = Premises::stocked(10);
    let server = newer.serve();
    order(&server);
    server.stop();
    let premises = of_version_3(&newer);
    let conn = premises.database();
    conn.execute_batch("update meta set copied_at = last_now")
        .unwrap();
    drop(conn);
    let name = |name: &str| premises.path().join(name);
    fs::rename(name("flash_sale.db"), name("night.db")).unwrap();
    premises
}

#[test]
fn a_backup_of_an_older_version_is_restored_and_stays_as_it_is() {
    let premises = older_backup();
    let backup = fs::read(premises.path().join("night.db")).unwrap();
    premises
        .run(&["restore", "night.db", "shop.db"])
        .succeeded();
    assert_eq!(fs::read(premises.path().join("night.db")).unwrap(), backup);
    assert_eq!(
        names(premises.path()),
        ["night.db", "shop.db"].map(String::from).into()
    );
    let server = premises.serve_with(&["--db", "shop.db"]);
    assert_eq!(server.get("/api/orders/1").1["status"], "pending");
    server.stop();
    premises.run(&["verify", "--db", "shop.db"]).succeeded();
}

#[test]
fn a_database_of_the_first_version_is_restored() {
    let premises = Premises::of_version_1();
    let before = fs::read(premises.path().join("flash_sale.db")).unwrap();
    let ran = premises
        .run(&["restore", "flash_sale.db", "shop.db"])
        .succeeded();
    assert!(ran.stdout().contains("\norders: 1\n"), "{}", ran.stdout());
    let after = fs::read(premises.path().join("flash_sale.db")).unwrap();
    assert_eq!(after, before);
    premises.run(&["verify", "--db", "shop.db"]).succeeded();
}

#[test]
fn a_backup_of_an_older_version_is_refused_unchanged_by_all_but_restore() {
    let premises = older_backup();
    let backup = fs::read(premises.path().join("night.db")).unwrap();
    for (command, code) in [
        (&["serve"][..], 78),
        (&["seed"], 78),
        (&["verify"], 75),
        (&["export", "orders"], 75),
        (&["backup", "other.db"], 75),
        (&["sweep-holds"], 75),
    ] {
        premises
            .run(&[command, &["--db", "night.db"]].concat())
            .exited(code)
            .complains("`flashsale restore FILE DEST` makes a database");
        assert_eq!(fs::read(premises.path().join("night.db")).unwrap(), backup);
    }
}
