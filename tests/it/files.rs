//! The file is the file: what is acknowledged is in the database that its path names.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use flashsale::sale::Timestamp;
use flashsale::store::{Access, Depth, Durability, Rest, StoreError, no_more};
use serde_json::json;

use crate::database;
use crate::server::{Premises, Server, read};
use crate::shop::{Hands, item, terms};

fn refuses_and_ends(mut server: Server) {
    let (status, answer) = server.hold(1);
    assert_eq!(
        (status, &answer["outcome"]),
        (503, &json!("not_applied")),
        "{answer}"
    );
    assert_eq!(server.wait().code(), Some(74));
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_server_whose_file_was_replaced_writes_nothing_more_and_puts_its_log_aside() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    premises.run(&["backup", "copy.db"]).succeeded();
    assert_eq!(server.hold(7).0, 201);
    let path = premises.path().join("flash_sale.db");
    fs::rename(premises.path().join("copy.db"), &path).unwrap();
    assert_eq!(server.get("/readyz").0, 503);
    refuses_and_ends(server);
    let lost = premises.path().join("flash_sale.db-wal.lost");
    assert!(fs::metadata(lost).unwrap().len() > 0);
    assert_eq!(
        names(premises.path()),
        ["flash_sale.db", "flash_sale.db-wal.lost"]
    );
    premises.books_are_right();
}

/// Put back, it has what was acknowledged: the log stayed for it.
#[test]
fn a_server_whose_file_was_moved_writes_nothing_more_and_leaves_its_log() {
    let premises = Premises::stocked(100);
    let path = premises.path().join("flash_sale.db");
    let elsewhere = premises.path().join("moved.db");
    let server = premises.serve();
    assert_eq!(server.hold(7).0, 201);
    fs::rename(&path, &elsewhere).unwrap();
    refuses_and_ends(server);
    assert!(!path.exists(), "and makes no other");
    premises
        .run(&["serve", "--listen", "127.0.0.1:0"])
        .exited(78);
    fs::rename(&elsewhere, &path).unwrap();
    let server = premises.serve();
    assert_eq!(server.get("/api/holds/1").1["quantity"], 7);
    assert_eq!(server.get("/api/holds/2").0, 404);
    server.stop();
    premises.books_are_right();
}

#[test]
fn a_server_whose_file_or_folder_was_removed_ends_by_itself() {
    let premises = Premises::stocked(100);
    let mut server = premises.serve();
    fs::remove_file(premises.path().join("flash_sale.db")).unwrap();
    assert_eq!(server.wait().code(), Some(74), "nobody had to ask");

    let premises = Premises::new();
    let folder = premises.path().join("shop");
    fs::create_dir(&folder).unwrap();
    let server = premises.serve_with(&["--demo", "--db", "shop/shop.db"]);
    fs::rename(&folder, premises.path().join("old")).unwrap();
    refuses_and_ends(server);
}

/// What was acknowledged is saved into the file, whose name is still its own.
#[test]
fn a_server_whose_log_was_removed_ends_and_has_lost_nothing() {
    for suffixes in [&["-wal"][..], &["-shm"], &["-wal", "-shm"]] {
        let premises = Premises::stocked(100);
        let server = premises.serve();
        assert_eq!(server.hold(7).0, 201);
        for suffix in suffixes {
            let removed = format!("flash_sale.db{suffix}");
            fs::remove_file(premises.path().join(removed)).unwrap();
        }
        refuses_and_ends(server);
        let server = premises.serve();
        assert_eq!(server.get("/api/holds/1").1["quantity"], 7, "{suffixes:?}");
        server.stop();
        premises.books_are_right();
    }
}

/// Somebody has removed the log, and another program has written the file since: nothing of the old log is played into it.
#[test]
fn a_log_that_lost_its_name_is_not_played_into_what_others_wrote_since() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    assert_eq!(server.hold(7).0, 201);
    for suffix in ["-wal", "-shm"] {
        let removed = format!("flash_sale.db{suffix}");
        fs::remove_file(premises.path().join(removed)).unwrap();
    }
    let more = premises.file("more.csv", "sku,name,price,total_stock\nmug,Mug,5,5\n");
    premises.run(&["seed", more.to_str().unwrap()]).succeeded();
    let mut server = server;
    assert_eq!(server.wait().code(), Some(74));
    premises.books_are_right();
    let server = premises.serve();
    assert_eq!(server.get("/api/products/2").1["name"], "Mug");
    server.stop();
    premises.books_are_right();
}

#[test]
fn a_command_beside_notices_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let database = database::open(&path, Access::CreateOrMigrate).unwrap();
    let mut store = database.store(Durability::Full).unwrap();
    let hands = Hands::at_opening();
    let load = [item("tee", 5).load()];
    store
        .transact(&terms(), &|_| hands.now(), &load, &mut no_more)
        .unwrap();
    let reader = database.reader_beside(Timestamp::FIRST).unwrap();
    fs::rename(&path, folder.path().join("moved.db")).unwrap();
    let more = [item("mug", 5).load()];
    let failed = |result| matches!(result, Err(StoreError::Displaced(_)));
    assert!(failed(
        store
            .transact(&terms(), &|_| hands.now(), &more, &mut no_more)
            .map(|_| ())
    ));
    assert!(failed(store.rest(Rest::Long).map(|_| ())));
    assert!(failed(reader.is_sound()));
    drop((store, reader, database));
    fs::rename(folder.path().join("moved.db"), &path).unwrap();
    let database = database::open(&path, Access::Existing).unwrap();
    let products = database
        .reader_beside(Timestamp::FIRST)
        .unwrap()
        .contents()
        .unwrap()
        .products;
    assert_eq!(products.len(), 1);
    let checks = database.books().unwrap().audit(Depth::Full).unwrap();
    assert!(checks.iter().all(|check| check.broken == 0));
}

