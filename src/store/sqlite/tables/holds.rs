//! Holds. Which order one became stands in the order.

use rusqlite::{Row, Transaction, named_params};

use super::insert::{Insert, insert};
use super::{List, Question, Result, limit, line, one_row};
use crate::sale::{Hold, HoldId, Line, ProductId, Timestamp, WorkingSet, Written};
use crate::store::sqlite::statements::Queries;

/// Holds, each with the order that it became.
macro_rules! select_hold {
    () => {
        "select holds.*, orders.id as order_id from holds left join orders on orders.hold_id = holds.id"
    };
}

/// Overdue: that a hold is past its deadline and its row does not say so yet, `Hold::overdue_units` said in SQL. Live: that it
/// is not past it.
macro_rules! hold_is {
    (overdue) => {
        "holds.status = 'active' and holds.expires_at <= :now"
    };
    (live) => {
        "holds.status = 'active' and holds.expires_at > :now"
    };
}

pub(super) use hold_is;

/// Holds as the clock sees them, by what an operator asks.
pub const LIST: List<Hold> = List {
    select: concat!(
        select_hold!(),
        " where (:product is null or holds.product_id = :product) and (:customer is null or holds.customer = :customer)
            and (:status is null or :status = case when ",
        hold_is!(overdue),
        " then 'expired' else holds.status end)"
    ),
    number: "holds.id",
    read,
};

pub const ALL: &str = concat!(select_hold!(), " order by holds.id");

/// Units that a customer holds of a product.
pub const UNITS_OF_CUSTOMER: &str = concat!(
    "select coalesce(sum(quantity), 0) from holds where ",
    hold_is!(live),
    " and product_id = :product and customer = :customer"
);

pub const NEXT_DEADLINE: &str = "select min(expires_at) from holds where status = 'active'";

/// The last deadline of an overdue hold, and the next one of a live hold.
pub const DEADLINES_AROUND: &str = concat!(
    "select (select max(expires_at) from holds where ",
    hold_is!(overdue),
    "), (select min(expires_at) from holds where ",
    hold_is!(live),
    ")"
);

/// Pulls in deadlines that lie further off than that of a fresh hold.
pub const PULL_IN: &str =
    "update holds set expires_at = :fresh where status = 'active' and expires_at > :fresh";

pub fn read(row: &Row<'_>) -> Result<Hold> {
    Ok(Hold {
        id: row.get("id")?,
        line: line(row)?,
        customer: row.get("customer")?,
        status: row.get("status")?,
        expires_at: row.get("expires_at")?,
        order: row.get("order_id")?,
    })
}

pub fn by_id(rows: &impl Queries, id: HoldId) -> Result<Option<Hold>> {
    let sql = concat!(select_hold!(), " where holds.id = :id");
    rows.one(sql, named_params! {":id": id}, read)
}

/// The oldest overdue holds of a product, until `is_enough`.
pub fn overdue_of_product(
    rows: &impl Queries,
    product: ProductId,
    now: Timestamp,
    is_enough: impl FnMut(Hold) -> bool,
) -> Result<()> {
    let sql = concat!(
        "select *, null as order_id from holds where ",
        hold_is!(overdue),
        " and product_id = :product order by expires_at, quantity, id"
    );
    let params = named_params! {":product": product, ":now": now};
    rows.each_until(sql, params, read, is_enough)
}

/// The oldest overdue holds of all products.
pub fn overdue(rows: &impl Queries, rows_max: usize, now: Timestamp) -> Result<Vec<Hold>> {
    let sql = concat!(
        "select *, null as order_id from holds where ",
        hold_is!(overdue),
        " order by expires_at, product_id, quantity, id limit :limit"
    );
    let params = named_params! {":now": now, ":limit": limit(rows_max)};
    rows.all(sql, params, read)
}

const INSERT: Insert = insert!(
    "holds (id, product_id, quantity, unit_price, customer, status, expires_at)",
    "(?, ?, ?, ?, ?, ?, ?)"
);

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    let mut update =
        tx.prepare_cached("update holds set status = :to where id = :id and status = :from")?;
    let mut new = Vec::new();
    for hold in set.holds.written() {
        match hold {
            Written::New(hold) => new.push(hold),
            Written::Changed { from, to } => one_row(
                &mut update,
                named_params! {":id": to.id, ":from": from.status, ":to": to.status},
            )?,
        }
    }
    INSERT.run(tx, &new, |values, hold| {
        let Line {
            product,
            quantity,
            unit_price,
        } = &hold.line;
        values.bind([
            &hold.id,
            product,
            quantity,
            unit_price,
            &hold.customer,
            &hold.status,
            &hold.expires_at,
        ])
    })
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "every hold is resolved once: it has an order exactly if it was ordered",
        "select count(*) from holds",
        "select count(*) from holds left join orders on orders.hold_id = holds.id
         where (holds.status = 'ordered') <> (orders.id is not null)",
    ),
    (
        "every hold moved its stock as its status says",
        "select count(*) from holds",
        "select count(*) from holds h left join (
            select hold_id, sum(kind = 'hold_placed') as placed, sum(kind = 'hold_released') as released,
                sum(kind = 'hold_expired') as expired
            from movements where hold_id is not null group by hold_id) m on m.hold_id = h.id
         where (m.placed, m.released, m.expired) is not (1, h.status = 'released', h.status = 'expired')",
    ),
];
