//! How deadlines end things. A hold or an order past its deadline is over from that instant for everyone who looks at it;
//! here its row is told so, when somebody needs its units or a sweep passes by.

use super::book::Book;
use super::command::{Outcome, Rejection, Swept};
use super::hold::HoldStatus;
use super::id::{HoldId, OrderId, ProductId};
use super::movement::{self, Cause, MovementKind};
use super::need::Due;
use super::order::OrderStatus;
use super::{Stop, all_looked_at, ensure, payment};

/// The rows to end so that `units` of the product are available; refused if even all overdue rows together would not do.
pub fn room_for(book: &Book, product: ProductId, units: i64) -> Result<Vec<Due>, Stop> {
    let short = units - book.known_product(product).available;
    if short <= 0 {
        return Ok(Vec::new());
    }
    let overdue = book.overdue_units(product)?;
    let available = book.known_product(product).available + overdue;
    ensure!(short <= overdue, Rejection::InsufficientStock { available });
    book.overdue_rows(product, short)
}

/// Ends rows that `room_for` found.
pub fn make_room(book: &mut Book, rows: &[Due]) {
    for row in rows {
        end(book, row);
    }
}

/// Ends whatever of the oldest due rows is not ended yet.
pub fn sweep(book: &mut Book, rows_max: usize, keys_max: usize) -> Result<Outcome, Stop> {
    let due = book.due(rows_max, keys_max)?.to_vec();
    all_looked_at(due.iter().map(|row| look_at(book, row)))?;

    // From here on the sweep must succeed.
    let mut swept = Swept::default();
    for row in &due {
        let units = book.overdue_row_units(row);
        match row {
            Due::Hold(_) => swept.holds_expired += u64::from(units.is_some()),
            Due::Order(_) => swept.orders_expired += u64::from(units.is_some()),
            Due::Payment(id) => {
                if book.known_payment(*id).has_lapsed(book.now) {
                    payment::settle_without_order(book, *id);
                    swept.payments_settled += 1;
                }
            }
            Due::Replay(key) => {
                swept.replays_forgotten += u64::from(book.forget_lapsed(key));
            }
        }
        swept.units_released += units.unwrap_or(0);
        end(book, row);
    }
    Ok(Outcome::Swept(swept))
}

/// Looks at everything that ending this row will touch.
fn look_at(book: &Book, row: &Due) -> Result<(), Stop> {
    match row {
        Due::Hold(id) => {
            if let Some(hold) = book.hold(*id)? {
                book.product(hold.product)?;
            }
        }
        Due::Order(id) => {
            if let Some(order) = book.order(*id)? {
                book.product(order.product)?;
            }
        }
        Due::Payment(id) => {
            if book.payment(*id)?.is_some() {
                payment::look_at_refund(book, *id)?;
            }
        }
        Due::Replay(key) => {
            book.replay(key)?;
        }
    }
    Ok(())
}

fn end(book: &mut Book, row: &Due) {
    if let Some(units) = book.overdue_row_units(row) {
        match row {
            Due::Hold(id) => end_hold(book, *id, units),
            Due::Order(id) => end_order(book, *id, units),
            Due::Payment(_) | Due::Replay(_) => {}
        }
    }
}

fn end_hold(book: &mut Book, id: HoldId, units: i64) {
    let product = book.known_hold(id).product;
    book.change_hold(id).status = HoldStatus::Expired;
    book.note_overdue_ended(product, units);
    movement::record(
        book,
        product,
        MovementKind::HoldExpired,
        units,
        Cause::Hold(id),
    );
}

pub fn end_order(book: &mut Book, id: OrderId, units: i64) {
    let product = book.known_order(id).product;
    book.change_order(id).status = OrderStatus::Expired;
    book.note_overdue_ended(product, units);
    movement::record(
        book,
        product,
        MovementKind::OrderExpired,
        units,
        Cause::Order(id),
    );
}
