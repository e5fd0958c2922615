//! A copy of the database as of one moment, by SQLite's online backup (<https://www.sqlite.org/backup.html>), marked as one.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::open::{Database, connect};
use super::{not_applied, open_error::OpenError};
use crate::store::StoreError;

/// All pages in one step, and so as of one moment. A reader of a database in WAL mode stops nobody who writes.
const ALL_PAGES: i32 = -1;

impl Database {
    /// Copies the database into the empty file at `to`, an absolute path. After a failure the file is good for nothing but
    /// another attempt. It is not on the disk before its caller syncs it.
    pub fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        let from = self.read_connection().map_err(failed_to_open)?;
        let mut copy = connect_to_draft(to)?;
        let backup = Backup::new(&from, &mut copy).map_err(not_applied)?;
        let step = backup.step(ALL_PAGES).map_err(not_applied)?;
        drop(backup);
        if step != StepResult::Done {
            return Err(StoreError::Busy);
        }
        mark(&copy).map_err(not_applied)
    }
}

/// For a file that is thrown away unless all that is written to it succeeds, and that nobody else knows.
pub fn connect_to_draft(path: &Path) -> Result<Connection, StoreError> {
    let draft = connect(path).map_err(failed_to_open)?;
    draft
        .execute_batch(
            "pragma locking_mode = exclusive; pragma journal_mode = off; pragma synchronous = off;",
        )
        .map_err(not_applied)?;
    Ok(draft)
}

/// Makes a file of its own of the copy, without a log, so that it is read where nothing can be written beside it.
fn mark(copy: &Connection) -> rusqlite::Result<()> {
    copy.execute_batch(
        "pragma journal_mode = delete; pragma journal_mode = off;
         update meta set file_id = randomblob(16), copied_at = last_now, log_base = last_now;",
    )
}

pub fn failed_to_open(error: OpenError) -> StoreError {
    if matches!(error, OpenError::Busy) {
        StoreError::Busy
    } else {
        StoreError::NotApplied(error.to_string())
    }
}
