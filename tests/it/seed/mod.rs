//! `flashsale seed`: all of a catalogue or none of it.

mod catalogue;
mod refused;
mod report;
mod spreadsheets;

const HEADER: &str = "sku,name,price,total_stock\n";
