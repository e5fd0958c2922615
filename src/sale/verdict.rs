//! The table of verdicts: what a payment event means for an order that exists, and what it does.

use super::book::Book;
use super::id::{OrderId, PaymentId};
use super::money::Cents;
use super::movement::MovementKind;
use super::need::Due;
use super::order::{self, OrderStatus};
use super::payment::{Named, PaymentStatus, Report};
use super::terms::LatePayment;
use super::text::text_enum;
use super::{Stop, expiry, refund};

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
    Pay(Purchase),
    Cancel,
    /// The transaction turns out to be the one that paid; the refunds that were due for it are withdrawn.
    Adopt(Vec<PaymentId>),
    RefundDue,
}

/// An order that becomes paid.
pub struct Purchase {
    /// Its units are taken again, after the rows that must be ended for them; `None`: they are still reserved.
    pub again: Option<Vec<Due>>,
    /// The refunds that were due for what pays it.
    pub withdrawn: Vec<PaymentId>,
}

/// The table of verdicts for an order that exists.
pub fn judge(book: &Book, order_id: OrderId, report: &Report) -> Result<(Verdict, Effect), Stop> {
    let order = book.known_order(order_id);
    let payee = Named::Order(order_id);
    match (order.status_at(book.now), report.status) {
        (OrderStatus::Paid | OrderStatus::Refunded, PaymentStatus::Success) if order.is_free() => {
            judge_for_nothing(book, payee, report)
        }
        (OrderStatus::Pending, PaymentStatus::Success) if report.pays(order.total_price()) => {
            purchase(book, order_id, report, None)
        }
        (OrderStatus::Pending, PaymentStatus::Success) => {
            refund::due_once(book, payee, report, Verdict::AmountMismatch)
        }
        (OrderStatus::Pending, PaymentStatus::Failure) => Ok((Verdict::Applied, Effect::Cancel)),
        (OrderStatus::Paid | OrderStatus::Refunded, PaymentStatus::Success)
            if report.differs_from(order.transaction_id.as_deref()) =>
        {
            refund::due_once(book, payee, report, Verdict::DuplicatePayment)
        }
        (OrderStatus::Paid, PaymentStatus::Success) if order.transaction_id.is_none() => {
            adoption(book, order_id, report)
        }
        (OrderStatus::Cancelled | OrderStatus::Expired, PaymentStatus::Success) => {
            match room_if_accepted(book, order_id, report)? {
                Some(overdue) => purchase(book, order_id, report, Some(overdue)),
                None => refund::due_once(book, payee, report, Verdict::LatePayment),
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

/// An order of 0.00 was paid by nobody.
fn judge_for_nothing(
    book: &Book,
    payee: Named,
    report: &Report,
) -> Result<(Verdict, Effect), Stop> {
    if report.pays(Cents::ZERO) {
        Ok((Verdict::Ignored, Effect::None))
    } else {
        refund::due_once(book, payee, report, Verdict::AmountMismatch)
    }
}

fn purchase(
    book: &Book,
    order: OrderId,
    report: &Report,
    again: Option<Vec<Due>>,
) -> Result<(Verdict, Effect), Stop> {
    let withdrawn = refund::withdrawn_by_paying(book, order, report)?;
    Ok(match withdrawn {
        Some(withdrawn) => (Verdict::Applied, Effect::Pay(Purchase { again, withdrawn })),
        None => (Verdict::Ignored, Effect::None),
    })
}

/// The payment named no transaction, and this is the first success that does: it is taken for the same, unless that
/// transaction is known as money that was paid back, or as another amount that is owed.
fn adoption(book: &Book, order_id: OrderId, report: &Report) -> Result<(Verdict, Effect), Stop> {
    let effect = match refund::withdrawn_by_paying(book, order_id, report)? {
        Some(refunds)
            if refunds.is_empty() || report.pays(book.known_order(order_id).total_price()) =>
        {
            Effect::Adopt(refunds)
        }
        Some(_) | None => Effect::None,
    };
    Ok((Verdict::Ignored, effect))
}

/// Whether a late payment may have its units again, and what to end for them: by policy, amount and stock.
fn room_if_accepted(
    book: &Book,
    order_id: OrderId,
    report: &Report,
) -> Result<Option<Vec<Due>>, Stop> {
    let is_accepted = match book.terms.late_payment {
        LatePayment::Accept => report.pays(book.known_order(order_id).total_price()),
        LatePayment::Refund => false,
    };
    if !is_accepted {
        return Ok(None);
    }
    match room_again(book, order_id) {
        Ok(overdue) => Ok(Some(overdue)),
        Err(Stop::Refused(_)) => Ok(None),
        Err(Stop::Needs(needs)) => Err(Stop::Needs(needs)),
    }
}

/// The rows to end so that a cancelled or expired order's units are available again; refused if they are gone.
pub fn room_again(book: &Book, order_id: OrderId) -> Result<Vec<Due>, Stop> {
    let order = book.known_order(order_id);
    if order.overdue_units(book.now).is_some() {
        return Ok(vec![Due::Order(order_id)]);
    }
    expiry::room_for(book, order.product, order.quantity.units())
}

pub fn carry_out(book: &mut Book, order_id: OrderId, report: &Report, effect: Effect) {
    match effect {
        Effect::None | Effect::RefundDue => {}
        Effect::Cancel => order::give_up(book, order_id),
        Effect::Adopt(refunds) => {
            book.change_order(order_id).transaction_id = report.transaction_id.clone();
            refund::withdraw(book, &refunds);
        }
        Effect::Pay(Purchase { again, withdrawn }) => {
            let transaction_id = report.transaction_id.clone();
            match again {
                None => order::pay(book, order_id, transaction_id, MovementKind::OrderPaid),
                Some(overdue) => pay_late(book, order_id, transaction_id, &overdue),
            }
            refund::withdraw(book, &withdrawn);
        }
    }
}

fn pay_late(book: &mut Book, order_id: OrderId, transaction_id: Option<String>, overdue: &[Due]) {
    expiry::make_room(book, overdue);
    let order = book.known_order(order_id);
    let (product, units) = (order.product, order.quantity.units());
    let customer = order.customer.clone();
    book.move_customer_use(product, customer.as_ref(), units);
    order::pay(book, order_id, transaction_id, MovementKind::OrderPaidLate);
}

impl Report {
    pub fn pays(&self, price: Cents) -> bool {
        self.amount.as_ref().is_none_or(|amount| amount.is(price))
    }

    pub fn pays_hundredfold(&self, price: Cents) -> bool {
        let amount = self.amount.as_ref();
        amount.is_some_and(|amount| amount.is_hundredfold(price))
    }

    /// Whether it is about another transaction than the one that paid the order; one that is missing is never another.
    fn differs_from(&self, paid_by: Option<&str>) -> bool {
        matches!((self.transaction_id.as_deref(), paid_by), (Some(this), Some(other)) if this != other)
    }
}