#[test]
fn a_file_of_two_names_is_refused() {
    let premises = Premises::stocked(5);
    let path = premises.path().join("flash_sale.db");
    let second = premises.path().join("second.db");
    fs::hard_link(&path, &second).unwrap();
    for name in ["flash_sale.db", "second.db"] {
        for command in [
            &["verify"][..],
            &["seed"],
            &["serve", "--listen", "127.0.0.1:0"],
        ] {
            premises
                .run(&[command, &["--db", name]].concat())
                .exited(78)
                .complains("2 names (hard links)");
        }
    }
    fs::remove_file(second).unwrap();
    premises.books_are_right();
}

/// In a mount namespace of its own, where the system lets this user have one.
#[test]
fn a_file_that_is_mounted_apart_from_its_folder_is_refused() {
    let premises = Premises::new();
    let script = "mkdir host app && : > app/shop.db && $0 seed --db host/shop.db >&2 \
        && mount --bind host/shop.db app/shop.db || exit 99
        $0 verify --db host/shop.db > /dev/null || exit 98
        exec $0 serve --db app/shop.db --listen 127.0.0.1:0";
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_flashsale"))
        .current_dir(premises.path())
        .stdin(Stdio::null());
    let Ok(output) = command.output() else {
        return println!("no unshare here");
    };
    let log = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(78) && log.contains("Operation not permitted") {
        return println!("no mounts here: {log}");
    }
    assert_eq!(output.status.code(), Some(78), "{log}");
    assert!(log.contains("mount the folder"), "{log}");
}

#[test]
fn an_empty_file_holds_no_database_until_somebody_makes_one_in_it() {
    let premises = Premises::new();
    let path = premises.file("flash_sale.db", "");
    for command in ["verify", "sweep-holds"] {
        premises.run(&[command]).exited(66);
    }
    premises.run(&["seed"]).succeeded();
    premises.books_are_right();
    assert!(fs::metadata(path).unwrap().permissions().mode() & 0o400 > 0);
}

#[test]
fn a_schema_that_somebody_has_changed_is_not_written() {
    for (change, named) in [
        ("drop index holds_by_deadline", "`holds_by_deadline`"),
        ("alter table orders add column gift text", "`orders`"),
        (
            "drop trigger the_ledger_is_append_only",
            "`the_ledger_is_append_only`",
        ),
    ] {
        let premises = Premises::stocked(5);
        let path = premises.path().join("flash_sale.db");
        let conn = rusqlite::Connection::open(path).unwrap();
        conn.execute_batch(change).unwrap();
        drop(conn);
        for command in [
            &["serve", "--listen", "127.0.0.1:0"][..],
            &["seed"],
            &["sweep-holds"],
        ] {
            premises.run(command).exited(65).complains(named);
        }
    }
}

/// A writer of this version beneath a newer one's migration.
#[test]
fn a_server_beneath_a_migration_stops() {
    let premises = Premises::stocked(5);
    let mut server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    let path = premises.path().join("flash_sale.db");
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    let (status, answer) = server.hold(1);
    assert_eq!(
        (status, &answer["outcome"]),
        (503, &json!("not_applied")),
        "{answer}"
    );
    assert_eq!(server.wait().code(), Some(75));
}

#[test]
fn a_database_that_is_served_is_migrated_by_nobody_else() {
    let premises = Premises::of_version_1();
    let path = premises.path().join("flash_sale.db");
    let served = fs::File::create(premises.path().join("flash_sale.db.lock")).unwrap();
    served.try_lock().unwrap();
    let before = fs::read(&path).unwrap();
    premises
        .run(&["seed"])
        .exited(75)
        .complains("another flashsale");
    assert!(fs::read(&path).unwrap() == before);
    drop(served);
    premises.run(&["seed"]).succeeded();
    premises.books_are_right();
}

/// The writer has no reason to look there.
#[test]
fn damage_that_only_a_reader_sees_stops_the_writer_too() {
    let premises = Premises::stocked(5);
    let path = premises.path().join("flash_sale.db");
    let conn = rusqlite::Connection::open(&path).unwrap();
    let page: u32 = conn
        .query_row(
            "select rootpage from sqlite_schema where name = 'orders'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(conn);
    let mut server = premises.serve();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0xff; 4096], u64::from(page - 1) * 4096)
        .unwrap();
    assert_eq!(server.get("/readyz").0, 200);
    assert_eq!(server.hold(1).0, 201);
    assert!(server.get("/api/orders/1").0 >= 500);
    let answer = server.agent.get(format!("{}/readyz", server.base)).call();
    if let Ok((status, _)) = read("GET", "/readyz", answer) {
        assert_eq!(status, 503);
    }
    assert_eq!(server.wait().code(), Some(65));
}
