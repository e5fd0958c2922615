//! Orders.

use tokio_postgres::Row;

use super::counters::server_now;
use super::products::select_products;
use super::{Question, Result, count, line};
use crate::sale::{
    HoldId, Order, OrderId, ProductId, TRANSACTION_ROWS_MAX, Timestamp, WorkingSet, Written,
};
use crate::store::postgres::changes::{Change, Changes};
use crate::store::postgres::new_rows::insert;
use crate::store::postgres::session::Step;

macro_rules! select_orders {
    ($which:literal) => {
        concat!(
            "select id, hold_id, product_id, quantity, unit_price, customer, status, pay_by, created_at, paid_at, transaction_id,
                    refunded_quantity, refunded_amount, dispute
                from orders ",
            $which
        )
    };
}
pub(in crate::store::postgres) use select_orders;

/// The oldest `$1` that are overdue: at `$2`, or, where that is null, by the server's clock.
macro_rules! overdue_orders {
    ($columns:literal) => {
        concat!(
            "select ",
            $columns,
            " from orders where status = 'pending' and pay_by is not null and pay_by <= coalesce($2::bigint, ",
            server_now!(),
            ") order by pay_by, product_id, quantity, id limit $1"
        )
    };
}

/// Orders as the clock sees them at `$4`, by what an operator asks.
macro_rules! listed_orders {
    ($more:literal) => {
        concat!(
            select_orders!(
                "where ($1::bigint is null or product_id = $1) and ($2::text is null or customer = $2)
      and ($3::text is null or $3 = case when status = 'pending' and pay_by <= $4 then 'expired' else status end)"
            ),
            $more
        )
    };
}

pub const LIST: &str = listed_orders!("");

pub const LIST_OF_OPEN_DISPUTES: &str = listed_orders!(" and dispute = 'open'");
pub const LIST_OF_WON_DISPUTES: &str = listed_orders!(" and dispute = 'won'");
pub const LIST_OF_LOST_DISPUTES: &str = listed_orders!(" and dispute = 'lost'");

/// `MoneyFilter::BackUnmatched`, said in SQL.
pub const LIST_OF_MONEY_BACK: &str = listed_orders!(
    " and refunded_amount > 0 and refunded_quantity < quantity
        and refunded_amount >= (refunded_quantity + 1) * unit_price"
);

pub fn read(row: &Row) -> Result<Order> {
    Ok(Order {
        id: row.try_get("id")?,
        hold: row.try_get("hold_id")?,
        line: line(row)?,
        customer: row.try_get("customer")?,
        status: row.try_get("status")?,
        pay_by: row.try_get("pay_by")?,
        created_at: row.try_get("created_at")?,
        paid_at: row.try_get("paid_at")?,
        transaction_id: row.try_get("transaction_id")?,
        refunded_quantity: row.try_get("refunded_quantity")?,
        refunded_amount: row.try_get("refunded_amount")?,
        dispute: row.try_get("dispute")?,
    })
}

pub fn by_ids(ids: Vec<OrderId>) -> Step {
    Step::new(select_orders!("where id = any($1)")).with(ids)
}

pub fn by_holds(holds: Vec<HoldId>) -> Step {
    Step::new(select_orders!("where hold_id = any($1)")).with(holds)
}

/// What an idempotency key may stand for.
pub fn of_keys(keys: Vec<String>) -> Step {
    Step::new(select_orders!(
        "where id in (select order_id from replays where key = any($1))"
    ))
    .with(keys)
}

/// The newest that each transaction paid.
pub fn of_transactions(transactions: Vec<String>) -> Step {
    Step::new(
        "select o.id, o.hold_id, o.product_id, o.quantity, o.unit_price, o.customer, o.status, o.pay_by, o.created_at,
                o.paid_at, o.transaction_id, o.refunded_quantity, o.refunded_amount, o.dispute
            from unnest($1::text[]) as t(transaction_id) cross join lateral (
                select id, hold_id, product_id, quantity, unit_price, customer, status, pay_by, created_at, paid_at,
                    transaction_id, refunded_quantity, refunded_amount, dispute
                from orders where transaction_id = t.transaction_id order by id desc limit $2) o",
    )
    .with(transactions)
    .with(count(TRANSACTION_ROWS_MAX))
}

/// The oldest overdue orders of each product, as many as there are units wanted: each has one at least.
pub fn overdue_of_products(products: Vec<ProductId>, units: Vec<i64>, now: Timestamp) -> Step {
    Step::new(
        "select o.id, o.hold_id, o.product_id, o.quantity, o.unit_price, o.customer, o.status, o.pay_by, o.created_at,
                o.paid_at, o.transaction_id, o.refunded_quantity, o.refunded_amount, o.dispute
            from unnest($1::bigint[], $2::bigint[]) as t(product, units) cross join lateral (
                select id, hold_id, product_id, quantity, unit_price, customer, status, pay_by, created_at, paid_at,
                    transaction_id, refunded_quantity, refunded_amount, dispute
                from orders where status = 'pending' and pay_by is not null and pay_by <= $3 and product_id = t.product
                order by pay_by, quantity, id limit t.units) o
            order by o.pay_by, o.quantity, o.id",
    )
    .with(products)
    .with(units)
    .with(now)
}

