//! Opening the database file: ours or nobody's, readable by its owner alone, in WAL mode, with the settings that every
//! promise rests on read back and checked.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::files::{self, NamedFile, OpenFiles};
use super::lineage::ensure_log_is_its_own;
use super::lock::ServeLock;
use super::migrate::{self, State};
use super::open_error::OpenError;
use super::opened::Opened;
use super::read_only::Source;
use super::tables::counters;
use super::{SqliteReader, SqliteStore, schema};
use crate::sale::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every commit is on the disk before it is answered.
    Full,
    /// A power loss may take the last commits back, never consistency.
    Normal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    CreateOrMigrate,
    /// The database must be there, in the newest version.
    Existing,
    /// The same, for whoever reads and may be allowed no more.
    Read,
}

/// A database file that has been found to be ours and up to date.
#[derive(Clone, Debug)]
pub struct Database {
    path: PathBuf,
    source: Arc<Source>,
    /// That `backup` made.
    is_copy: bool,
    opened: Arc<Opened>,
}

pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
pub const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX)
    .union(OpenFlags::SQLITE_OPEN_URI);
const STATEMENTS_CACHED: usize = 64;

/// SQLite before 3.51.3 can corrupt a WAL that two processes write.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

impl Database {
    /// To create or migrate takes the serve lock, and so is refused beside a server.
    pub fn open(path: &Path, access: Access) -> Result<Database, OpenError> {
        Database::open_with(path, access, None)
    }

    /// For whoever holds the lock already.
    pub fn open_to_serve(path: &Path, lock: &ServeLock) -> Result<Database, OpenError> {
        Database::open_with(path, Access::CreateOrMigrate, Some(lock))
    }

    fn open_with(
        path: &Path,
        access: Access,
        lock: Option<&ServeLock>,
    ) -> Result<Database, OpenError> {
        assert!(
            rusqlite::version_number() >= SQLITE_VERSION_MIN,
            "the bundled SQLite is new enough"
        );
        let path = std::path::absolute(path).map_err(OpenError::CannotCreate)?;
        let is_there = look_at_file(&path)?;
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
            (State::Older, Access::Existing | Access::Read) => return Err(OpenError::Older),
            (State::Fresh, Access::Existing | Access::Read) if !files::has_content(&path) => {
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
            None => Ok(Database {
                opened: Arc::new(Opened::new(file)),
                path,
                source: Arc::new(source),
                is_copy,
            }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What reading connections open.
    pub(super) fn address(&self) -> PathBuf {
        self.source.address(&self.path)
    }

    /// The writing connection. It never waits for another process's lock: whoever writes decides how long to be patient.
    /// A copy has none.
    pub fn writer(&self, durability: Durability) -> Result<SqliteStore, OpenError> {
        self.ensure_is_no_copy()?;
        let conn = connect(&self.path)?;
        write_ahead(&conn)?;
        let (synchronous, level) = match durability {
            Durability::Full => ("pragma synchronous = full", 2),
            Durability::Normal => ("pragma synchronous = normal", 1),
        };
        conn.execute_batch(synchronous)?;
        check(&conn, "pragma synchronous", level)?;
        conn.execute_batch(
            "pragma wal_autocheckpoint = 0; pragma cache_spill = off; pragma cache_size = -32768;
             pragma journal_size_limit = 67108864;",
        )?;
        conn.busy_timeout(Duration::ZERO)?;
        schema::ensure_is_ours(&conn)?;
        let secret = counters::secret(&conn)?;
        let Some(files) = OpenFiles::of(&self.opened.file) else {
            let displacement = self.opened.file.displacement();
            return Err(OpenError::Displaced(displacement.unwrap_or_else(|| {
                "its log was removed while it was opened".into()
            })));
        };
        Ok(SqliteStore::new(conn, secret, files, self.opened.clone()))
    }

    pub fn ensure_is_no_copy(&self) -> Result<(), OpenError> {
        if self.is_copy {
            return Err(OpenError::Copy);
        }
        Ok(())
    }

    /// A pool of at most `connections_max` reading connections.
    pub fn reader(&self, connections_max: u32) -> Result<SqliteReader, OpenError> {
        SqliteReader::open(&self.address(), self.opened.clone(), connections_max)
    }

    /// The latest time that any transaction was judged at.
    pub fn last_now(&self) -> Result<Timestamp, OpenError> {
        let (_, last_now) = counters::read(&self.read_connection()?)?;
        Ok(last_now)
    }

    /// One reading connection, for a command that walks the whole database.
    pub fn read_connection(&self) -> Result<Connection, OpenError> {
        let conn = connect(&self.address())?;
        conn.execute_batch("pragma query_only = on")?;
        Ok(conn)
    }

    /// Whether nobody has it open but readers like this one.
    pub(super) fn is_still(&self) -> bool {
        matches!(*self.source, Source::Still { .. })
    }

    /// Asked by whoever has read, before what was read is believed.
    pub fn ensure_was_still(&self) -> Result<(), OpenError> {
        self.source.ensure_was_still()
    }
}

/// Whether there is a file, and one that can be a database.
fn look_at_file(path: &Path) -> Result<bool, OpenError> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match fs::symlink_metadata(path) {
        Ok(metadata) => files::ensure_is_one_file(path, &metadata).map(|()| true),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(false),
        Err(error) => Err(OpenError::Unreadable(error)),
    }
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

/// By an absolute path, or by a URI of our own: SQLite reads meanings into names like `:memory:` and
/// `file:shop.db?mode=memory`.
pub fn connect(address: &Path) -> Result<Connection, OpenError> {
    let conn = Connection::open_with_flags(address, FLAGS)?;
    configure(&conn)?;
    Ok(conn)
}

/// What every connection needs, readers too.
pub fn configure(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // A plan that looks at bound values is made anew for each of them, where there are partial indexes.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    conn.execute_batch("pragma cell_size_check = on; pragma mmap_size = 0;")
}

fn write_ahead(conn: &Connection) -> Result<(), OpenError> {
    let answer: String = conn.query_row("pragma journal_mode = wal", [], |row| row.get(0))?;
    if answer == "wal" {
        Ok(())
    } else {
        Err(OpenError::Refused {
            pragma: "journal_mode = wal",
            answer,
        })
    }
}

fn check(conn: &Connection, pragma: &'static str, wanted: i64) -> Result<(), OpenError> {
    let answer: i64 = conn.query_row(pragma, [], |row| row.get(0))?;
    if answer == wanted {
        Ok(())
    } else {
        Err(OpenError::Refused {
            pragma,
            answer: answer.to_string(),
        })
    }
}
