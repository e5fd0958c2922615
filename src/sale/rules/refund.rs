//! Money that bought nothing, which is owed back until it was paid back, was accepted after all, or turns out to have paid
//! its order.

use super::command::Outcome;
use super::effect::{Effect, Purchase, carry_out};
use super::verdict::room_again;
use super::{fate, parked};
use crate::sale::rows::{OrderId, OrderStatus, Payment, PaymentId, PaymentTarget, Resolution};
use crate::sale::transitions;
use crate::sale::working_set::{Rejection, Stop, WorkingSet, ensure};

/// The operator has paid it back. What else was due for the same payment is due no more.
pub fn resolve(set: &mut WorkingSet, id: PaymentId, note: Option<&str>) -> Result<Outcome, Stop> {
    let (payment, has_gone_back) = ensure_due(set, id)?;
    let order = order_that_exists(set, &payment)?;
    if payment.resolved_at.is_some() {
        return Ok(refund_resolved(set, id, order));
    }
    let others = others_of_payment(set, &payment, order)?;
    let is_paid_back = others.iter().any(|other| was_paid_back(set, *other));
    set.payer(payment.target, order)?;

    // From here on the refund is resolved.
    if payment.has_lapsed(set.now) {
        parked::settle_without_order(set, id);
    }
    if has_gone_back {
        return Ok(refund_resolved(set, id, order));
    }
    if is_paid_back {
        transitions::payment::resolve_as_same(set, &[id], order);
    } else {
        transitions::payment::resolve(set, id, order, Resolution::PaidBack, note);
        let due: Vec<PaymentId> = others
            .into_iter()
            .filter(|other| is_due(set, *other))
            .collect();
        transitions::payment::resolve_as_same(set, &due, order);
    }
    Ok(refund_resolved(set, id, order))
}

/// The money is taken after all: the order becomes paid by it, whatever the amount.
pub fn accept(set: &mut WorkingSet, id: PaymentId) -> Result<Outcome, Stop> {
    let (payment, has_gone_back) = ensure_due(set, id)?;
    let order = order_that_exists(set, &payment)?;
    ensure!(!has_gone_back, Rejection::RefundResolved);
    set.standing(payment.report.transaction_id.as_deref())?;
    match payment.resolution {
        None => {}
        Some(Resolution::Accepted) => return Ok(refund_resolved(set, id, order)),
        Some(Resolution::PaidBack | Resolution::Withdrawn | Resolution::SamePayment) => {
            return Err(Rejection::RefundResolved.into());
        }
    }
    let others = others_of_payment(set, &payment, order)?;
    let is_paid_back = others.iter().any(|other| was_paid_back(set, *other));
    ensure!(!is_paid_back, Rejection::RefundResolved);
    let order_id = order.ok_or(Rejection::RefundHasNoOrder)?;
    let order = set.known_order(order_id);
    let status = order.status_at(set.now);
    set.product(order.line.product)?;
    let again = match status {
        OrderStatus::Paid => return Err(Rejection::OrderPaid.into()),
        OrderStatus::Refunded => return Err(Rejection::OrderRefunded.into()),
        OrderStatus::Pending => None,
        OrderStatus::Cancelled | OrderStatus::Expired => Some(room_again(set, order_id)?),
    };
    let withdrawn = others
        .into_iter()
        .filter(|other| is_due(set, *other))
        .collect();

    // From here on the money is taken.
    if payment.has_lapsed(set.now) {
        parked::settle_without_order(set, id);
    }
    transitions::payment::accept(set, id, order_id);
    let purchase = Effect::Pay(Purchase { again, withdrawn });
    carry_out(set, order_id, id, &payment.report, purchase);
    Ok(refund_resolved(set, id, Some(order_id)))
}

/// The payment, if its refund is or was due: by the clock, whether a sweep has passed or not. And whether the sweep will
/// find that its money went back.
fn ensure_due(set: &WorkingSet, id: PaymentId) -> Result<(Payment, bool), Stop> {
    let payment = set.payment(id)?.ok_or(Rejection::RefundNotFound)?;
    let (is_due, has_gone_back) = if payment.has_lapsed(set.now) {
        let (_, effect) = parked::lapse(set, payment.target, payment)?;
        (effect.makes_refund_due(), effect.finds_money_gone_back())
    } else {
        (payment.refund_due, false)
    };
    ensure!(is_due, Rejection::RefundNotFound);
    Ok((payment.clone(), has_gone_back))
}

/// What else was due for the payment's transaction: two events that stopped waiting before there was an order, one naming it
/// and the other its hold, are both due, and known for one payment once there is the order.
fn others_of_payment(
    set: &WorkingSet,
    payment: &Payment,
    order: Option<OrderId>,
) -> Result<Vec<PaymentId>, Stop> {
    let target = order.map_or(payment.target, PaymentTarget::Order);
    let mut refunds = fate::of_transaction(set, target, &payment.report)?;
    refunds.retain(|refund| *refund != payment.id);
    Ok(refunds)
}

fn is_due(set: &WorkingSet, refund: PaymentId) -> bool {
    set.known_payment(refund).resolved_at.is_none()
}

fn was_paid_back(set: &WorkingSet, refund: PaymentId) -> bool {
    set.known_payment(refund).resolution == Some(Resolution::PaidBack)
}

/// The order that the payment's name means by now.
pub fn order_that_exists(set: &WorkingSet, payment: &Payment) -> Result<Option<OrderId>, Stop> {
    match payment.order.or(fate::order_meant(set, payment.target)?) {
        Some(id) => Ok(set.order(id)?.map(|order| order.id)),
        None => Ok(None),
    }
}

fn refund_resolved(set: &WorkingSet, id: PaymentId, order: Option<OrderId>) -> Outcome {
    let payment = set.known_payment(id).clone();
    Outcome::RefundResolved(Payment { order, ..payment })
}
