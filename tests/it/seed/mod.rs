//! `flashsale seed`: all of a catalogue or none of it.

mod catalogue;
mod refused;
mod report;
mod spreadsheets;

use crate::server::{Premises, Ran};

const HEADER: &str = "sku,name,price,total_stock\n";

/// A catalogue that is not loaded.
#[track_caller]
fn refused(catalogue: &str) -> Ran {
    Premises::new().seed(catalogue).exited(65)
}
