//! The terms of the whole sale, and the figures that every batch reads and writes.

use super::currency::Currency;
use super::id::{EventId, HoldId, OrderId, PaymentId, ProductId};
use super::time::Timestamp;

/// The terms of the whole sale: TTLs and policies. Set once, by configuration.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub hold_ttl_s: u32,
    /// `None`: an order waits for its payment for ever.
    pub order_ttl_s: Option<u32>,
    pub late_payment: LatePayment,
    pub failed_payment: FailedPayment,
    pub parked_ttl_s: u32,
    pub parked_max: u32,
    pub idempotency_ttl_s: u32,
    /// What prices are in; `None`: nobody said.
    pub currency: Option<Currency>,
    pub events_ttl_s: u32,
}

impl Terms {
    /// When an event is forgotten.
    pub fn event_deadline(&self, at: Timestamp) -> Timestamp {
        at.plus_seconds(self.events_ttl_s)
    }
}

/// What becomes of a payment for an order that was cancelled or has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatePayment {
    Refund,
    /// Takes the units again, if they are there.
    Accept,
}

/// What becomes of a pending order whose payment is reported to have failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedPayment {
    Cancel,
    /// An attempt has failed, and another may come.
    Keep,
}

/// The one row of figures that every batch reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    pub next_product: ProductId,
    pub next_hold: HoldId,
    pub next_order: OrderId,
    pub next_payment: PaymentId,
    pub next_event: EventId,
    /// How many payment events wait for their orders.
    pub parked: u32,
    /// How many reversals were reported: while there are none, nothing asks for one.
    pub reversals: i64,
}

impl Counters {
    /// The figures of a store in which nothing has happened yet.
    pub const FIRST: Counters = Counters {
        next_product: ProductId::FIRST,
        next_hold: HoldId::FIRST,
        next_order: OrderId::FIRST,
        next_payment: PaymentId::FIRST,
        next_event: EventId::FIRST,
        parked: 0,
        reversals: 0,
    };
}
