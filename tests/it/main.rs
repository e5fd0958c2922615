//! Behaviour through the public API, the command line and the real binary. One integration binary, a file a topic.

#![allow(clippy::unwrap_used)]

mod conformance;
mod database;
mod log_lines;
mod memory;
mod provider;
mod server;
mod shop;
mod wire;
mod wrapped_store;

mod backup;
mod checkpoints;
mod config;
mod corpus;
mod crash;
mod crowd;
mod customer_limits;
mod description;
mod differential;
mod endpoints;
mod event_loops;
mod expiry;
mod export;
mod failures;
mod faults;
mod files;
mod front;
mod hard_clients;
mod health;
mod holds;
mod idempotency;
mod kept_keys;
mod lineage;
mod lost_disk;
mod lost_disk_seeds;
mod many_connections;
mod metrics;
mod operator;
mod orders;
mod origins;
mod packaging;
mod payments;
#[cfg(feature = "postgres")]
mod postgres;
mod process;
mod products;
mod properties;
mod read_only;
mod readme;
mod refunds;
mod requests;
mod restore;
mod restore_sources;
mod sale_time;
mod secrets;
mod seed;
mod service;
mod sweep;
mod tidy;
mod tokens;
mod usage;
mod verify;
mod waves;
mod webhook_signatures;
