//! What is on sale: a price, a stock in four counters, a window, limits.

use super::id::ProductId;
use super::money::Cents;
use super::quantity::Quantity;
use super::text::text_enum;
use super::time::Timestamp;

text_enum! {
    pub enum ProductStatus {
        Upcoming = "upcoming",
        Live = "live",
        Paused = "paused",
        Ended = "ended",
        /// Nothing is available, but something reserved may come back.
        AllReserved = "all_reserved",
        SoldOut = "sold_out",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub id: ProductId,
    /// The shop's own name for it, by which `seed` finds it again.
    pub sku: Option<String>,
    pub name: String,
    pub price: Cents,
    pub total: i64,
    pub available: i64,
    pub reserved: i64,
    pub sold: i64,
    /// Counts the movements of its stock.
    pub version: i64,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub max_per_hold: Option<Quantity>,
    pub max_per_customer: Option<Quantity>,
    pub paused: bool,
}

impl Product {
    /// Whether all that there was is sold: by the rows, in which what is overdue is still reserved.
    pub fn is_sold_out(&self) -> bool {
        self.available == 0 && self.reserved == 0 && self.sold > 0
    }

    pub fn status_at(&self, now: Timestamp) -> ProductStatus {
        if self
            .starts_at
            .is_some_and(|starts_at| !starts_at.has_passed(now))
        {
            ProductStatus::Upcoming
        } else if self.ends_at.is_some_and(|ends_at| ends_at.has_passed(now)) {
            ProductStatus::Ended
        } else if self.paused {
            ProductStatus::Paused
        } else if self.available > 0 {
            ProductStatus::Live
        } else if self.reserved > 0 {
            ProductStatus::AllReserved
        } else {
            ProductStatus::SoldOut
        }
    }

    /// The product as the clock sees it: what is overdue counts as available, whether a sweep has passed or not.
    pub fn with_overdue_free(mut self, overdue_units: i64) -> Product {
        self.available += overdue_units;
        self.reserved -= overdue_units;
        self
    }

    pub fn blank(id: ProductId) -> Product {
        Product {
            id,
            sku: None,
            name: String::new(),
            price: Cents::ZERO,
            total: 0,
            available: 0,
            reserved: 0,
            sold: 0,
            version: 0,
            starts_at: None,
            ends_at: None,
            max_per_hold: None,
            max_per_customer: None,
            paused: false,
        }
    }

    pub fn committed(&self) -> i64 {
        self.reserved + self.sold
    }
}
