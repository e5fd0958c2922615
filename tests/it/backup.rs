//! `flashsale backup`: a copy of a database that is being served, whole and verified, or none.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use flashsale::sale::Timestamp;
use flashsale::store::Access;
use rusqlite::Connection;
use serde_json::json;

use crate::crowd::beside_buyers;
use crate::database;
use crate::faults::Disk;
use crate::server::{Premises, Ran};

fn holds(database: &Path) -> BTreeSet<i64> {
    let database = database::open(database, Access::Existing).unwrap();
    let holds = database
        .reader_beside(Timestamp::FIRST)
        .unwrap()
        .contents()
        .unwrap()
        .holds;
    holds.iter().map(|hold| hold.id.get()).collect()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = folder.read_dir().unwrap().map(Result::unwrap);
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_copy_made_in_a_crowd_is_right_and_has_every_hold_acknowledged_before() {
    let premises = Premises::stocked(1_000_000);
    let server = premises.serve();
    beside_buyers(&server, |number, before| {
        let copy = format!("{number}.db");
        premises.run(&["backup", &copy]).succeeded();
        premises.run(&["verify", "--db", &copy]).succeeded();
        let copied = holds(&premises.path().join(copy));
        assert!(before.is_subset(&copied), "an acknowledged hold is missing");
    });
    server.stop();
    premises.books_are_right();
}

/// The main file alone lacks what is still in the log: a look that began before the hold keeps it there.
#[test]
fn a_plain_copy_of_the_file_lacks_what_a_backup_has() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    let conn = premises.database();
    conn.execute_batch("begin; select * from meta").unwrap();
    assert_eq!(server.hold(1).0, 201);
    let copied = Command::new("cp")
        .args(["flash_sale.db", "plain.db"])
        .current_dir(premises.path())
        .status();
    assert!(copied.unwrap().success());
    premises.run(&["backup", "copy.db"]).succeeded();
    assert_eq!(holds(&premises.path().join("plain.db")), BTreeSet::new());
    assert_eq!(holds(&premises.path().join("copy.db")), [1].into());
    drop(conn);
    server.stop();
}

#[test]
fn a_copy_is_told_with_its_size_and_its_checks_and_leaves_nothing_else() {
    let premises = Premises::stocked(10);
    let before = names(premises.path());
    let told = premises.run(&["backup", "copy.db"]).succeeded().stdout();
    let metadata = fs::metadata(premises.path().join("copy.db")).unwrap();
    assert_eq!(
        told,
        format!("copy.db: {} bytes, verified\n", metadata.len())
    );
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let after = names(premises.path());
    assert_eq!(
        after.difference(&before).collect::<Vec<_>>(),
        ["copy.db"],
        "and nothing is left beside it"
    );

    let elsewhere = tempfile::tempdir().unwrap();
    let dest = elsewhere.path().join("copy.db");
    let dest = dest.to_str().unwrap();
    let copied = premises
        .run(&["backup", dest, "--format", "json"])
        .succeeded()
        .json();
    let verified = premises
        .run(&["verify", "--format", "json"])
        .succeeded()
        .json();
    assert_eq!(
        copied,
        json!({"path": dest, "bytes": metadata.len(), "ok": true, "checks": verified["checks"]})
    );
    assert_eq!(names(elsewhere.path()), ["copy.db".to_owned()].into());
}

/// What a copy does not know was acknowledged all the same: to serve one gives ids and tokens out again.
#[test]
fn a_copy_is_read_and_not_served() {
    let premises = Premises::stocked(10);
    premises.run(&["backup", "copy.db"]).succeeded();
    let before = fs::read(premises.path().join("copy.db")).unwrap();
    let refused = |arguments: &[&str]| {
        let ran = premises.run(arguments).exited(78);
        ran.complains("copy.db: it is a copy that `flashsale backup` made")
            .complains("`flashsale restore FILE DEST`");
    };
    refused(&["serve", "--db", "copy.db", "--listen", "127.0.0.1:0"]);
    refused(&["seed", "--db", "copy.db"]);
    refused(&["seed", "--dry-run", "--db", "copy.db"]);
    refused(&["sweep-holds", "--db", "copy.db"]);
    refused(&["clock", "--set-back", "--db", "copy.db"]);
    for read in [
        &["verify"][..],
        &["export", "movements"],
        &["backup", "copy of a copy.db"],
    ] {
        let ran = premises.run(&[read, &["--db", "copy.db"]].concat());
        ran.succeeded();
    }
    assert_eq!(fs::read(premises.path().join("copy.db")).unwrap(), before);
    let companions = ["-wal", "-shm", "-journal"].map(|suffix| format!("copy.db{suffix}"));
    let names = names(premises.path());
    assert!(
        !companions.iter().any(|name| names.contains(name)),
        "{names:?}"
    );

    let ran = premises.run(&["sweep-holds", "--db", "copy of a copy.db"]);
    ran.exited(78).complains("it is a copy");
    premises.run(&["sweep-holds"]).succeeded();
}

