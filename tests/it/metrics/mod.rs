//! Figures of a server that runs: what it tells of itself while it serves.

mod operators_figures;
mod own_address;
mod readers;
mod scrape;
mod texts;
mod whole_sale;
