//! Rows past their deadlines are told so, and their units are available.

use super::{hold, order};
use crate::sale::working_set::{Due, WorkingSet};

pub fn make_room(set: &mut WorkingSet, rows: &[Due]) {
    for row in rows {
        end(set, row);
    }
}

/// Ends a hold or an order that is overdue and was not ended yet; says how many units that freed.
pub fn end(set: &mut WorkingSet, row: &Due) -> Option<i64> {
    let units = set.overdue_row_units(row)?;
    match row {
        Due::Hold(id) => hold::expire(set, *id),
        Due::Order(id) => order::expire(set, *id),
        Due::Payment(_) | Due::Event(_) | Due::IdempotencyKey(_) => {}
    }
    Some(units)
}
