//! The same commands and clock into the memory store, which judges in waves, and into SQLite, which judges in turn, or
//! PostgreSQL, which judges in waves: every decision and every row must be equal, and the engine's books prove themselves.
//! Half of each batch comes while its transaction waits for its turn. The database is opened twice, as by two processes, each
//! with connections and caches of its own: they write in turn, a few batches each, and each reads after the other has written.
//! Now and then a transaction fails at its end, or ids are lost, as with a disk.
//!
//! `FLASHSALE_TEST_COMMANDS` sets the number of commands of each seed (default 1 500), `FLASHSALE_TEST_SEEDS` that of the
//! seeds (default 20).

mod events;
mod reads;

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use flashsale::sale::{Command, ProductId, Terms, Timestamp};
use flashsale::store::{
    self, Access, Database, Decision, Depth, Durability, Place, Reader, Store, StoreError, no_more,
};

use crate::database;
use crate::memory::MemoryStore;
use crate::properties::{Crowd, catalogue};
use crate::shop::{Hands, OPENING, terms};

use reads::{holds_and_orders_are_alike, lists_are_alike, product_is_alike, refusals_are_alike};

#[test]
fn memory_and_sqlite_agree_on_every_decision_and_every_row_even_seeds() {
    agree_on_seeds((0..seeds()).filter(|seed| seed % 2 == 0), Kept::in_files);
}

#[test]
fn memory_and_sqlite_agree_on_every_decision_and_every_row_odd_seeds() {
    agree_on_seeds((0..seeds()).filter(|seed| seed % 2 == 1), Kept::in_files);
}

/// PostgreSQL judges in waves, as memory does.
#[cfg(feature = "postgres")]
#[test]
fn memory_and_postgresql_agree_on_every_decision_and_every_row() {
    if crate::postgres::Schema::new().is_some() {
        agree_on_seeds(0..seeds(), Kept::on_a_server);
    }
}

fn seeds() -> u64 {
    number("FLASHSALE_TEST_SEEDS", 20)
}

fn number<T: std::str::FromStr>(variable: &str, default: T) -> T {
    let set = std::env::var(variable).ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn agree_on_seeds(seeds: impl Iterator<Item = u64>, keep: fn(&Hands) -> Kept) {
    let commands = number("FLASHSALE_TEST_COMMANDS", 1_500);
    let mut seen = BTreeMap::new();
    for seed in seeds {
        for (outcome, times) in agree(seed, commands, keep) {
            *seen.entry(outcome).or_insert(0) += times;
        }
    }
    println!("all equal; outcomes: {seen:?}");
    assert!(
        seen.len() > 35,
        "the crowds do a bit of everything: {seen:?}"
    );
}

/// What was decided how often.
fn agree(seed: u64, commands: usize, keep: fn(&Hands) -> Kept) -> BTreeMap<String, usize> {
    let mut twins = Twins::new(keep);
    let mut crowd = Crowd::new(seed);
    let mut decided = 0;
    for round in 0.. {
        let batch = match round {
            0 => catalogue(),
            _ => crowd.batch(),
        };
        let context = format!("seed {seed}, round {round}");
        twins.now += crowd.pause_micros();
        if round % SKIP_EVERY == SKIP_EVERY - 1 {
            twins.memory.skip_ids(SKIPPED);
            twins.skip_ids();
        }
        let terms = changing_terms(round, &mut crowd);
        let process = round / BATCHES_A_TURN % 2;
        let other = 1 - process;
        if round % FAIL_EVERY == 0 {
            twins.fail_to_transact(process, &terms, &batch);
        }
        let decisions = twins.transact(process, &terms, &batch, &context);
        crowd.learn(&decisions);
        decided += batch.len();
        twins.reads_are_alike(other, &terms, &batch, &mut crowd);
        if round % 50 == 0 || decided >= commands {
            twins.rows_are_alike(other, &context);
        }
        if decided >= commands {
            break;
        }
    }
    crowd.seen().clone()
}

fn changing_terms(round: usize, crowd: &mut Crowd) -> Terms {
    let mut terms = terms();
    terms.parked_max = 20;
    terms.currency = flashsale::sale::Currency::parse("EUR");
    if round.is_multiple_of(3) {
        // Shorter than a hold: events stop waiting whose orders still come.
        terms.parked_ttl_s = 10;
    }
    if round.is_multiple_of(4) {
        terms.events_ttl_s = 60;
    }
    if crowd.flips() {
        terms.late_payment = flashsale::sale::LatePayment::Accept;
    }
    terms
}

/// What one process has of the database.
struct Opened {
    database: Box<dyn Database>,
    store: Box<dyn Store>,
    reader: Box<dyn Reader>,
}

impl Opened {
    fn twice(place: &Place, hands: &Hands) -> [Opened; 2] {
        [0, 1].map(|_| {
            let database = store::open(place, Access::Existing).unwrap();
            Opened {
                store: database.store(Durability::Normal).unwrap(),
                reader: database.reader(Arc::new(hands.clone()), 1).unwrap(),
                database,
            }
        })
    }
}

/// A database, and how `flashsale restore` would make another one of it, with ids skipped.
struct Kept {
    place: Place,
    restore: Restore,
}

type Restore = Box<dyn FnMut(&dyn Database) -> Place>;

impl Kept {
    /// The sale goes on from a copy that was restored.
    fn in_files(_: &Hands) -> Kept {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("shop.db"));
        let mut numbers = 1..;
        let restore = move |database: &dyn Database| {
            let number: i64 = numbers.next().unwrap();
            let path = folder.path().join(format!("{number}.db"));
            File::create_new(&path).unwrap();
            database.books().unwrap().back_up(&path).unwrap();
            let copy = database::open(&path, Access::Read).unwrap();
            copy.make_servable(SKIPPED).unwrap();
            Place::File(path)
        };
        Kept {
            place,
            restore: Box::new(restore),
        }
    }

    #[cfg(feature = "postgres")]
    fn on_a_server(hands: &Hands) -> Kept {
        let schema = crate::postgres::Schema::new().unwrap();
        schema.set_sale_by(hands);
        let place = schema.place();
        let restore = move |_: &dyn Database| {
            schema.skip_ids(SKIPPED);
            schema.place()
        };
        Kept {
            place,
            restore: Box::new(restore),
        }
    }
}

