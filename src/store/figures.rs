//! The trait of what is counted and measured of a whole database, for who watches it.

use super::{Seen, StoreError};
use crate::sale::{ProductId, Timestamp};

/// The stock of several products together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    pub available: i64,
    pub reserved: i64,
    pub sold: i64,
}

/// How many products there are, and of how many `total = available + reserved + sold` does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockBooks {
    pub products: i64,
    pub wrong: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundsDue {
    pub count: i64,
    /// When the oldest of these payments was received.
    pub oldest: Option<Timestamp>,
}

/// What the database takes of the disk. `None`: the engine does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    pub database_bytes: Option<u64>,
    pub log_bytes: Option<u64>,
    /// On the file system that the database is on.
    pub disk_free_bytes: Option<u64>,
    /// By the wall clock, when `flashsale backup` last made a copy since the database has been served. Of earlier copies, and of
    /// those that other tools make, nothing is known here.
    pub last_backup_at: Option<Timestamp>,
}

/// Each call sees one moment of the store, and judges it at one time.
pub trait Figures {
    /// Of all products with ids above `after`, as `Reader::products` would show them.
    fn stock(&self, after: Option<ProductId>) -> Result<Seen<Stock>, StoreError>;

    fn stock_books(&self) -> Result<StockBooks, StoreError>;

    /// Of what `Lists::refunds` would list as due.
    fn refunds_due(&self) -> Result<Seen<RefundsDue>, StoreError>;

    fn storage(&self) -> Result<Storage, StoreError>;
}