#[test]
fn a_copy_is_a_file_of_its_own_and_knows_what_it_copies() {
    let premises = Premises::stocked(10);
    premises.run(&["backup", "one.db"]).succeeded();
    premises.run(&["backup", "two.db"]).succeeded();
    let copied = premises.run(&["backup", "three.db", "--db", "two.db"]);
    copied.succeeded();
    let counters = |name: &str| {
        let conn = Connection::open(premises.path().join(name)).unwrap();
        let sql = "select file_id, last_now, log_base, copied_at from meta";
        conn.query_row(sql, [], |row| {
            let file_id: Vec<u8> = row.get("file_id")?;
            let times: [Option<i64>; 3] = [
                row.get("last_now")?,
                row.get("log_base")?,
                row.get("copied_at")?,
            ];
            Ok((file_id, times))
        })
        .unwrap()
    };
    let (_, [last_now, _, copied_at]) = counters("flash_sale.db");
    assert_eq!(copied_at, None);
    let files = ["flash_sale.db", "one.db", "two.db", "three.db"].map(counters);
    let ids: BTreeSet<_> = files.iter().map(|(file_id, _)| file_id).collect();
    assert_eq!(ids.len(), 4);
    for (_, times) in &files[1..] {
        assert_eq!(*times, [last_now; 3]);
    }
}

/// As on file systems of network shares and of some containers.
#[test]
fn a_file_system_that_can_neither_link_nor_rename_without_replacing_takes_a_copy() {
    let premises = Premises::stocked(10);
    let disk = Disk::new();
    disk.fails("link");
    let run = |arguments: &[&str]| {
        let mut command = premises.command(arguments);
        disk.is_under(&mut command);
        Ran(command.output().unwrap())
    };
    run(&["backup", "copy.db"]).succeeded();
    premises.run(&["verify", "--db", "copy.db"]).succeeded();
    let copy = premises.path().join("copy.db");
    let permissions = fs::metadata(&copy).unwrap().permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600);
    let before = fs::read(&copy).unwrap();
    let ran = run(&["backup", "copy.db"]).exited(73);
    ran.complains("copy.db: there is something already");
    assert_eq!(fs::read(&copy).unwrap(), before);

    disk.fails("rename");
    let before = names(premises.path());
    run(&["backup", "other.db"])
        .exited(74)
        .complains("other.db: ");
    assert_eq!(names(premises.path()), before, "not even an empty file");
}

#[test]
fn whatever_is_there_already_stays_as_it_is() {
    let premises = Premises::stocked(10);
    premises.file("file", "somebody's");
    premises.file("empty", "");
    premises.file("old.db-wal", "the log of a database that is gone");
    fs::create_dir(premises.path().join("folder")).unwrap();
    symlink("nowhere", premises.path().join("dangling")).unwrap();
    symlink("file", premises.path().join("link")).unwrap();
    let before = names(premises.path());
    let database = fs::read(premises.path().join("flash_sale.db")).unwrap();
    for (dest, about) in [
        ("file", "file: there is something"),
        ("empty", "empty: there is something"),
        ("folder", "folder: there is something"),
        ("dangling", "dangling: there is something"),
        ("link", "link: there is something"),
        ("flash_sale.db", "flash_sale.db: there is something"),
        ("flash_sale.db-wal", "flash_sale.db: there is something"),
        ("old.db", "old.db-wal: there is something"),
        ("/", "/: there is something"),
        ("missing/copy.db", "missing/copy.db: No such file"),
        ("file/copy.db", "file/copy.db: Not a directory"),
        ("missing/", "missing/: Not a directory"),
        ("/proc/copy.db", "/proc/copy.db: "),
    ] {
        let ran = premises.run(&["backup", dest]);
        ran.exited(73).complains(about);
    }
    assert_eq!(names(premises.path()), before);
    let read = |name: &str| fs::read(premises.path().join(name)).unwrap();
    assert_eq!(read("file"), b"somebody's");
    assert_eq!(read("empty"), b"");
    assert_eq!(read("old.db-wal"), b"the log of a database that is gone");
    assert_eq!(read("flash_sale.db"), database);
    let target = fs::read_link(premises.path().join("dangling")).unwrap();
    assert_eq!(target, Path::new("nowhere"));
}

#[test]
fn what_is_no_database_of_ours_is_not_copied() {
    let premises = Premises::new();
    premises
        .run(&["backup", "copy.db"])
        .exited(66)
        .complains("there is no database");
    premises.file("notes.txt", &"not a database ".repeat(100));
    premises
        .run(&["backup", "copy.db", "--db", "notes.txt"])
        .exited(65);
    assert_eq!(names(premises.path()), ["notes.txt".to_owned()].into());

    let premises = Premises::stocked(1);
    let conn = premises.database();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    premises.run(&["backup", "copy.db"]).exited(65);
    assert!(!premises.path().join("copy.db").exists());
}

#[test]
fn drifted_books_are_not_copied() {
    let premises = Premises::stocked(10);
    let conn = premises.database();
    conn.execute_batch(
        "pragma ignore_check_constraints = on; update products set total = total + 1",
    )
    .unwrap();
    drop(conn);
    let before = names(premises.path());
    let told = premises.run(&["backup", "copy.db"]).exited(1).stdout();
    assert!(
        told.starts_with("DRIFT          1  stock is conserved")
            && told.ends_with("copy.db: not made, since the books have drifted\n"),
        "{told}"
    );
    let copied = premises
        .run(&["backup", "copy.db", "--format", "json"])
        .exited(1)
        .json();
    assert_eq!(copied["ok"], false);
    assert_eq!(names(premises.path()), before);
}

/// The index of the source's log, 32 KiB, fits; the copy does not.
#[test]
fn a_full_disk_leaves_nothing() {
    let premises = Premises::stocked(10);
    let bytes = fs::metadata(premises.path().join("flash_sale.db")).unwrap();
    assert!(bytes.len() > 40 * 1024, "{bytes:?}");
    let before = names(premises.path());
    let mut command = premises.command_after("ulimit -f 80", &["backup", "copy.db"]);
    Ran(command.output().unwrap())
        .exited(74)
        .complains("copy.db: ");
    assert_eq!(names(premises.path()), before);
}
