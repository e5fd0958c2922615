//! What happened is told of, by an event in the same transaction.

use crate::sale::rows::{
    Amount, Dispute, EventData, EventId, EventKind, OrderId, Payment, PaymentId, Product, Reversal,
    ReversalKind,
};
use crate::sale::working_set::WorkingSet;

/// The order as it was made.
fn of_order(set: &WorkingSet, id: OrderId) -> EventData {
    let order = set.known_order(id);
    EventData {
        order: Some(id),
        hold: Some(order.hold),
        product: Some(order.line.product),
        quantity: Some(order.line.units()),
        unit_price: Some(order.line.unit_price),
        customer: order.customer.clone(),
        pay_by: order.pay_by,
        ..EventData::default()
    }
}

pub fn order_placed(set: &mut WorkingSet, id: OrderId) {
    let data = of_order(set, id);
    set.emit(EventKind::OrderPlaced, data);
}

/// By this payment, as it named its transaction; an order of 0.00 is paid by none.
pub fn order_paid(set: &mut WorkingSet, id: OrderId, payment: Option<PaymentId>) {
    let data = EventData {
        payment,
        transaction_id: set.known_order(id).transaction_id.clone(),
        ..of_order(set, id)
    };
    set.emit(EventKind::OrderPaid, data);
}

/// By its customer, or by a payment that failed.
pub fn order_cancelled(set: &mut WorkingSet, id: OrderId, payment: Option<PaymentId>) {
    let data = EventData {
        payment,
        ..of_order(set, id)
    };
    set.emit(EventKind::OrderCancelled, data);
}

pub fn order_expired(set: &mut WorkingSet, id: OrderId) {
    let data = of_order(set, id);
    set.emit(EventKind::OrderExpired, data);
}

/// So many units were given back just now.
pub fn order_refunded(set: &mut WorkingSet, id: OrderId, units: i64, restocked: bool) {
    let order = set.known_order(id);
    let data = EventData {
        order: Some(id),
        product: Some(order.line.product),
        customer: order.customer.clone(),
        quantity: Some(units),
        restocked: Some(restocked),
        refunded_quantity: Some(order.refunded_quantity),
        ..EventData::default()
    };
    set.emit(EventKind::OrderRefunded, data);
}

/// `order`: the one that the payment means, if there is one by now.
pub fn refund_due(set: &mut WorkingSet, payment: &Payment, order: Option<OrderId>) {
    let data = of_refund(set, payment, order);
    set.emit(EventKind::RefundDue, data);
}

pub fn refund_resolved(set: &mut WorkingSet, payment: &Payment, order: Option<OrderId>) {
    let data = EventData {
        note: payment.note.clone(),
        ..of_refund(set, payment, order)
    };
    set.emit(EventKind::RefundResolved, data);
}

fn of_refund(set: &WorkingSet, payment: &Payment, order: Option<OrderId>) -> EventData {
    let customer = set.payer(payment.target, order);
    EventData {
        payment: Some(payment.id),
        order,
        hold: payment.target.hold(),
        verdict: Some(payment.verdict),
        amount: payment.report.amount.clone(),
        transaction_id: payment.report.transaction_id.clone(),
        customer: customer
            .expect("a rule looks at whose money it is before it is owed")
            .cloned(),
        ..EventData::default()
    }
}

/// More money went back than before, or it did not go back after all.
pub fn payment_refunded(set: &mut WorkingSet, id: OrderId, reversal: &Reversal) {
    let data = EventData {
        failed: Some(reversal.kind == ReversalKind::RefundFailed),
        ..of_reversal(id, reversal)
    };
    set.emit(EventKind::PaymentRefunded, data);
}

pub fn disputed(set: &mut WorkingSet, id: OrderId, reversal: &Reversal) {
    let outcome = reversal.standing.dispute.filter(|it| *it != Dispute::Open);
    let kind = match outcome {
        None => EventKind::DisputeOpened,
        Some(_) => EventKind::DisputeClosed,
    };
    let data = EventData {
        outcome,
        ..of_reversal(id, reversal)
    };
    set.emit(kind, data);
}

/// About an order that its transaction paid.
fn of_reversal(id: OrderId, reversal: &Reversal) -> EventData {
    EventData {
        order: Some(id),
        transaction_id: Some(reversal.transaction_id.clone()),
        amount: reversal
            .amount
            .map(|amount| Amount::new(amount.to_string())),
        ..EventData::default()
    }
}

pub fn product_sold_out(set: &mut WorkingSet, product: &Product) {
    let data = EventData {
        product: Some(product.id),
        sold: Some(product.sold),
        ..EventData::default()
    };
    set.emit(EventKind::ProductSoldOut, data);
}

/// Says whether it was still there.
pub fn forget(set: &mut WorkingSet, id: EventId) -> bool {
    set.forget_event(id)
}
