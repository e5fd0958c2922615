//! Events that came before their orders: they wait, and are judged by the transaction that makes the order, or that ends the
//! wait.

use super::effect::{Effect, carry_out};
use super::fate;
use super::verdict::judge;
use crate::sale::rows::{
    HoldId, OrderId, Payment, PaymentId, PaymentStatus, PaymentTarget, Report, Timestamp, Verdict,
};
use crate::sale::transitions;
use crate::sale::working_set::{Stop, WorkingSet, all_looked_at};

/// Looks at what `settle` will ask: with the order just made, only whether refunds were due before.
pub fn require_order(
    set: &WorkingSet,
    id: PaymentId,
    order: OrderId,
    hold: HoldId,
) -> Result<(), Stop> {
    let Some(transaction_id) = &set.known_payment(id).report.transaction_id else {
        return Ok(());
    };
    let targets = [PaymentTarget::Order(order), PaymentTarget::Hold(hold)];
    let refunds = targets.map(|target| set.refunds(target, transaction_id).map(|_| ()));
    let standing = set.standing(Some(transaction_id)).map(|_| ());
    all_looked_at(refunds.into_iter().chain([standing]))
}

/// Judges an event that waited, inside the transaction that made its order.
pub fn settle(set: &mut WorkingSet, id: PaymentId, order: OrderId) {
    let payment = set.known_payment(id).clone();
    let judged = if payment.has_lapsed(set.now) {
        lapse(set, PaymentTarget::Order(order), &payment)
    } else {
        judge(set, order, &payment.report)
    };
    let (verdict, effect) =
        judged.expect("all that a parked event's judgement sees was looked at before");
    let refund_due = effect.makes_refund_due();
    let has_gone_back = effect.finds_money_gone_back();
    carry_out(set, order, id, &payment.report, effect);
    transitions::payment::unpark(set, id, verdict, Some(order), refund_due);
    if has_gone_back {
        let at = end_of_wait(set, &payment);
        transitions::payment::resolve_as_returned(set, id, Some(order), at);
    }
}

/// Looks at what `settle_without_order` will ask.
pub fn require_end(set: &WorkingSet, id: PaymentId) -> Result<(), Stop> {
    let payment = set.known_payment(id);
    if payment.is_parked() {
        set.parked_on(payment.target)?;
        fate::of_transaction(set, payment.target, &payment.report)?;
        set.payer(payment.target, None)?;
        fate::has_gone_back(set, payment.target, &payment.report)?;
    }
    Ok(())
}

/// Ends the wait of an event whose order will not come, or did not come in time.
pub fn settle_without_order(set: &mut WorkingSet, id: PaymentId) {
    let payment = set.known_payment(id).clone();
    let judged = lapse(set, payment.target, &payment);
    let (verdict, effect) = judged.expect("whether the refund was due was looked at before");
    transitions::payment::unpark(set, id, verdict, None, effect.makes_refund_due());
    if effect.finds_money_gone_back() {
        let at = end_of_wait(set, &payment);
        transitions::payment::resolve_as_returned(set, id, None, at);
    }
}

/// Whenever a sweep comes by, it is as if it had come in time.
fn end_of_wait(set: &WorkingSet, payment: &Payment) -> Timestamp {
    let in_vain = payment
        .end_of_wait()
        .filter(|_| payment.has_lapsed(set.now));
    in_vain.unwrap_or(set.now)
}

/// What becomes of an event that waited too long for `target`.
pub fn lapse(
    set: &WorkingSet,
    target: PaymentTarget,
    payment: &Payment,
) -> Result<(Verdict, Effect), Stop> {
    match payment.verdict_without_order() {
        Verdict::LatePayment if has_earlier_report(set, payment)? => {
            Ok((Verdict::Ignored, Effect::None))
        }
        Verdict::LatePayment => {
            let (verdict, effect) =
                fate::due_once(set, target, &payment.report, Verdict::LatePayment)?;
            Ok((verdict, without_an_order(set, payment, effect)?))
        }
        verdict @ (Verdict::Applied
        | Verdict::Ignored
        | Verdict::Parked
        | Verdict::AmountMismatch
        | Verdict::DuplicatePayment) => Ok((verdict, Effect::None)),
    }
}

/// Whether its money has gone back was known when the wait ended, and so what an order costs that has come since says nothing.
fn without_an_order(set: &WorkingSet, payment: &Payment, effect: Effect) -> Result<Effect, Stop> {
    let standing = set.standing(payment.report.transaction_id.as_deref())?;
    if !effect.makes_refund_due() || standing.returned.is_none() {
        return Ok(effect);
    }
    let amount = match payment.target {
        PaymentTarget::Hold(_) => fate::amount_paid(set, payment.target, &payment.report)?,
        PaymentTarget::Order(_) => payment.report.cents(),
    };
    Ok(Effect::RefundDue {
        has_gone_back: standing.has_returned(amount),
    })
}

/// Whether an older report of the same transaction has waited in vain for the same: a sweep would settle that one first.
fn has_earlier_report(set: &WorkingSet, payment: &Payment) -> Result<bool, Stop> {
    let age = |payment: &Payment| (payment.parked_until, payment.id);
    let is_older = |other: &Payment| age(other) < age(payment);
    has_waited_in_vain(set, payment.target, &payment.report, is_older)
}

/// Whether such a report of this transaction has waited in vain for `target`, and no sweep has come by yet.
pub fn has_waited_in_vain(
    set: &WorkingSet,
    target: PaymentTarget,
    report: &Report,
    is_meant: impl Fn(&Payment) -> bool,
) -> Result<bool, Stop> {
    let parked = set.parked_on(target)?;
    let mut others = parked.into_iter().map(|id| set.known_payment(id));
    Ok(report.transaction_id.is_some()
        && others.any(|other| {
            other.has_lapsed(set.now)
                && other.report.status == PaymentStatus::Success
                && other.report.transaction_id == report.transaction_id
                && is_meant(other)
        }))
}
