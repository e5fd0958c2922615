//! An order is a hold that somebody means to pay. It ends once: paid, cancelled or expired; a paid one may be refunded.

use super::book::Book;
use super::command::{Outcome, Rejection};
use super::customer::Customer;
use super::hold::{Hold, HoldStatus};
use super::id::{HoldId, OrderId, ProductId};
use super::money::Cents;
use super::movement::{self, Cause, MovementKind};
use super::payment::Named;
use super::quantity::Quantity;
use super::text::text_enum;
use super::time::Timestamp;
use super::{Stop, all_looked_at, ensure, parked};

text_enum! {
    pub enum OrderStatus {
        Pending = "pending",
        Paid = "paid",
        Cancelled = "cancelled",
        Expired = "expired",
        Refunded = "refunded",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub hold: HoldId,
    pub product: ProductId,
    pub quantity: Quantity,
    pub unit_price: Cents,
    pub customer: Option<Customer>,
    /// As the row says; by the clock it is `status_at`.
    pub status: OrderStatus,
    /// `None`: its payment may take for ever.
    pub pay_by: Option<Timestamp>,
    pub created_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    /// The transaction that paid it, if the payment named one.
    pub transaction_id: Option<String>,
}

impl Order {
    pub fn total_price(&self) -> Cents {
        self.unit_price.times(self.quantity)
    }

    /// Needs no payment.
    pub fn is_free(&self) -> bool {
        self.total_price() == Cents::ZERO
    }

    pub fn status_at(&self, now: Timestamp) -> OrderStatus {
        let overdue = self.pay_by.is_some_and(|pay_by| pay_by.has_passed(now));
        match self.status {
            OrderStatus::Pending if overdue => OrderStatus::Expired,
            OrderStatus::Pending
            | OrderStatus::Paid
            | OrderStatus::Cancelled
            | OrderStatus::Expired
            | OrderStatus::Refunded => self.status,
        }
    }

    /// Units that the row still reserves although its deadline has passed.
    pub fn overdue_units(&self, now: Timestamp) -> Option<i64> {
        (self.status != self.status_at(now)).then_some(self.quantity.units())
    }
}

/// Orders what a hold keeps, and applies the payment events that were there before the order.
pub fn place(book: &mut Book, id: HoldId) -> Result<Outcome, Stop> {
    let hold = book.hold(id)?.ok_or(Rejection::HoldUnknown)?.clone();
    match hold.status_at(book.now) {
        HoldStatus::Active => {}
        HoldStatus::Expired => return Err(Rejection::HoldExpired.into()),
        HoldStatus::Ordered => return Err(hold.used().into()),
        HoldStatus::Released => return Err(Rejection::HoldReleased.into()),
    }
    let order_id = book.meta.next_order;
    let mut parked = book.parked_on(Named::Hold(id))?;
    parked.extend(book.parked_on(Named::Order(order_id))?);
    parked.sort_unstable();
    let order = pending(book, order_id, hold);
    if order.is_free() || !parked.is_empty() {
        book.product(order.product)?;
    }
    let looks = parked
        .iter()
        .map(|event| parked::look_at_order(book, *event, order_id, id));
    all_looked_at(looks)?;

    // From here on the order must succeed.
    book.meta.next_order = order_id.next();
    let row = book.change_hold(id);
    row.status = HoldStatus::Ordered;
    row.order = Some(order_id);
    let is_free = order.is_free();
    book.insert_order(order);
    if is_free {
        book.change_order(order_id).pay_by = None;
        pay(book, order_id, None, MovementKind::OrderPaid);
    }
    for event in parked {
        parked::settle(book, event, order_id);
    }
    Ok(Outcome::OrderPlaced(book.known_order(order_id).clone()))
}

fn pending(book: &Book, id: OrderId, hold: Hold) -> Order {
    Order {
        id,
        hold: hold.id,
        product: hold.product,
        quantity: hold.quantity,
        unit_price: hold.unit_price,
        customer: hold.customer,
        status: OrderStatus::Pending,
        pay_by: book
            .terms
            .order_ttl_s
            .map(|ttl_s| book.now.plus_seconds(ttl_s)),
        created_at: book.now,
        paid_at: None,
        transaction_id: None,
    }
}

/// The order becomes paid, by this transaction if it has a name.
pub fn pay(book: &mut Book, id: OrderId, transaction_id: Option<String>, kind: MovementKind) {
    let now = book.now;
    let order = book.change_order(id);
    order.status = OrderStatus::Paid;
    order.paid_at = Some(now);
    order.transaction_id = transaction_id;
    let (product, units) = (order.product, order.quantity.units());
    movement::record(book, product, kind, units, Cause::Order(id));
}

pub fn cancel(book: &mut Book, id: OrderId) -> Result<Outcome, Stop> {
    let order = book.order(id)?.ok_or(Rejection::OrderNotFound)?;
    match order.status_at(book.now) {
        OrderStatus::Pending => {}
        OrderStatus::Cancelled => return Ok(Outcome::OrderCancelled(order.clone())),
        OrderStatus::Paid => return Err(Rejection::OrderPaid.into()),
        OrderStatus::Expired => return Err(Rejection::OrderExpired.into()),
        OrderStatus::Refunded => return Err(Rejection::OrderRefunded.into()),
    }
    book.product(order.product)?;

    // From here on the cancellation must succeed.
    give_up(book, id);
    Ok(Outcome::OrderCancelled(book.known_order(id).clone()))
}

/// A pending order becomes cancelled, by its customer or by a failed payment, and its units are free.
pub fn give_up(book: &mut Book, id: OrderId) {
    let order = book.change_order(id);
    order.status = OrderStatus::Cancelled;
    let (product, quantity, customer) = (order.product, order.quantity, order.customer.clone());
    book.move_customer_use(product, customer.as_ref(), -quantity.units());
    movement::record(
        book,
        product,
        MovementKind::OrderCancelled,
        quantity.units(),
        Cause::Order(id),
    );
}

pub fn refund(book: &mut Book, id: OrderId, restock: bool) -> Result<Outcome, Stop> {
    let order = book.order(id)?.ok_or(Rejection::OrderNotFound)?;
    if order.status == OrderStatus::Refunded {
        return Ok(Outcome::OrderRefunded(order.clone()));
    }
    ensure!(order.status == OrderStatus::Paid, Rejection::OrderNotPaid);
    book.product(order.product)?;

    // From here on the refund must succeed.
    let order = book.change_order(id);
    order.status = OrderStatus::Refunded;
    let (product, quantity, customer) = (order.product, order.quantity, order.customer.clone());
    book.move_customer_use(product, customer.as_ref(), -quantity.units());
    let kind = if restock {
        MovementKind::OrderRestocked
    } else {
        MovementKind::OrderWrittenOff
    };
    movement::record(book, product, kind, quantity.units(), Cause::Order(id));
    Ok(Outcome::OrderRefunded(book.known_order(id).clone()))
}
