//! Which log belongs to which file: never a false alarm after a crash at any point, and never a log that is played into
//! another file's rows.
//!
//! A crash is a copy of the file and its log: what a killed process has written is what others find.
//! `FLASHSALE_TEST_CRASHES` sets the number of seeds (default 4).

use std::fs;
use std::path::PathBuf;

use flashsale::sale::{Command, PlaceHold, ProductId, Quantity, Timestamp};
use flashsale::store::{
    Access, Contents, Database, Durability, OpenError, Reader, Rest, Store, no_more,
};
use tempfile::TempDir;

use crate::database;
use crate::properties::Crowd;
use crate::server::Premises;
use crate::shop::{OPENING, item, terms};

#[test]
fn after_a_crash_the_own_log_is_played_and_no_other_ever_is() {
    let seeds = std::env::var("FLASHSALE_TEST_CRASHES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(4);
    let (mut crashes, mut refused, mut played) = (0, 0, 0);
    for seed in 1..=seeds {
        let mut sale = Sale::new(seed);
        for step in 0..120 {
            sale.step();
            let told = format!("seed {seed}, step {step}");
            if step % 3 == 0 {
                sale.survives_a_crash(&told);
                crashes += 1;
            }
            if step % 5 == 0 {
                let (no, yes) = sale.is_not_mistaken_for_an_older_file(&told);
                (refused, played) = (refused + no, played + yes);
            }
        }
    }
    println!(
        "{crashes} crashes survived; older files: {refused} refused, {played} rightly completed"
    );
    assert!(
        refused > 20 && played > 5,
        "both happen: {refused}, {played}"
    );
}

/// Two processes' stores on one file, a reader that now and then pins a state, and older copies of the file.
struct Sale {
    folder: TempDir,
    dice: Crowd,
    now: i64,
    stores: [(Box<dyn Database>, Box<dyn Store>); 2],
    pinned: Option<rusqlite::Connection>,
    reader: Box<dyn Reader>,
    older: Vec<Vec<u8>>,
    /// The file as it was before the last checkpoint, which may have been interrupted.
    before_checkpoint: Option<(Vec<u8>, Vec<u8>)>,
}

impl Sale {
    fn new(seed: u64) -> Sale {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let open = |access| {
            let database = database::open(&path, access).unwrap();
            let store = database.store(Durability::Normal).unwrap();
            (database, store)
        };
        let stores = [open(Access::CreateOrMigrate), open(Access::Existing)];
        let reader = stores[0].0.reader_beside(Timestamp::FIRST).unwrap();
        let mut sale = Sale {
            folder,
            dice: Crowd::new(seed),
            now: OPENING,
            stores,
            pinned: None,
            reader,
            older: Vec::new(),
            before_checkpoint: None,
        };
        sale.transact(0, &[item("tee", 1_000_000).load()]);
        sale
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn transact(&mut self, store: usize, commands: &[Command]) {
        self.now += 1 + self.dice.below(5);
        let now = Timestamp::from_micros(self.now);
        let decided = self.stores[store]
            .1
            .transact(&terms(), &|_| now, commands, &mut no_more)
            .unwrap();
        assert!(decided.iter().all(Result::is_ok));
    }

    fn step(&mut self) {
        let store = usize::try_from(self.dice.below(2)).unwrap();
        match self.dice.below(12) {
            0..6 => {
                let commands: Vec<Command> = (0..=self.dice.below(4)).map(|_| hold()).collect();
                self.transact(store, &commands);
                self.before_checkpoint = None;
            }
            6 | 7 => {
                let images = (self.file(), self.log());
                let path = self.path("shop.db");
                let conn = rusqlite::Connection::open(path).unwrap();
                conn.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))
                    .unwrap();
                self.before_checkpoint = Some(images);
            }
            8 => {
                self.stores[store].1.rest(Rest::Long).unwrap();
                self.before_checkpoint = None;
            }
            9 => {
                self.pinned = match self.pinned.take() {
                    Some(_) => None,
                    None => {
                        let conn = rusqlite::Connection::open(self.path("shop.db")).unwrap();
                        conn.execute_batch("begin; select count(*) from holds;")
                            .unwrap();
                        Some(conn)
                    }
                };
            }
            10 => self.older.push(self.file()),
            _ => {
                let database = database::open(&self.path("shop.db"), Access::Existing).unwrap();
                let writer = database.store(Durability::Normal).unwrap();
                self.stores[store] = (database, writer);
            }
        }
    }

    fn file(&self) -> Vec<u8> {
        fs::read(self.path("shop.db")).unwrap()
    }

    fn log(&self) -> Vec<u8> {
        fs::read(self.path("shop.db-wal")).unwrap()
    }

    #[track_caller]
    fn survives_a_crash(&mut self, told: &str) {
        let now = self.reader.contents().unwrap();
        let image = opened(&self.file(), &self.log()).unwrap_or_else(|error| {
            panic!("{told}: a crash is taken for an accident: {error}");
        });
        assert!(image == now, "{told}: a crash has lost something");
        if let Some((file, log)) = &self.before_checkpoint {
            let after = fs::read(self.folder.path().join("shop.db")).unwrap();
            let mixed = mixed(&mut self.dice, file, &after);
            let image = opened(&mixed, log).unwrap_or_else(|error| {
                panic!("{told}: an interrupted checkpoint is taken for an accident: {error}");
            });
            assert!(
                image == now,
                "{told}: an interrupted checkpoint has lost something"
            );
        }
    }

    /// How many older files were refused, and how many were completed by the log, as is right while all of it is there.
    fn is_not_mistaken_for_an_older_file(&self, told: &str) -> (usize, usize) {
        let now = self.reader.contents().unwrap();
        let (mut refused, mut played) = (0, 0);
        if self.log().is_empty() {
            return (0, 0);
        }
        for older in &self.older {
            match opened(older, &self.log()) {
                Err(OpenError::ForeignLog(_)) => refused += 1,
                Err(error) => panic!("{told}: {error}"),
                Ok(contents) => {
                    assert!(
                        contents == now,
                        "{told}: the log was played into an older file"
                    );
                    played += 1;
                }
            }
        }
        (refused, played)
    }
}

