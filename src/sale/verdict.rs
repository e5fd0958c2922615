//! The table of verdicts: what a payment event means for an order that exists, and what it does.

use super::book::Book;
use super::id::OrderId;
use super::money::Cents;
use super::movement::{self, Cause, MovementKind};
use super::need::Due;
use super::order::{self, OrderStatus};
use super::payment::{Named, PaymentStatus, Report};
use super::terms::LatePayment;
use super::text::text_enum;
use super::{Stop, expiry};

text_enum! {
    pub enum Verdict {
        Applied = "applied",
        Ignored = "ignored",
        Parked = "parked",
        AmountMismatch = "amount_mismatch",
        DuplicatePayment = "duplicate_payment",
        LatePayment = "late_payment",
    }
}

impl Verdict {
    /// Whether it means that money bought nothing.
    pub fn makes_refund_due(self) -> bool {
        match self {
            Verdict::AmountMismatch | Verdict::DuplicatePayment | Verdict::LatePayment => true,
            Verdict::Applied | Verdict::Ignored | Verdict::Parked => false,
        }
    }
}

/// What a verdict does.
pub enum Effect {
    None,
    Pay,
    Cancel,
    /// Takes the units again, after the rows that must be ended for them.
    TakeAgain(Vec<Due>),
    RefundDue,
}

/// The table of verdicts for an order that exists.
pub fn judge(book: &Book, order_id: OrderId, report: &Report) -> Result<(Verdict, Effect), Stop> {
    let order = book.known_order(order_id);
    let payee = Named::Order(order_id);
    match (order.status_at(book.now), report.status) {
        (OrderStatus::Pending, PaymentStatus::Success) if report.pays(order.total_price()) => {
            Ok((Verdict::Applied, Effect::Pay))
        }
        (OrderStatus::Pending, PaymentStatus::Success) => {
            refund_once(book, payee, report, Verdict::AmountMismatch)
        }
        (OrderStatus::Pending, PaymentStatus::Failure) => Ok((Verdict::Applied, Effect::Cancel)),
        (OrderStatus::Paid | OrderStatus::Refunded, PaymentStatus::Success)
            if report.differs_from(order.transaction_id.as_deref()) =>
        {
            refund_once(book, payee, report, Verdict::DuplicatePayment)
        }
        (OrderStatus::Cancelled | OrderStatus::Expired, PaymentStatus::Success) => {
            match room_again(book, order_id, report)? {
                Some(overdue) => Ok((Verdict::Applied, Effect::TakeAgain(overdue))),
                None => refund_once(book, payee, report, Verdict::LatePayment),
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

/// Whether a late payment may have its units again, and what to end for them: by policy, amount and stock.
fn room_again(book: &Book, order_id: OrderId, report: &Report) -> Result<Option<Vec<Due>>, Stop> {
    let order = book.known_order(order_id);
    let accepted = match book.terms.late_payment {
        LatePayment::Accept => report.pays(order.total_price()),
        LatePayment::Refund => false,
    };
    if !accepted {
        return Ok(None);
    }
    if order.overdue_units(book.now).is_some() {
        return Ok(Some(vec![Due::Order(order_id)]));
    }
    match expiry::room_for(book, order.product, order.quantity.units()) {
        Ok(overdue) => Ok(Some(overdue)),
        Err(Stop::Refused(_)) => Ok(None),
        Err(Stop::Needs(needs)) => Err(Stop::Needs(needs)),
    }
}

/// One payment is refunded once: a second report of the same transaction is ignored.
pub fn refund_once(
    book: &Book,
    payee: Named,
    report: &Report,
    verdict: Verdict,
) -> Result<(Verdict, Effect), Stop> {
    let already = refund_was_due(book, payee, report)?;
    Ok(if already {
        (Verdict::Ignored, Effect::None)
    } else {
        (verdict, Effect::RefundDue)
    })
}

/// Whether this transaction's refund was due before; for an order, under the name of its hold too.
pub fn refund_was_due(book: &Book, payee: Named, report: &Report) -> Result<bool, Stop> {
    let Some(transaction_id) = &report.transaction_id else {
        return Ok(false);
    };
    let by_hold = match payee {
        Named::Order(id) if id < book.meta.next_order => {
            book.order(id)?.map(|order| Named::Hold(order.hold))
        }
        Named::Order(_) | Named::Hold(_) => None,
    };
    let was_due = |payee| book.refund_was_due(payee, transaction_id);
    Ok(was_due(payee)? || by_hold.map_or(Ok(false), was_due)?)
}

pub fn carry_out(book: &mut Book, order_id: OrderId, report: &Report, effect: Effect) {
    match effect {
        Effect::None | Effect::RefundDue => {}
        Effect::Cancel => order::give_up(book, order_id),
        Effect::Pay => pay(book, order_id, report, MovementKind::OrderPaid),
        Effect::TakeAgain(overdue) => {
            expiry::make_room(book, &overdue);
            let order = book.known_order(order_id);
            let (product, units, customer) = (
                order.product,
                order.quantity.units(),
                order.customer.clone(),
            );
            book.move_customer_use(product, customer.as_ref(), units);
            pay(book, order_id, report, MovementKind::OrderPaidLate);
        }
    }
}

fn pay(book: &mut Book, order_id: OrderId, report: &Report, kind: MovementKind) {
    let now = book.now;
    let order = book.change_order(order_id);
    order.status = OrderStatus::Paid;
    order.paid_at = Some(now);
    order.transaction_id = report.transaction_id.clone();
    let (product, units) = (order.product, order.quantity.units());
    movement::record(book, product, kind, units, Cause::Order(order_id));
}

impl Report {
    fn pays(&self, price: Cents) -> bool {
        self.amount.as_ref().is_none_or(|amount| amount.is(price))
    }

    /// Whether it is about another transaction than the one that paid the order; one that is missing is never another.
    fn differs_from(&self, paid_by: Option<&str>) -> bool {
        matches!((self.transaction_id.as_deref(), paid_by), (Some(this), Some(other)) if this != other)
    }
}
