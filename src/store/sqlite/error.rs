//! What an error of SQLite's means for the batch: whether nothing was applied, whose fault it is, and who must stop.

use std::io;

use rusqlite::ffi::SQLITE_IOERR_WRITE;
use rusqlite::{ErrorCode, Transaction};

use crate::store::{OpenError, StoreError};

/// An error before COMMIT. The transaction's guard rolls back whatever SQLite has not rolled back itself, and nothing more
/// is written in it: after an error SQLite may already be outside of the transaction.
pub fn not_applied(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::ConstraintViolation) => StoreError::Broken(text),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(text),
        // The world's: no memory, no disk, no permission.
        Some(
            ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::ReadOnly
            | ErrorCode::OperationInterrupted
            | ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport,
        ) => StoreError::NotApplied(text),
        None if is_of_a_value(&error) => StoreError::Unreadable(text),
        // Ours: SQL that does not fit the schema, an update that found no row.
        Some(_) | None => StoreError::Broken(text),
    }
}

/// Whether what stands in a row is no text, or nothing that the sale has a word for.
pub fn is_of_a_value(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

/// An error at COMMIT, before anything is rolled back. A full disk is sure to have applied nothing once SQLite is outside
/// of the transaction, since a transaction whose last frame is not in the log does not exist; after any other I/O error
/// the commit may or may not survive a crash.
pub fn failed_commit(tx: &Transaction<'_>, error: &rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) if tx.is_autocommit() => StoreError::NotApplied(text),
        Some(ErrorCode::SystemIoFailure) if tx.is_autocommit() && is_out_of_room(error) => {
            StoreError::NotApplied(text)
        }
        Some(ErrorCode::ConstraintViolation) => StoreError::Broken(text),
        _ => StoreError::Unknown(text),
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

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> OpenError {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::NotOurs,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Busy,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                OpenError::NotPermitted(text)
            }
            // SQLite's "no such table", or a row that cannot be what it should be.
            Some(ErrorCode::Unknown) | None => OpenError::Damaged(text),
            Some(_) => OpenError::Engine(text),
        }
    }
}
