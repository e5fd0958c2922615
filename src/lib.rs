//! A flash-sale server: one binary and one SQLite file. Modules in reading order.

pub mod api;
pub mod clock;
pub mod http;
pub mod sale;
pub mod store;
pub mod writer;
