//! What a payment provider reports: in any order, any number of times, sometimes before the order exists. Every report is
//! judged once, by the table of verdicts, and money that bought nothing becomes a refund that is due.

use super::command::{Outcome, PaymentEvent, PaymentRecorded, Reporter};
use super::effect::{Effect, carry_out};
use super::verdict::judge;
use super::{fate, parked};
use crate::sale::rows::{
    Cents, HoldStatus, OrderId, Payment, PaymentId, PaymentStatus, PaymentTarget, Timestamp,
    Verdict,
};
use crate::sale::transitions;
use crate::sale::working_set::{Rejection, Stop, WorkingSet, ensure};

/// How far above the highest order an event may name one that is still to come.
const ORDERS_AHEAD_MAX: i64 = 10_000;

/// Events that may wait for one order, all judged in the transaction that makes the order.
const PARKED_ON_ONE_NAME_MAX: usize = 32;

pub fn record(set: &mut WorkingSet, event: &PaymentEvent) -> Result<Outcome, Stop> {
    if let Some(known) = set.payment_by_key(&event.key)? {
        let known = known.clone();
        return repeat(set, &known, event);
    }
    let is_of_reversal = set.reversal_by_key(&event.key)?.is_some();
    ensure!(!is_of_reversal, Rejection::KeyReused);
    set.standing(event.report.transaction_id.as_deref())?;
    match event.target {
        PaymentTarget::Order(id) if id >= set.counters.next_order => {
            let is_awaited = match event.reporter {
                Reporter::Bridge => true,
                Reporter::Stripe => false,
            };
            ensure!(is_awaited, Rejection::PaymentOrderUnknown);
            let ahead = id.get() - (set.counters.next_order.get() - 1);
            ensure!(ahead <= ORDERS_AHEAD_MAX, Rejection::PaymentOrderUnknown);
            let until = set.now.plus_seconds(set.terms.parked_ttl_s);
            park(set, event, until, None)
        }
        PaymentTarget::Order(id) => {
            if set.order(id)?.is_some() {
                return record_for_order(set, event, id);
            }
            ensure!(set.is_lost(event.target)?, Rejection::PaymentOrderUnknown);
            record_without_order(set, event)
        }
        PaymentTarget::Hold(id) => {
            let Some(hold) = set.hold(id)? else {
                ensure!(set.is_lost(event.target)?, Rejection::PaymentHoldUnknown);
                return record_without_order(set, event);
            };
            match (hold.status_at(set.now), hold.order) {
                (_, Some(order)) => {
                    set.order(order)?;
                    record_for_order(set, event, order)
                }
                (HoldStatus::Active, None) => {
                    let until = hold
                        .expires_at
                        .min(set.now.plus_seconds(set.terms.parked_ttl_s));
                    let total = hold.line.total_price();
                    park(set, event, until, Some(total))
                }
                (HoldStatus::Ordered | HoldStatus::Released | HoldStatus::Expired, None) => {
                    record_without_order(set, event)
                }
            }
        }
    }
}

fn record_for_order(
    set: &mut WorkingSet,
    event: &PaymentEvent,
    order: OrderId,
) -> Result<Outcome, Stop> {
    set.product(set.known_order(order).line.product)?;
    let (verdict, effect) = judge(set, order, &event.report)?;
    let total = set.known_order(order).total_price();

    // From here on the event must be recorded.
    let refund_due = effect.makes_refund_due();
    let has_gone_back = effect.finds_money_gone_back();
    let id = set.counters.next_payment;
    carry_out(set, order, id, &event.report, effect);
    let payment = Payment {
        order: Some(order),
        refund_due,
        ..unjudged(set, event, verdict)
    };
    let recorded = insert(set, event, payment);
    if has_gone_back {
        transitions::payment::resolve_as_returned(set, id, Some(order), set.now);
    }
    Ok(Outcome::PaymentRecorded(PaymentRecorded {
        is_hundredfold: refund_due && event.report.pays_hundredfold(total),
        ..recorded
    }))
}

