//! The sale's time taken back to the wall clock's, after that was wrongly ahead. The database is not served meanwhile.

use rusqlite::Transaction;

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
    let fresh = |ttl_s| wall.plus_seconds(ttl_s);
    let set_back = SetBack {
        holds: holds::pull_in(tx, fresh(terms.hold_ttl_s))?,
        orders: match terms.order_ttl_s {
            Some(ttl_s) => orders::pull_in(tx, fresh(ttl_s))?,
            // A fresh order has no deadline, and so none lies further off.
            None => 0,
        },
        // After the holds, which some of them wait for.
        payments: payments::pull_in(tx, fresh(terms.parked_ttl_s))?,
        keys: idempotency::pull_in(tx, fresh(terms.idempotency_ttl_s))?,
    };
    counters::set_time_back(tx, wall)?;
    Ok(set_back)
}
