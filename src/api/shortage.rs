//! Of which products nothing was left, last time somebody asked: a hint that is worth a look before a hold waits for the
//! writer. It decides nothing. A sold-out product is where the crowd is, and orders and payments must not wait behind it.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::sale::ProductId;

/// One place for each remainder of ids: a product that takes another's place costs that one a hint.
pub struct Shortage([AtomicI64; PLACES]);

const PLACES: usize = 1024;
const NONE: i64 = 0;

impl Default for Shortage {
    fn default() -> Shortage {
        Shortage([const { AtomicI64::new(NONE) }; PLACES])
    }
}

impl Shortage {
    pub fn is_expected(&self, product: ProductId) -> bool {
        self.place(product).load(Ordering::Relaxed) == product.get()
    }

    pub fn expect(&self, product: ProductId) {
        self.place(product).store(product.get(), Ordering::Relaxed);
    }

    pub fn forget(&self, product: ProductId) {
        self.place(product).store(NONE, Ordering::Relaxed);
    }

    fn place(&self, product: ProductId) -> &AtomicI64 {
        &self.0[usize::try_from(product.get()).unwrap_or(0) % PLACES]
    }
}
