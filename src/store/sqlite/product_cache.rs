//! A product as it was read, remembered for as long as it holds: until the next commit of any process, or the next deadline.
//! While a crowd reloads a page, most of its reads are answered from here, and are as exact as if each had read the row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::file::Version;
use super::tables::products::{self, select_products};
use crate::sale::{Product, ProductId, Timestamp};

/// A product at one moment of the store, and what of it was overdue.
#[derive(Debug)]
pub struct CachedProduct {
    pub product: Option<Product>,
    pub overdue_units: i64,
    /// The product with what is overdue counted as available.
    pub shown: Option<Arc<Product>>,
    /// The last deadline of anything that has passed: before it, less was overdue.
    from: Timestamp,
    /// The next one: from then on, more may be.
    until: Timestamp,
}

impl CachedProduct {
    pub fn at(
        conn: &mut Connection,
        id: ProductId,
        now: Timestamp,
    ) -> rusqlite::Result<CachedProduct> {
        let tx = conn.transaction()?;
        let found = tx
            .prepare_cached(select_products!("where id = :id"))?
            .query_row(named_params! {":id": id, ":now": now}, with_overdue_units)
            .optional()?;
        let deadlines_around = "select
            max(coalesce((select max(expires_at) from holds where status = 'active' and expires_at <= :now), :ever),
                coalesce((select max(pay_by) from orders
                    where status = 'pending' and pay_by is not null and pay_by <= :now), :ever)) as last,
            min(coalesce((select min(expires_at) from holds where status = 'active' and expires_at > :now), :never),
                coalesce((select min(pay_by) from orders
                    where status = 'pending' and pay_by is not null and pay_by > :now), :never)) as next";
        let (from, until) = tx.prepare_cached(deadlines_around)?.query_row(
            named_params! {":now": now, ":ever": i64::MIN, ":never": i64::MAX},
            |row| Ok((row.get("last")?, row.get("next")?)),
        )?;
        let (product, overdue_units) = found.unzip();
        let overdue_units = overdue_units.unwrap_or(0);
        let shown = product.clone();
        let shown = shown.map(|product| product.with_overdue_free(overdue_units));
        Ok(CachedProduct {
            product,
            overdue_units,
            shown: shown.map(Arc::new),
            from,
            until,
        })
    }

    /// Whether the clock alone makes no difference between the read and `now`.
    fn holds_at(&self, now: Timestamp) -> bool {
        now >= self.from && !self.until.has_passed(now)
    }
}

pub fn with_overdue_units(row: &Row<'_>) -> rusqlite::Result<(Product, i64)> {
    Ok((products::read(row)?, row.get("overdue_units")?))
}

/// Products as they stand in the present version of the store.
#[derive(Default)]
pub struct ProductCache {
    known: RwLock<OfOneVersion>,
    /// One request reads a product; requests for the same one wait and find it here.
    flights: [Mutex<()>; FLIGHTS_MAX],
}

/// Different products seldom wait for each other.
const FLIGHTS_MAX: usize = 16;

#[derive(Default)]
struct OfOneVersion {
    version: Option<Version>,
    products: HashMap<ProductId, Arc<CachedProduct>>,
}

const PRODUCTS_MAX: usize = 1024;

impl ProductCache {
    pub fn single_flight(&self, id: ProductId) -> MutexGuard<'_, ()> {
        let flight = &self.flights[usize::try_from(id.get()).unwrap_or(0) % FLIGHTS_MAX];
        flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn find(
        &self,
        version: Version,
        id: ProductId,
        now: Timestamp,
    ) -> Option<Arc<CachedProduct>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let cached = known
            .products
            .get(&id)
            .filter(|cached| cached.holds_at(now))?;
        (known.version == Some(version)).then(|| cached.clone())
    }

    pub fn keep(&self, version: Version, id: ProductId, cached: Arc<CachedProduct>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.version != Some(version) || known.products.len() >= PRODUCTS_MAX {
            known.version = Some(version);
            known.products.clear();
        }
        known.products.insert(id, cached);
    }
}
