//! What `verify` proves of reports, each check with its negative control.

use std::path::Path;

use flashsale::store::{Access, Depth};
use serde_json::json;

use super::{late, paid, report, shop};
use crate::database;
use crate::shop::Shop;

/// What is broken behind the program's back, and the check that finds it.
pub const DRIFTS: &[(&str, &str)] = &[
    (
        "update reversals set key = 'pay-1' where key = 'a'",
        "no key of a report took effect twice",
    ),
    (
        "update reversals set refunded_amount = 1 where key = 'a'",
        "each report about a transaction says",
    ),
    (
        "update reversals set amount = 6000 where key = 'a'",
        "each report about a transaction says",
    ),
    (
        "update reversals set returned = null where key = 'b'",
        "each report about a transaction says",
    ),
    (
        "update reversals set kind = 'dispute_won' where key = 'b'",
        "each report about a transaction says",
    ),
    (
        "update orders set refunded_amount = 0 where id = 1",
        "a paid order shows how its transaction stands",
    ),
    (
        "update orders set dispute = 'won' where id = 1",
        "a paid order shows how its transaction stands",
    ),
    (
        "update orders set dispute = 'open' where id = 2",
        "a paid order shows how its transaction stands",
    ),
    (
        "update payments set resolved_at = null, resolution = null, amount = '\"199.98\"' where key = 'late-2'",
        "no refund is due whose money went back",
    ),
    (
        "update payments set resolved_at = null, resolution = null, amount = null where key = 'late-2'",
        "no refund is due whose money went back",
    ),
    (
        "update payments set resolved_at = null, resolution = null, amount = '\"199.98 usd\"' where key = 'late-2'",
        "no refund is due whose money went back",
    ),
    (
        "update meta set reversals = reversals + 1",
        "reports about money that came before are as many",
    ),
    (
        "delete from reversals where key = 'c'",
        "every id given is there",
    ),
    (
        "update meta set next_payment = 5",
        "every id given is there",
    ),
    (
        "update payments set id = 3 where id = 4; update reversals set id = 4 where key = 'c'",
        "no id that a restore skipped was ever given, and none was given twice",
    ),
    (
        "update meta set next_payment = next_payment + 6; insert into gaps values ('payments', 6, 11);
         update reversals set id = 8 where key = 'c'",
        "no id that a restore skipped was ever given, and none was given twice",
    ),
];

/// Money back of a paid order, which is disputed, and of one that was cancelled.
fn with_reports() -> Shop {
    let shop = shop();
    paid(&shop, "t");
    report(&shop, "a", "refunded", "t", 50).ok();
    report(&shop, "b", "dispute_opened", "t", json!(null)).ok();
    late(&shop, "u", 199.98);
    report(&shop, "c", "refunded", "u", 199.98).ok();
    shop
}

fn broken(path: &Path) -> Vec<&'static str> {
    let database = database::open(path, Access::Read).unwrap();
    let checks = database.books().unwrap().audit(Depth::Quick).unwrap();
    let broken = checks.iter().filter(|check| check.broken > 0);
    broken.map(|check| check.name).collect()
}

#[test]
fn verify_finds_each_kind_of_drift_in_reports() {
    let shop = with_reports();
    #[cfg(feature = "postgres")]
    if let flashsale::store::Place::Server(url) = shop.place() {
        return crate::postgres::drift::each_is_found(url, DRIFTS);
    }
    let folder = tempfile::tempdir().unwrap();
    let all = rusqlite::Connection::open(shop.database()).unwrap();
    for (number, (tampering, finding)) in (1..).zip(DRIFTS) {
        let path = folder.path().join(format!("{number}.db"));
        all.execute("vacuum into ?1", [path.to_str()]).unwrap();
        assert!(broken(&path).is_empty());
        let copy = rusqlite::Connection::open(&path).unwrap();
        let off = "pragma foreign_keys = off; pragma ignore_check_constraints = on;";
        copy.execute_batch(&format!("{off} {tampering}")).unwrap();
        drop(copy);
        let found = broken(&path);
        assert!(
            found.iter().any(|name| name.starts_with(finding)),
            "{tampering} is not found as {finding}: {found:?}"
        );
    }
}
