//! A payment event is recorded, stops waiting, and its refund becomes due and is resolved.

use super::event;
use crate::sale::rows::{
    OrderId, Payment, PaymentId, PaymentTarget, REFUNDED_BY_PROVIDER, Resolution, Timestamp,
    Verdict,
};
use crate::sale::working_set::WorkingSet;

/// With the next id, and the payload as it came.
pub fn record(set: &mut WorkingSet, payment: Payment, payload: Option<String>) {
    set.counters.next_payment = payment.id.next();
    note_refund(set, &payment);
    set.insert_payment(payment, payload);
}

/// A parked event is judged.
pub fn unpark(
    set: &mut WorkingSet,
    id: PaymentId,
    verdict: Verdict,
    order: Option<OrderId>,
    refund_due: bool,
) {
    set.counters.parked -= 1;
    let payment = set.change_payment(id);
    payment.verdict = verdict;
    payment.order = order;
    payment.parked_until = None;
    payment.refund_due = refund_due;
    let payment = payment.clone();
    note_refund(set, &payment);
}

/// Makes a refund that has just become due known: to the shop, and to rules that look for the transaction's.
fn note_refund(set: &mut WorkingSet, payment: &Payment) {
    if !payment.refund_due {
        return;
    }
    event::refund_due(set, payment, payment.order);
    if let Some(transaction_id) = payment.report.transaction_id.clone() {
        let target = payment.order.map_or(payment.target, PaymentTarget::Order);
        set.note_refund(target, transaction_id, payment.id);
    }
}

/// A refund that was due is due no more. `order`: the one that its payment means, if there is one by now.
pub fn resolve(
    set: &mut WorkingSet,
    id: PaymentId,
    order: Option<OrderId>,
    resolution: Resolution,
    note: Option<&str>,
) {
    let now = set.now;
    let payment = set.change_payment(id);
    payment.resolved_at = Some(now);
    payment.resolution = Some(resolution);
    payment.note = note.map(str::to_owned);
    let payment = payment.clone();
    event::refund_resolved(set, &payment, order);
}

/// Ends refunds that never were due: their transaction has paid the order.
pub fn withdraw(set: &mut WorkingSet, refunds: &[PaymentId], order: OrderId) {
    for id in refunds {
        resolve(
            set,
            *id,
            Some(order),
            Resolution::Withdrawn,
            Some("paid its order after all"),
        );
    }
}

/// Ends refunds that were due a second time, for a payment that is paid back.
pub fn resolve_as_same(set: &mut WorkingSet, refunds: &[PaymentId], order: Option<OrderId>) {
    for id in refunds {
        let note = Some("the same payment was paid back already");
        resolve(set, *id, order, Resolution::SamePayment, note);
    }
}

/// Ends a refund whose money went back by this time, as its provider reports.
pub fn resolve_as_returned(
    set: &mut WorkingSet,
    id: PaymentId,
    order: Option<OrderId>,
    at: Timestamp,
) {
    let note = Some(REFUNDED_BY_PROVIDER);
    resolve(set, id, order, Resolution::PaidBack, note);
    set.change_payment(id).resolved_at = Some(at);
}

/// The money did not go back after all: a refund that was paid back is due again. What was noted then is kept.
pub fn become_due_again(set: &mut WorkingSet, id: PaymentId, order: Option<OrderId>) {
    let payment = set.change_payment(id);
    payment.resolved_at = None;
    payment.resolution = None;
    let payment = payment.clone();
    event::refund_due(set, &payment, order);
}

/// The money bought this order after all.
pub fn accept(set: &mut WorkingSet, id: PaymentId, order: OrderId) {
    resolve(set, id, Some(order), Resolution::Accepted, Some("accepted"));
    set.change_payment(id).order = Some(order);
}