/// Some pages as they were before a checkpoint, some as they are after it, and some torn between two sectors of a disk that
/// lost its power.
fn mixed(dice: &mut Crowd, before: &[u8], after: &[u8]) -> Vec<u8> {
    let mut mixed = after.to_vec();
    for (number, page) in mixed.chunks_mut(4096).enumerate() {
        let Some(old) = before.get(number * 4096..(number + 1) * 4096) else {
            continue;
        };
        let cut = 512 * usize::try_from(dice.below(9)).unwrap();
        match dice.below(3) {
            0 => page.copy_from_slice(old),
            1 => page[..cut].copy_from_slice(&old[..cut]),
            _ => page[cut..].copy_from_slice(&old[cut..]),
        }
    }
    mixed
}

/// What is found in a folder that has this file and this log in it.
fn opened(file: &[u8], log: &[u8]) -> Result<Contents, OpenError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    fs::write(&path, file).unwrap();
    fs::write(folder.path().join("other.db-wal"), log).unwrap();
    let database = database::open(&path, Access::Existing)?;
    Ok(database
        .reader_beside(Timestamp::FIRST)?
        .contents()
        .unwrap())
}

fn hold() -> Command {
    Command::PlaceHold(PlaceHold {
        product: ProductId::FIRST,
        quantity: Quantity::new(1).unwrap(),
        customer: None,
        key: None,
    })
}

/// Every command that would play the log.
fn all_refuse(premises: &Premises) {
    for command in [
        &["seed"][..],
        &["sweep-holds"],
        &["verify"],
        &["export", "holds"],
        &["backup", "copy.db"],
        &["clock"],
        &["clock", "--set-back"],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        premises
            .run(command)
            .exited(78)
            .complains("flash_sale.db-wal, belongs to another file");
    }
}

fn killed_with_a_log(premises: &Premises, holds: usize) {
    let server = premises.serve();
    for _ in 0..holds {
        assert_eq!(server.hold(1).0, 201);
    }
    server.kill();
}

