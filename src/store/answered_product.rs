//! A product as it was answered, as engines keep it with a kept key.

use serde::{Deserialize, Serialize};

use crate::sale::{Cents, Product, ProductId, Quantity, Timestamp};

/// Fields are only ever added, each with a default.
#[derive(Debug, Serialize, Deserialize)]
pub struct AnsweredProduct {
    pub at: i64,
    sku: Option<String>,
    name: String,
    price: i64,
    total: i64,
    available: i64,
    reserved: i64,
    sold: i64,
    version: i64,
    starts_at: Option<i64>,
    ends_at: Option<i64>,
    max_per_hold: Option<i64>,
    max_per_customer: Option<i64>,
    paused: bool,
    /// Of a restock: what was asked for.
    pub units: Option<i64>,
    pub reason: Option<String>,
}

impl AnsweredProduct {
    pub fn new(product: &Product, at: Timestamp) -> AnsweredProduct {
        AnsweredProduct {
            at: at.micros(),
            sku: product.sku.clone(),
            name: product.name.clone(),
            price: product.price.get(),
            total: product.total,
            available: product.available,
            reserved: product.reserved,
            sold: product.sold,
            version: product.version,
            starts_at: product.starts_at.map(Timestamp::micros),
            ends_at: product.ends_at.map(Timestamp::micros),
            max_per_hold: product.max_per_hold.map(Quantity::units),
            max_per_customer: product.max_per_customer.map(Quantity::units),
            paused: product.paused,
            units: None,
            reason: None,
        }
    }

    pub fn restocked(
        product: &Product,
        at: Timestamp,
        units: i64,
        reason: Option<String>,
    ) -> AnsweredProduct {
        AnsweredProduct {
            units: Some(units),
            reason,
            ..AnsweredProduct::new(product, at)
        }
    }

    pub fn product(&self, id: ProductId) -> Product {
        Product {
            id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            price: Cents::new(self.price),
            total: self.total,
            available: self.available,
            reserved: self.reserved,
            sold: self.sold,
            version: self.version,
            starts_at: self.starts_at.map(Timestamp::from_micros),
            ends_at: self.ends_at.map(Timestamp::from_micros),
            max_per_hold: self.max_per_hold.and_then(Quantity::new),
            max_per_customer: self.max_per_customer.and_then(Quantity::new),
            paused: self.paused,
        }
    }
}
