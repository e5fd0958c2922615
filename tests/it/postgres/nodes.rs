//! Several writers on one database, as several processes have them: one turn for all.

use std::collections::BTreeSet;
use std::thread;

use flashsale::sale::{Command, Outcome, PlaceHold, ProductId, Quantity, Rejection, Timestamp};
use flashsale::store::{
    self, Access, Database, Decision, Depth, Durability, Store, StoreError, no_more,
};

use super::Schema;
use super::proxy::{Cut, Proxy};
use crate::shop::{item, terms};

/// A schema with one product of this stock.
pub fn stocked(schema: &Schema, stock: i64) -> Box<dyn Database> {
    let database = store::open(&schema.place(), Access::CreateOrMigrate).unwrap();
    let mut store = database.store(Durability::Normal).unwrap();
    let load = [item("tee", stock).load()];
    transact(&mut *store, &load).unwrap();
    database
}

fn transact(store: &mut dyn Store, commands: &[Command]) -> Result<Vec<Decision>, StoreError> {
    store.transact(&terms(), &|last_now| last_now, commands, &mut no_more)
}

pub fn holds(number: usize) -> Vec<Command> {
    let wish = Command::PlaceHold(PlaceHold {
        product: ProductId::FIRST,
        quantity: Quantity::new(1).unwrap(),
        customer: None,
        key: None,
    });
    vec![wish; number]
}

/// Ids of the holds that were placed.
pub fn placed(decisions: &[Decision]) -> impl Iterator<Item = i64> {
    decisions.iter().filter_map(|decision| match decision {
        Ok(Outcome::HoldPlaced(hold)) => Some(hold.id.get()),
        Err(Rejection::InsufficientStock { .. }) => None,
        other => panic!("{other:?}"),
    })
}

fn books_are_right(database: &dyn Database) {
    let mut checks = database.books().unwrap().audit(Depth::Quick).unwrap();
    checks.retain(|check| check.broken > 0);
    assert!(checks.is_empty(), "{checks:?}");
}

const BATCH: usize = 32;

/// 5 000, or as the long version wants it.
fn stock() -> i64 {
    super::number("FLASHSALE_TEST_STOCK", 5_000)
}

/// More than there is, and as many for each of 2 or 4 nodes.
fn wishes() -> usize {
    let batches = usize::try_from(stock()).unwrap() / BATCH;
    (batches + batches / 4).next_multiple_of(4) * BATCH
}

/// What each of the nodes was given, and the errors that it met.
fn sell_out(database: &dyn Database, nodes: usize) -> (Vec<i64>, Vec<StoreError>) {
    let node = || {
        let mut store = database.store(Durability::Normal).unwrap();
        let (mut ids, mut errors) = (Vec::new(), Vec::new());
        for _ in 0..wishes() / BATCH / nodes {
            match transact(&mut *store, &holds(BATCH)) {
                Ok(decisions) => ids.extend(placed(&decisions)),
                Err(error) => errors.push(error),
            }
        }
        (ids, errors)
    };
    thread::scope(|scope| {
        let nodes: Vec<_> = (0..nodes).map(|_| scope.spawn(node)).collect();
        let (mut ids, mut errors) = (Vec::new(), Vec::new());
        for node in nodes {
            let (its_ids, its_errors) = node.join().unwrap();
            ids.extend(its_ids);
            errors.extend(its_errors);
        }
        (ids, errors)
    })
}

#[test]
fn several_nodes_sell_out_and_no_unit_twice() {
    for nodes in [2, 4] {
        let Some(schema) = Schema::new() else {
            return;
        };
        let database = stocked(&schema, stock());
        let (ids, errors) = sell_out(&*database, nodes);
        assert!(errors.is_empty(), "{errors:?}");
        let distinct: BTreeSet<i64> = ids.iter().copied().collect();
        assert_eq!(ids.len(), distinct.len(), "no id was given twice");
        let expected: BTreeSet<i64> = (1..=stock()).collect();
        assert_eq!(distinct, expected, "{nodes} nodes");
        books_are_right(&*database);
    }
}