/// The named hold was released or has expired, or what is named went with a lost disk: there will never be an order.
fn record_without_order(set: &mut WorkingSet, event: &PaymentEvent) -> Result<Outcome, Stop> {
    let (target, report) = (event.target, &event.report);
    let (verdict, effect) = match report.status {
        PaymentStatus::Success if parked::has_waited_in_vain(set, target, report, |_| true)? => {
            (Verdict::Ignored, Effect::None)
        }
        PaymentStatus::Success => fate::due_once(set, target, report, Verdict::LatePayment)?,
        PaymentStatus::Failure => (Verdict::Ignored, Effect::None),
    };
    set.payer(target, None)?;

    // From here on the event must be recorded.
    let payment = Payment {
        refund_due: effect.makes_refund_due(),
        ..unjudged(set, event, verdict)
    };
    let recorded = insert(set, event, payment);
    if effect.finds_money_gone_back() {
        transitions::payment::resolve_as_returned(set, recorded.payment, None, set.now);
    }
    Ok(Outcome::PaymentRecorded(recorded))
}

/// `total`: what the order will cost, where that is known.
fn park(
    set: &mut WorkingSet,
    event: &PaymentEvent,
    until: Timestamp,
    total: Option<Cents>,
) -> Result<Outcome, Stop> {
    let parked = set.parked_on(event.target)?;
    let waits = |id: &&PaymentId| !set.known_payment(**id).has_lapsed(set.now);
    ensure!(
        set.counters.parked < set.terms.parked_max
            && parked.iter().filter(waits).count() < PARKED_ON_ONE_NAME_MAX,
        Rejection::ParkedFull
    );

    // From here on the event must be recorded.
    let payment = Payment {
        parked_until: Some(until),
        ..unjudged(set, event, Verdict::Parked)
    };
    let recorded = insert(set, event, payment);
    Ok(Outcome::PaymentRecorded(PaymentRecorded {
        is_hundredfold: total.is_some_and(|total| event.report.pays_hundredfold(total)),
        ..recorded
    }))
}

fn unjudged(set: &WorkingSet, event: &PaymentEvent, verdict: Verdict) -> Payment {
    Payment {
        id: set.counters.next_payment,
        key: event.key.clone(),
        target: event.target,
        order: None,
        report: event.report.clone(),
        verdict,
        parked_until: None,
        refund_due: false,
        received_at: set.now,
        resolved_at: None,
        resolution: None,
        note: None,
    }
}

fn insert(set: &mut WorkingSet, event: &PaymentEvent, payment: Payment) -> PaymentRecorded {
    let recorded = PaymentRecorded {
        payment: payment.id,
        already_processed: false,
        verdict: payment.verdict,
        order_status: payment
            .order
            .map(|order| set.known_order(order).status_at(set.now)),
        is_hundredfold: false,
    };
    transitions::payment::record(set, payment, event.payload.clone());
    recorded
}

/// The same key again: nothing is judged twice, and the answer is as things stand now.
fn repeat(set: &mut WorkingSet, known: &Payment, event: &PaymentEvent) -> Result<Outcome, Stop> {
    let known_order = match known.order {
        Some(order) => Some(order),
        None => fate::order_meant(set, known.target)?,
    };
    let same_order = known.target == event.target
        || (known_order.is_some() && known_order == fate::order_meant(set, event.target)?);
    ensure!(
        same_order && known.report.status == event.report.status,
        Rejection::KeyReused
    );
    let order_status = match known_order {
        Some(order) => set.order(order)?.map(|order| order.status_at(set.now)),
        None => None,
    };
    parked::require_end(set, known.id)?;

    // From here on the repeat must be answered.
    if known.has_lapsed(set.now) {
        parked::settle_without_order(set, known.id);
    }
    let verdict = set.known_payment(known.id).verdict;
    Ok(Outcome::PaymentRecorded(PaymentRecorded {
        payment: known.id,
        already_processed: true,
        verdict,
        order_status,
        is_hundredfold: false,
    }))
}
