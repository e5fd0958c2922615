//! The table of verdicts: what a payment event means for an order that exists.

use super::effect::{Effect, Purchase};
use super::{fate, room};
use crate::sale::rows::{
    FailedPayment, LatePayment, OrderId, OrderStatus, PaymentStatus, PaymentTarget, Report, Verdict,
};
use crate::sale::working_set::{Due, Stop, WorkingSet};

pub fn judge(
    set: &WorkingSet,
    order_id: OrderId,
    report: &Report,
) -> Result<(Verdict, Effect), Stop> {
    let order = set.known_order(order_id);
    let target = PaymentTarget::Order(order_id);
    match (order.status_at(set.now), report.status) {
        (OrderStatus::Paid | OrderStatus::Refunded, PaymentStatus::Success) if order.is_free() => {
            judge_for_nothing(set, target, report)
        }
        (OrderStatus::Pending, PaymentStatus::Success) if pays(set, order_id, report) => {
            purchase(set, order_id, report, None)
        }
        (OrderStatus::Pending, PaymentStatus::Success) => {
            fate::due_once(set, target, report, Verdict::AmountMismatch)
        }
        (OrderStatus::Pending, PaymentStatus::Failure) => Ok(match set.terms.failed_payment {
            FailedPayment::Cancel => (Verdict::Applied, Effect::Cancel),
            FailedPayment::Keep => (Verdict::Ignored, Effect::None),
        }),
        (OrderStatus::Paid | OrderStatus::Refunded, PaymentStatus::Success)
            if report.differs_from(order.transaction_id.as_deref()) =>
        {
            fate::due_once(set, target, report, Verdict::DuplicatePayment)
        }
        (OrderStatus::Paid | OrderStatus::Refunded, PaymentStatus::Success)
            if order.transaction_id.is_none() && report.transaction_id.is_some() =>
        {
            adoption(set, order_id, report)
        }
        (OrderStatus::Cancelled | OrderStatus::Expired, PaymentStatus::Success) => {
            match room_if_accepted(set, order_id, report)? {
                Some(overdue) => purchase(set, order_id, report, Some(overdue)),
                None => fate::due_once(set, target, report, Verdict::LatePayment),
            }
        }
        (
            OrderStatus::Paid | OrderStatus::Refunded,
            PaymentStatus::Success | PaymentStatus::Failure,
        )
        | (OrderStatus::Cancelled | OrderStatus::Expired, PaymentStatus::Failure) => {
            Ok((Verdict::Ignored, Effect::None))
        }
    }
}

fn pays(set: &WorkingSet, order: OrderId, report: &Report) -> bool {
    report.pays(set.known_order(order).total_price(), set.terms.currency)
}

/// An order of 0.00 was paid by no transaction.
fn judge_for_nothing(
    set: &WorkingSet,
    target: PaymentTarget,
    report: &Report,
) -> Result<(Verdict, Effect), Stop> {
    if report.is_of_nothing() {
        Ok((Verdict::Ignored, Effect::None))
    } else {
        fate::due_once(set, target, report, Verdict::AmountMismatch)
    }
}

fn purchase(
    set: &WorkingSet,
    order: OrderId,
    report: &Report,
    again: Option<Vec<Due>>,
) -> Result<(Verdict, Effect), Stop> {
    let withdrawn = fate::withdrawn_by_paying(set, order, report)?;
    let has_gone_back = fate::has_gone_back(set, PaymentTarget::Order(order), report)?;
    Ok(match withdrawn.filter(|_| !has_gone_back) {
        Some(withdrawn) => (Verdict::Applied, Effect::Pay(Purchase { again, withdrawn })),
        None => (Verdict::Ignored, Effect::None),
    })
}

/// The payment named no transaction, and this is the first success that does: it is taken for the same, unless that
/// transaction is known as money that was paid back, or as another amount that is owed.
fn adoption(
    set: &WorkingSet,
    order_id: OrderId,
    report: &Report,
) -> Result<(Verdict, Effect), Stop> {
    set.standing(report.transaction_id.as_deref())?;
    let effect = match fate::withdrawn_by_paying(set, order_id, report)? {
        Some(refunds) if refunds.is_empty() || pays(set, order_id, report) => {
            Effect::Adopt(refunds)
        }
        Some(_) | None => Effect::None,
    };
    Ok((Verdict::Ignored, effect))
}

/// Whether a late payment may have its units again, and what to end for them: by policy, amount and stock.
fn room_if_accepted(
    set: &WorkingSet,
    order_id: OrderId,
    report: &Report,
) -> Result<Option<Vec<Due>>, Stop> {
    let is_accepted = match set.terms.late_payment {
        LatePayment::Accept => pays(set, order_id, report),
        LatePayment::Refund => false,
    };
    if !is_accepted {
        return Ok(None);
    }
    match room_again(set, order_id) {
        Ok(overdue) => Ok(Some(overdue)),
        Err(Stop::Refused(_)) => Ok(None),
        Err(Stop::Needs(needs)) => Err(Stop::Needs(needs)),
    }
}

/// The rows to end so that a cancelled or expired order's units are available again; refused if they are gone.
pub fn room_again(set: &WorkingSet, order_id: OrderId) -> Result<Vec<Due>, Stop> {
    let order = set.known_order(order_id);
    if order.overdue_units(set.now).is_some() {
        return Ok(vec![Due::Order(order_id)]);
    }
    room::room_for(set, order.line.product, order.line.units())
}
