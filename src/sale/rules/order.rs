//! Who may order what a hold keeps, cancel it, or give the money back.

use super::command::Outcome;
use super::{hold, parked};
use crate::sale::rows::{
    Cents, Hold, HoldId, HoldStatus, Order, OrderId, OrderStatus, PaymentTarget, Quantity,
};
use crate::sale::transitions;
use crate::sale::transitions::order::PaidBy;
use crate::sale::working_set::{Rejection, Stop, WorkingSet, all_looked_at, ensure};

/// Orders what a hold keeps, and applies the payment events that were there before the order.
pub fn place(set: &mut WorkingSet, id: HoldId) -> Result<Outcome, Stop> {
    let hold = set.hold(id)?.ok_or(Rejection::HoldUnknown)?.clone();
    match hold.status_at(set.now) {
        HoldStatus::Active => {}
        HoldStatus::Expired => return Err(Rejection::HoldExpired.into()),
        HoldStatus::Ordered => return Err(hold::used(&hold).into()),
        HoldStatus::Released => return Err(Rejection::HoldReleased.into()),
    }
    let order_id = set.counters.next_order;
    let mut parked = set.parked_on(PaymentTarget::Hold(id))?;
    parked.extend(set.parked_on(PaymentTarget::Order(order_id))?);
    parked.sort_unstable();
    let order = pending(set, order_id, hold);
    if order.is_free() || !parked.is_empty() {
        set.product(order.line.product)?;
    }
    let looks = parked
        .iter()
        .map(|event| parked::require_order(set, *event, order_id, id));
    all_looked_at(looks)?;

    // From here on the order must succeed.
    let is_free = order.is_free();
    transitions::order::place(set, order);
    if is_free {
        transitions::order::pay(set, order_id, PaidBy::default());
    }
    for event in parked {
        parked::settle(set, event, order_id);
    }
    Ok(Outcome::OrderPlaced(set.known_order(order_id).clone()))
}

/// One of 0.00 has no payment to wait for.
fn pending(set: &WorkingSet, id: OrderId, hold: Hold) -> Order {
    let order = Order {
        id,
        hold: hold.id,
        line: hold.line,
        customer: hold.customer,
        status: OrderStatus::Pending,
        pay_by: None,
        created_at: set.now,
        paid_at: None,
        transaction_id: None,
        refunded_quantity: 0,
        refunded_amount: Cents::ZERO,
        dispute: None,
    };
    let ttl_s = set.terms.order_ttl_s.filter(|_| !order.is_free());
    Order {
        pay_by: ttl_s.map(|ttl_s| set.now.plus_seconds(ttl_s)),
        ..order
    }
}

pub fn cancel(set: &mut WorkingSet, id: OrderId) -> Result<Outcome, Stop> {
    let order = set.order(id)?.ok_or(Rejection::OrderNotFound)?;
    match order.status_at(set.now) {
        OrderStatus::Pending => {}
        OrderStatus::Cancelled => return Ok(Outcome::OrderCancelled(order.clone())),
        OrderStatus::Paid => return Err(Rejection::OrderPaid.into()),
        OrderStatus::Expired => return Err(Rejection::OrderExpired.into()),
        OrderStatus::Refunded => return Err(Rejection::OrderRefunded.into()),
    }
    set.product(order.line.product)?;

    // From here on the cancellation must succeed.
    transitions::order::cancel(set, id, None);
    Ok(Outcome::OrderCancelled(set.known_order(id).clone()))
}

/// Gives units back until `quantity` of them are given back in all: all that it has, unless that is said.
pub fn refund(
    set: &mut WorkingSet,
    id: OrderId,
    quantity: Option<Quantity>,
    restock: bool,
) -> Result<Outcome, Stop> {
    let order = set.order(id)?.ok_or(Rejection::OrderNotFound)?;
    let was_paid = matches!(order.status, OrderStatus::Paid | OrderStatus::Refunded);
    ensure!(was_paid, Rejection::OrderNotPaid);
    let bought = order.line.quantity;
    let quantity = quantity.unwrap_or(bought);
    ensure!(quantity <= bought, Rejection::RefundTooLarge { bought });
    let units = quantity.units() - order.refunded_quantity;
    if units <= 0 {
        return Ok(Outcome::OrderRefunded(order.clone()));
    }
    set.product(order.line.product)?;

    // From here on the refund must succeed.
    transitions::order::refund(set, id, units, restock);
    Ok(Outcome::OrderRefunded(set.known_order(id).clone()))
}