/// Without the turn, the version that each batch has seen still stops every wrong one.
#[test]
fn without_the_turn_batches_fail_and_none_oversells() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let database = stocked(&schema, stock());
    schema.session().execute("delete from turn").unwrap();
    let (ids, errors) = sell_out(&*database, 4);
    assert!(!errors.is_empty(), "the turn was of use");
    for error in &errors {
        let is_stopped = matches!(error, StoreError::Broken(_) | StoreError::Busy);
        assert!(is_stopped, "{error}");
    }
    let distinct: BTreeSet<i64> = ids.iter().copied().collect();
    assert_eq!(ids.len(), distinct.len());
    assert!(i64::try_from(ids.len()).unwrap() <= stock());
    books_are_right(&*database);
}

#[test]
fn a_node_writes_nothing_once_a_newer_program_has_migrated_the_schema() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let database = stocked(&schema, 10);
    let mut store = database.store(Durability::Normal).unwrap();
    transact(&mut *store, &holds(1)).unwrap();
    schema
        .session()
        .execute("update meta set schema_version = schema_version + 1")
        .unwrap();
    for _ in 0..2 {
        let outcome = transact(&mut *store, &holds(1));
        assert!(matches!(outcome, Err(StoreError::Outdated)), "{outcome:?}");
    }
    let contents = database
        .reader_beside(Timestamp::FIRST)
        .unwrap()
        .contents()
        .unwrap();
    assert_eq!(contents.holds.len(), 1);
}

/// The connection ends while the commit is under way, at every place where it can: what became of the batch is found out.
#[test]
fn a_commit_in_doubt_is_settled_as_it_ended() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let database = stocked(&schema, stock());
    let proxy = Proxy::to(schema.cluster.socket());
    let through = store::open(&proxy.place(&schema), Access::Existing).unwrap();
    let mut store = through.store(Durability::Normal).unwrap();
    let mut beside = database.store(Durability::Normal).unwrap();
    let (mut acknowledged, mut committed, mut lost) = (Vec::new(), 0, 0);
    for round in 0..super::rounds(60) {
        let cut = Cut::ALL[round % Cut::ALL.len()];
        // A session prepares its statements at its first batch.
        acknowledged.extend(placed(&transact(&mut *store, &holds(1)).unwrap()));
        // `more` is asked between the two round trips of a batch that needs no third.
        let mut more = || {
            proxy.cut_at_the_next_request(cut);
            holds(2)
        };
        let outcome = store.transact(&terms(), &|last_now| last_now, &holds(3), &mut more);
        let error = outcome.expect_err("the connection was cut");
        assert!(matches!(error, StoreError::InDoubt(_)), "{cut:?}: {error}");
        acknowledged.extend(placed(&transact(&mut *beside, &holds(1)).unwrap()));
        let settled = loop {
            match store.settle() {
                Err(StoreError::Busy | StoreError::Away(_)) => {}
                settled => break settled.unwrap(),
            }
        };
        match settled {
            Some(decisions) => {
                committed += 1;
                acknowledged.extend(placed(&decisions));
                assert_ne!(cut, Cut::BeforeRequest);
            }
            None => {
                lost += 1;
                assert_ne!(cut, Cut::AfterAnswer);
            }
        }
    }
    assert!(
        committed >= 20 && lost >= 20,
        "{committed} committed, {lost} not"
    );
    let contents = database
        .reader_beside(Timestamp::FIRST)
        .unwrap()
        .contents()
        .unwrap();
    let kept: Vec<i64> = contents.holds.iter().map(|hold| hold.id.get()).collect();
    acknowledged.sort_unstable();
    assert_eq!(
        acknowledged, kept,
        "what was settled is there, and nothing else"
    );
    books_are_right(&*database);
}
