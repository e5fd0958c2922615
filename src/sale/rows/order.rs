//! An order is a hold that its customer means to pay. It ends once: paid, cancelled or expired; a paid one may be refunded.

use super::customer::Customer;
use super::id::{HoldId, OrderId};
use super::line::Line;
use super::money::Cents;
use super::reversal::Dispute;
use super::text::text_enum;
use super::time::Timestamp;

text_enum! {
    pub enum OrderStatus {
        Pending = "pending",
        Paid = "paid",
        Cancelled = "cancelled",
        Expired = "expired",
        Refunded = "refunded",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub hold: HoldId,
    pub line: Line,
    pub customer: Option<Customer>,
    /// As the row says; by the clock it is `status_at`.
    pub status: OrderStatus,
    /// `None`: its payment may take for ever.
    pub pay_by: Option<Timestamp>,
    pub created_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    /// The transaction that paid it, if the payment named one.
    pub transaction_id: Option<String>,
    /// Of its units, given back in all.
    pub refunded_quantity: i64,
    /// The largest amount that was reported to have gone back of its transaction.
    pub refunded_amount: Cents,
    pub dispute: Option<Dispute>,
}

impl Order {
    pub fn total_price(&self) -> Cents {
        self.line.total_price()
    }

    /// Bought and not given back, if it was paid.
    pub fn units_kept(&self) -> i64 {
        self.line.units() - self.refunded_quantity
    }

    /// Needs no payment.
    pub fn is_free(&self) -> bool {
        self.total_price() == Cents::ZERO
    }

    pub fn status_at(&self, now: Timestamp) -> OrderStatus {
        let overdue = self.pay_by.is_some_and(|pay_by| pay_by.has_passed(now));
        match self.status {
            OrderStatus::Pending if overdue => OrderStatus::Expired,
            OrderStatus::Pending
            | OrderStatus::Paid
            | OrderStatus::Cancelled
            | OrderStatus::Expired
            | OrderStatus::Refunded => self.status,
        }
    }

    /// Units that the row still reserves although its deadline has passed.
    pub fn overdue_units(&self, now: Timestamp) -> Option<i64> {
        (self.status != self.status_at(now)).then_some(self.line.units())
    }
}
