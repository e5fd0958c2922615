//! Rows of idempotency keys: who finds them, when they go, and how they are taken over into another file.

mod taken_over;

pub use taken_over::of_version_3;

use flashsale::sale::{
    Command, HoldId, IdempotencyKey, Outcome, PlaceHold, ProductId, Quantity, Rejection,
    RestockProduct, Terms, Timestamp,
};
use flashsale::store::{Access, Database, Decision, Depth, Durability, Store, StoreError, no_more};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::database::open;
use crate::shop::{OPENING, item, terms};

/// A sale whose file one process after another opens.
struct Sale {
    folder: TempDir,
    now: i64,
    terms: Terms,
}

impl Sale {
    fn new() -> Sale {
        let mut sale = Sale {
            folder: tempfile::tempdir().unwrap(),
            now: OPENING,
            terms: terms(),
        };
        sale.keys_are_kept_for(10);
        sale.decide(&mut *sale.process(), &[item("tee", 100).load()]);
        sale
    }

    /// As many keys as a process that starts reads in any case, so that it leaves out those before them.
    fn many_keys_are_kept(&self) {
        let restock = Command::RestockProduct(RestockProduct {
            product: ProductId::FIRST,
            units: 1,
            reason: None,
            key: IdempotencyKey::new(&format!("restock-{}", self.now)),
        });
        self.decide(&mut *self.process(), &[restock]);
        let sql = "with recursive numbers (number) as (select 1 union all select number + 1 from numbers limit 10000)
            insert into replays (key, done, product_id, answer, expires_at, horizon)
                select key || '-' || number, done, product_id, answer, expires_at, horizon
                from numbers, (select * from replays order by id desc limit 1);
            update meta set next_replay = (select max(id) + 1 from replays)";
        self.connection().execute_batch(sql).unwrap();
    }

    fn keys_are_kept_for(&mut self, seconds: u32) {
        self.terms.idempotency_ttl_s = seconds;
    }

    fn after(&mut self, seconds: i64) {
        self.now += seconds * 1_000_000;
    }

    fn database(&self) -> Box<dyn Database> {
        open(&self.folder.path().join("shop.db"), Access::CreateOrMigrate).unwrap()
    }

    fn connection(&self) -> Connection {
        Connection::open(self.folder.path().join("shop.db")).unwrap()
    }

    /// The store as a process that has just started knows it.
    fn process(&self) -> Box<dyn Store> {
        self.database().store(Durability::Normal).unwrap()
    }

    fn try_to_decide(
        &self,
        store: &mut dyn Store,
        commands: &[Command],
    ) -> Result<Vec<Decision>, StoreError> {
        let now = |_| Timestamp::from_micros(self.now);
        store.transact(&self.terms, &now, commands, &mut no_more)
    }

    #[track_caller]
    fn decide(&self, store: &mut dyn Store, commands: &[Command]) -> Vec<Decision> {
        let decisions = self.try_to_decide(store, commands).unwrap();
        let books = self.database().books().unwrap();
        let checks = books.audit(Depth::Full).unwrap();
        let broken: Vec<_> = checks.iter().filter(|check| check.broken > 0).collect();
        assert!(broken.is_empty(), "{broken:?}");
        decisions
    }

