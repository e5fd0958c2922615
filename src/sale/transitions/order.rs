//! An order comes from a hold, is paid, or ends; a paid one may be refunded.

use super::{event, movement, reversal};
use crate::sale::rows::{
    Cause, HoldStatus, Line, MovementKind, Order, OrderId, OrderStatus, PaymentId,
};
use crate::sale::working_set::WorkingSet;

/// With the next id. The units stay reserved, for the order now.
pub fn place(set: &mut WorkingSet, order: Order) {
    set.counters.next_order = order.id.next();
    let hold = set.change_hold(order.hold);
    hold.status = HoldStatus::Ordered;
    hold.order = Some(order.id);
    let id = order.id;
    set.insert_order(order);
    event::order_placed(set, id);
}

/// What pays an order: a payment, and its transaction if that has a name. An order of 0.00 needs none.
#[derive(Clone, Debug, Default)]
pub struct PaidBy {
    pub payment: Option<PaymentId>,
    pub transaction_id: Option<String>,
}

pub fn pay(set: &mut WorkingSet, id: OrderId, by: PaidBy) {
    become_paid(set, id, by, MovementKind::OrderPaid);
}

/// The same for an order that had ended, whose units are available and are taken again.
pub fn pay_late(set: &mut WorkingSet, id: OrderId, by: PaidBy) {
    let order = set.known_order(id);
    let (line, customer) = (order.line, order.customer.clone());
    set.move_customer_use(line.product, customer.as_ref(), line.units());
    become_paid(set, id, by, MovementKind::OrderPaidLate);
}

fn become_paid(set: &mut WorkingSet, id: OrderId, by: PaidBy, kind: MovementKind) {
    let now = set.now;
    let order = set.change_order(id);
    order.status = OrderStatus::Paid;
    order.paid_at = Some(now);
    let line = order.line;
    name_transaction(set, id, by.transaction_id);
    event::order_paid(set, id, by.payment);
    move_stock(set, id, line, kind);
}

/// The transaction that paid it is known now.
pub fn adopt(set: &mut WorkingSet, id: OrderId, transaction_id: Option<String>) {
    name_transaction(set, id, transaction_id);
}

/// What was reported about the transaction before is the order's from now on.
fn name_transaction(set: &mut WorkingSet, id: OrderId, transaction_id: Option<String>) {
    if let Some(transaction_id) = &transaction_id {
        let standing = set.known_standing(Some(transaction_id));
        reversal::show(set, id, standing);
        set.note_order_of(transaction_id, id);
    }
    set.change_order(id).transaction_id = transaction_id;
}

/// By its customer, or by a payment that failed.
pub fn cancel(set: &mut WorkingSet, id: OrderId, payment: Option<PaymentId>) {
    let order = set.change_order(id);
    order.status = OrderStatus::Cancelled;
    let (line, customer) = (order.line, order.customer.clone());
    set.move_customer_use(line.product, customer.as_ref(), -line.units());
    event::order_cancelled(set, id, payment);
    move_stock(set, id, line, MovementKind::OrderCancelled);
}

/// Gives so many more units back: with `restock` they are available again, without it they leave the sale.
pub fn refund(set: &mut WorkingSet, id: OrderId, units: i64, restock: bool) {
    let kind = if restock {
        MovementKind::OrderRestocked
    } else {
        MovementKind::OrderWrittenOff
    };
    let order = set.change_order(id);
    order.refunded_quantity += units;
    if order.units_kept() == 0 {
        order.status = OrderStatus::Refunded;
    }
    let (line, customer) = (order.line, order.customer.clone());
    set.move_customer_use(line.product, customer.as_ref(), -units);
    event::order_refunded(set, id, units, restock);
    movement::record(set, line.product, kind, units, Cause::Order(id));
}

/// The customer's use does not move: by the clock, what is overdue no longer counted.
pub fn expire(set: &mut WorkingSet, id: OrderId) {
    let order = set.change_order(id);
    order.status = OrderStatus::Expired;
    let line = order.line;
    set.note_overdue_ended(line.product, line.units());
    event::order_expired(set, id);
    move_stock(set, id, line, MovementKind::OrderExpired);
}

fn move_stock(set: &mut WorkingSet, id: OrderId, line: Line, kind: MovementKind) {
    movement::record(set, line.product, kind, line.units(), Cause::Order(id));
}
