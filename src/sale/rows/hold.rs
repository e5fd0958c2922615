//! A hold keeps units for two minutes at a frozen price. It ends once: ordered, released or expired.

use super::customer::Customer;
use super::id::{HoldId, OrderId};
use super::line::Line;
use super::text::text_enum;
use super::time::Timestamp;

text_enum! {
    pub enum HoldStatus {
        Active = "active",
        Ordered = "ordered",
        Released = "released",
        Expired = "expired",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub id: HoldId,
    pub line: Line,
    pub customer: Option<Customer>,
    /// As the row says; by the clock it is `status_at`.
    pub status: HoldStatus,
    pub expires_at: Timestamp,
    /// The order that it became.
    pub order: Option<OrderId>,
}

impl Hold {
    pub fn status_at(&self, now: Timestamp) -> HoldStatus {
        match self.status {
            HoldStatus::Active if self.expires_at.has_passed(now) => HoldStatus::Expired,
            HoldStatus::Active
            | HoldStatus::Ordered
            | HoldStatus::Released
            | HoldStatus::Expired => self.status,
        }
    }

    /// Units that the row still reserves although its deadline has passed.
    pub fn overdue_units(&self, now: Timestamp) -> Option<i64> {
        (self.status != self.status_at(now)).then_some(self.line.units())
    }
}
