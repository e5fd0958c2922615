//! The sales rates of products that move fast: each is counted from a thousand movements, once a second however many pages
//! ask for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::errors::Error;
use crate::sale::ProductId;
use crate::store::SalesRate;

#[derive(Default)]
pub struct FastRates(Mutex<HashMap<ProductId, (Instant, SalesRate)>>);

const COUNTED_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// With more products than these, all are counted again.
const PRODUCTS_MAX: usize = 1024;

impl FastRates {
    /// The rate over `over_micros`, by `count`. One that stands for a shorter time is of a product that moves fast, and is
    /// good for a second.
    pub fn of(
        &self,
        product: ProductId,
        over_micros: i64,
        count: impl FnOnce() -> Result<SalesRate, Error>,
    ) -> Result<SalesRate, Error> {
        let known = self.rates().get(&product).copied();
        if let Some((counted, rate)) = known
            && counted.elapsed() < COUNTED_AGAIN_AFTER
        {
            return Ok(rate);
        }
        let rate = count()?;
        let mut rates = self.rates();
        if rate.over_micros < over_micros {
            if rates.len() >= PRODUCTS_MAX {
                rates.clear();
            }
            rates.insert(product, (Instant::now(), rate));
        } else {
            rates.remove(&product);
        }
        Ok(rate)
    }

    fn rates(&self) -> MutexGuard<'_, HashMap<ProductId, (Instant, SalesRate)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_that_moves_fast_is_counted_once_a_second_and_others_each_time() {
        let (rates, product) = (FastRates::default(), ProductId::new(1).unwrap());
        let ask = |over_micros, units_held| {
            let count = || {
                Ok(SalesRate {
                    over_micros,
                    units_held,
                    units_sold: 0,
                })
            };
            rates.of(product, 60, count).unwrap().units_held
        };
        assert_eq!((ask(60, 1), ask(60, 2)), (1, 2));
        assert_eq!((ask(59, 3), ask(60, 4)), (3, 3));
    }
}
