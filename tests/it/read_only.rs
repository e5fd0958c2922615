//! `verify`, `export` and a dry run of `seed` on a database that they may not write, whatever lies beside it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::server::{Premises, Ran, Server};

/// A folder that a stranger may look into, with a database of one hold.
struct Shop {
    premises: Premises,
}

impl Shop {
    fn new() -> Shop {
        let premises = Premises::stocked(10);
        fs::copy(
            env!("CARGO_BIN_EXE_flashsale"),
            premises.path().join("flashsale"),
        )
        .unwrap();
        Shop { premises }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.premises.path().join(name)
    }

    /// What the database consists of, to be read by everybody and written by nobody.
    fn permit(&self, folder: u32, file: u32) {
        for entry in fs::read_dir(self.premises.path()).unwrap() {
            let path = entry.unwrap().path();
            let is_database = path.to_string_lossy().contains("flash_sale.db");
            let mode = if is_database { file } else { 0o755 };
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(self.premises.path(), Permissions::from_mode(folder)).unwrap();
    }

    fn left_beside(&self) -> Vec<(PathBuf, u64)> {
        let entries = fs::read_dir(self.premises.path()).unwrap();
        let seen = entries.map(|entry| {
            let path = entry.unwrap().path();
            let bytes = fs::metadata(&path).unwrap().len();
            (path, bytes)
        });
        let mut seen: Vec<_> = seen.collect();
        seen.sort();
        seen
    }

    /// By a user without rights: permissions bind everybody but root.
    fn run(&self, arguments: &[&str]) -> Ran {
        let binary = self.path("flashsale");
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let mut command = if is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
            command.arg(binary);
            command
        } else {
            Command::new(binary)
        };
        command.current_dir(self.premises.path()).args(arguments);
        Ran(command.stdin(Stdio::null()).output().unwrap())
    }

    #[track_caller]
    fn is_read_and_left_alone(&self, holds: usize) {
        let before = self.left_beside();
        let verified = self.run(&["verify"]).succeeded().stdout();
        assert!(verified.ends_with("The books are right.\n"), "{verified}");
        let exported = self.run(&["export", "holds"]).succeeded().stdout();
        assert_eq!(exported.lines().count(), 1 + holds, "{exported}");
        let dry = self
            .run(&["seed", "--dry-run", "--format", "json"])
            .succeeded();
        assert_eq!(
            dry.json(),
            json!({"inserted": 4, "updated": 0, "unchanged": 0})
        );
        assert_eq!(self.left_beside(), before);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        fs::set_permissions(self.premises.path(), Permissions::from_mode(0o755)).ok();
    }
}

fn held(shop: &Shop) -> Server {
    let server = shop.premises.serve();
    assert_eq!(server.hold(1).0, 201);
    server
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

#[test]
fn a_file_without_a_log_is_read() {
    let shop = Shop::new();
    held(&shop).stop();
    for (folder, file) in [(0o555, 0o444), (0o777, 0o444), (0o555, 0o666)] {
        shop.permit(folder, file);
        shop.is_read_and_left_alone(1);
    }
    fs::set_permissions(shop.premises.path(), Permissions::from_mode(0o755)).unwrap();
    shop.premises.file("flash_sale.db-wal", "");
    shop.permit(0o555, 0o444);
    shop.is_read_and_left_alone(1);
}

/// `kill -9`, and a copy of the file and its log as a tool makes one.
#[test]
fn a_log_that_nobody_has_played_is_read_too_with_and_without_its_index() {
    let shop = Shop::new();
    held(&shop).kill();
    assert!(fs::metadata(shop.path("flash_sale.db-wal")).unwrap().len() > 0);
    shop.permit(0o555, 0o444);
    shop.is_read_and_left_alone(1);
    fs::set_permissions(shop.premises.path(), Permissions::from_mode(0o755)).unwrap();
    remove(&shop.path("flash_sale.db-shm"));
    for (folder, file) in [(0o555, 0o444), (0o777, 0o444)] {
        shop.permit(folder, file);
        shop.is_read_and_left_alone(1);
    }
}

#[test]
fn a_database_that_is_being_served_is_read_as_it_stands() {
    let shop = Shop::new();
    let server = held(&shop);
    shop.permit(0o555, 0o644);
    shop.is_read_and_left_alone(1);
    assert_eq!(server.hold(1).0, 201);
    shop.is_read_and_left_alone(2);
    fs::set_permissions(shop.premises.path(), Permissions::from_mode(0o755)).unwrap();
    server.stop();
    shop.premises.books_are_right();
}

#[test]
fn a_backup_is_read_wherever_it_lies() {
    let shop = Shop::new();
    held(&shop).stop();
    shop.premises.run(&["backup", "monday.db"]).succeeded();
    remove(&shop.path("flash_sale.db"));
    fs::rename(shop.path("monday.db"), shop.path("flash_sale.db-monday")).unwrap();
    shop.permit(0o555, 0o444);
    let db = ["--db", "flash_sale.db-monday"];
    shop.run(&[&["verify"], &db[..]].concat()).succeeded();
    let exported = shop.run(&[&["export", "holds"], &db[..]].concat());
    assert_eq!(exported.succeeded().stdout().lines().count(), 2);
}

#[test]
fn a_name_that_means_something_in_a_uri_is_a_name() {
    let shop = Shop::new();
    held(&shop).stop();
    for name in ["a flash_sale.db?mode=memory#1%41", "flash_sale.db é"] {
        fs::copy(shop.path("flash_sale.db"), shop.path(name)).unwrap();
        shop.permit(0o555, 0o444);
        let exported = shop.run(&["export", "holds", "--db", name]).succeeded();
        assert_eq!(exported.stdout().lines().count(), 2);
        fs::set_permissions(shop.premises.path(), Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn who_may_not_read_or_would_have_to_write_is_told_so() {
    let shop = Shop::new();
    shop.permit(0o555, 0o000);
    for command in [
        &["verify"][..],
        &["export", "orders"],
        &["seed", "--dry-run"],
    ] {
        shop.run(command).exited(77);
    }
    shop.permit(0o555, 0o444);
    for command in [&["sweep-holds"][..], &["seed"]] {
        shop.run(command).exited(77);
    }
    let hidden = shop.path("hidden");
    fs::set_permissions(shop.premises.path(), Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(&hidden).unwrap();
    fs::set_permissions(&hidden, Permissions::from_mode(0o000)).unwrap();
    for command in [&["verify"][..], &["export", "orders"], &["seed"]] {
        let db = ["--db", "hidden/shop.db"];
        shop.run(&[command, &db].concat())
            .exited(77)
            .complains("it cannot be read");
    }
}

/// An order that is being paid is never told as expired, by whoever cannot see that somebody pays it either.
#[test]
fn who_may_not_write_judges_by_the_newest_committed_time() {
    let shop = Shop::new();
    let server = held(&shop);
    server.stop();
    let writer = rusqlite::Connection::open(shop.path("flash_sale.db")).unwrap();
    writer
        .execute_batch("update holds set expires_at = (select last_now + 1 from meta)")
        .unwrap();
    shop.permit(0o555, 0o644);
    let exported = shop.run(&["export", "holds"]).succeeded().stdout();
    assert!(exported.contains(",active,"), "{exported}");
    drop(writer);
    let exported = shop.run(&["export", "holds"]).succeeded().stdout();
    assert!(
        exported.contains(",expired,"),
        "nobody writes any more: {exported}"
    );
}
