//! The store as one SQLite file in WAL mode: one connection writes, a pool of others reads.

mod audit;
mod between_batches;
mod cached_product;
#[cfg(feature = "test-support")]
mod contents;
mod convert;
mod copy;
mod database;
mod error;
mod figures;
mod file;
mod key_index;
mod lists;
mod product_cache;
mod reader;
mod rows;
mod set_back;
mod statements;
mod store;
mod tables;
mod write;

pub use copy::{copy_source, copy_target, open_source};
pub use file::{DatabaseFile, ServeLock, ensure_can_be_made, names_beside};
