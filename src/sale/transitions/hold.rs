//! A hold is placed, and ends.

use super::movement;
use crate::sale::rows::{Cause, Hold, HoldId, HoldStatus, MovementKind, ProductId, Quantity};
use crate::sale::working_set::WorkingSet;

/// With the next id.
pub fn place(set: &mut WorkingSet, hold: &Hold) {
    set.counters.next_hold = hold.id.next();
    set.move_customer_use(hold.product, hold.customer.as_ref(), hold.quantity.units());
    move_stock(
        set,
        hold.id,
        hold.product,
        hold.quantity,
        MovementKind::HoldPlaced,
    );
    set.insert_hold(hold.clone());
}

pub fn release(set: &mut WorkingSet, id: HoldId) {
    let hold = set.change_hold(id);
    hold.status = HoldStatus::Released;
    let (product, quantity, customer) = (hold.product, hold.quantity, hold.customer.clone());
    set.move_customer_use(product, customer.as_ref(), -quantity.units());
    move_stock(set, id, product, quantity, MovementKind::HoldReleased);
}

/// The customer's use does not move: by the clock, what is overdue no longer counted.
pub fn expire(set: &mut WorkingSet, id: HoldId) {
    let hold = set.change_hold(id);
    hold.status = HoldStatus::Expired;
    let (product, quantity) = (hold.product, hold.quantity);
    set.note_overdue_ended(product, quantity.units());
    move_stock(set, id, product, quantity, MovementKind::HoldExpired);
}

fn move_stock(
    set: &mut WorkingSet,
    id: HoldId,
    product: ProductId,
    quantity: Quantity,
    kind: MovementKind,
) {
    movement::record(set, product, kind, quantity.units(), Cause::Hold(id));
}
