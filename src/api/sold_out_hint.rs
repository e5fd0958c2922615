//! Of which products nothing was left when a hold was last asked for: where the hint is set, a reader judges the next hold
//! before it waits for the writer. The hint decides nothing. A sold-out product is where the crowd is, and orders and
//! payments must not wait behind it.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::sale::ProductId;

/// A slot for each remainder of ids: a product that takes another's slot costs that one its hint.
pub struct SoldOutHint {
    products: [AtomicI64; SLOTS],
}

const SLOTS: usize = 1024;
const NONE: i64 = 0;

impl Default for SoldOutHint {
    fn default() -> SoldOutHint {
        SoldOutHint {
            products: [const { AtomicI64::new(NONE) }; SLOTS],
        }
    }
}

impl SoldOutHint {
    pub fn is_set(&self, product: ProductId) -> bool {
        self.slot(product).load(Ordering::Relaxed) == product.get()
    }

    pub fn set(&self, product: ProductId) {
        self.slot(product).store(product.get(), Ordering::Relaxed);
    }

    pub fn clear(&self, product: ProductId) {
        self.slot(product).store(NONE, Ordering::Relaxed);
    }

    fn slot(&self, product: ProductId) -> &AtomicI64 {
        &self.products[usize::try_from(product.get()).unwrap_or(0) % SLOTS]
    }
}