#[test]
fn a_log_is_not_played_into_a_backup_that_was_moved_to_its_place() {
    let premises = Premises::stocked(1000);
    let server = premises.serve();
    for _ in 0..3 {
        server.hold(1);
    }
    premises.run(&["backup", "copy.db"]).succeeded();
    for _ in 0..30 {
        server.hold(1);
    }
    server.kill();
    let database = premises.path().join("flash_sale.db");
    let log = fs::read(premises.path().join("flash_sale.db-wal")).unwrap();
    assert!(!log.is_empty());
    fs::rename(&database, premises.path().join("was.db")).unwrap();
    fs::rename(premises.path().join("copy.db"), &database).unwrap();
    all_refuse(&premises);
    let kept = fs::read(premises.path().join("flash_sale.db-wal")).unwrap();
    assert!(kept == log, "and nobody has touched it");

    fs::rename(premises.path().join("was.db"), &database).unwrap();
    let server = premises.serve();
    assert_eq!(server.get("/api/holds/33").1["status"], "active");
    server.stop();
    premises.books_are_right();
}

#[test]
fn a_log_is_not_played_into_an_older_copy_of_its_own_file() {
    let premises = Premises::stocked(1000);
    killed_with_a_log(&premises, 3);
    let database = premises.path().join("flash_sale.db");
    premises.serve().stop();
    fs::copy(&database, premises.path().join("old.db")).unwrap();
    killed_with_a_log(&premises, 3);
    premises.serve().stop();
    killed_with_a_log(&premises, 3);
    fs::rename(premises.path().join("old.db"), &database).unwrap();
    all_refuse(&premises);
}

#[test]
fn a_log_is_not_played_into_what_never_had_one() {
    let premises = Premises::stocked(1000);
    killed_with_a_log(&premises, 3);
    let database = premises.path().join("flash_sale.db");
    let log = fs::read(premises.path().join("flash_sale.db-wal")).unwrap();
    let is_kept = || fs::read(premises.path().join("flash_sale.db-wal")).unwrap() == log;
    fs::remove_file(&database).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    for (arguments, code) in [(&["seed"][..], 78), (&serve, 78), (&["verify"], 66)] {
        premises.run(arguments).exited(code);
        assert!(!database.exists() && is_kept(), "{arguments:?}");
    }
    fs::write(&database, "").unwrap();
    all_refuse(&premises);
    for other in [Premises::stocked(5), Premises::of_version_1()] {
        fs::copy(other.path().join("flash_sale.db"), &database).unwrap();
        all_refuse(&premises);
        fs::remove_file(&database).unwrap();
    }
    let foreign = rusqlite::Connection::open(premises.path().join("foreign.db")).unwrap();
    foreign.execute_batch("create table t (x)").unwrap();
    drop(foreign);
    fs::rename(premises.path().join("foreign.db"), &database).unwrap();
    premises.run(&["seed"]).exited(65);
    assert!(is_kept());
}

/// Another disk, other inodes, another name.
#[test]
fn a_folder_that_was_copied_after_a_crash_is_served() {
    let premises = Premises::stocked(1000);
    killed_with_a_log(&premises, 5);
    let moved = Premises::new();
    for suffix in ["", "-wal"] {
        let from = premises.path().join(format!("flash_sale.db{suffix}"));
        fs::copy(from, moved.path().join(format!("flash_sale.db{suffix}"))).unwrap();
    }
    let server = moved.serve();
    assert_eq!(server.get("/api/holds/5").1["status"], "active");
    server.stop();
    moved.books_are_right();
}

/// As the version before left them: neither its files nor its logs say whose they are.
#[test]
fn an_older_database_that_crashed_is_migrated_with_its_log() {
    let premises = Premises::new();
    let path = premises.path().join("flash_sale.db");
    let older = Premises::of_version_1();
    fs::copy(older.path().join("flash_sale.db"), &path).unwrap();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("pragma journal_mode = wal; update products set name = 'from the log';")
        .unwrap();
    let images = ["", "-wal"].map(|suffix| {
        let path = premises.path().join(format!("flash_sale.db{suffix}"));
        (fs::read(&path).unwrap(), path)
    });
    drop(conn);
    for (bytes, path) in images {
        fs::write(path, bytes).unwrap();
    }
    let server = premises.serve();
    assert_eq!(server.get("/api/products/1").1["name"], "from the log");
    server.stop();
    premises.books_are_right();
}
