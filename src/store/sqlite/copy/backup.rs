//! A copy of the database as of one moment, by SQLite's online backup (<https://www.sqlite.org/backup.html>), marked as one.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::store::StoreError;
use crate::store::sqlite::error::not_applied;
use crate::store::sqlite::file::connect_to_staged;
use crate::store::sqlite::tables::counters;

/// All pages in one step, and so as of one moment. A reader of a database in WAL mode keeps no writer waiting.
const ALL_PAGES: i32 = -1;

/// `Books::back_up`.
pub fn back_up(from: &Connection, to: &Path) -> Result<(), StoreError> {
    let mut copy = connect_to_staged(to).map_err(not_applied)?;
    let backup = Backup::new(from, &mut copy).map_err(not_applied)?;
    let step = backup.step(ALL_PAGES).map_err(not_applied)?;
    drop(backup);
    if step != StepResult::Done {
        return Err(StoreError::Busy);
    }
    mark(&copy).map_err(not_applied)
}

/// Makes a file of its own of the copy, without a log, so that it is read where nothing can be written beside it.
fn mark(copy: &Connection) -> rusqlite::Result<()> {
    copy.execute_batch("pragma journal_mode = delete; pragma journal_mode = off;")?;
    counters::mark_as_copy(copy)
}
