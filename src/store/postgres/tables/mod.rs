//! One file a table: its columns, how its rows are read and written, and what `verify` asks of it.

pub mod counters;
pub mod events;
pub mod holds;
pub mod idempotency;
pub mod movements;
pub mod orders;
pub mod payments;
pub mod products;
pub mod reversals;
pub mod writers;

use tokio_postgres::Row;

use super::server_error::ServerError;
use crate::sale::Line;

pub type Result<T> = std::result::Result<T, ServerError>;

/// A name, how many rows it concerns, and how many of them break it.
pub type Question = (&'static str, &'static str, &'static str);

pub fn all<T>(rows: Vec<Row>, read: fn(&Row) -> Result<T>) -> Result<Vec<T>> {
    rows.iter().map(read).collect()
}

/// A number of rows, or a limit, as the server takes one.
pub fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Holds and orders have it in the same columns.
fn line(row: &Row) -> Result<Line> {
    Ok(Line {
        product: row.try_get("product_id")?,
        quantity: row.try_get("quantity")?,
        unit_price: row.try_get("unit_price")?,
    })
}
