pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod sale;
pub mod store;
pub mod writer;
