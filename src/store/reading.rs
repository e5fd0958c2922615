//! The trait of what reads: committed rows, beside the writer.

use std::sync::Arc;

use super::{EventsAfter, Figures, Lists, Seen, StoreError};
#[cfg(feature = "test-support")]
use crate::sale::{Counters, Event, IdempotencyRecord, Movement, Payment, Reversal};
use crate::sale::{
    EventId, Hold, HoldId, Order, OrderId, PlaceHold, Product, ProductId, Rejection, Terms,
    Timestamp,
};

/// Tells a reader beside a writer of the same process the time, before it reads.
pub trait ReadingTime: Send + Sync {
    /// A row that has expired by this time is alive for no batch still to commit.
    fn reading(&self) -> Timestamp;

    /// The present: the time of the batch in flight is no later.
    fn present(&self) -> Timestamp;
}

/// What is done with what was read: at once, or on the thread that has read it, which must not be kept waiting.
pub type Then<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

/// Reads of committed rows, beside the writer. Each call sees one moment of the store, and judges it at one time.
pub trait Reader: Figures + Lists + Send + Sync {
    /// The product with what is overdue counted as available; the same one again where it is known to be unchanged.
    fn product(&self, id: ProductId) -> Result<Seen<Option<Arc<Product>>>, StoreError>;

    /// The same, for whoever cannot wait for a reader that is far.
    fn product_then(&self, id: ProductId, then: Then<Seen<Option<Arc<Product>>>>) {
        then(self.product(id));
    }

    /// At most `limit` products with ids above `after`, by id, as `product` would show them.
    fn products(
        &self,
        after: Option<ProductId>,
        limit: usize,
    ) -> Result<Seen<Vec<Product>>, StoreError>;

    /// Why the wish would be refused, judged by the sale's own rules on the rows as they stand. `None`: it would not be,
    /// and only a transaction can tell for sure.
    ///
    /// Judged by the present, not by the time of a batch in flight: what falls due in between can only turn a refusal into a
    /// case for a transaction.
    fn refusal(&self, wish: &PlaceHold, terms: &Terms) -> Result<Option<Rejection>, StoreError>;

    /// The same, for whoever cannot wait for a reader that is far. The wish is given back.
    fn refusal_then(
        &self,
        wish: PlaceHold,
        terms: &Terms,
        then: Then<(PlaceHold, Option<Rejection>)>,
    ) {
        let refusal = self.refusal(&wish, terms);
        then(refusal.map(|refusal| (wish, refusal)));
    }

    fn hold(&self, id: HoldId) -> Result<Seen<Option<Hold>>, StoreError>;

    /// The same, for whoever cannot wait for a reader that is far.
    fn hold_then(&self, id: HoldId, then: Then<Seen<Option<Hold>>>) {
        then(self.hold(id));
    }

    fn order(&self, id: OrderId) -> Result<Seen<Option<Order>>, StoreError>;

    /// The same, for whoever cannot wait for a reader that is far.
    fn order_then(&self, id: OrderId, then: Then<Seen<Option<Order>>>) {
        then(self.order(id));
    }

    /// At most `events_max` events after the one with this number, oldest first; from the beginning after 0.
    fn events(&self, after: i64, events_max: usize) -> Result<EventsAfter, StoreError>;

    /// The id that the next event will have.
    fn next_event(&self) -> Result<EventId, StoreError>;

    /// Whether any idempotency key is kept just now.
    fn has_kept_keys(&self) -> Result<bool, StoreError>;

    /// Whether each read waits for another process, and so no event loop should wait for it.
    fn is_far(&self) -> bool {
        false
    }

    /// Whether rows can be read, and are in the file that the database's path names.
    fn is_sound(&self) -> Result<(), StoreError>;

    /// Every row there is, in order, without any bound.
    #[cfg(feature = "test-support")]
    fn contents(&self) -> Result<Contents, StoreError>;
}

/// All rows of a store, to compare it with another.
#[cfg(feature = "test-support")]
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    pub counters: Counters,
    pub products: Vec<Product>,
    pub holds: Vec<Hold>,
    pub orders: Vec<Order>,
    pub payments: Vec<(Payment, Option<String>)>,
    pub reversals: Vec<(Reversal, Option<String>)>,
    pub movements: Vec<Movement>,
    pub events: Vec<Event>,
    pub idempotency_records: Vec<IdempotencyRecord>,
}
