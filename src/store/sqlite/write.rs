//! From a working set into the tables: what a batch changed, and nothing else. Every update says what it expects to find,
//! and counts the rows that it found.

use rusqlite::Transaction;

use super::key_index::KeyChanges;
use super::tables::kept_keys::Keys;
use super::tables::{
    Result, counters, events, holds, kept_keys, movements, orders, payments, products, reversals,
};
use crate::sale::WorkingSet;

pub fn write(tx: &Transaction<'_>, set: &WorkingSet, keys: &mut Keys<'_>) -> Result<KeyChanges> {
    products::write(tx, set)?;
    holds::write(tx, set)?;
    orders::write(tx, set)?;
    payments::write(tx, set)?;
    reversals::write(tx, set)?;
    movements::write(tx, set)?;
    events::write(tx, set)?;
    let key_changes = kept_keys::write(tx, set, keys)?;
    counters::write(tx, set)?;
    Ok(key_changes)
}
