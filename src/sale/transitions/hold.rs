//! A hold is placed, and ends.

use super::movement;
use crate::sale::rows::{Cause, Hold, HoldId, HoldStatus, Line, MovementKind};
use crate::sale::working_set::WorkingSet;

/// With the next id.
pub fn place(set: &mut WorkingSet, hold: &Hold) {
    set.counters.next_hold = hold.id.next();
    set.move_customer_use(hold.line.product, hold.customer.as_ref(), hold.line.units());
    move_stock(set, hold.id, hold.line, MovementKind::HoldPlaced);
    set.insert_hold(hold.clone());
}

pub fn release(set: &mut WorkingSet, id: HoldId) {
    let hold = set.change_hold(id);
    hold.status = HoldStatus::Released;
    let (line, customer) = (hold.line, hold.customer.clone());
    set.move_customer_use(line.product, customer.as_ref(), -line.units());
    move_stock(set, id, line, MovementKind::HoldReleased);
}

/// The customer's use does not move: by the clock, what is overdue no longer counted.
pub fn expire(set: &mut WorkingSet, id: HoldId) {
    let hold = set.change_hold(id);
    hold.status = HoldStatus::Expired;
    let line = hold.line;
    set.note_overdue_ended(line.product, line.units());
    move_stock(set, id, line, MovementKind::HoldExpired);
}

fn move_stock(set: &mut WorkingSet, id: HoldId, line: Line, kind: MovementKind) {
    movement::record(set, line.product, kind, line.units(), Cause::Hold(id));
}
