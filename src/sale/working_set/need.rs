//! What a rule may need to see, and what a deadline may end.

use crate::sale::rows::{
    Customer, EventId, HoldId, IdempotencyKey, OrderId, PaymentId, PaymentTarget, ProductId,
};

/// A row, or a figure about rows, that a rule wants to see and the working set does not hold yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    Product(ProductId),
    /// The product with this sku.
    Sku(String),
    /// The hold, and the order it became.
    Hold(HoldId),
    Order(OrderId),
    Payment(PaymentId),
    /// The payment event with this idempotency key.
    PaymentKey(String),
    /// The events that wait for this order, or for an order from this hold.
    Parked(PaymentTarget),
    /// The payments of this transaction for this order or hold whose refunds ever were due.
    Refunds(PaymentTarget, String),
    /// The reversal with this idempotency key.
    ReversalKey(String),
    /// How the transaction of this name stands by all that was reported about it.
    Standing(String),
    /// The newest orders that the transaction paid, and the newest payments of it that are parked, or whose refunds ever were
    /// due.
    Transaction(String),
    /// Whether the id lies in a gap that a restored backup left.
    Lost(PaymentTarget),
    /// Units of the product that the customer holds, has ordered or has paid for, by the clock.
    CustomerUse(ProductId, Customer),
    IdempotencyKey(IdempotencyKey),
    /// The sum of the product's units in holds and orders past their deadlines.
    OverdueUnits(ProductId),
    /// The oldest of those rows that the working set has not ended yet, with at least so many units between them.
    OverdueRows(ProductId, i64),
    /// The oldest holds, orders and parked events past their deadlines; where there is room left, events of the feed that
    /// are; and the oldest such keys.
    Due {
        rows_max: usize,
        keys_max: usize,
    },
}

/// A row that a deadline ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Due {
    Hold(HoldId),
    Order(OrderId),
    Payment(PaymentId),
    /// Told long ago, as all that are older.
    Event(EventId),
    IdempotencyKey(IdempotencyKey),
}
