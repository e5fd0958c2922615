//! What is counted of the whole database, one statement each, and what its files take. The files are never opened: see
//! `named_file`.

use std::fs;
use std::path::Path;

use rusqlite::named_params;

use super::file::{ServeLock, beside};
use super::reader::SqliteReader;
use super::tables::{payments, products};
use crate::sale::{ProductId, RefundStatus};
use crate::store::{Figures, RefundsDue, Seen, Stock, StockBooks, Storage, StoreError};

impl Figures for SqliteReader {
    fn stock(&self, after: Option<ProductId>) -> Result<Seen<Stock>, StoreError> {
        let at = self.reading()?;
        let what = self.read(|conn| products::stock_after(conn, after, at))?;
        Ok(Seen { what, at })
    }

    fn stock_books(&self) -> Result<StockBooks, StoreError> {
        let (_, products, wrong) = products::STOCK_IS_CONSERVED;
        let sql = format!("select ({products}) as products, ({wrong}) as wrong");
        self.read(|conn| {
            conn.prepare_cached(&sql)?.query_row([], |row| {
                Ok(StockBooks {
                    products: row.get("products")?,
                    wrong: row.get("wrong")?,
                })
            })
        })
    }

    fn refunds_due(&self) -> Result<Seen<RefundsDue>, StoreError> {
        let at = self.reading()?;
        let select = payments::LIST_OF_REFUNDS.select;
        let sql = format!("select count(*) as count, min(received_at) as oldest from ({select})");
        let params = named_params! {":status": RefundStatus::Due, ":now": at};
        let what = self.read(|conn| {
            conn.prepare_cached(&sql)?.query_row(params, |row| {
                Ok(RefundsDue {
                    count: row.get("count")?,
                    oldest: row.get("oldest")?,
                })
            })
        })?;
        Ok(Seen { what, at })
    }

    fn storage(&self) -> Result<Storage, StoreError> {
        let database = self.path();
        Ok(Storage {
            database_bytes: bytes(database),
            log_bytes: Some(bytes(&beside(database, "-wal")).unwrap_or(0)),
            disk_free_bytes: disk_free_bytes(database),
            last_backup_at: ServeLock::last_backup(database),
        })
    }
}

fn bytes(file: &Path) -> Option<u64> {
    fs::symlink_metadata(file).ok().map(|file| file.len())
}

/// What is free for a process that is not root's.
fn disk_free_bytes(file: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(file).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
