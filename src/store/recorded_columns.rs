//! What a request did under its idempotency key, as the columns in which every engine keeps it.

use super::answered_product::AnsweredProduct;
use crate::sale::{HoldId, OrderId, OrderStatus, ProductId, Recorded, Timestamp};

/// `done` says what was done; the others name what it was done to, and, of a product, what was answered.
#[derive(Debug, Default)]
pub struct RecordedColumns<'a> {
    pub done: &'a str,
    pub hold: Option<HoldId>,
    pub order: Option<OrderId>,
    pub product: Option<ProductId>,
    pub answer: Option<AnsweredProduct>,
    pub status: Option<OrderStatus>,
}

impl RecordedColumns<'_> {
    pub fn of(recorded: &Recorded) -> RecordedColumns<'static> {
        match recorded {
            Recorded::HoldPlaced(id) => RecordedColumns {
                done: "hold_placed",
                hold: Some(*id),
                ..RecordedColumns::default()
            },
            Recorded::OrderPlaced(id, status) => RecordedColumns {
                done: "order_placed",
                order: Some(*id),
                status: Some(*status),
                ..RecordedColumns::default()
            },
            Recorded::OrderCancelled(id) => RecordedColumns {
                done: "order_cancelled",
                order: Some(*id),
                ..RecordedColumns::default()
            },
            Recorded::ProductCreated { product, at } => RecordedColumns {
                done: "product_created",
                product: Some(product.id),
                answer: Some(AnsweredProduct::new(product, *at)),
                ..RecordedColumns::default()
            },
            Recorded::ProductRestocked {
                product,
                at,
                units,
                reason,
            } => RecordedColumns {
                done: "product_restocked",
                product: Some(product.id),
                answer: Some(AnsweredProduct::restocked(
                    product,
                    *at,
                    *units,
                    reason.clone(),
                )),
                ..RecordedColumns::default()
            },
        }
    }

    /// `None` where no request leaves such columns.
    pub fn recorded(self) -> Option<Recorded> {
        match self.done {
            "hold_placed" => self.hold.map(Recorded::HoldPlaced),
            "order_placed" => Some(Recorded::OrderPlaced(self.order?, self.status?)),
            "order_cancelled" => self.order.map(Recorded::OrderCancelled),
            "product_created" => {
                let answer = self.answer?;
                Some(Recorded::ProductCreated {
                    product: Box::new(answer.product(self.product?)),
                    at: Timestamp::from_micros(answer.at),
                })
            }
            "product_restocked" => {
                let answer = self.answer?;
                Some(Recorded::ProductRestocked {
                    product: Box::new(answer.product(self.product?)),
                    at: Timestamp::from_micros(answer.at),
                    units: answer.units.unwrap_or(0),
                    reason: answer.reason,
                })
            }
            _ => None,
        }
    }
}
