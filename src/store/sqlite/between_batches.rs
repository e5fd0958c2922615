//! The time for a reader in another process than the writer's, who cannot see which time a batch in flight is judged at.

use std::time::Duration;

use rusqlite::{ErrorCode, MAIN_DB, TransactionBehavior};

use super::open::connect;
use super::tables::counters;
use super::{Database, OpenError};
use crate::sale::Timestamp;
use crate::store::Now;

impl Database {
    /// A time that no batch which commits later is judged before: what it calls expired, none of them calls alive. Taken
    /// while nobody else can write; the newest committed one where this user may not write, and so cannot keep others from
    /// it. `None` where somebody is writing.
    pub fn time_between_batches(&self, now: Now<'_>) -> Result<Option<Timestamp>, OpenError> {
        let mut conn = connect(&self.address())?;
        conn.busy_timeout(Duration::ZERO)?;
        if conn.is_readonly(MAIN_DB)? && !self.is_still() {
            let (_, last_now) = counters::read(&conn)?;
            return Ok(Some(last_now));
        }
        match conn.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(tx) => {
                let (_, last_now) = counters::read(&tx)?;
                Ok(Some(now(last_now)))
            }
            Err(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }
}