/// One sale, kept twice.
struct Twins {
    memory: MemoryStore,
    opened: [Opened; 2],
    kept: Kept,
    now: i64,
}

impl Twins {
    fn new(keep: fn(&Hands) -> Kept) -> Twins {
        let memory = MemoryStore::default();
        let kept = keep(&memory.hands);
        drop(store::open(&kept.place, Access::CreateOrMigrate).unwrap());
        Twins {
            opened: Opened::twice(&kept.place, &memory.hands),
            memory,
            kept,
            now: OPENING,
        }
    }

    fn skip_ids(&mut self) {
        self.memory.hands.set(self.now);
        let place = (self.kept.restore)(&*self.opened[0].database);
        self.opened = Opened::twice(&place, &self.memory.hands);
    }

    /// Before the time of the transaction before, none is committed: all that was judged is rolled back. Not on a server,
    /// which judges by its own clock.
    fn fail_to_transact(&mut self, process: usize, terms: &Terms, batch: &[Command]) {
        if !matches!(self.kept.place, Place::File(_)) {
            return;
        }
        let too_early = |last_now: Timestamp| Timestamp::from_micros(last_now.micros() - 1);
        let engine = &mut self.opened[process].store;
        let failed = engine.transact(terms, &too_early, batch, &mut no_more);
        // A batch of which nothing is to be written does not fail.
        assert!(matches!(failed, Ok(_) | Err(StoreError::Broken(_))));
    }

    /// Half of the batch comes while the transaction waits.
    fn transact(
        &mut self,
        process: usize,
        terms: &Terms,
        batch: &[Command],
        context: &str,
    ) -> Vec<Decision> {
        let now = self.now;
        self.memory.hands.set(now);
        let time = |_| Timestamp::from_micros(now);
        let (first, second) = batch.split_at(batch.len().div_ceil(2));
        let mut more = || second.to_vec();
        let ours = self.memory.transact(terms, &time, first, &mut more);
        let ours = ours.unwrap();
        let waves = &self.memory.waves;
        assert!(waves.len() <= WAVES_MAX, "{context}: {waves:?}");
        let engine = &mut self.opened[process].store;
        let theirs = engine
            .transact(terms, &time, first, &mut more)
            .unwrap_or_else(|error| panic!("{context}: {error}: {batch:#?}"));
        assert_eq!(ours, theirs, "{context}: {batch:#?}");
        let deadlines = (
            self.memory.next_deadline(terms).unwrap(),
            engine.next_deadline(terms).unwrap(),
        );
        assert_eq!(deadlines.0, deadlines.1, "{context}");
        ours
    }

    /// Now and later, and now again.
    fn reads_are_alike(&self, process: usize, terms: &Terms, batch: &[Command], crowd: &mut Crowd) {
        let (memory, reader) = (&self.memory, &*self.opened[process].reader);
        for later in [0, 0, 1, 60_000_000] {
            memory.hands.set(self.now + later);
            let now = memory.hands.now();
            for id in (1..=crowd.products() + 1).filter_map(ProductId::new) {
                product_is_alike(memory, reader, id, now);
            }
            holds_and_orders_are_alike(memory, reader, crowd, now);
            refusals_are_alike(memory, reader, terms, batch, now);
        }
        for later in [0, 60_000_000] {
            memory.hands.set(self.now + later);
            lists_are_alike(memory, reader, crowd, memory.hands.now());
        }
    }

    fn rows_are_alike(&self, process: usize, context: &str) {
        let Opened {
            database, reader, ..
        } = &self.opened[process];
        let memory = &self.memory;
        assert_eq!(
            memory.contents().unwrap(),
            reader.contents().unwrap(),
            "{context}"
        );
        memory.hands.set(self.now);
        assert_eq!(
            memory.products(None, 100).unwrap(),
            reader.products(None, 100).unwrap()
        );
        let mut checks = database.books().unwrap().audit(Depth::Quick).unwrap();
        checks.retain(|check| check.broken > 0);
        assert!(checks.is_empty(), "{context}: {checks:?}");
    }
}

/// What a store far away would ask for the wildest mix of commands.
const WAVES_MAX: usize = 3;

/// So many batches in a row are written by one process, which may know rows of the batch before.
const BATCHES_A_TURN: usize = 3;

/// Not in step with the turns, so that it is the first batch of some, and the last of others.
const FAIL_EVERY: usize = 7;

/// Now and then a disk is lost: so many ids may have been given after the backup.
const SKIP_EVERY: usize = 40;
const SKIPPED: i64 = 3;
