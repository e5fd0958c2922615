//! The proof of the books: every invariant of the sale asked of the tables themselves, one short read each, so that it can
//! run beside a live server.

use rusqlite::{Connection, Row};

use super::error::{is_of_a_value, not_applied};
use super::statements::Queries;
use super::tables::{
    counters, events, holds, idempotency, movements, orders, payments, products, reversals,
};
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
        checks.push(readable(conn)?);
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

/// SQLite takes any bytes for a text, and any text for a word of ours that no constraint spells.
fn readable(conn: &Connection) -> Result<Check, StoreError> {
    let mut check = Check {
        name: "every row can be read",
        checked: 0,
        broken: 0,
    };
    read_all(conn, &mut check).map_err(not_applied)?;
    Ok(check)
}

fn read_all(conn: &Connection, check: &mut Check) -> rusqlite::Result<()> {
    read_each(conn, products::ALL, products::read, check)?;
    read_each(conn, holds::ALL, holds::read, check)?;
    read_each(conn, orders::ALL, orders::read, check)?;
    read_each(conn, payments::ALL, payments::read_whole, check)?;
    read_each(conn, reversals::ALL, reversals::read_whole, check)?;
    read_each(conn, movements::ALL, movements::read, check)?;
    read_each(conn, events::ALL, events::read, check)?;
    read_each(conn, "select * from replays", idempotency::read, check)
}

fn read_each<T>(
    conn: &Connection,
    sql: &'static str,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
    check: &mut Check,
) -> rusqlite::Result<()> {
    conn.each(sql, [], read, |rows| {
        for row in rows {
            check.checked += 1;
            match row {
                Ok(_) => {}
                Err(error) if is_of_a_value(&error) => check.broken += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(())
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
