//! The life of `flashsale serve`, and how commands end.

mod configuration;
mod database;
mod serving;
