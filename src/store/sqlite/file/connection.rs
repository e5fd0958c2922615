//! Connections to a file that has been found to be ours, with the settings that every promise rests on read back and
//! checked.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags};

use crate::store::{Durability, OpenError};

pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
pub const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX)
    .union(OpenFlags::SQLITE_OPEN_URI);
const STATEMENTS_CACHED: usize = 64;

/// The connection that writes. It never waits for another process's lock: its user decides how long to be patient.
pub fn write_connection(path: &Path, durability: Durability) -> Result<Connection, OpenError> {
    let conn = connect(path)?;
    write_ahead(&conn)?;
    let (synchronous, level) = match durability {
        Durability::Full => ("pragma synchronous = full", 2_i64),
        Durability::Normal => ("pragma synchronous = normal", 1),
    };
    conn.execute_batch(synchronous)?;
    check(&conn, "pragma synchronous", level)?;
    // At a commit after pages were split out of their order, SQLite goes through all that it remembers: 4 MiB, since more takes
    // longer than what is read again.
    conn.execute_batch(
        "pragma wal_autocheckpoint = 0; pragma cache_spill = off; pragma cache_size = -4096;
         pragma journal_size_limit = 67108864;",
    )?;
    conn.busy_timeout(Duration::ZERO)?;
    Ok(conn)
}

/// A connection to a file that is thrown away unless all that is written to it succeeds, and that no other process knows.
pub fn connect_to_staged(path: &Path) -> rusqlite::Result<Connection> {
    let staged = connect(path)?;
    staged.execute_batch(
        "pragma locking_mode = exclusive; pragma journal_mode = off; pragma synchronous = off;",
    )?;
    Ok(staged)
}

/// By an absolute path, or by a URI of our own: SQLite reads meanings into names like `:memory:` and
/// `file:shop.db?mode=memory`.
pub fn connect(address: &Path) -> rusqlite::Result<Connection> {
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

pub fn write_ahead(conn: &Connection) -> Result<(), OpenError> {
    check(conn, "pragma journal_mode = wal", "wal".to_owned())
}

fn check<T: FromSql + PartialEq + Display>(
    conn: &Connection,
    pragma: &str,
    wanted: T,
) -> Result<(), OpenError> {
    let answer: T = conn.query_row(pragma, [], |row| row.get(0))?;
    if answer == wanted {
        return Ok(());
    }
    let refusal = format!("SQLite answered `{answer}` to `{pragma}`");
    Err(OpenError::Engine(refusal))
}
