//! The time for a reader in another process than the writer's, who cannot see which time a batch in flight is judged at.

use std::time::Duration;

use rusqlite::{ErrorCode, MAIN_DB, TransactionBehavior};

use super::file::{DatabaseFile, connect};
use super::tables::counters;
use crate::sale::Timestamp;
use crate::store::{Now, OpenError};

/// `Database::time_between_batches`.
pub fn time_between_batches(
    file: &DatabaseFile,
    now: Now<'_>,
) -> Result<Option<Timestamp>, OpenError> {
    let mut conn = connect(&file.address())?;
    conn.busy_timeout(Duration::ZERO)?;
    if conn.is_readonly(MAIN_DB)? && !file.is_still() {
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
