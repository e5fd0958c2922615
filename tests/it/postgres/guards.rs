//! The oracle's own control: with both guards taken away the same race oversells, and `verify` says so. One guard alone is
//! enough against it.

use std::sync::Barrier;
use std::thread;

use flashsale::sale::{Command, Timestamp};
use flashsale::store::{self, Access, Database, Decision, Depth, Durability, StoreError};

use super::Schema;
use super::nodes::{holds, placed, stocked};
use super::proxy::Proxy;
use crate::shop::terms;

const STOCK: i64 = 3;
const NODES: usize = 2;

/// Nothing is left that could stop a batch but the version that it names: no turn, and no constraint.
const WITHOUT_CONSTRAINTS: &str = "delete from turn;
    alter table products drop constraint stock_is_never_negative;
    alter table holds drop constraint holds_pkey cascade;
    alter table movements drop constraint movements_pkey";

/// At the same moment, since time that would run back is another guard: 2100-01-01.
const JUDGED_AT_MICROS: i64 = 4_102_444_800_000_000;

/// Every node wants all that there is, and none writes before all have read.
fn race(database: &dyn Database) -> Vec<Result<Vec<Decision>, StoreError>> {
    let all_have_read = Barrier::new(NODES);
    let node = || {
        let mut store = database.store(Durability::Normal).unwrap();
        // Its statements are prepared, and it has figures to guess from.
        let nothing: [Command; 0] = [];
        store
            .transact(&terms(), &|last_now| last_now, &nothing, &mut Vec::new)
            .unwrap();
        let wishes = holds(usize::try_from(STOCK).unwrap());
        let judged_at = |_| Timestamp::from_micros(JUDGED_AT_MICROS);
        let mut more = || {
            all_have_read.wait();
            Vec::new()
        };
        store.transact(&terms(), &judged_at, &wishes, &mut more)
    };
    thread::scope(|scope| {
        let nodes: Vec<_> = (0..NODES).map(|_| scope.spawn(node)).collect();
        let ended = nodes.into_iter().map(|node| node.join().unwrap());
        ended.collect()
    })
}

/// How many units were sold, why batches failed, and how many checks find drift.
fn sold_in_a_race(proxy: fn(&Schema) -> Proxy) -> Option<(usize, Vec<StoreError>, usize)> {
    let schema = Schema::new()?;
    stocked(&schema, STOCK);
    schema.session().execute(WITHOUT_CONSTRAINTS).unwrap();
    let proxy = proxy(&schema);
    let database = store::open(&proxy.place(&schema), Access::Existing).unwrap();
    let ended = race(&*database);
    let sold = ended
        .iter()
        .flatten()
        .map(|decisions| placed(decisions).count());
    let sold = sold.sum();
    let failed = ended.into_iter().filter_map(Result::err).collect();
    let checks = database.books().unwrap().audit(Depth::Quick).unwrap();
    let drift = checks.iter().filter(|check| check.broken > 0).count();
    Some((sold, failed, drift))
}

#[test]
fn without_the_turn_and_the_version_that_was_seen_the_same_race_oversells() {
    let stock = usize::try_from(STOCK).unwrap();
    let guarded = sold_in_a_race(|schema| Proxy::to(schema.cluster.socket()));
    let Some(guarded) = guarded else {
        return;
    };
    let (sold, failed, drift) = guarded;
    assert_eq!(
        (sold, failed.len(), drift),
        (stock, NODES - 1, 0),
        "the version alone: {failed:?}"
    );
    let unguarded = sold_in_a_race(|schema| {
        Proxy::that_replaces(
            schema.cluster.socket(),
            "and p.version = t.seen",
            "and true",
        )
    });
    let (sold, failed, drift) = unguarded.unwrap();
    assert_eq!(
        (sold, failed.len()),
        (NODES * stock, 0),
        "neither: {failed:?}"
    );
    assert!(drift > 0, "and verify sees it");
}
