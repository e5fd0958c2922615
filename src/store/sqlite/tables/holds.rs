//! Holds. Which order one became stands in the order.

use rusqlite::{Row, Transaction, named_params};

use super::insert::{Insert, insert};
use super::{Question, Result, limit, line, one_row};
use crate::sale::{Hold, HoldId, Line, ProductId, Timestamp, WorkingSet, Written};
use crate::store::sqlite::statements::Statements;

/// Holds, each with the order that it became.
macro_rules! select_hold {
    ($which:literal) => {
        concat!(
            "select holds.*, orders.id as order_id from holds left join orders on orders.hold_id = holds.id",
            $which
        )
    };
}
pub(in crate::store::sqlite) use select_hold;

/// That a hold is past its deadline and its row does not say so yet: `Hold::overdue_units`, said in SQL.
macro_rules! hold_is_overdue {
    () => {
        "status = 'active' and expires_at <= :now"
    };
}
pub(in crate::store::sqlite) use hold_is_overdue;

/// Holds as the clock sees them, by what an operator asks.
pub const LIST: &str = select_hold!(
    " where (:product is null or holds.product_id = :product) and (:customer is null or holds.customer = :customer)
      and (:status is null or :status =
        case when holds.status = 'active' and holds.expires_at <= :now then 'expired' else holds.status end)"
);

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

pub fn by_id(rows: &Statements<'_>, id: HoldId) -> Result<Option<Hold>> {
    let sql = select_hold!(" where holds.id = :id");
    rows.one(sql, named_params! {":id": id}, read)
}

/// The oldest overdue holds of a product, until `is_enough`.
pub fn overdue_of_product(
    rows: &Statements<'_>,
    product: ProductId,
    now: Timestamp,
    is_enough: impl FnMut(Hold) -> bool,
) -> Result<()> {
    let sql = concat!(
        "select *, null as order_id from holds where ",
        hold_is_overdue!(),
        " and product_id = :product order by expires_at, quantity, id"
    );
    let params = named_params! {":product": product, ":now": now};
    rows.each_until(sql, params, read, is_enough)
}

/// The oldest overdue holds of all products.
pub fn overdue(rows: &Statements<'_>, rows_max: usize, now: Timestamp) -> Result<Vec<Hold>> {
    let sql = concat!(
        "select *, null as order_id from holds where ",
        hold_is_overdue!(),
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
