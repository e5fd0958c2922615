//! Opening the database file: ours or a new one, readable by its owner alone, in WAL mode, with the settings that every
//! promise rests on read back and checked.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use rustix::fs::access;

use super::connection::{connect, write_ahead};
use super::lineage::ensure_log_is_its_own;
use super::migrate::{self, State};
use super::named_file::{self, NamedFile};
use super::open_state::OpenState;
use super::serve_lock::ServeLock;
use super::source::Source;
use crate::store::sqlite::tables::counters;
use crate::store::{Access, OpenError};

/// SQLite before 3.51.3 can corrupt a WAL that two processes write.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// A database file that has been found to be ours and up to date.
#[derive(Debug)]
pub struct DatabaseFile {
    path: PathBuf,
    pub source: Source,
    /// That `backup` made.
    pub is_copy: bool,
    state: Arc<OpenState>,
    /// Keeps the database from being served while it is read.
    pub lock: Option<ServeLock>,
}

impl DatabaseFile {
    /// To create or migrate takes the serve lock, and so is refused beside a server.
    pub fn open(path: &Path, access: Access) -> Result<DatabaseFile, OpenError> {
        DatabaseFile::open_with(path, access, None)
    }

    /// For the holder of the serve lock.
    pub fn open_to_serve(lock: &ServeLock) -> Result<DatabaseFile, OpenError> {
        DatabaseFile::open_with(&lock.database, Access::CreateOrMigrate, Some(lock))
    }

    fn open_with(
        path: &Path,
        access: Access,
        lock: Option<&ServeLock>,
    ) -> Result<DatabaseFile, OpenError> {
        assert!(
            rusqlite::version_number() >= SQLITE_VERSION_MIN,
            "the bundled SQLite is new enough"
        );
        let path = std::path::absolute(path).map_err(OpenError::CannotCreate)?;
        let is_there = is_database_file(&path)?;
        if !is_there && access != Access::CreateOrMigrate {
            return Err(OpenError::Missing);
        }
        let source = match access {
            Access::Read => Source::of(&path)?,
            Access::CreateOrMigrate | Access::Existing => Source::Live,
        };
        if !matches!(source, Source::Still { .. }) {
            ensure_log_is_its_own(&source.address(&path))?;
        }
        if !is_there {
            create(&path)?;
        }
        let mut conn = connect(&source.address(&path))?;
        let state = migrate::state(&*conn.unchecked_transaction()?)?;
        // Now that it is open: an overlay gives a file another inode when it is first opened to be written.
        let file = NamedFile::at(path.clone()).ok_or(OpenError::Missing)?;
        match (state, access) {
            (State::Current, _) => {}
            (State::Older, access) if migrate::is_older_copy(&conn)? => {
                return Err(match access {
                    Access::Existing | Access::Read => OpenError::OlderCopy,
                    Access::CreateOrMigrate => OpenError::Copy,
                });
            }
            (State::Older, Access::Existing | Access::Read) => return Err(OpenError::Older),
            (State::Fresh, Access::Existing | Access::Read) if !named_file::has_content(&path) => {
                return Err(OpenError::Missing);
            }
            (State::Fresh, Access::Existing | Access::Read) => return Err(OpenError::NotOurs),
            (State::Older | State::Fresh, Access::CreateOrMigrate) => {
                let _held = match lock {
                    Some(_) => None,
                    None => Some(ServeLock::take(&path)?),
                };
                migrate::bring_up_to_date(&mut conn)?;
            }
        }
        let is_copy = counters::is_copy(&conn)?;
        // A copy is read as it lies, and who only reads leaves every database so.
        if !is_copy && access != Access::Read {
            write_ahead(&conn)?;
        }
        match file.displacement() {
            Some(displacement) => Err(OpenError::Displaced(displacement)),
            None => Ok(DatabaseFile {
                state: Arc::new(OpenState::new(file)),
                path,
                source,
                is_copy,
                lock: None,
            }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What reading connections open.
    pub fn address(&self) -> PathBuf {
        self.source.address(&self.path)
    }

    /// What everybody shares who has the file open in this process.
    pub fn state(&self) -> &Arc<OpenState> {
        &self.state
    }

    /// One reading connection, for a command that walks the whole database.
    pub fn read_connection(&self) -> Result<Connection, OpenError> {
        let conn = connect(&self.address())?;
        conn.execute_batch("pragma query_only = on")?;
        Ok(conn)
    }

    /// Whether only readers like this one have it open.
    pub fn is_still(&self) -> bool {
        matches!(self.source, Source::Still { .. })
    }
}

/// Whether there is a file, and one that can be a database.
fn is_database_file(path: &Path) -> Result<bool, OpenError> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match fs::symlink_metadata(path) {
        Ok(metadata) => named_file::ensure_is_one_file(path, &metadata).map(|()| true),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(false),
        Err(error) => Err(OpenError::Unreadable(error)),
    }
}

/// Whether the folder is there, and one that this user may make a file in; nothing is made.
pub fn ensure_can_be_made(path: &Path) -> Result<(), OpenError> {
    let path = std::path::absolute(path).map_err(OpenError::CannotCreate)?;
    let folder = path.parent().unwrap_or(&path).join(".");
    access(
        &folder,
        rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK,
    )
    .map_err(|error| OpenError::CannotCreate(error.into()))
}

/// Made empty with the right mode before SQLite sees it; its WAL takes the mode over.
fn create(path: &Path) -> Result<(), OpenError> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::CannotCreate(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_another_process_makes_at_the_same_moment_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        for _ in 0..2 {
            create(&path).unwrap();
        }
        let failure = create(&path.join("beneath a file")).unwrap_err();
        assert!(matches!(failure, OpenError::CannotCreate(_)));
    }
}