    #[track_caller]
    fn is_new(&self, store: &mut dyn Store, key: &str) -> HoldId {
        match &self.decide(store, &[hold(key)])[..] {
            [Ok(Outcome::HoldPlaced(hold))] => hold.id,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn is_known(&self, store: &mut dyn Store, key: &str) -> HoldId {
        self.is_known_after(&[], store, key)
    }

    /// In one batch.
    #[track_caller]
    fn is_known_after(&self, before: &[Command], store: &mut dyn Store, key: &str) -> HoldId {
        let decisions = self.decide(store, &[before, &[hold(key)]].concat());
        if let [.., Ok(Outcome::Replayed(first))] = &decisions[..]
            && let Outcome::HoldPlaced(hold) = &**first
        {
            return hold.id;
        }
        panic!("{decisions:?}");
    }

    #[track_caller]
    fn keeps_no_key_of_a_broken_batch(&self, store: &mut dyn Store, key: &str) {
        let conn = self.connection();
        for place in ["insert on replays", "update on meta"] {
            let trap = format!(
                "create trigger trap before {place} begin select raise(abort, 'a trap'); end"
            );
            conn.execute_batch(&trap).unwrap();
            let failure = self.try_to_decide(store, &[hold(key)]);
            assert!(matches!(failure, Err(StoreError::Broken(_))));
            conn.execute_batch("drop trigger trap").unwrap();
        }
    }

    fn rows_of(&self, key: &str) -> i64 {
        let sql = "select count(*) from replays where key = ?1";
        let count = self.connection().query_row(sql, [key], |row| row.get(0));
        count.unwrap()
    }

    fn rows(&self) -> i64 {
        let sql = "select count(*) from replays";
        let count = self.connection().query_row(sql, [], |row| row.get(0));
        count.unwrap()
    }
}

fn hold(key: &str) -> Command {
    Command::PlaceHold(PlaceHold {
        product: ProductId::FIRST,
        quantity: Quantity::new(1).unwrap(),
        customer: None,
        key: IdempotencyKey::new(key),
    })
}

const SWEEP: Command = Command::Sweep {
    rows_max: 10,
    keys_max: 10,
};

const SWEEP_OF_ALL: Command = Command::Sweep {
    rows_max: 10,
    keys_max: 100_000,
};

#[test]
fn what_another_process_keeps_is_found() {
    let sale = Sale::new();
    let (mut ours, mut theirs) = (sale.process(), sale.process());
    let first = sale.is_new(&mut *ours, "a");
    assert_eq!(sale.is_known(&mut *theirs, "a"), first);
    let second = sale.is_new(&mut *theirs, "b");
    let third = sale.is_new(&mut *theirs, "c");
    assert_eq!(sale.is_known(&mut *ours, "b"), second);
    assert_eq!(sale.is_known(&mut *ours, "c"), third);
    assert_eq!(sale.is_known(&mut *sale.process(), "a"), first);
}

#[test]
fn what_another_process_forgets_is_forgotten() {
    let mut sale = Sale::new();
    let (mut ours, mut theirs) = (sale.process(), sale.process());
    let first = sale.is_new(&mut *ours, "a");
    sale.after(10);
    sale.decide(&mut *theirs, &[SWEEP]);
    assert_eq!(sale.rows(), 0);
    let second = sale.is_new(&mut *theirs, "b");
    assert!(sale.is_new(&mut *ours, "a") > first);
    assert_eq!(sale.is_known(&mut *ours, "b"), second);
}

#[test]
fn a_batch_that_is_rolled_back_keeps_no_key() {
    let sale = Sale::new();
    let mut store = sale.process();
    let first = sale.is_new(&mut *store, "a");
    sale.keeps_no_key_of_a_broken_batch(&mut *store, "b");
    let second = sale.is_new(&mut *store, "c");
    assert!(sale.is_new(&mut *store, "b") > second);
    assert_eq!(sale.is_known(&mut *store, "a"), first);
    assert_eq!(sale.is_known(&mut *store, "c"), second);
}

/// A process that starts leaves out of its memory what is past its time: the key may be kept anew before its row is gone.
#[test]
fn a_key_past_its_time_at_the_start_is_a_new_key() {
    for is_swept_by_another in [true, false] {
        let mut sale = Sale::new();
        let first = sale.is_new(&mut *sale.process(), "a");
        sale.many_keys_are_kept();
        sale.after(10);
        let mut store = sale.process();
        let second = sale.is_new(&mut *store, "a");
        assert!(second > first);
        assert_eq!(sale.rows_of("a"), 2);
        if is_swept_by_another {
            store = sale.process();
        }
        let known = sale.is_known_after(&[SWEEP], &mut *store, "a");
        assert_eq!(known, second);
        assert_eq!(sale.rows_of("a"), 1);
        assert_eq!(sale.is_known(&mut *store, "a"), second);
        assert_eq!(sale.is_known(&mut *sale.process(), "a"), second);
        sale.decide(&mut *store, &[SWEEP_OF_ALL]);
        assert_eq!(sale.rows(), 1);
    }
}

#[test]
fn a_sweep_and_a_request_with_the_key_that_it_forgets_share_a_batch() {
    for commands in [[SWEEP, hold("a")], [hold("a"), SWEEP]] {
        let mut sale = Sale::new();
        sale.is_new(&mut *sale.process(), "a");
        sale.many_keys_are_kept();
        sale.after(10);
        let mut store = sale.process();
        let decisions = sale.decide(&mut *store, &commands);
        let placed = |decision: &Decision| matches!(decision, Ok(Outcome::HoldPlaced(_)));
        assert!(decisions.iter().any(placed), "{decisions:?}");
        sale.is_known(&mut *store, "a");
        sale.decide(&mut *store, &[SWEEP]);
        assert_eq!(sale.rows_of("a"), 1);
        sale.is_known(&mut *store, "a");
    }
}

/// Rows stand in the order in which they were kept; after keys are kept for a shorter time, they expire in another.
#[test]
fn a_key_that_is_kept_for_longer_than_later_ones_outlives_them() {
    let mut sale = Sale::new();
    sale.keys_are_kept_for(1000);
    let mut store = sale.process();
    let long = sale.is_new(&mut *store, "long");
    sale.keys_are_kept_for(10);
    sale.is_new(&mut *store, "short");
    sale.many_keys_are_kept();
    sale.after(10);
    for mut store in [store, sale.process()] {
        sale.decide(&mut *store, &[SWEEP]);
        assert_eq!(sale.is_known(&mut *store, "long"), long);
    }
    sale.is_new(&mut *sale.process(), "short");
    sale.after(990);
    sale.decide(&mut *sale.process(), &[SWEEP_OF_ALL]);
    assert_eq!(sale.rows(), 0);
    assert!(sale.is_new(&mut *sale.process(), "long") > long);
}

/// A key that was past its time by a wrong clock, and kept anew, is kept once by the right one.
#[test]
fn a_sale_that_is_set_back_keeps_a_key_once() {
    let mut sale = Sale::new();
    sale.is_new(&mut *sale.process(), "a");
    sale.many_keys_are_kept();
    let right = Timestamp::from_micros(sale.now + 1_000_000);
    sale.after(5000);
    let second = sale.is_new(&mut *sale.process(), "a");
    assert_eq!(sale.rows_of("a"), 2);
    let set_back = sale.process().set_back(right, &sale.terms).unwrap();
    assert_eq!(set_back.unwrap().keys, 1);
    sale.now = right.micros();
    assert_eq!(sale.is_known(&mut *sale.process(), "a"), second);
    sale.after(10);
    assert!(sale.is_new(&mut *sale.process(), "a") > second);
}

/// A reader refuses what has no answer yet, and leaves what may have one to the writer.
#[test]
fn a_reader_knows_which_keys_are_kept() {
    let sale = Sale::new();
    let database = sale.database();
    let mut store = database.store(Durability::Normal).unwrap();
    let reader = database.reader_beside(Timestamp::from_micros(sale.now));
    let reader = reader.unwrap();
    let refusal = |key: &str, quantity: i64| {
        let wish = PlaceHold {
            product: ProductId::FIRST,
            quantity: Quantity::new(quantity).unwrap(),
            customer: None,
            key: IdempotencyKey::new(key),
        };
        reader.refusal(&wish, &sale.terms).unwrap()
    };
    let left = |available| Some(Rejection::InsufficientStock { available });
    assert_eq!(refusal("a", 200), left(100));
    sale.is_new(&mut *store, "a");
    assert_eq!(refusal("a", 1), None);
    assert_eq!(refusal("a", 200), Some(Rejection::KeyReused));
    assert_eq!(refusal("b", 200), left(99));
    sale.keeps_no_key_of_a_broken_batch(&mut *store, "b");
    assert_eq!(refusal("b", 200), left(99));
    sale.is_new(&mut *sale.process(), "c");
    assert_eq!(refusal("c", 200), Some(Rejection::KeyReused));
    assert_eq!(refusal("d", 200), left(98));
}
