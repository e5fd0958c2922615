//! A report about money that came before is recorded, and the orders that the money paid show it.

use super::event;
use crate::sale::rows::{Dispute, OrderId, Reversal, ReversalKind, Standing};
use crate::sale::working_set::WorkingSet;

/// With the next id, which is one of payments too, and the payload as it came.
pub fn record(
    set: &mut WorkingSet,
    reversal: Reversal,
    payload: Option<String>,
    orders: &[OrderId],
) {
    set.counters.next_payment = reversal.id.next();
    for order in orders {
        tell(set, *order, &reversal);
        show(set, *order, reversal.standing);
    }
    set.insert_reversal(reversal, payload);
}

/// A dispute that is over was opened before, whenever that is reported.
fn tell(set: &mut WorkingSet, id: OrderId, reversal: &Reversal) {
    let standing = reversal.standing;
    let known = set.known_order(id).refunded_amount;
    match reversal.kind {
        ReversalKind::Refunded if standing.refunded_amount <= known => {}
        ReversalKind::Refunded | ReversalKind::RefundFailed => {
            event::payment_refunded(set, id, reversal);
        }
        ReversalKind::DisputeOpened if standing.dispute != Some(Dispute::Open) => {}
        ReversalKind::DisputeOpened | ReversalKind::DisputeWon | ReversalKind::DisputeLost => {
            event::disputed(set, id, reversal);
        }
    }
}

/// The order that a transaction paid shows how the transaction stands.
pub(super) fn show(set: &mut WorkingSet, id: OrderId, standing: Standing) {
    let Standing {
        refunded_amount,
        dispute,
        returned: _,
    } = standing;
    let order = set.known_order(id);
    if (order.refunded_amount, order.dispute) != (refunded_amount, dispute) {
        let order = set.change_order(id);
        order.refunded_amount = refunded_amount;
        order.dispute = dispute;
    }
}
