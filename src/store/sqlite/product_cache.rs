//! A product as it was read, remembered for as long as it holds: until the next commit of any process, or the next deadline.
//! While a crowd reloads a page, most of its reads are answered from here, and are as exact as if each had read the row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::cached_product::CachedProduct;
use super::file::Version;
use crate::sale::{ProductId, Timestamp};

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
    /// As remembered, or as `read` reads it now. `version` tells the store's present version, or `None` where it
    /// cannot be told; what was read is remembered if it is the same after the read as before.
    pub fn find_or_read<E>(
        &self,
        version: impl Fn() -> Option<Version>,
        id: ProductId,
        now: Timestamp,
        read: impl FnOnce() -> Result<CachedProduct, E>,
    ) -> Result<Arc<CachedProduct>, E> {
        let remembered = || self.find(version()?, id, now);
        if let Some(cached) = remembered() {
            return Ok(cached);
        }
        let _flight = self.single_flight(id);
        if let Some(cached) = remembered() {
            return Ok(cached);
        }
        let before = version();
        let cached = Arc::new(read()?);
        if let Some(before) = before.filter(|_| before == version()) {
            self.keep(before, id, cached.clone());
        }
        Ok(cached)
    }

    fn single_flight(&self, id: ProductId) -> MutexGuard<'_, ()> {
        let flight = &self.flights[usize::try_from(id.get()).unwrap_or(0) % FLIGHTS_MAX];
        flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, version: Version, id: ProductId, now: Timestamp) -> Option<Arc<CachedProduct>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let cached = known
            .products
            .get(&id)
            .filter(|cached| cached.holds_at(now))?;
        (known.version == Some(version)).then(|| cached.clone())
    }

    fn keep(&self, version: Version, id: ProductId, cached: Arc<CachedProduct>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.version != Some(version) || known.products.len() >= PRODUCTS_MAX {
            known.version = Some(version);
            known.products.clear();
        }
        known.products.insert(id, cached);
    }
}
