//! A payment event is recorded, stops waiting, and its refund becomes due and is resolved.

use crate::sale::rows::{Named, OrderId, Payment, PaymentId, Resolution, Verdict};
use crate::sale::working_set::Book;

/// With the next id, and the payload as it came.
pub fn record(book: &mut Book, payment: Payment, payload: Option<String>) {
    book.meta.next_payment = payment.id.next();
    note_refund(book, &payment);
    book.insert_payment(payment, payload);
}

/// A parked event is judged.
pub fn unpark(
    book: &mut Book,
    id: PaymentId,
    verdict: Verdict,
    order: Option<OrderId>,
    refund_due: bool,
) {
    book.meta.parked -= 1;
    let payment = book.change_payment(id);
    payment.verdict = verdict;
    payment.order = order;
    payment.parked_until = None;
    payment.refund_due = refund_due;
    let payment = payment.clone();
    note_refund(book, &payment);
}

/// Makes a refund that has just become due known to whoever asks for the transaction's.
fn note_refund(book: &mut Book, payment: &Payment) {
    let transaction_id = payment.report.transaction_id.clone();
    if let Some(transaction_id) = transaction_id.filter(|_| payment.refund_due) {
        let payee = payment.order.map_or(payment.named, Named::Order);
        book.note_refund(payee, transaction_id, payment.id);
    }
}

/// What was due is due no more.
pub fn resolve(book: &mut Book, id: PaymentId, resolution: Resolution, note: Option<&str>) {
    let now = book.now;
    let payment = book.change_payment(id);
    payment.resolved_at = Some(now);
    payment.resolution = Some(resolution);
    payment.note = note.map(str::to_owned);
}

/// They never were due: their transaction has paid the order.
pub fn withdraw(book: &mut Book, refunds: &[PaymentId]) {
    for id in refunds {
        resolve(
            book,
            *id,
            Resolution::Withdrawn,
            Some("paid its order after all"),
        );
    }
}

/// They were due a second time, for a payment that is paid back.
pub fn resolve_as_same(book: &mut Book, refunds: &[PaymentId]) {
    for id in refunds {
        let note = Some("the same payment was paid back already");
        resolve(book, *id, Resolution::SamePayment, note);
    }
}

/// The money bought this order after all.
pub fn accept(book: &mut Book, id: PaymentId, order: OrderId) {
    resolve(book, id, Resolution::Accepted, Some("accepted"));
    book.change_payment(id).order = Some(order);
}
