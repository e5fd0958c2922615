//! The ledger of stock: one movement for every change of a product's counters, in the same transaction, numbered by the
//! product's version. Replaying a product's movements gives its counters.

use super::id::{HoldId, OrderId, ProductId};
use super::text::text_enum;
use super::time::Timestamp;

text_enum! {
    pub enum MovementKind {
        Stocked = "stocked",
        HoldPlaced = "hold_placed",
        HoldReleased = "hold_released",
        HoldExpired = "hold_expired",
        OrderPaid = "order_paid",
        OrderCancelled = "order_cancelled",
        OrderExpired = "order_expired",
        OrderPaidLate = "order_paid_late",
        OrderRestocked = "order_restocked",
        OrderWrittenOff = "order_written_off",
    }
}

/// By how much a movement changes each counter; the total changes by their sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockDelta {
    pub available: i64,
    pub reserved: i64,
    pub sold: i64,
}

impl MovementKind {
    pub fn delta(self, units: i64) -> StockDelta {
        let (available, reserved, sold) = match self {
            MovementKind::Stocked => (units, 0, 0),
            MovementKind::HoldPlaced => (-units, units, 0),
            MovementKind::HoldReleased | MovementKind::HoldExpired => (units, -units, 0),
            MovementKind::OrderPaid => (0, -units, units),
            MovementKind::OrderCancelled | MovementKind::OrderExpired => (units, -units, 0),
            MovementKind::OrderPaidLate => (-units, 0, units),
            MovementKind::OrderRestocked => (units, 0, -units),
            MovementKind::OrderWrittenOff => (0, 0, -units),
        };
        StockDelta {
            available,
            reserved,
            sold,
        }
    }
}

/// What a movement was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    Hold(HoldId),
    Order(OrderId),
    /// An operator's hand on the stock, with the reason given.
    Stock(Option<String>),
}

impl Cause {
    pub fn hold(&self) -> Option<HoldId> {
        match self {
            Cause::Hold(id) => Some(*id),
            Cause::Order(_) | Cause::Stock(_) => None,
        }
    }

    pub fn order(&self) -> Option<OrderId> {
        match self {
            Cause::Order(id) => Some(*id),
            Cause::Hold(_) | Cause::Stock(_) => None,
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Cause::Stock(reason) => reason.as_deref(),
            Cause::Hold(_) | Cause::Order(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    pub product: ProductId,
    /// The product's version after this movement: 1, 2, 3 …
    pub version: i64,
    pub at: Timestamp,
    pub kind: MovementKind,
    pub delta: StockDelta,
    pub cause: Cause,
}
