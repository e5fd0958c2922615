//! A hold keeps units for two minutes at a frozen price. It ends once: ordered, released or expired.

use super::book::Book;
use super::command::{Outcome, PlaceHold, Rejection};
use super::customer::Customer;
use super::id::{HoldId, OrderId, ProductId};
use super::money::Cents;
use super::movement::{self, Cause, MovementKind};
use super::payment::Named;
use super::quantity::Quantity;
use super::text::text_enum;
use super::time::Timestamp;
use super::{Stop, all_looked_at, ensure, expiry, parked};

text_enum! {
    pub enum HoldStatus {
        Active = "active",
        Ordered = "ordered",
        Released = "released",
        Expired = "expired",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub id: HoldId,
    pub product: ProductId,
    pub quantity: Quantity,
    /// The product's price when the hold was placed.
    pub unit_price: Cents,
    pub customer: Option<Customer>,
    /// As the row says; by the clock it is `status_at`.
    pub status: HoldStatus,
    pub expires_at: Timestamp,
    /// The order that it became.
    pub order: Option<OrderId>,
}

impl Hold {
    pub fn status_at(&self, now: Timestamp) -> HoldStatus {
        match self.status {
            HoldStatus::Active if self.expires_at.has_passed(now) => HoldStatus::Expired,
            HoldStatus::Active
            | HoldStatus::Ordered
            | HoldStatus::Released
            | HoldStatus::Expired => self.status,
        }
    }

    /// Units that the row still reserves although its deadline has passed.
    pub fn overdue_units(&self, now: Timestamp) -> Option<i64> {
        (self.status != self.status_at(now)).then_some(self.quantity.units())
    }
}

pub fn place(book: &mut Book, wish: &PlaceHold) -> Result<Outcome, Stop> {
    let product = book
        .product(wish.product)?
        .ok_or(Rejection::ProductUnknown)?;
    product.ensure_on_sale(book.now)?;
    if let Some(limit) = product.max_per_hold {
        ensure!(
            wish.quantity <= limit,
            Rejection::HoldLimitExceeded { limit }
        );
    }
    if let Some(limit) = product.max_per_customer {
        let customer = wish.customer.as_ref().ok_or(Rejection::CustomerRequired)?;
        let used = book.customer_use(product.id, customer)?;
        let fits = used + wish.quantity.units() <= limit.units();
        ensure!(fits, Rejection::CustomerLimitExceeded { limit, used });
    }
    let unit_price = product.price;
    let overdue = expiry::room_for(book, wish.product, wish.quantity.units())?;

    // From here on the hold must succeed.
    expiry::make_room(book, &overdue);
    let hold = Hold {
        id: book.meta.next_hold,
        product: wish.product,
        quantity: wish.quantity,
        unit_price,
        customer: wish.customer.clone(),
        status: HoldStatus::Active,
        expires_at: book.now.plus_seconds(book.terms.hold_ttl_s),
        order: None,
    };
    book.meta.next_hold = hold.id.next();
    book.move_customer_use(hold.product, hold.customer.as_ref(), hold.quantity.units());
    movement::record(
        book,
        hold.product,
        MovementKind::HoldPlaced,
        hold.quantity.units(),
        Cause::Hold(hold.id),
    );
    book.insert_hold(hold.clone());
    Ok(Outcome::HoldPlaced(hold))
}

pub fn release(book: &mut Book, id: HoldId) -> Result<Outcome, Stop> {
    let hold = book.hold(id)?.ok_or(Rejection::HoldNotFound)?.clone();
    match hold.status_at(book.now) {
        HoldStatus::Active => {}
        HoldStatus::Released => return Ok(Outcome::HoldReleased(hold)),
        HoldStatus::Ordered => return Err(hold.used().into()),
        HoldStatus::Expired => return Err(Rejection::HoldExpired.into()),
    }
    book.product(hold.product)?;
    let parked = book.parked_on(Named::Hold(id))?;
    all_looked_at(parked.iter().map(|event| parked::look_at_end(book, *event)))?;

    // From here on the release must succeed.
    book.change_hold(id).status = HoldStatus::Released;
    book.move_customer_use(hold.product, hold.customer.as_ref(), -hold.quantity.units());
    movement::record(
        book,
        hold.product,
        MovementKind::HoldReleased,
        hold.quantity.units(),
        Cause::Hold(id),
    );
    for event in parked {
        parked::settle_without_order(book, event);
    }
    Ok(Outcome::HoldReleased(book.known_hold(id).clone()))
}

impl Hold {
    pub fn used(&self) -> Rejection {
        Rejection::HoldUsed {
            order: self.order.expect("an ordered hold names its order"),
        }
    }
}
