//! A sale on a PostgreSQL server, which any number of processes serve at once: one turn for all of them.
//!
//! `session` alone knows that the connection is asynchronous. `tables` has one file a table, as SQLite's have.

mod audit;
mod changes;
#[cfg(feature = "test-support")]
mod contents;
mod convert;
mod copying;
mod database;
mod durability;
mod figures;
mod lists;
mod looks;
mod new_rows;
mod questions;
mod reader;
mod refusals;
mod rows;
mod schema;
mod server;
mod server_error;
mod session;
mod sessions;
mod shown;
mod shown_products;
mod store;
mod tables;
mod temporary_schema;
mod times;
mod tls;
mod turns;
mod url;
mod write;

pub use copying::{copy_source, copy_target};
pub use database::{PostgresDatabase, PostgresServing};
#[cfg(feature = "test-support")]
pub use server::{Role, Server};
#[cfg(feature = "test-support")]
pub use session::{Session, Step};
pub use temporary_schema::TemporarySchema;
pub use url::Url;
