//! The body of a movement of stock.

use serde::Serialize;

use crate::sale::{HoldId, Movement, MovementKind, OrderId, ProductId, Timestamp};

/// A line of a product's ledger: by how much each counter changed, and why.
#[derive(Serialize)]
pub struct MovementBody<'a> {
    product_id: ProductId,
    version: i64,
    at: Timestamp,
    kind: MovementKind,
    available: i64,
    reserved: i64,
    sold: i64,
    hold_id: Option<HoldId>,
    order_id: Option<OrderId>,
    reason: Option<&'a str>,
}

impl<'a> MovementBody<'a> {
    pub fn new(movement: &'a Movement) -> MovementBody<'a> {
        MovementBody {
            product_id: movement.product,
            version: movement.version,
            at: movement.at,
            kind: movement.kind,
            available: movement.delta.available,
            reserved: movement.delta.reserved,
            sold: movement.delta.sold,
            hold_id: movement.cause.hold(),
            order_id: movement.cause.order(),
            reason: movement.cause.reason(),
        }
    }
}
