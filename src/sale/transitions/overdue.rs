//! Rows past their deadlines are told so, and their units are available.

use super::{hold, order};
use crate::sale::working_set::{Book, Due};

pub fn make_room(book: &mut Book, rows: &[Due]) {
    for row in rows {
        end(book, row);
    }
}

/// Ends a hold or an order that is overdue and was not ended yet; says how many units that freed.
pub fn end(book: &mut Book, row: &Due) -> Option<i64> {
    let units = book.overdue_row_units(row)?;
    match row {
        Due::Hold(id) => hold::expire(book, *id),
        Due::Order(id) => order::expire(book, *id),
        Due::Payment(_) | Due::Replay(_) => {}
    }
    Some(units)
}
