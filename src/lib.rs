//! A flash-sale server: one binary and one SQLite file. Modules in reading order.

pub mod sale;
pub mod store;
