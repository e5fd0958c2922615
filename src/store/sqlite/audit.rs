//! The proof of the books: every invariant of the sale asked of the tables themselves, one short read each, so that it can
//! run beside a live server.

use rusqlite::Connection;

use super::error::not_applied;
use super::tables::{counters, events, holds, idempotency, orders, payments, products, reversals};
use crate::store::{Check, Depth, StoreError};

/// Asks every check. Drift is a finding, not a failure: it stands in `broken`.
pub fn audit(conn: &Connection, depth: Depth) -> Result<Vec<Check>, StoreError> {
    let mut checks = Vec::new();
    let tables = [
        products::CHECKS,
        holds::CHECKS,
        orders::CHECKS,
        payments::CHECKS,
        events::CHECKS,
        reversals::CHECKS,
        idempotency::CHECKS,
        counters::CHECKS,
    ];
    // Each is asked in one statement, and so of one moment.
    for &(name, concerned, breaking) in tables.into_iter().flatten() {
        let sql = format!("select ({concerned}) as checked, ({breaking}) as broken");
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Check {
                name,
                checked: row.get(0)?,
                broken: row.get(1)?,
            })
        };
        checks.push(conn.query_row(&sql, [], read).map_err(not_applied)?);
    }
    checks.push(foreign_keys(conn)?);
    if depth == Depth::Full {
        checks.push(integrity(conn)?);
    }
    Ok(checks)
}

fn foreign_keys(conn: &Connection) -> Result<Check, StoreError> {
    let broken = count_rows(conn, "pragma foreign_key_check", |_| true)?;
    Ok(Check {
        name: "foreign_key_check",
        checked: 1,
        broken,
    })
}

fn integrity(conn: &Connection) -> Result<Check, StoreError> {
    let broken = count_rows(conn, "pragma integrity_check", |finding| {
        finding != Some("ok")
    })?;
    Ok(Check {
        name: "integrity_check",
        checked: 1,
        broken,
    })
}

fn count_rows(
    conn: &Connection,
    sql: &str,
    counts: fn(Option<&str>) -> bool,
) -> Result<i64, StoreError> {
    let mut statement = conn.prepare(sql).map_err(not_applied)?;
    let mut rows = statement.query([]).map_err(not_applied)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(not_applied)? {
        let finding = row.get_ref(0).ok().and_then(|value| value.as_str().ok());
        count += i64::from(counts(finding));
    }
    Ok(count)
}
