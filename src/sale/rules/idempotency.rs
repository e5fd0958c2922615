//! Idempotency is a comparison: a known key with the same request gets the first outcome again, with another request a no.

use super::command::{Command, Outcome};
use crate::sale::rows::{Cents, Hold, HoldStatus, IdempotencyKey, Order, OrderStatus, Recorded};
use crate::sale::working_set::{Stop, WorkingSet};

impl Recorded {
    pub fn of(outcome: &Outcome) -> Option<Recorded> {
        match outcome {
            Outcome::HoldPlaced(hold) => Some(Recorded::HoldPlaced(hold.id)),
            Outcome::OrderPlaced(order) => Some(Recorded::OrderPlaced(order.id, order.status)),
            Outcome::OrderCancelled(order) => Some(Recorded::OrderCancelled(order.id)),
            Outcome::ProductCreated { product, at } => Some(Recorded::ProductCreated {
                product: Box::new(product.clone()),
                at: *at,
            }),
            Outcome::ProductRestocked {
                product,
                at,
                units,
                reason,
            } => Some(Recorded::ProductRestocked {
                product: Box::new(product.clone()),
                at: *at,
                units: *units,
                reason: reason.clone(),
            }),
            Outcome::HoldReleased(_)
            | Outcome::OrderRefunded(_)
            | Outcome::PaymentRecorded(_)
            | Outcome::RefundResolved(_)
            | Outcome::ProductUpserted { .. }
            | Outcome::ProductChanged { .. }
            | Outcome::Swept(_)
            | Outcome::Replayed(_) => None,
        }
    }

    /// The first outcome again.
    pub fn outcome(&self, set: &WorkingSet) -> Result<Outcome, Stop> {
        match self {
            Recorded::HoldPlaced(id) => Ok(Outcome::HoldPlaced(Hold {
                status: HoldStatus::Active,
                order: None,
                ..set.hold(*id)?.expect(IS_THERE).clone()
            })),
            Recorded::OrderPlaced(id, status) => Ok(Outcome::OrderPlaced(order_as_it_was(
                set.order(*id)?.expect(IS_THERE),
                *status,
            ))),
            Recorded::OrderCancelled(id) => Ok(Outcome::OrderCancelled(order_as_it_was(
                set.order(*id)?.expect(IS_THERE),
                OrderStatus::Cancelled,
            ))),
            Recorded::ProductCreated { product, at } => Ok(Outcome::ProductCreated {
                product: (**product).clone(),
                at: *at,
            }),
            Recorded::ProductRestocked {
                product,
                at,
                units,
                reason,
            } => Ok(Outcome::ProductRestocked {
                product: (**product).clone(),
                at: *at,
                units: *units,
                reason: reason.clone(),
            }),
        }
    }
}

const IS_THERE: &str = "what a kept request made is never deleted";

/// An order is paid once, and that never changes; before, it was not.
fn order_as_it_was(order: &Order, status: OrderStatus) -> Order {
    let was_paid = status == OrderStatus::Paid;
    Order {
        status,
        paid_at: order.paid_at.filter(|_| was_paid),
        transaction_id: order.transaction_id.clone().filter(|_| was_paid),
        refunded_quantity: 0,
        refunded_amount: Cents::ZERO,
        dispute: None,
        ..order.clone()
    }
}

/// The key of a command that has one.
pub fn key(command: &Command) -> Option<&IdempotencyKey> {
    match command {
        Command::PlaceHold(wish) => wish.key.as_ref(),
        Command::PlaceOrder { key, .. } | Command::CancelOrder { key, .. } => key.as_ref(),
        Command::CreateProduct(wish) => wish.key.as_ref(),
        Command::RestockProduct(wish) => wish.key.as_ref(),
        Command::ReleaseHold { .. }
        | Command::RefundOrder { .. }
        | Command::RecordPayment(_)
        | Command::RecordReversal(_)
        | Command::ResolveRefund { .. }
        | Command::AcceptRefund { .. }
        | Command::UpsertProduct(_)
        | Command::ChangeProduct { .. }
        | Command::Sweep { .. } => None,
    }
}

/// Whether the command asks for what had this outcome: the same thing to be done, with all that was said about it.
pub fn asks_for(command: &Command, outcome: &Outcome) -> bool {
    if let (Command::PlaceHold(wish), Outcome::HoldPlaced(hold)) = (command, outcome) {
        wish.product == hold.line.product
            && wish.quantity == hold.line.quantity
            && wish.customer == hold.customer
    } else if let (Command::PlaceOrder { hold, .. }, Outcome::OrderPlaced(order)) =
        (command, outcome)
    {
        *hold == order.hold
    } else if let (Command::CancelOrder { order: id, .. }, Outcome::OrderCancelled(order)) =
        (command, outcome)
    {
        *id == order.id
    } else if let (Command::CreateProduct(wish), Outcome::ProductCreated { product, .. }) =
        (command, outcome)
    {
        wish.asks_for(product)
    } else if let (
        Command::RestockProduct(wish),
        Outcome::ProductRestocked {
            product,
            units,
            reason,
            ..
        },
    ) = (command, outcome)
    {
        wish.product == product.id && wish.units == *units && wish.reason == *reason
    } else {
        false
    }
}
