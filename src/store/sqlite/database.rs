//! What a database file is to the rest of the program.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::between_batches::time_between_batches;
use super::error::not_applied;
use super::file::{DatabaseFile, OpenFiles, ServeLock, schema, write_connection};
use super::reader::{Judging, SqliteReader};
use super::rows::SqliteRows;
use super::store::SqliteStore;
use super::tables::counters;
use super::tables::kept_keys::Keys;
use super::{audit, copy};
use crate::sale::{Command, Terms, Timestamp, WorkingSet};
use crate::store::{
    Books, Check, Database, Decision, Depth, Durability, Now, OpenError, Reader, ReadingTime,
    RestoreError, Restored, Serving, Store, StoreError, rehearse,
};

impl Database for DatabaseFile {
    fn store(&self, durability: Durability) -> Result<Box<dyn Store>, OpenError> {
        self.ensure_is_no_copy()?;
        let conn = write_connection(self.path(), durability)?;
        schema::ensure_is_ours(&conn)?;
        let secret = counters::secret(&conn)?;
        let state = self.state();
        let Some(files) = OpenFiles::of(&state.file) else {
            let displacement = state.file.displacement();
            return Err(OpenError::Displaced(displacement.unwrap_or_else(|| {
                "its log was removed while it was opened".into()
            })));
        };
        let store = SqliteStore::new(conn, secret, files, state.clone());
        Ok(Box::new(store))
    }

    fn reader(
        &self,
        time: Arc<dyn ReadingTime>,
        connections_max: u32,
    ) -> Result<Box<dyn Reader>, OpenError> {
        let reader = SqliteReader::open(self, Judging::AtTimeOf(time), connections_max)?;
        Ok(Box::new(reader))
    }

    fn reader_beside(&self, began_at: Timestamp) -> Result<Box<dyn Reader>, OpenError> {
        let reader = SqliteReader::open(self, Judging::SinceCommits(began_at), 1)?;
        Ok(Box::new(reader))
    }

    fn last_now(&self) -> Result<Timestamp, OpenError> {
        let (_, last_now) = counters::read(&self.read_connection()?)?;
        Ok(last_now)
    }

    fn time_between_batches(&self, now: Now<'_>) -> Result<Option<Timestamp>, OpenError> {
        time_between_batches(self, now)
    }

    fn books(&self) -> Result<Box<dyn Books>, OpenError> {
        Ok(Box::new(self.read_connection()?))
    }

    fn make_servable(&self, skip_ids: i64) -> Result<Restored, RestoreError> {
        copy::make_servable(self.path(), skip_ids)
    }

    fn note_backup(&self, at: Timestamp) -> io::Result<()> {
        ServeLock::note_backup(self.path(), at)
    }

    fn ensure_is_no_copy(&self) -> Result<(), OpenError> {
        if self.is_copy {
            return Err(OpenError::Copy);
        }
        Ok(())
    }

    fn ensure_was_still(&self) -> Result<(), OpenError> {
        self.source.ensure_was_still()
    }
}

impl Books for Connection {
    fn audit(&self, depth: Depth) -> Result<Vec<Check>, StoreError> {
        audit::audit(self, depth)
    }

    fn rehearse(
        &self,
        terms: &Terms,
        now: Now<'_>,
        chunks: &mut dyn Iterator<Item = Vec<Command>>,
        each: &mut dyn FnMut(&[Decision]),
    ) -> Result<(), StoreError> {
        let tx = self.unchecked_transaction().map_err(not_applied)?;
        let (counters, last_now) = counters::read(&tx).map_err(not_applied)?;
        let empty = WorkingSet::new(now(last_now), *terms, counters);
        rehearse(
            &mut SqliteRows::of(&tx, Keys::without_index()),
            &empty,
            chunks,
            each,
        )
    }

    fn ensure_can_be_copied(&self) -> Result<(), OpenError> {
        Ok(())
    }

    fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        copy::back_up(self, to)
    }
}

impl Serving for ServeLock {
    fn open(&self) -> Result<Box<dyn Database>, OpenError> {
        Ok(Box::new(DatabaseFile::open_to_serve(self)?))
    }

    fn publish_clock(&self, line: &str) -> io::Result<()> {
        self.publish(line)
    }
}
