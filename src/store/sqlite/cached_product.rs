//! A product as it was read, and for how long that holds.

use std::sync::Arc;

use rusqlite::{Connection, Row, named_params};

use super::statements::Queries;
use super::tables::{Result, holds, kept_keys, orders, products};
use crate::sale::{Product, ProductId, Timestamp};

/// A product at one moment of the store, and what of it was overdue.
#[derive(Debug)]
pub struct CachedProduct {
    pub product: Option<Product>,
    pub overdue_units: i64,
    /// Below it are the keys that were kept by then.
    pub next_key: i64,
    /// The product with what is overdue counted as available.
    pub shown: Option<Arc<Product>>,
    /// The last deadline of anything that has passed: before it, less was overdue.
    from: Option<Timestamp>,
    /// The next one: from then on, more may be.
    until: Option<Timestamp>,
}

impl CachedProduct {
    pub fn at(conn: &Connection, id: ProductId, now: Timestamp) -> Result<CachedProduct> {
        let tx = conn.unchecked_transaction()?;
        let found = products::by_id_with_overdue_units(&*tx, id, now)?;
        let around = |sql| -> Result<[Option<Timestamp>; 2]> {
            let read = |row: &Row<'_>| Ok([row.get(0)?, row.get(1)?]);
            tx.row(sql, named_params! {":now": now}, read)
        };
        let [last_hold, next_hold] = around(holds::DEADLINES_AROUND)?;
        let [last_order, next_order] = around(orders::DEADLINES_AROUND)?;
        let (product, overdue_units) = found.unzip();
        let overdue_units = overdue_units.unwrap_or(0);
        let shown = product.clone();
        let shown = shown.map(|product: Product| product.with_overdue_free(overdue_units));
        Ok(CachedProduct {
            product,
            overdue_units,
            next_key: kept_keys::next_id(&*tx)?,
            shown: shown.map(Arc::new),
            from: last_hold.max(last_order),
            until: [next_hold, next_order].into_iter().flatten().min(),
        })
    }

    /// Whether the clock alone makes no difference between the read and `now`.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from.has_passed(now))
            && self.until.is_none_or(|until| !until.has_passed(now))
    }
}
