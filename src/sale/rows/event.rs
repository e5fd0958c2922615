//! What the shop is told of: events, numbered in the order of the commits. An event's columns never change, and what is
//! told is made of them alone, so that it is told in the same words each time.

use super::customer::Customer;
use super::id::{EventId, HoldId, OrderId, PaymentId, ProductId};
use super::money::{Amount, Cents};
use super::payment::Verdict;
use super::reversal::Dispute;
use super::text::text_enum;
use super::time::Timestamp;

text_enum! {
    pub enum EventKind {
        OrderPlaced = "order.placed",
        OrderPaid = "order.paid",
        OrderCancelled = "order.cancelled",
        OrderExpired = "order.expired",
        /// Units were given back.
        OrderRefunded = "order.refunded",
        /// Money bought nothing.
        RefundDue = "refund.due",
        /// Such money is not owed any more.
        RefundResolved = "refund.resolved",
        /// The provider says that money went back, or that this failed.
        PaymentRefunded = "payment.refunded",
        DisputeOpened = "dispute.opened",
        DisputeClosed = "dispute.closed",
        ProductSoldOut = "product.sold_out",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    /// The time that its transaction was judged at.
    pub at: Timestamp,
    pub kind: EventKind,
    pub data: EventData,
}

/// What an event tells, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventData {
    pub order: Option<OrderId>,
    pub hold: Option<HoldId>,
    pub payment: Option<PaymentId>,
    pub product: Option<ProductId>,
    /// Units: ordered, or given back this time.
    pub quantity: Option<i64>,
    /// Units given back in all.
    pub refunded_quantity: Option<i64>,
    pub restocked: Option<bool>,
    pub unit_price: Option<Cents>,
    pub customer: Option<Customer>,
    pub pay_by: Option<Timestamp>,
    pub transaction_id: Option<String>,
    pub verdict: Option<Verdict>,
    pub amount: Option<Amount>,
    pub note: Option<String>,
    /// Whether the money did not go back after all.
    pub failed: Option<bool>,
    pub outcome: Option<Dispute>,
    /// Units of the product, in all.
    pub sold: Option<i64>,
}

impl EventData {
    /// Of all the units, where they have a price.
    pub fn total_price(&self) -> Option<Cents> {
        let (quantity, unit_price) = self.quantity.zip(self.unit_price)?;
        Some(Cents::new(unit_price.get().saturating_mul(quantity)))
    }
}
