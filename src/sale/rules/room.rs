//! Whether units are there: available, or free by the clock.

use crate::sale::rows::ProductId;
use crate::sale::working_set::{Due, Rejection, Stop, WorkingSet, ensure};

/// The rows to end so that `units` of the product are available; refused if even all overdue rows together would not do.
pub fn room_for(set: &WorkingSet, product: ProductId, units: i64) -> Result<Vec<Due>, Stop> {
    let short = units - set.known_product(product).available;
    if short <= 0 {
        return Ok(Vec::new());
    }
    let overdue = set.overdue_units(product)?;
    let available = set.known_product(product).available + overdue;
    ensure!(short <= overdue, Rejection::InsufficientStock { available });
    set.overdue_rows(product, short)
}
