//! The only place that changes a product's counters: each change is a line of the ledger.

use super::event;
use crate::sale::rows::{Cause, Movement, MovementKind, ProductId};
use crate::sale::working_set::WorkingSet;

/// Moves `units` of a product that the caller has looked at, and writes the ledger.
pub(super) fn record(
    set: &mut WorkingSet,
    product: ProductId,
    kind: MovementKind,
    units: i64,
    cause: Cause,
) {
    let delta = kind.delta(units);
    let at = set.now;
    let row = set.change_product(product);
    let was_sold_out = row.is_sold_out();
    row.available += delta.available;
    row.reserved += delta.reserved;
    row.sold += delta.sold;
    row.total += delta.available + delta.reserved + delta.sold;
    row.version += 1;
    assert!(
        row.available >= 0 && row.reserved >= 0 && row.sold >= 0,
        "a rule makes sure of the units that it moves"
    );
    let version = row.version;
    let sold_out = (row.is_sold_out() && !was_sold_out).then(|| row.clone());
    set.push_movement(Movement {
        product,
        version,
        at,
        kind,
        delta,
        cause,
    });
    if let Some(row) = sold_out {
        event::product_sold_out(set, &row);
    }
}
