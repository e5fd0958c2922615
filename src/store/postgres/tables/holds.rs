//! Holds. Which order one became stands in the order.

use tokio_postgres::Row;

use super::counters::server_now;
use super::products::select_products;
use super::{Question, Result, count, line};
use crate::sale::{Hold, HoldId, HoldStatus, ProductId, Timestamp, WorkingSet, Written};
use crate::store::postgres::changes::{Change, Changes};
use crate::store::postgres::new_rows::insert;
use crate::store::postgres::session::Step;

/// Holds, each with the order that it became.
macro_rules! select_holds {
    ($which:literal) => {
        concat!(
            "select h.id, h.product_id, h.quantity, h.unit_price, h.customer, h.status, h.expires_at, o.id as order_id
                from holds h left join orders o on o.hold_id = h.id",
            $which
        )
    };
}
pub(in crate::store::postgres) use select_holds;

/// The same of holds that are live, and so have none.
macro_rules! live_columns {
    () => {
        "h.id, h.product_id, h.quantity, h.unit_price, h.customer, h.status, h.expires_at, null::bigint as order_id"
    };
}

/// The oldest `$1` that are overdue: at `$2`, or, where that is null, by the server's clock.
macro_rules! overdue_holds {
    ($columns:literal) => {
        concat!(
            "select ",
            $columns,
            " from holds h where status = 'active' and expires_at <= coalesce($2::bigint, ",
            server_now!(),
            ") order by expires_at, product_id, quantity, id limit $1"
        )
    };
}

/// Holds as the clock sees them at `$4`, by what an operator asks.
pub const LIST: &str = select_holds!(
    " where ($1::bigint is null or h.product_id = $1) and ($2::text is null or h.customer = $2)
      and ($3::text is null or $3 = case when h.status = 'active' and h.expires_at <= $4 then 'expired' else h.status end)"
);

pub fn read(row: &Row) -> Result<Hold> {
    Ok(Hold {
        id: row.try_get("id")?,
        line: line(row)?,
        customer: row.try_get("customer")?,
        status: row.try_get("status")?,
        expires_at: row.try_get("expires_at")?,
        order: row.try_get("order_id")?,
    })
}

pub fn by_ids(ids: Vec<HoldId>) -> Step {
    Step::new(select_holds!(" where h.id = any($1)")).with(ids)
}

/// What an idempotency key may stand for.
pub fn of_keys(keys: Vec<String>) -> Step {
    Step::new(select_holds!(
        " where h.id in (select hold_id from replays where key = any($1))"
    ))
    .with(keys)
}

/// The oldest overdue holds of each product, as many as there are units wanted: each has one at least.
pub fn overdue_of_products(products: Vec<ProductId>, units: Vec<i64>, now: Timestamp) -> Step {
    Step::new(concat!(
        "select ",
        live_columns!(),
        " from unnest($1::bigint[], $2::bigint[]) as t(product, units) cross join lateral (
            select id, product_id, quantity, unit_price, customer, status, expires_at from holds
            where status = 'active' and expires_at <= $3 and product_id = t.product
            order by expires_at, quantity, id limit t.units) h
        order by h.expires_at, h.quantity, h.id"
    ))
    .with(products)
    .with(units)
    .with(now)
}

/// The oldest overdue holds of all products.
pub fn overdue(rows_max: usize, now: Option<Timestamp>) -> Step {
    Step::new(overdue_holds!(
        "h.id, h.product_id, h.quantity, h.unit_price, h.customer, h.status, h.expires_at, null::bigint as order_id"
    ))
    .with(count(rows_max))
    .with(now)
}

/// Their products.
pub fn products_of_overdue(rows_max: usize, now: Option<Timestamp>) -> Step {
    Step::new(select_products!(concat!(
        "where id in (select product_id from (",
        overdue_holds!("h.product_id"),
        ") overdue)"
    )))
    .with(count(rows_max))
    .with(now)
}

pub fn write(set: &WorkingSet, changes: &mut Changes) {
    let mut new = Vec::new();
    let (mut ids, mut from_statuses, mut to_statuses) = (Vec::new(), Vec::new(), Vec::new());
    for hold in set.holds.written() {
        match hold {
            Written::New(hold) => new.push(hold.clone()),
            Written::Changed { from, to } => {
                ids.push(to.id);
                from_statuses.push(from.status);
                to_statuses.push(to.status);
            }
        }
    }
    if !new.is_empty() {
        changes.add(insert(new));
    }
    if !ids.is_empty() {
        changes.add(update(ids, from_statuses, to_statuses));
    }
}

insert! {
    into holds from hold: Hold;
    id: hold.id,
    product_id: hold.line.product,
    quantity: hold.line.quantity,
    unit_price: hold.line.unit_price,
    customer: hold.customer,
    status: hold.status,
    expires_at: hold.expires_at,
}

fn update(ids: Vec<HoldId>, from: Vec<HoldStatus>, to: Vec<HoldStatus>) -> Change {
    Change::of(
        ids.len(),
        "update holds h set status = t.to_status
            from unnest($1::bigint[], $2::text[], $3::text[]) as t(id, from_status, to_status)
            where h.id = t.id and h.status = t.from_status",
    )
    .with(ids)
    .with(from)
    .with(to)
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
            select hold_id, count(*) filter (where kind = 'hold_placed') as placed,
                count(*) filter (where kind = 'hold_released') as released,
                count(*) filter (where kind = 'hold_expired') as expired
            from movements where hold_id is not null group by hold_id) m on m.hold_id = h.id
         where m.placed is distinct from 1 or m.released is distinct from (h.status = 'released')::int
            or m.expired is distinct from (h.status = 'expired')::int",
    ),
    (
        "every hold's product is there",
        "select count(*) from holds",
        "select count(*) from holds where not exists (select 1 from products where id = product_id)",
    ),
];