/// The oldest overdue orders of all products.
pub fn overdue(rows_max: usize, now: Option<Timestamp>) -> Step {
    Step::new(overdue_orders!(
        "id, hold_id, product_id, quantity, unit_price, customer, status, pay_by, created_at, paid_at, transaction_id,
            refunded_quantity, refunded_amount, dispute"
    ))
    .with(count(rows_max))
    .with(now)
}

/// Their products.
pub fn products_of_overdue(rows_max: usize, now: Option<Timestamp>) -> Step {
    Step::new(select_products!(concat!(
        "where id in (select product_id from (",
        overdue_orders!("product_id"),
        ") overdue)"
    )))
    .with(count(rows_max))
    .with(now)
}

pub fn write(set: &WorkingSet, changes: &mut Changes) {
    let mut new = Vec::new();
    let mut changed = Vec::new();
    for order in set.orders.written() {
        match order {
            Written::New(order) => new.push(order.clone()),
            Written::Changed { from, to } => changed.push((from, to)),
        }
    }
    if !new.is_empty() {
        changes.add(insert(new));
    }
    if !changed.is_empty() {
        let column = |field: fn(&Order) -> Option<i64>| {
            changed
                .iter()
                .map(|(_, to)| field(to))
                .collect::<Vec<Option<i64>>>()
        };
        let transactions: Vec<_> = changed
            .iter()
            .map(|(_, to)| to.transaction_id.clone())
            .collect();
        let change = Change::of(changed.len(),
            "update orders o set status = t.to_status, paid_at = t.paid_at, transaction_id = t.transaction_id,
                    refunded_quantity = t.refunded_quantity, refunded_amount = t.refunded_amount, dispute = t.dispute
                from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[],
                        $8::bigint[], $9::text[])
                    as t(id, from_status, to_status, paid_at, transaction_id, refunded_from, refunded_quantity,
                        refunded_amount, dispute)
                where o.id = t.id and o.status = t.from_status and o.refunded_quantity = t.refunded_from")
        .with(column(|to| Some(to.id.get())))
        .with(
            changed
                .iter()
                .map(|(from, _)| from.status)
                .collect::<Vec<_>>(),
        )
        .with(changed.iter().map(|(_, to)| to.status).collect::<Vec<_>>())
        .with(column(|to| to.paid_at.map(Timestamp::micros)))
        .with(transactions)
        .with(
            changed
                .iter()
                .map(|(from, _)| from.refunded_quantity)
                .collect::<Vec<_>>(),
        )
        .with(column(|to| Some(to.refunded_quantity)))
        .with(column(|to| Some(to.refunded_amount.get())))
        .with(changed.iter().map(|(_, to)| to.dispute).collect::<Vec<_>>());
        changes.add(change);
    }
}

insert! {
    into orders from order: Order;
    id: order.id,
    hold_id: order.hold,
    product_id: order.line.product,
    quantity: order.line.quantity,
    unit_price: order.line.unit_price,
    total_price: order.total_price(),
    customer: order.customer,
    status: order.status,
    pay_by: order.pay_by,
    created_at: order.created_at,
    paid_at: order.paid_at,
    transaction_id: order.transaction_id,
    refunded_quantity: order.refunded_quantity,
    refunded_amount: order.refunded_amount,
    dispute: order.dispute,
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "no hold has two orders",
        "select count(*) from orders",
        "select count(*) from (select hold_id from orders group by hold_id having count(*) > 1) twice",
    ),
    (
        "every order is its hold's: product, quantity, price, customer",
        "select count(*) from orders",
        "select count(*) from orders o left join holds h on h.id = o.hold_id
         where (o.product_id, o.quantity, o.unit_price) is distinct from (h.product_id, h.quantity, h.unit_price)
            or o.customer is distinct from h.customer",
    ),
    (
        "every order was paid as often as its status says",
        "select count(*) from orders",
        "select count(*) from orders o left join (
            select order_id, count(*) filter (where kind in ('order_paid', 'order_paid_late')) as paid
            from movements where order_id is not null group by order_id) m on m.order_id = o.id
         where coalesce(m.paid, 0) <> (o.status in ('paid', 'refunded'))::int",
    ),
    (
        "an order's refunds in the ledger are the units that it gave back",
        "select count(*) from orders",
        "select count(*) from orders o left join (
            select order_id, -sum(sold) as units from movements
            where kind in ('order_restocked', 'order_written_off') group by order_id) m on m.order_id = o.id
         where coalesce(m.units, 0) <> o.refunded_quantity",
    ),
    (
        "an order is refunded exactly when all its units were given back",
        "select count(*) from orders where status = 'refunded' or refunded_quantity > 0",
        "select count(*) from orders where (status = 'refunded') <> (refunded_quantity = quantity)
            or refunded_quantity > 0 and status not in ('paid', 'refunded')",
    ),
    (
        "every paid order has the one payment that paid it, and one of 0.00 has none",
        "select count(*) from orders where paid_at is not null",
        "select count(*) from orders o left join (
            select order_id, count(*) as payments from payments
            where (verdict = 'applied' and status = 'success') or resolution = 'accepted' group by order_id) p
            on p.order_id = o.id
         where o.paid_at is not null and coalesce(p.payments, 0) <> (o.total_price > 0)::int",
    ),
];
