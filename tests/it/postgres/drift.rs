//! What `verify` proves on a server, each check with its negative control.

use flashsale::store::postgres::{Role, Server, Session, Step, Url};
use flashsale::store::{self, Access, Check, Depth};

use super::Schema;
use super::copy;
use crate::reversals::drift as reversals;
use crate::verify::{DRIFTS, with_some_of_everything};

/// What only a file has: a table of keys whose rows are numbered.
const OF_FILES: [&str; 2] = ["no idempotency key is kept twice", "foreign_key_check"];

/// What constraints, keys among tables and triggers make impossible in a file.
const OF_SERVERS: [(&str, &str); 6] = [
    (
        "alter table orders drop constraint orders_hold_id_key; update orders set hold_id = 1",
        "no hold has two orders",
    ),
    (
        "alter table payments drop constraint payments_key_key; update payments set key = 'k'",
        "no payment key took effect twice",
    ),
    (
        "update holds set product_id = 99 where status = 'released'",
        "every hold's product is there",
    ),
    (
        "update orders set hold_id = 99 where id = 1",
        "every order is its hold's",
    ),
    (
        "update payments set order_id = 99 where key = 'k'",
        "every order that a payment belongs to is there",
    ),
    (
        "insert into writers select 'ada', 1, last_now + 1 from meta",
        "no process wrote a batch later than the last one",
    ),
];

#[test]
fn verify_finds_each_kind_of_drift_on_a_server() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = with_some_of_everything();
    copy::run(&premises, &schema, &["copy", "flash_sale.db", "-"]).succeeded();
    let drifts = DRIFTS
        .iter()
        .filter(|(_, finding)| !OF_FILES.contains(finding));
    let drifts: Vec<_> = drifts.chain(&OF_SERVERS).copied().collect();
    each_is_found(&Url::parse(&schema.url()).unwrap(), &drifts);
    let checks = checks(&schema).into_iter().map(|check| check.name);
    let untold: Vec<_> = checks
        .filter(|name| !told(&drifts, name) && !told(reversals::DRIFTS, name))
        .collect();
    assert_eq!(untold, Vec::<&str>::new(), "no drift is found by these");
}

fn told(drifts: &[(&str, &str)], check: &str) -> bool {
    let mut findings = drifts.iter().map(|(_, finding)| finding);
    findings.any(|finding| check.starts_with(finding))
}

/// Each in a copy of its own, without constraints: SQL that breaks the books, and the check that finds it.
pub fn each_is_found(right: &Url, drifts: &[(&str, &str)]) {
    let mut session = Session::connect(&Server::new(right).unwrap(), Role::Read).unwrap();
    let name = Step::new("select current_schema()::text");
    let name: String = session.run(&[name]).unwrap()[0][0].get(0);
    for (tampering, finding) in drifts {
        let copy = copied(&name);
        assert_eq!(broken(&copy), Vec::<&str>::new());
        copy.session().execute(tampering).unwrap();
        let found = broken(&copy);
        assert!(
            found.iter().any(|name| name.starts_with(finding)),
            "{tampering} is not found as {finding}: {found:?}"
        );
    }
}

fn copied(schema: &str) -> Schema {
    let copy = Schema::new().unwrap();
    let tables = format!(
        "do $$ declare name text; begin
            for name in select tablename from pg_tables where schemaname = '{schema}' loop
                execute format('create table %1$I (like {schema}.%1$I including indexes)', name);
                execute format('insert into %1$I select * from {schema}.%1$I', name);
            end loop;
         end $$"
    );
    copy.session().execute(&tables).unwrap();
    copy
}

fn broken(schema: &Schema) -> Vec<&'static str> {
    let checks = checks(schema).into_iter();
    let broken = checks.filter(|check| check.broken > 0);
    broken.map(|check| check.name).collect()
}

fn checks(schema: &Schema) -> Vec<Check> {
    let database = store::open(&schema.place(), Access::Read).unwrap();
    database.books().unwrap().audit(Depth::Quick).unwrap()
}
