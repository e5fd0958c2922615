//! The store as one SQLite file in WAL mode: one connection writes, a pool of others reads.

mod audit;
mod backup;
mod between_batches;
mod flush;
mod lists;
mod load;
mod look;
mod migrate;
mod open;
mod open_error;
mod read;
mod read_only;
mod replays;
mod respell;
mod restore;
mod row;
mod wal_index;

use std::io;
use std::sync::Arc;

use rusqlite::ffi::SQLITE_IOERR_WRITE;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

pub use audit::{Check, Depth, audit};
pub use open::{Access, Database, Durability};
pub use open_error::OpenError;
pub use read::SqliteReader;
pub use restore::{Gap, RestoreError, Restored, make_servable, open_source};

use wal_index::WalIndex;

use super::{Decision, Failure, Now, Rest, Store, judge_all};
use crate::sale::{Book, Command, Secret, Terms, Timestamp};

/// The writing connection. A process has at most one.
pub struct SqliteStore {
    conn: Connection,
    secret: Secret,
    commits_since_checkpoint: u32,
    /// Let go of last: see there.
    _wal_index: Arc<WalIndex>,
}

/// Commits in the log before a checkpoint is worth its fsync.
const CHECKPOINT_COMMITS: u32 = 256;

impl SqliteStore {
    /// What this database's tokens are made from.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Judges chunk after chunk in one transaction: all of it is committed, or, if any command is rejected, none. `each` is
    /// told every decision of this attempt, after a rejection too; a chunk of another attempt is none of its business.
    pub fn transact_in_chunks(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        chunks: impl Iterator<Item = Vec<Command>>,
        mut each: impl FnMut(&[Decision]),
    ) -> Result<(), Failure> {
        let tx = begin(&mut self.conn)?;
        let (mut meta, last_now) = load::meta(&tx).map_err(not_applied)?;
        let now = now(last_now);
        let mut is_refused = false;
        for commands in chunks {
            let mut book = Book::new(now, *terms, meta);
            let decisions = judge_all(&mut load::Pages::of(&tx), &mut book, &commands)?;
            each(&decisions);
            is_refused |= decisions.iter().any(Result::is_err);
            if !is_refused {
                flush::write(&tx, &book).map_err(not_applied)?;
                meta = book.meta;
            }
        }
        if is_refused {
            return Ok(());
        }
        self.commits_since_checkpoint += 1;
        commit(&tx)
    }

    fn checkpoint(&mut self, mode: &str) -> Result<(), Failure> {
        let sql = format!("pragma wal_checkpoint({mode})");
        let busy: bool = self
            .conn
            .query_row(&sql, [], |row| row.get(0))
            .map_err(not_applied)?;
        if !busy {
            self.commits_since_checkpoint = 0;
        }
        Ok(())
    }
}

impl Store for SqliteStore {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
    ) -> Result<Vec<Decision>, Failure> {
        let tx = begin(&mut self.conn)?;
        let (meta, last_now) = load::meta(&tx).map_err(not_applied)?;
        let mut book = Book::new(now(last_now), *terms, meta);
        let decisions = judge_all(&mut load::Pages::of(&tx), &mut book, commands)?;
        if book.is_changed() {
            flush::write(&tx, &book).map_err(not_applied)?;
            self.commits_since_checkpoint += 1;
        }
        commit(&tx)?;
        Ok(decisions)
    }

    fn probe(&mut self, now: Now<'_>) -> Result<(), Failure> {
        let tx = begin(&mut self.conn)?;
        let (_, last_now) = load::meta(&tx).map_err(not_applied)?;
        flush::time(&tx, now(last_now)).map_err(not_applied)?;
        self.commits_since_checkpoint += 1;
        commit(&tx)
    }

    fn next_deadline(&mut self) -> Result<Option<Timestamp>, Failure> {
        load::next_deadline(&self.conn).map_err(not_applied)
    }

    fn rest(&mut self, rest: Rest) -> Result<(), Failure> {
        match rest {
            Rest::Short if self.commits_since_checkpoint >= CHECKPOINT_COMMITS => {
                self.checkpoint("passive")
            }
            Rest::Long if self.commits_since_checkpoint > 0 => self.checkpoint("truncate"),
            Rest::Short | Rest::Long => Ok(()),
        }
    }
}

/// An error before COMMIT. The transaction's guard rolls back whatever SQLite has not rolled back itself, and nothing more
/// is written in it: after an error SQLite may already be outside of the transaction.
fn not_applied(error: rusqlite::Error) -> Failure {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Failure::Busy,
        Some(ErrorCode::ConstraintViolation) => Failure::Broken(text),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Failure::Corrupt(text),
        // Not SQLite's error but ours: a row that the sale has no words for, or an update that found no row.
        None => Failure::Broken(text),
        Some(_) => Failure::NotApplied(text),
    }
}

fn begin(conn: &mut Connection) -> Result<Transaction<'_>, Failure> {
    conn.transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(not_applied)
}

fn commit(tx: &Transaction<'_>) -> Result<(), Failure> {
    tx.execute_batch("commit")
        .map_err(|error| failed_commit(tx, &error))
}

/// An error at COMMIT, before anything is rolled back. A full disk is sure to have applied nothing once SQLite is outside
/// of the transaction, since a transaction whose last frame is not in the log does not exist; after any other I/O error
/// the commit may or may not survive a crash.
fn failed_commit(tx: &Transaction<'_>, error: &rusqlite::Error) -> Failure {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) if tx.is_autocommit() => Failure::NotApplied(text),
        Some(ErrorCode::SystemIoFailure) if tx.is_autocommit() && is_out_of_room(error) => {
            Failure::NotApplied(text)
        }
        Some(ErrorCode::DatabaseBusy) if tx.is_autocommit() => Failure::Busy,
        Some(ErrorCode::ConstraintViolation) => Failure::Broken(text),
        _ => Failure::Unknown(text),
    }
}

/// A quota and a limit on file sizes are a full disk by other names. SQLite calls both a failed write; what the system
/// called it is still this thread's last error, as only a failed call sets that.
fn is_out_of_room(error: &rusqlite::Error) -> bool {
    let is_failed_write = error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == SQLITE_IOERR_WRITE);
    is_failed_write
        && matches!(
            io::Error::last_os_error().kind(),
            io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        )
}
