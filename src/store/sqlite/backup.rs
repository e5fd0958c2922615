//! A copy of the database as of one moment, by SQLite's online backup (<https://www.sqlite.org/backup.html>).

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};

use super::open::{Database, connect};
use super::{not_applied, open_error::OpenError};
use crate::store::Failure;

/// All pages in one step, and so as of one moment. A reader of a database in WAL mode stops nobody who writes.
const ALL_PAGES: i32 = -1;

impl Database {
    /// Copies the database into the empty file at `to`, an absolute path. After a failure the file is good for nothing but
    /// another attempt. It is not on the disk before its caller syncs it.
    pub fn back_up(&self, to: &Path) -> Result<(), Failure> {
        let from = self.read_connection().map_err(failed_to_open)?;
        let mut copy = connect(to).map_err(failed_to_open)?;
        // A copy that is not finished is thrown away: nobody rolls it back.
        copy.execute_batch("pragma journal_mode = off; pragma synchronous = off;")
            .map_err(not_applied)?;
        let backup = Backup::new(&from, &mut copy).map_err(not_applied)?;
        let step = backup.step(ALL_PAGES).map_err(not_applied)?;
        if step == StepResult::Done {
            Ok(())
        } else {
            Err(Failure::Busy)
        }
    }
}

fn failed_to_open(error: OpenError) -> Failure {
    if matches!(error, OpenError::Busy) {
        Failure::Busy
    } else {
        Failure::NotApplied(error.to_string())
    }
}
