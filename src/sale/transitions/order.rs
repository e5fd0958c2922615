//! An order comes from a hold, is paid, or ends; a paid one may be refunded.

use super::movement;
use crate::sale::rows::{
    Cause, HoldStatus, MovementKind, Order, OrderId, OrderStatus, ProductId, Quantity,
};
use crate::sale::working_set::WorkingSet;

/// With the next id. The units stay reserved, for the order now.
pub fn place(set: &mut WorkingSet, order: Order) {
    set.counters.next_order = order.id.next();
    let hold = set.change_hold(order.hold);
    hold.status = HoldStatus::Ordered;
    hold.order = Some(order.id);
    set.insert_order(order);
}

/// The order becomes paid, by this transaction if it has a name.
pub fn pay(set: &mut WorkingSet, id: OrderId, transaction_id: Option<String>) {
    become_paid(set, id, transaction_id, MovementKind::OrderPaid);
}

/// The same for an order that had ended, whose units are available and are taken again.
pub fn pay_late(set: &mut WorkingSet, id: OrderId, transaction_id: Option<String>) {
    let order = set.known_order(id);
    let (product, units, customer) = (
        order.product,
        order.quantity.units(),
        order.customer.clone(),
    );
    set.move_customer_use(product, customer.as_ref(), units);
    become_paid(set, id, transaction_id, MovementKind::OrderPaidLate);
}

fn become_paid(
    set: &mut WorkingSet,
    id: OrderId,
    transaction_id: Option<String>,
    kind: MovementKind,
) {
    let now = set.now;
    let order = set.change_order(id);
    order.status = OrderStatus::Paid;
    order.paid_at = Some(now);
    order.transaction_id = transaction_id;
    let (product, quantity) = (order.product, order.quantity);
    move_stock(set, id, product, quantity, kind);
}

/// The transaction that paid it is known now.
pub fn adopt(set: &mut WorkingSet, id: OrderId, transaction_id: Option<String>) {
    set.change_order(id).transaction_id = transaction_id;
}

/// By its customer, or by a failed payment.
pub fn cancel(set: &mut WorkingSet, id: OrderId) {
    end_and_free(
        set,
        id,
        OrderStatus::Cancelled,
        MovementKind::OrderCancelled,
    );
}

/// With `restock` the units are available again, without it they leave the sale.
pub fn refund(set: &mut WorkingSet, id: OrderId, restock: bool) {
    let kind = if restock {
        MovementKind::OrderRestocked
    } else {
        MovementKind::OrderWrittenOff
    };
    end_and_free(set, id, OrderStatus::Refunded, kind);
}

fn end_and_free(set: &mut WorkingSet, id: OrderId, status: OrderStatus, kind: MovementKind) {
    let order = set.change_order(id);
    order.status = status;
    let (product, quantity, customer) = (order.product, order.quantity, order.customer.clone());
    set.move_customer_use(product, customer.as_ref(), -quantity.units());
    move_stock(set, id, product, quantity, kind);
}

/// The customer's use does not move: by the clock, what is overdue no longer counted.
pub fn expire(set: &mut WorkingSet, id: OrderId) {
    let order = set.change_order(id);
    order.status = OrderStatus::Expired;
    let (product, quantity) = (order.product, order.quantity);
    set.note_overdue_ended(product, quantity.units());
    move_stock(set, id, product, quantity, MovementKind::OrderExpired);
}

fn move_stock(
    set: &mut WorkingSet,
    id: OrderId,
    product: ProductId,
    quantity: Quantity,
    kind: MovementKind,
) {
    movement::record(set, product, kind, quantity.units(), Cause::Order(id));
}
