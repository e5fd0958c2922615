//! Whether the log beside a database is the database's own. SQLite plays any log that it finds under the right name, and so
//! the log of a file that was replaced by another would be played into that other one.
//!
//! `meta` tells. A log belongs to a file of the same `file_id` whose pages are of the log's own generation. `log_base` is
//! written by the first transaction that finds the whole log in the file: it is then the file's `last_now`. So the file
//! without its log either still is what that generation began from (its `last_now` is the log's `log_base`), or a
//! checkpoint has brought pages of that generation into it (its `log_base` is the log's). A file that was copied before, or
//! comes from elsewhere, is neither.

use std::path::Path;
use std::thread;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::connection::BUSY_TIMEOUT;
use super::migrate::{self, State};
use super::named_file::{beside, has_content};
use super::source::address_of_still;
use crate::store::sqlite::audit::audit;
use crate::store::{Depth, OpenError};

/// Beside a server, the file without its log may be caught while a checkpoint writes a page.
const LOOKS_MAX: usize = 5;

/// Refuses a log that belongs to another file, without playing it. To be asked before anything else opens the database.
pub fn ensure_log_is_its_own(database: &Path) -> Result<(), OpenError> {
    let log = beside(database, "-wal");
    if !has_content(&log) {
        return Ok(());
    }
    // SQLite would remove the log from beside an empty file.
    if !has_content(database) {
        return Err(OpenError::ForeignLog(log));
    }
    let mut belong_together = Ok(false);
    for _ in 0..LOOKS_MAX {
        belong_together = do_belong_together(database);
        match belong_together {
            Ok(true) => return Ok(()),
            Ok(false) | Err(OpenError::NotOurs | OpenError::Damaged(_)) => thread::yield_now(),
            Err(_) => break,
        }
    }
    match belong_together {
        Err(OpenError::NotOurs | OpenError::Damaged(_)) if is_whole_with_log(database)? => {
            log::warn!(
                "{}: a page was torn while it was written, as when the power fails; the log has it whole, and with the log the \
                 books are right",
                database.display()
            );
            Ok(())
        }
        Ok(_) => Err(OpenError::ForeignLog(log)),
        Err(error) => Err(error),
    }
}

/// Asked where the file without its log cannot be read, since a checkpoint was cut off within the page of `meta`. A log brings
/// every page whole that a checkpoint was writing; one of another file leaves pages of two sales, whose books do not agree.
fn is_whole_with_log(database: &Path) -> Result<bool, OpenError> {
    let with_log = open_with_log(database)?;
    let tx = with_log.unchecked_transaction()?;
    if !matches!(Content::of(&tx), Ok(Content::Current(_))) {
        return Ok(false);
    }
    let checks = audit(&tx, Depth::Full);
    Ok(checks.is_ok_and(|checks| checks.iter().all(|check| check.broken == 0)))
}

fn do_belong_together(database: &Path) -> Result<bool, OpenError> {
    let with_log = open_with_log(database)?;
    // As long as this transaction is open, no checkpoint passes what it sees.
    let tx = with_log.unchecked_transaction()?;
    let with_log = Content::of(&tx);
    fit(Content::of(&open_without_log(database)?)?, with_log)
}

/// Whether the log that this connection reads is still the file's own: no other process has brought anything else into the
/// file.
pub fn is_log_of(conn: &Connection, database: &Path) -> Result<bool, OpenError> {
    fit(
        Content::of(&open_without_log(database)?)?,
        Content::of(conn),
    )
}

fn fit(without_log: Content, with_log: Result<Content, OpenError>) -> Result<bool, OpenError> {
    Ok(match (without_log, with_log) {
        // All that versions before the third tell.
        (Content::Older(file), Ok(Content::Older(log))) => file == log,
        (Content::Current(file), Ok(Content::Current(log))) => {
            file.file_id == log.file_id
                && (file.last_now == log.log_base || file.log_base == log.log_base)
        }
        // A log is not begun before its file has a schema, nor kept when that is migrated.
        (Content::Fresh, _) | (_, Ok(Content::Fresh | Content::Older(_) | Content::Current(_))) => {
            false
        }
        // Pages of one file under the root of another.
        (_, Err(OpenError::NotOurs | OpenError::Newer { .. } | OpenError::Damaged(_))) => false,
        // A disk that is full or broken tells nothing of where the log belongs.
        (_, Err(error)) => return Err(error),
    })
}

enum Content {
    Fresh,
    /// What its tokens are made from.
    Older(Vec<u8>),
    Current(Generation),
}

struct Generation {
    file_id: Vec<u8>,
    last_now: i64,
    log_base: i64,
}

impl Content {
    fn of(conn: &Connection) -> Result<Content, OpenError> {
        Ok(match migrate::state(conn)? {
            State::Fresh => Content::Fresh,
            State::Older => {
                Content::Older(conn.query_row("select token_secret from meta", [], |row| {
                    row.get("token_secret")
                })?)
            }
            State::Current => Content::Current(conn.query_row(
                "select file_id, last_now, log_base from meta",
                [],
                |row| {
                    Ok(Generation {
                        file_id: row.get("file_id")?,
                        last_now: row.get("last_now")?,
                        log_base: row.get("log_base")?,
                    })
                },
            )?),
        })
    }
}

/// As everybody sees it, but a log that is another's stays as it is when this is closed.
fn open_with_log(database: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(database, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(conn)
}

/// The pages of the file itself: SQLite looks for no log of a file that it is told never changes.
fn open_without_log(database: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(address_of_still(database), flags)?;
    // Where a reader stopped a checkpoint, the first page may already count pages that are still in the log alone.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
    Ok(conn)
}
