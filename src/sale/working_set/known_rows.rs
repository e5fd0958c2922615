//! What a batch may know of the batch before, where nothing else has written since: an order then finds its hold, and a
//! payment its order, without a look into the store.

use super::{Table, WorkingSet};
use crate::sale::rows::{Hold, HoldId, Order, OrderId, Product, ProductId};

/// Rows as the store holds them. Only rows: what is a sum, or was judged by the time, is asked for anew in each batch.
#[derive(Debug)]
pub struct KnownRows {
    products: Table<ProductId, Product>,
    holds: Table<HoldId, Hold>,
    orders: Table<OrderId, Order>,
}

/// A table with more is forgotten whole.
const ROWS_MAX: usize = 4096;

impl WorkingSet {
    /// Once all that has changed is written.
    pub fn into_known_rows(self) -> KnownRows {
        KnownRows {
            products: self.products.settled(ROWS_MAX),
            holds: self.holds.settled(ROWS_MAX),
            orders: self.orders.settled(ROWS_MAX),
        }
    }

    /// Before anything is fetched. Not where a batch is judged in waves, which count the rows that were fetched.
    pub fn begin_with(&mut self, known: KnownRows) {
        self.products = known.products;
        self.holds = known.holds;
        self.orders = known.orders;
    }
}
