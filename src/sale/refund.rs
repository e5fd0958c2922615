//! Money that bought nothing: it is owed back until it was paid back, was accepted after all, or turns out to have paid its
//! order. A transaction has one fate: what paid is not owed, and what was paid back pays nothing.

use super::book::Book;
use super::command::{Outcome, Rejection};
use super::id::{OrderId, PaymentId};
use super::order::OrderStatus;
use super::payment::{self, Named, Payment, Report, Resolution};
use super::verdict::{Effect, Purchase, Verdict, carry_out, room_again};
use super::{Stop, all_looked_at, ensure, parked};

/// One payment is refunded once, and not at all if it paid: another report of such a transaction is ignored.
pub fn due_once(
    book: &Book,
    payee: Named,
    report: &Report,
    verdict: Verdict,
) -> Result<(Verdict, Effect), Stop> {
    let is_settled =
        has_paid(book, payee, report)? || !of_transaction(book, payee, report)?.is_empty();
    Ok(if is_settled {
        (Verdict::Ignored, Effect::None)
    } else {
        (verdict, Effect::RefundDue)
    })
}

/// Looks at nothing where no transaction is named, as `of_transaction` does.
fn has_paid(book: &Book, payee: Named, report: &Report) -> Result<bool, Stop> {
    if report.transaction_id.is_none() {
        return Ok(false);
    }
    let order = order_of(book, payee)?;
    let paid_by = order.and_then(|order| book.known_order(order).transaction_id.as_ref());
    Ok(paid_by == report.transaction_id.as_ref())
}

/// The refunds that ever were due for this transaction; for an order, under the name of its hold too.
pub fn of_transaction(book: &Book, payee: Named, report: &Report) -> Result<Vec<PaymentId>, Stop> {
    let Some(transaction_id) = &report.transaction_id else {
        return Ok(Vec::new());
    };
    let hold = order_of(book, payee)?.map(|order| Named::Hold(book.known_order(order).hold));
    let payees = [Some(payee), hold];
    let looks = || {
        payees
            .iter()
            .flatten()
            .map(|payee| book.refunds(*payee, transaction_id))
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
fn order_of(book: &Book, payee: Named) -> Result<Option<OrderId>, Stop> {
    match payee {
        Named::Order(id) if id < book.meta.next_order => Ok(book.order(id)?.map(|order| order.id)),
        Named::Order(_) | Named::Hold(_) => Ok(None),
    }
}

/// The refunds that are withdrawn when this transaction pays the order; `None` if one was paid back: then it pays nothing.
pub fn withdrawn_by_paying(
    book: &Book,
    order: OrderId,
    report: &Report,
) -> Result<Option<Vec<PaymentId>>, Stop> {
    let refunds = of_transaction(book, Named::Order(order), report)?;
    let is_due = |id: &PaymentId| book.known_payment(*id).resolved_at.is_none();
    Ok(refunds.iter().all(is_due).then_some(refunds))
}

pub fn withdraw(book: &mut Book, refunds: &[PaymentId]) {
    for id in refunds {
        resolve_as(
            book,
            *id,
            Resolution::Withdrawn,
            Some("paid its order after all"),
        );
    }
}

fn resolve_as(book: &mut Book, id: PaymentId, resolution: Resolution, note: Option<&str>) {
    let now = book.now;
    let payment = book.change_payment(id);
    payment.resolved_at = Some(now);
    payment.resolution = Some(resolution);
    payment.note = note.map(str::to_owned);
}

/// Makes a refund that has just become due known to whoever asks for the transaction's.
pub fn note(book: &mut Book, payment: &Payment) {
    let transaction_id = payment.report.transaction_id.clone();
    if let Some(transaction_id) = transaction_id.filter(|_| payment.refund_due) {
        let payee = payment.order.map_or(payment.named, Named::Order);
        book.note_refund(payee, transaction_id, payment.id);
    }
}

/// It was paid back.
pub fn resolve(book: &mut Book, id: PaymentId, note: Option<&str>) -> Result<Outcome, Stop> {
    let payment = ensure_due(book, id)?.clone();
    let order = order_that_exists(book, &payment)?;
    if payment.resolved_at.is_some() {
        return Ok(refund_resolved(book, id, order));
    }

    // From here on the refund is resolved.
    if payment.has_lapsed(book.now) {
        parked::settle_without_order(book, id);
    }
    resolve_as(book, id, Resolution::PaidBack, note);
    Ok(refund_resolved(book, id, order))
}

/// The money is taken after all: the order becomes paid by it, whatever the amount.
pub fn accept(book: &mut Book, id: PaymentId) -> Result<Outcome, Stop> {
    let payment = ensure_due(book, id)?.clone();
    let order = order_that_exists(book, &payment)?;
    match payment.resolution {
        None => {}
        Some(Resolution::Accepted) => return Ok(refund_resolved(book, id, order)),
        Some(Resolution::PaidBack | Resolution::Withdrawn) => {
            return Err(Rejection::RefundResolved.into());
        }
    }
    let order_id = order.ok_or(Rejection::RefundHasNoOrder)?;
    let order = book.known_order(order_id);
    let status = order.status_at(book.now);
    book.product(order.product)?;
    let again = match status {
        OrderStatus::Paid => return Err(Rejection::OrderPaid.into()),
        OrderStatus::Refunded => return Err(Rejection::OrderRefunded.into()),
        OrderStatus::Pending => None,
        OrderStatus::Cancelled | OrderStatus::Expired => Some(room_again(book, order_id)?),
    };
    let others = of_transaction(book, Named::Order(order_id), &payment.report)?;
    let is_due = |other: &PaymentId| book.known_payment(*other).resolved_at.is_none();
    let withdrawn = others
        .into_iter()
        .filter(|other| *other != id && is_due(other))
        .collect();

    // From here on the money is taken.
    if payment.has_lapsed(book.now) {
        parked::settle_without_order(book, id);
    }
    resolve_as(book, id, Resolution::Accepted, Some("accepted"));
    book.change_payment(id).order = Some(order_id);
    let purchase = Effect::Pay(Purchase { again, withdrawn });
    carry_out(book, order_id, &payment.report, purchase);
    Ok(refund_resolved(book, id, Some(order_id)))
}

/// The payment, if its refund is or was due: by the clock, whether a sweep has passed or not.
fn ensure_due(book: &Book, id: PaymentId) -> Result<&Payment, Stop> {
    let payment = book.payment(id)?.ok_or(Rejection::RefundNotFound)?;
    let is_due = if payment.has_lapsed(book.now) {
        let (_, effect) = parked::lapse(book, payment.named, payment)?;
        matches!(effect, Effect::RefundDue)
    } else {
        payment.refund_due
    };
    ensure!(is_due, Rejection::RefundNotFound);
    Ok(payment)
}

/// The order that the payment's name means by now.
fn order_that_exists(book: &Book, payment: &Payment) -> Result<Option<OrderId>, Stop> {
    match payment.order.or(payment::order_meant(book, payment.named)?) {
        Some(id) => Ok(book.order(id)?.map(|order| order.id)),
        None => Ok(None),
    }
}

fn refund_resolved(book: &Book, id: PaymentId, order: Option<OrderId>) -> Outcome {
    let payment = book.known_payment(id).clone();
    Outcome::RefundResolved(Payment { order, ..payment })
}
