//! What a payment provider reports about money that came before: that it went back, or is disputed. A report may overtake
//! the payment that it is about, and is kept for it. It moves no units and ends no order: units move when the operator says
//! so.

use super::command::{Outcome, PaymentRecorded, ReversalEvent};
use super::{fate, parked, refund};
use crate::sale::rows::{
    OrderId, PaymentId, PaymentTarget, Resolution, Reversal, ReversalKind, Verdict,
};
use crate::sale::transitions;
use crate::sale::working_set::{
    KnownTransaction, Rejection, Stop, WorkingSet, all_looked_at, ensure,
};

pub fn record(set: &mut WorkingSet, event: &ReversalEvent) -> Result<Outcome, Stop> {
    let is_of_payment = set.payment_by_key(&event.key)?.is_some();
    let known = set.reversal_by_key(&event.key)?.cloned();
    let transaction = set.transaction(&event.transaction_id)?;
    let standing = set.standing(Some(&event.transaction_id))?;
    ensure!(!is_of_payment, Rejection::KeyReused);
    if let Some(known) = known {
        let is_same = known.transaction_id == event.transaction_id && known.kind == event.kind;
        ensure!(is_same, Rejection::KeyReused);
        return Ok(recorded(set, &known, &transaction.orders, true));
    }
    let lapsed = lapsed(set, &transaction);
    let refunds = transaction.refunds.iter().chain(&lapsed);
    all_looked_at(refunds.map(|id| look_at(set, *id)))?;
    all_looked_at(lapsed.iter().map(|id| parked::require_end(set, *id)))?;

    // From here on the report must be recorded.
    for id in lapsed {
        parked::settle_without_order(set, id);
    }
    let transaction = set.transaction(&event.transaction_id);
    let transaction = transaction.expect("the transaction was looked at before");
    let reversal = Reversal {
        id: set.counters.next_payment,
        key: event.key.clone(),
        kind: event.kind,
        transaction_id: event.transaction_id.clone(),
        amount: event.amount,
        verdict: if transaction.is_known() {
            Verdict::Applied
        } else {
            Verdict::Ignored
        },
        received_at: set.now,
        standing: standing.with(event.kind, event.amount),
    };
    let outcome = recorded(set, &reversal, &transaction.orders, false);
    let payload = event.payload.clone();
    transitions::reversal::record(set, reversal, payload, &transaction.orders);
    for id in transaction.refunds {
        carry_out(set, event.kind, id);
    }
    Ok(outcome)
}

/// A refund is due no more when as much as was paid went back, and is due again when that failed.
fn carry_out(set: &mut WorkingSet, kind: ReversalKind, refund: PaymentId) {
    let payment = set.known_payment(refund);
    let order = refund::order_that_exists(set, payment).expect(LOOKED_AT);
    match (kind, payment.resolution) {
        (ReversalKind::Refunded, None) => {
            if has_returned(set, refund).expect(LOOKED_AT) {
                transitions::payment::resolve_as_returned(set, refund, order, set.now);
            }
        }
        (ReversalKind::RefundFailed, Some(Resolution::PaidBack)) => {
            transitions::payment::become_due_again(set, refund, order);
        }
        (
            ReversalKind::Refunded
            | ReversalKind::RefundFailed
            | ReversalKind::DisputeOpened
            | ReversalKind::DisputeWon
            | ReversalKind::DisputeLost,
            _,
        ) => {}
    }
}

const LOOKED_AT: &str = "what a refund is about was looked at before";

/// Looks at what `carry_out` will ask.
fn look_at(set: &WorkingSet, refund: PaymentId) -> Result<(), Stop> {
    let payment = set.known_payment(refund);
    let order = refund::order_that_exists(set, payment)?;
    set.payer(payment.target, order)?;
    has_returned(set, refund)?;
    Ok(())
}

fn has_returned(set: &WorkingSet, id: PaymentId) -> Result<bool, Stop> {
    let payment = set.known_payment(id);
    let target = payment.order.map_or(payment.target, PaymentTarget::Order);
    let amount = fate::amount_paid(set, target, &payment.report)?;
    let standing = set.standing(payment.report.transaction_id.as_deref())?;
    Ok(standing.has_returned(amount))
}

/// Events of the transaction that have waited in vain, and that no sweep has come by yet.
fn lapsed(set: &WorkingSet, transaction: &KnownTransaction) -> Vec<PaymentId> {
    let parked = transaction.parked.iter().copied();
    parked
        .filter(|id| set.known_payment(*id).has_lapsed(set.now))
        .collect()
}

fn recorded(
    set: &WorkingSet,
    reversal: &Reversal,
    paid: &[OrderId],
    already_processed: bool,
) -> Outcome {
    let order = paid.last().map(|order| set.known_order(*order));
    Outcome::PaymentRecorded(PaymentRecorded {
        payment: reversal.id,
        already_processed,
        verdict: reversal.verdict,
        order_status: order.map(|order| order.status_at(set.now)),
        is_hundredfold: false,
    })
}
