//! One file a table: how its columns are read and written, what is asked of it, and what `verify` asks.

mod answered_product;
pub mod counters;
pub mod events;
pub mod holds;
pub mod idempotency;
mod insert;
pub mod kept_keys;
pub mod movements;
pub mod orders;
pub mod payments;
pub mod products;
pub mod reversals;

use rusqlite::{CachedStatement, Params, Row};

use crate::sale::Line;

pub type Result<T> = rusqlite::Result<T>;

/// A name, how many rows it concerns, and how many of them break it.
pub type Question = (&'static str, &'static str, &'static str);

/// Runs a statement that must change exactly one row.
fn one_row(statement: &mut CachedStatement<'_>, params: impl Params) -> Result<()> {
    match statement.execute(params)? {
        1 => Ok(()),
        rows => Err(rusqlite::Error::StatementChangedRows(rows)),
    }
}

/// A list of rows, which may be narrowed further: the select, the column of the rows' own numbers, and how a row is read.
pub struct List<T> {
    pub select: &'static str,
    pub number: &'static str,
    pub read: fn(&Row<'_>) -> Result<T>,
}

/// A limit as SQLite takes one.
pub fn limit(rows_max: usize) -> i64 {
    i64::try_from(rows_max).unwrap_or(i64::MAX)
}

/// Holds and orders have it in the same columns.
fn line(row: &Row<'_>) -> Result<Line> {
    Ok(Line {
        product: row.get("product_id")?,
        quantity: row.get("quantity")?,
        unit_price: row.get("unit_price")?,
    })
}
