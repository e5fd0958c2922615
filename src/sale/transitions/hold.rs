//! A hold is placed, and ends.

use super::movement;
use crate::sale::rows::{Cause, Hold, HoldId, HoldStatus, MovementKind, ProductId, Quantity};
use crate::sale::working_set::Book;

/// With the next id.
pub fn place(book: &mut Book, hold: &Hold) {
    book.meta.next_hold = hold.id.next();
    book.move_customer_use(hold.product, hold.customer.as_ref(), hold.quantity.units());
    move_stock(
        book,
        hold.id,
        hold.product,
        hold.quantity,
        MovementKind::HoldPlaced,
    );
    book.insert_hold(hold.clone());
}

pub fn release(book: &mut Book, id: HoldId) {
    let hold = book.change_hold(id);
    hold.status = HoldStatus::Released;
    let (product, quantity, customer) = (hold.product, hold.quantity, hold.customer.clone());
    book.move_customer_use(product, customer.as_ref(), -quantity.units());
    move_stock(book, id, product, quantity, MovementKind::HoldReleased);
}

/// The customer's use does not move: by the clock, what is overdue no longer counted.
pub fn expire(book: &mut Book, id: HoldId) {
    let hold = book.change_hold(id);
    hold.status = HoldStatus::Expired;
    let (product, quantity) = (hold.product, hold.quantity);
    book.note_overdue_ended(product, quantity.units());
    move_stock(book, id, product, quantity, MovementKind::HoldExpired);
}

fn move_stock(
    book: &mut Book,
    id: HoldId,
    product: ProductId,
    quantity: Quantity,
    kind: MovementKind,
) {
    movement::record(book, product, kind, quantity.units(), Cause::Hold(id));
}
