//! From a book into the tables: what a batch changed, and nothing else. Every update says what it expects to find, and
//! counts the rows that it found.

use rusqlite::Transaction;

use super::tables::{Result, counters, holds, idempotency, movements, orders, payments, products};
use crate::sale::Book;

pub fn write(tx: &Transaction<'_>, book: &Book) -> Result<()> {
    products::write(tx, book)?;
    holds::write(tx, book)?;
    orders::write(tx, book)?;
    payments::write(tx, book)?;
    movements::write(tx, book)?;
    idempotency::write(tx, book)?;
    counters::write(tx, book)
}
