//! Figures of a server that runs: what it tells of itself while it serves.

mod operators_figures;
mod own_address;
mod readers;
mod scrape;
mod texts;
mod whole_sale;

use scrape::Scrape;

use crate::shop::Shop;

/// Of a shop that was set up in this process.
pub fn scrape(shop: &Shop) -> Scrape {
    let answer = shop.get("/metrics").ok();
    Scrape::read(std::str::from_utf8(&answer.bytes).unwrap())
}
