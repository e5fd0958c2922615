//! The database file: what it is, whose it is, what lies beside it, and who may open it how. Nothing here knows a row.

mod connection;
mod database_file;
mod lineage;
pub mod migrate;
mod named_file;
mod normalize_names;
mod open_state;
pub mod schema;
mod serve_lock;
mod source;
mod wal_index;

pub use connection::{FLAGS, configure, connect, connect_to_staged, write_connection};
pub use database_file::{DatabaseFile, ensure_can_be_made};
pub use lineage::is_log_of;
pub use migrate::is_current;
pub use named_file::{Fate, OpenFiles, beside, names_beside};
pub use open_state::OpenState;
pub use serve_lock::ServeLock;
pub use wal_index::{Version, WalIndex};
