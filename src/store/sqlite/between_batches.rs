//! The time for a reader in another process than the writer's, who cannot see which time a batch in flight is judged at.

use std::time::Duration;

use rusqlite::{ErrorCode, TransactionBehavior};

use super::open::connect;
use super::{Database, OpenError, load};
use crate::sale::Timestamp;
use crate::store::Now;

impl Database {
    /// A time taken while nobody else can write: what it calls expired, no batch that commits later calls alive. `None`
    /// where somebody is writing, or where this user may not.
    pub fn time_between_batches(&self, now: Now<'_>) -> Result<Option<Timestamp>, OpenError> {
        let mut conn = connect(self.path())?;
        conn.busy_timeout(Duration::ZERO)?;
        match conn.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(tx) => {
                let (_, last_now) = load::meta(&tx)?;
                Ok(Some(now(last_now)))
            }
            Err(error) => match error.sqlite_error_code() {
                Some(
                    ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen,
                ) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }
}
