//! From a working set into the tables: what a batch changed, and nothing else. Every update says what it expects to find,
//! and counts the rows that it found.

use rusqlite::Transaction;

use super::tables::{Result, counters, holds, idempotency, movements, orders, payments, products};
use crate::sale::WorkingSet;

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    products::write(tx, set)?;
    holds::write(tx, set)?;
    orders::write(tx, set)?;
    payments::write(tx, set)?;
    movements::write(tx, set)?;
    idempotency::write(tx, set)?;
    counters::write(tx, set)
}
