//! A database to serve out of a copy. Which ids were given out after the copy was made is lost with the disk, so all that
//! may have been are skipped: they stand in `gaps`, and no id and no token is ever given twice.

use std::fs;
use std::io;
use std::path::Path;

use rusqlite::Transaction;

use crate::sale::HoldId;
use crate::store::sqlite::error::not_applied;
use crate::store::sqlite::file::{
    DatabaseFile, ServeLock, beside, connect, connect_to_staged, migrate, schema,
};
use crate::store::sqlite::tables::{counters, payments};
use crate::store::{Access, Gap, OpenError, RestoreError, Restored};

/// What holds rows beside a database's own file.
const LOGS: [&str; 2] = ["-wal", "-journal"];

/// Opens what a database is restored from, and keeps a server from starting on it meanwhile. A file that cannot be opened where
/// it lies, since its disk has no room for what SQLite wants beside a log, is copied with its log into `folder` and opened there.
/// So is one of more names than one, or mounted alone, if it is a copy of ours, which has no log under another name; and one of
/// an older version, so that the migrated file is that copy.
pub fn open_source(file: &Path, folder: &Path) -> Result<DatabaseFile, OpenError> {
    if !file.exists() {
        return Err(OpenError::Missing);
    }
    let lock = lock(file)?;
    let mut source = match DatabaseFile::open(file, Access::Read) {
        Ok(source) => source,
        Err(error @ (OpenError::Engine(_) | OpenError::NotPermitted(_))) => {
            open_copied(file, folder).unwrap_or(Err(error))?
        }
        Err(OpenError::Older | OpenError::OlderCopy) => {
            open_copied(file, folder).map_err(OpenError::Unreadable)??
        }
        Err(error @ (OpenError::HardLinked { .. } | OpenError::MountedAlone)) => {
            match open_copied(file, folder) {
                Ok(Ok(source)) if source.is_copy => source,
                Ok(Ok(_)) | Err(_) => return Err(error),
                Ok(Err(error)) => return Err(error),
            }
        }
        Err(error) => return Err(error),
    };
    schema::ensure_is_ours(&source.read_connection()?)?;
    source.lock = lock;
    Ok(source)
}

/// In a folder where no lock file can be made, no server could start.
fn lock(file: &Path) -> Result<Option<ServeLock>, OpenError> {
    match ServeLock::take(file) {
        Err(OpenError::CannotCreate(_)) if ServeLock::published(file).is_none() => Ok(None),
        Err(OpenError::CannotCreate(_)) => Err(OpenError::Served),
        taken => taken.map(Some),
    }
}

fn open_copied(file: &Path, folder: &Path) -> io::Result<Result<DatabaseFile, OpenError>> {
    let copied = folder.join("source.db");
    fs::copy(file, &copied)?;
    for suffix in LOGS {
        match fs::copy(beside(file, suffix), beside(&copied, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(open_migrated(&copied))
}

fn open_migrated(copied: &Path) -> Result<DatabaseFile, OpenError> {
    match DatabaseFile::open(copied, Access::Read) {
        Err(OpenError::Older | OpenError::OlderCopy) => {
            migrate::bring_up_to_date(&mut connect(copied)?)?;
            DatabaseFile::open(copied, Access::Read)
        }
        opened => opened,
    }
}

/// Makes a file to serve of the copy at `path`, which no other process knows yet, with `skip_ids` ids of each kind
/// skipped. It is not on the disk before its caller syncs it.
pub fn make_servable(path: &Path, skip_ids: i64) -> Result<Restored, RestoreError> {
    let mut conn = connect_to_staged(path).map_err(not_applied)?;
    let tx = conn.transaction().map_err(not_applied)?;
    let (counters, knows_until) = counters::read(&tx).map_err(not_applied)?;
    let skipped = [
        gap("holds", counters.next_hold.get(), skip_ids)?,
        gap("orders", counters.next_order.get(), skip_ids)?,
        gap("payments", counters.next_payment.get(), skip_ids)?,
        gap("events", counters.next_event.get(), skip_ids)?,
    ];
    skip(&tx, &skipped).map_err(not_applied)?;
    let rows = |table| count(&tx, table).map_err(not_applied);
    let restored = Restored {
        knows_until,
        products: rows("products")?,
        holds: rows("holds")?,
        orders: rows("orders")?,
        payments: rows("payments")?,
        skip_ids,
        skipped: skipped.into(),
    };
    tx.execute_batch("commit").map_err(not_applied)?;
    Ok(restored)
}

fn gap(ids: &'static str, first: i64, skip_ids: i64) -> Result<Gap, RestoreError> {
    // Ids of all kinds end at the same number.
    match HoldId::new(first.saturating_add(skip_ids)) {
        Some(next) => Ok(Gap {
            ids,
            first,
            last: next.get() - 1,
        }),
        None => Err(RestoreError::OutOfIds { ids, next: first }),
    }
}

fn skip(tx: &Transaction<'_>, gaps: &[Gap]) -> rusqlite::Result<()> {
    gaps.iter().try_for_each(|gap| counters::skip(tx, gap))?;
    tx.execute(payments::END_WAIT_FOR_LOST, [])?;
    counters::unmark_copy(tx)
}

fn count(tx: &Transaction<'_>, table: &str) -> rusqlite::Result<i64> {
    let sql = format!("select count(*) from {table}");
    tx.query_row(&sql, [], |row| row.get(0))
}
