//! The columns of each table, named as in the API. Both formats are made from them. A payment's payload is left out: it is the
//! provider's, and may hold anything about a person.

use super::cell::Cell;
use crate::sale::{Event, Hold, Movement, Order, Payment, Reversal, Timestamp};

/// A column's name, and its cell in a row as the row stands at a time.
pub type Column<R> = (&'static str, fn(&R, Timestamp) -> Cell<'_>);

pub const ORDERS: &[Column<Order>] = &[
    ("order_id", |order, _| Cell::Number(order.id.get())),
    ("hold_id", |order, _| Cell::Number(order.hold.get())),
    ("product_id", |order, _| {
        Cell::Number(order.line.product.get())
    }),
    ("quantity", |order, _| Cell::Number(order.line.units())),
    ("unit_price", |order, _| Cell::Money(order.line.unit_price)),
    ("total_price", |order, _| Cell::Money(order.total_price())),
    ("status", |order, now| {
        Cell::Word(order.status_at(now).as_str())
    }),
    ("customer", |order, _| {
        Cell::customer(order.customer.as_ref())
    }),
    ("pay_by", |order, _| Cell::time(order.pay_by)),
    ("created_at", |order, _| Cell::Time(order.created_at)),
    ("paid_at", |order, _| Cell::time(order.paid_at)),
    ("transaction_id", |order, _| {
        Cell::text(order.transaction_id.as_deref())
    }),
    ("refunded_quantity", |order, _| {
        Cell::Number(order.refunded_quantity)
    }),
    ("refunded_amount", |order, _| {
        Cell::Money(order.refunded_amount)
    }),
    ("dispute", |order, _| {
        order
            .dispute
            .map_or(Cell::Empty, |dispute| Cell::Word(dispute.as_str()))
    }),
];

pub const HOLDS: &[Column<Hold>] = &[
    ("hold_id", |hold, _| Cell::Number(hold.id.get())),
    ("product_id", |hold, _| {
        Cell::Number(hold.line.product.get())
    }),
    ("quantity", |hold, _| Cell::Number(hold.line.units())),
    ("unit_price", |hold, _| Cell::Money(hold.line.unit_price)),
    ("status", |hold, now| {
        Cell::Word(hold.status_at(now).as_str())
    }),
    ("customer", |hold, _| Cell::customer(hold.customer.as_ref())),
    ("expires_at", |hold, _| Cell::Time(hold.expires_at)),
    ("order_id", |hold, _| {
        Cell::number(hold.order.map(|order| order.get()))
    }),
];

/// A list gives payments with their verdicts as of its time.
pub const PAYMENTS: &[Column<Payment>] = &[
    ("webhook_id", |payment, _| Cell::Number(payment.id.get())),
    ("idempotency_key", |payment, _| Cell::Text(&payment.key)),
    ("status", |payment, _| {
        Cell::Word(payment.report.status.as_str())
    }),
    ("verdict", |payment, _| Cell::Word(payment.verdict.as_str())),
    ("order_id", |payment, _| {
        let order = payment.order.or(payment.target.order());
        Cell::number(order.map(|id| id.get()))
    }),
    ("hold_id", |payment, _| {
        Cell::number(payment.target.hold().map(|id| id.get()))
    }),
    ("amount", |payment, _| {
        let amount = payment.report.amount.as_ref();
        amount.map_or(Cell::Empty, Cell::Amount)
    }),
    ("transaction_id", |payment, _| {
        Cell::text(payment.report.transaction_id.as_deref())
    }),
    ("refund_due", |payment, _| Cell::Flag(payment.refund_due)),
    ("received_at", |payment, _| Cell::Time(payment.received_at)),
    ("resolved_at", |payment, _| Cell::time(payment.resolved_at)),
    ("note", |payment, _| Cell::text(payment.note.as_deref())),
];

pub const REVERSALS: &[Column<Reversal>] = &[
    ("webhook_id", |reversal, _| Cell::Number(reversal.id.get())),
    ("idempotency_key", |reversal, _| Cell::Text(&reversal.key)),
    ("kind", |reversal, _| Cell::Word(reversal.kind.as_str())),
    ("transaction_id", |reversal, _| {
        Cell::Text(&reversal.transaction_id)
    }),
    ("amount", |reversal, _| {
        reversal.amount.map_or(Cell::Empty, Cell::Money)
    }),
    ("verdict", |reversal, _| {
        Cell::Word(reversal.verdict.as_str())
    }),
    ("received_at", |reversal, _| {
        Cell::Time(reversal.received_at)
    }),
];

pub const MOVEMENTS: &[Column<Movement>] = &[
    ("product_id", |movement, _| {
        Cell::Number(movement.product.get())
    }),
    ("version", |movement, _| Cell::Number(movement.version)),
    ("at", |movement, _| Cell::Time(movement.at)),
    ("kind", |movement, _| Cell::Word(movement.kind.as_str())),
    ("available", |movement, _| {
        Cell::Number(movement.delta.available)
    }),
    ("reserved", |movement, _| {
        Cell::Number(movement.delta.reserved)
    }),
    ("sold", |movement, _| Cell::Number(movement.delta.sold)),
    ("hold_id", |movement, _| {
        Cell::number(movement.cause.hold().map(|id| id.get()))
    }),
    ("order_id", |movement, _| {
        Cell::number(movement.cause.order().map(|id| id.get()))
    }),
    ("reason", |movement, _| Cell::text(movement.cause.reason())),
];

/// Every field that an event may tell, empty where it does not.
pub const EVENTS: &[Column<Event>] = &[
    ("id", |event, _| Cell::Number(event.id.get())),
    ("type", |event, _| Cell::Word(event.kind.as_str())),
    ("timestamp", |event, _| Cell::Time(event.at)),
    ("order_id", |event, _| {
        Cell::number(event.data.order.map(|id| id.get()))
    }),
    ("hold_id", |event, _| {
        Cell::number(event.data.hold.map(|id| id.get()))
    }),
    ("webhook_id", |event, _| {
        Cell::number(event.data.payment.map(|id| id.get()))
    }),
    ("product_id", |event, _| {
        Cell::number(event.data.product.map(|id| id.get()))
    }),
    ("quantity", |event, _| Cell::number(event.data.quantity)),
    ("unit_price", |event, _| Cell::money(event.data.unit_price)),
    ("total_price", |event, _| {
        Cell::money(event.data.total_price())
    }),
    ("customer", |event, _| {
        Cell::customer(event.data.customer.as_ref())
    }),
    ("pay_by", |event, _| Cell::time(event.data.pay_by)),
    ("transaction_id", |event, _| {
        Cell::text(event.data.transaction_id.as_deref())
    }),
    ("restocked", |event, _| Cell::flag(event.data.restocked)),
    ("refunded_quantity", |event, _| {
        Cell::number(event.data.refunded_quantity)
    }),
    ("verdict", |event, _| {
        let verdict = event.data.verdict;
        verdict.map_or(Cell::Empty, |verdict| Cell::Word(verdict.as_str()))
    }),
    ("amount", |event, _| {
        let amount = event.data.amount.as_ref();
        amount.map_or(Cell::Empty, Cell::Amount)
    }),
    ("note", |event, _| Cell::text(event.data.note.as_deref())),
    ("failed", |event, _| Cell::flag(event.data.failed)),
    ("outcome", |event, _| {
        let outcome = event.data.outcome;
        outcome.map_or(Cell::Empty, |outcome| Cell::Word(outcome.as_str()))
    }),
    ("sold", |event, _| Cell::number(event.data.sold)),
];
