//! What an operator looks through: lists of holds, orders, payments, refunds and movements, by the page and by the clock.

use super::{Seen, StoreError};
use crate::sale::{
    Customer, Dispute, Event, Hold, HoldStatus, Movement, MovementKind, Order, OrderStatus,
    Payment, ProductId, RefundStatus, Reversal, ReversalKind, Timestamp, Verdict,
};

/// At most `limit` rows from a place in a list. Rows keep their places: new ones come at one end.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub seek: Seek,
    pub limit: usize,
}

/// By the rows' own numbers: ids, and versions in a ledger.
#[derive(Clone, Copy, Debug)]
pub enum Seek {
    /// Newest first, below this number.
    Before(i64),
    /// Oldest first, above this number.
    After(i64),
}

/// Which rows of a list; `None` is any. A status is asked of the row as it stands by the clock.
#[derive(Clone, Debug)]
pub struct Filter<S> {
    pub product: Option<ProductId>,
    pub customer: Option<Customer>,
    pub status: Option<S>,
}

impl<S> Filter<S> {
    pub const ALL: Filter<S> = Filter {
        product: None,
        customer: None,
        status: None,
    };
}

/// Which orders: by what stands in their rows, and by what came of their money.
#[derive(Clone, Debug)]
pub struct OrderFilter {
    pub rows: Filter<OrderStatus>,
    pub money: Option<MoneyFilter>,
}

impl OrderFilter {
    pub const ALL: OrderFilter = OrderFilter {
        rows: Filter::ALL,
        money: None,
    };
}

/// Few orders are like that, and each has an index of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyFilter {
    Disputed(Dispute),
    /// Units are still sold for whose price money went back: as much as one more than were given back costs.
    BackUnmatched,
}

/// Which reversals; `None` is any.
#[derive(Clone, Debug)]
pub struct ReversalFilter {
    pub kind: Option<ReversalKind>,
    pub transaction_id: Option<String>,
}

impl ReversalFilter {
    pub const ALL: ReversalFilter = ReversalFilter {
        kind: None,
        transaction_id: None,
    };
}

/// What moved of a product in the last `over_micros`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SalesRate {
    pub over_micros: i64,
    pub units_held: i64,
    pub units_sold: i64,
}

/// Movements that a sales rate is counted from: a product that moves faster is looked at for a shorter time.
pub const SALES_RATE_MOVEMENTS_MAX: usize = 1_000;

/// Each call sees one moment of the store, and judges it at one time.
pub trait Lists {
    fn holds(&self, filter: &Filter<HoldStatus>, page: Page)
    -> Result<Seen<Vec<Hold>>, StoreError>;

    fn orders(&self, filter: &OrderFilter, page: Page) -> Result<Seen<Vec<Order>>, StoreError>;

    /// Payments as they stand by the clock, each with the order that its name means by now. Their product and customer are
    /// those of the order or hold that they name.
    fn payments(
        &self,
        filter: &Filter<Verdict>,
        page: Page,
    ) -> Result<Seen<Vec<Payment>>, StoreError>;

    /// The payments whose money is to be paid back, or was.
    fn refunds(
        &self,
        status: Option<RefundStatus>,
        page: Page,
    ) -> Result<Seen<Vec<Payment>>, StoreError>;

    /// What was reported about money that came before.
    fn reversals(
        &self,
        filter: &ReversalFilter,
        page: Page,
    ) -> Result<Seen<Vec<Reversal>>, StoreError>;

    /// A product's ledger.
    fn movements(&self, product: ProductId, page: Page) -> Result<Seen<Vec<Movement>>, StoreError>;

    /// What the shop was told of, and is kept.
    fn feed(&self, page: Page) -> Result<Seen<Vec<Event>>, StoreError>;

    /// What moved in the last `over_micros`.
    fn sales_rate(
        &self,
        product: ProductId,
        over_micros: i64,
    ) -> Result<Seen<SalesRate>, StoreError>;
}

/// Counts a sales rate from movements, newest first.
pub fn sales_rate<E>(
    movements: impl Iterator<Item = Result<Movement, E>>,
    over_micros: i64,
    now: Timestamp,
) -> Result<Seen<SalesRate>, E> {
    let since = Timestamp::from_micros(now.micros() - over_micros);
    let mut sales_rate = SalesRate {
        over_micros,
        units_held: 0,
        units_sold: 0,
    };
    for (index, movement) in movements.enumerate() {
        let movement = movement?;
        if movement.at <= since {
            break;
        }
        if index == SALES_RATE_MOVEMENTS_MAX {
            sales_rate.over_micros = now.micros() - movement.at.micros();
            break;
        }
        if movement.kind == MovementKind::HoldPlaced {
            sales_rate.units_held += movement.delta.reserved;
        }
        sales_rate.units_sold += movement.delta.sold.max(0);
    }
    Ok(Seen {
        what: sales_rate,
        at: now,
    })
}
