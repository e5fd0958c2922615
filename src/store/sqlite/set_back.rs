//! The sale's time taken back to the wall clock's, after that was wrongly ahead. The database is not served meanwhile.

use rusqlite::{Transaction, named_params};

use super::error::not_applied;
use super::store::{Change, SqliteStore};
use super::tables::{Result, counters, holds, idempotency, orders, payments};
use crate::sale::{Terms, Timestamp};
use crate::store::{SetBack, StoreError};

impl SqliteStore {
    pub(super) fn take_time_back(
        &mut self,
        wall: Timestamp,
        terms: &Terms,
    ) -> std::result::Result<Option<SetBack>, StoreError> {
        self.in_transaction(|tx, log| {
            let (_, last_now) = counters::read(tx).map_err(not_applied)?;
            if last_now <= wall {
                return Ok((None, Change::None));
            }
            log.begins_from(tx, last_now)?;
            let set_back = set_back(tx, wall, terms).map_err(not_applied)?;
            Ok((Some(set_back), Change::Written))
        })
    }
}

fn set_back(tx: &Transaction<'_>, wall: Timestamp, terms: &Terms) -> Result<SetBack> {
    let pull_in = |sql, ttl_s: Option<u32>| match ttl_s {
        Some(ttl_s) => tx.execute(sql, named_params! {":fresh": wall.plus_seconds(ttl_s)}),
        // A fresh row has no deadline, and so none lies further off.
        None => Ok(0),
    };
    let set_back = SetBack {
        holds: pull_in(holds::PULL_IN, Some(terms.hold_ttl_s))?,
        orders: pull_in(orders::PULL_IN, terms.order_ttl_s)?,
        // After the holds, which some of them wait for.
        payments: pull_in(payments::PULL_IN, Some(terms.parked_ttl_s))?,
        keys: idempotency::pull_in(tx, wall.plus_seconds(terms.idempotency_ttl_s))?,
    };
    counters::set_time_back(tx, wall)?;
    Ok(set_back)
}
