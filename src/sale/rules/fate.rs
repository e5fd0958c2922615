//! A transaction has one fate: what paid is not owed, what was paid back pays nothing, and what is owed is owed once.

use super::effect::Effect;
use crate::sale::rows::{Cents, OrderId, PaymentId, PaymentTarget, Report, Verdict};
use crate::sale::working_set::{Stop, WorkingSet, all_looked_at};

/// One payment is refunded once, and not at all if it paid: another report of such a transaction is ignored.
pub fn due_once(
    set: &WorkingSet,
    target: PaymentTarget,
    report: &Report,
    verdict: Verdict,
) -> Result<(Verdict, Effect), Stop> {
    let is_settled =
        has_paid(set, target, report)? || !of_transaction(set, target, report)?.is_empty();
    Ok(if is_settled {
        (Verdict::Ignored, Effect::None)
    } else {
        let has_gone_back = has_gone_back(set, target, report)?;
        (verdict, Effect::RefundDue { has_gone_back })
    })
}

/// Whether the provider has reported that the money of this success went back.
pub fn has_gone_back(
    set: &WorkingSet,
    target: PaymentTarget,
    report: &Report,
) -> Result<bool, Stop> {
    let standing = set.standing(report.transaction_id.as_deref())?;
    if standing.returned.is_none() {
        return Ok(false);
    }
    Ok(standing.has_returned(amount_paid(set, target, report)?))
}

/// As the report says, or else what its order costs; `None` where that went with a lost disk.
pub fn amount_paid(
    set: &WorkingSet,
    target: PaymentTarget,
    report: &Report,
) -> Result<Option<Cents>, Stop> {
    match (report.cents(), target) {
        (Some(amount), _) => Ok(Some(amount)),
        (None, PaymentTarget::Order(_)) => {
            let order = order_of(set, target)?;
            Ok(order.map(|order| set.known_order(order).total_price()))
        }
        (None, PaymentTarget::Hold(id)) => Ok(set.hold(id)?.map(|hold| hold.line.total_price())),
    }
}

/// Looks at nothing where no transaction is named, as `of_transaction` does.
fn has_paid(set: &WorkingSet, target: PaymentTarget, report: &Report) -> Result<bool, Stop> {
    if report.transaction_id.is_none() {
        return Ok(false);
    }
    let order = order_of(set, target)?;
    let paid_by = order.and_then(|order| set.known_order(order).transaction_id.as_ref());
    Ok(paid_by == report.transaction_id.as_ref())
}

/// The refunds that ever were due for this transaction; for an order, under the name of its hold too.
pub fn of_transaction(
    set: &WorkingSet,
    target: PaymentTarget,
    report: &Report,
) -> Result<Vec<PaymentId>, Stop> {
    let Some(transaction_id) = &report.transaction_id else {
        return Ok(Vec::new());
    };
    let hold = order_of(set, target)?.map(|order| PaymentTarget::Hold(set.known_order(order).hold));
    let targets = [Some(target), hold];
    let looks = || {
        targets
            .iter()
            .flatten()
            .map(|target| set.refunds(*target, transaction_id))
    };
    all_looked_at(looks())?;
    let mut refunds = Vec::new();
    for found in looks() {
        refunds.extend(found?);
    }
    refunds.sort_unstable();
    refunds.dedup();
    Ok(refunds)
}

/// The order of this name, if there is one: looked at.
fn order_of(set: &WorkingSet, target: PaymentTarget) -> Result<Option<OrderId>, Stop> {
    match target {
        PaymentTarget::Order(id) if id < set.counters.next_order => {
            Ok(set.order(id)?.map(|order| order.id))
        }
        PaymentTarget::Order(_) | PaymentTarget::Hold(_) => Ok(None),
    }
}

/// The refunds that are withdrawn when this transaction pays the order; `None` if one was paid back: then it pays nothing.
pub fn withdrawn_by_paying(
    set: &WorkingSet,
    order: OrderId,
    report: &Report,
) -> Result<Option<Vec<PaymentId>>, Stop> {
    let refunds = of_transaction(set, PaymentTarget::Order(order), report)?;
    let is_due = |id: &PaymentId| set.known_payment(*id).resolved_at.is_none();
    Ok(refunds.iter().all(is_due).then_some(refunds))
}

/// The order that a name has come to mean; one by its own number may have gone with a lost disk.
pub fn order_meant(set: &WorkingSet, target: PaymentTarget) -> Result<Option<OrderId>, Stop> {
    match target {
        PaymentTarget::Order(id) => Ok((id < set.counters.next_order).then_some(id)),
        PaymentTarget::Hold(id) => Ok(set.hold(id)?.and_then(|hold| hold.order)),
    }
}
