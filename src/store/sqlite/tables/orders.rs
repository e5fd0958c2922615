//! Orders.

use rusqlite::{Row, Transaction, named_params};

use super::insert::{Insert, insert};
use super::{List, Question, Result, limit, line, one_row};
use crate::sale::{
    Line, Order, OrderId, ProductId, TRANSACTION_ROWS_MAX, Timestamp, WorkingSet, Written,
};
use crate::store::sqlite::statements::Queries;

/// Overdue: that an order is past its deadline and its row does not say so yet, `Order::overdue_units` said in SQL. Due later:
/// that it has a deadline and is not past it.
macro_rules! order_is {
    (overdue) => {
        "orders.status = 'pending' and orders.pay_by is not null and orders.pay_by <= :now"
    };
    (due_later) => {
        "orders.status = 'pending' and orders.pay_by is not null and orders.pay_by > :now"
    };
}

pub(super) use order_is;

/// Orders as the clock sees them, by what an operator asks.
macro_rules! orders {
    ($more:literal) => {
        concat!(
            "select * from orders
            where (:product is null or product_id = :product) and (:customer is null or customer = :customer)
                and (:status is null or :status = case when ",
            order_is!(overdue),
            " then 'expired' else status end)",
            $more
        )
    };
}

pub const LIST: List<Order> = List {
    select: orders!(""),
    number: "id",
    read,
};

pub const LIST_OF_DISPUTED: List<Order> = List {
    select: orders!(" and dispute = :dispute"),
    number: "id",
    read,
};

/// `MoneyFilter::BackUnmatched`, said in SQL.
pub const LIST_OF_MONEY_BACK: List<Order> = List {
    select: orders!(
        " and refunded_amount > 0 and refunded_quantity < quantity
            and refunded_amount >= (refunded_quantity + 1) * unit_price"
    ),
    number: "id",
    read,
};

pub const ALL: &str = "select * from orders order by id";

/// Units that a customer has ordered of a product, and has paid or still may.
pub const UNITS_OF_CUSTOMER: &str = concat!(
    "select coalesce(sum(quantity - refunded_quantity), 0) from orders
        where product_id = :product and customer = :customer and status in ('pending', 'paid') and not (",
    order_is!(overdue),
    ")"
);

pub const NEXT_DEADLINE: &str =
    "select min(pay_by) from orders where status = 'pending' and pay_by is not null";

/// The last deadline of an overdue order, and the next one of an order that is due later.
pub const DEADLINES_AROUND: &str = concat!(
    "select (select max(pay_by) from orders where ",
    order_is!(overdue),
    "), (select min(pay_by) from orders where ",
    order_is!(due_later),
    ")"
);

/// Pulls in deadlines that lie further off than that of a fresh order.
pub const PULL_IN: &str = "update orders set pay_by = :fresh
    where status = 'pending' and pay_by is not null and pay_by > :fresh";

pub fn read(row: &Row<'_>) -> Result<Order> {
    Ok(Order {
        id: row.get("id")?,
        hold: row.get("hold_id")?,
        line: line(row)?,
        customer: row.get("customer")?,
        status: row.get("status")?,
        pay_by: row.get("pay_by")?,
        created_at: row.get("created_at")?,
        paid_at: row.get("paid_at")?,
        transaction_id: row.get("transaction_id")?,
        refunded_quantity: row.get("refunded_quantity")?,
        refunded_amount: row.get("refunded_amount")?,
        dispute: row.get("dispute")?,
    })
}

pub fn by_id(rows: &impl Queries, id: OrderId) -> Result<Option<Order>> {
    let sql = "select * from orders where id = :id";
    rows.one(sql, named_params! {":id": id}, read)
}

/// The newest that the transaction paid.
pub fn of_transaction(rows: &impl Queries, transaction_id: &str) -> Result<Vec<Order>> {
    let sql =
        "select * from orders where transaction_id = :transaction order by id desc limit :limit";
    let params =
        named_params! {":transaction": transaction_id, ":limit": limit(TRANSACTION_ROWS_MAX)};
    rows.all(sql, params, read)
}

/// The oldest overdue orders of a product, until `is_enough`.
pub fn overdue_of_product(
    rows: &impl Queries,
    product: ProductId,
    now: Timestamp,
    is_enough: impl FnMut(Order) -> bool,
) -> Result<()> {
    let sql = concat!(
        "select * from orders where ",
        order_is!(overdue),
        " and product_id = :product order by pay_by, quantity, id"
    );
    let params = named_params! {":product": product, ":now": now};
    rows.each_until(sql, params, read, is_enough)
}

/// The oldest overdue orders of all products.
pub fn overdue(rows: &impl Queries, rows_max: usize, now: Timestamp) -> Result<Vec<Order>> {
    let sql = concat!(
        "select * from orders where ",
        order_is!(overdue),
        " order by pay_by, product_id, quantity, id limit :limit"
    );
    let params = named_params! {":now": now, ":limit": limit(rows_max)};
    rows.all(sql, params, read)
}

const INSERT: Insert = insert!(
    "orders (id, hold_id, product_id, quantity, unit_price, total_price, customer, status, pay_by, created_at, paid_at,
        transaction_id, refunded_quantity, refunded_amount, dispute)",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    let mut update = tx.prepare_cached(
        "update orders set status = :to, paid_at = :paid_at, transaction_id = :transaction_id,
                refunded_quantity = :refunded_quantity, refunded_amount = :refunded_amount, dispute = :dispute
            where id = :id and status = :from and refunded_quantity = :refunded_from",
    )?;
    let mut new = Vec::new();
    for order in set.orders.written() {
        match order {
            Written::New(order) => new.push(order),
            Written::Changed { from, to } => one_row(
                &mut update,
                named_params! {
                    ":id": to.id, ":from": from.status, ":to": to.status,
                    ":paid_at": to.paid_at, ":transaction_id": to.transaction_id,
                    ":refunded_from": from.refunded_quantity, ":refunded_quantity": to.refunded_quantity,
                    ":refunded_amount": to.refunded_amount, ":dispute": to.dispute,
                },
            )?,
        }
    }
    INSERT.run(tx, &new, |values, order| {
        let Order {
            id,
            hold,
            line:
                Line {
                    product,
                    quantity,
                    unit_price,
                },
            customer,
            status,
            pay_by,
            created_at,
            paid_at,
            transaction_id,
            refunded_quantity,
            refunded_amount,
            dispute,
        } = order;
        let total_price = order.total_price();
        values.bind([
            id,
            hold,
            product,
            quantity,
            unit_price,
            &total_price,
            customer,
            status,
            pay_by,
            created_at,
            paid_at,
            transaction_id,
            refunded_quantity,
            refunded_amount,
            dispute,
        ])
    })
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "no hold has two orders",
        "select count(*) from orders",
        "select count(*) from (select hold_id from orders group by hold_id having count(*) > 1)",
    ),
    (
        "every order is its hold's: product, quantity, price, customer",
        "select count(*) from orders",
        "select count(*) from orders o join holds h on h.id = o.hold_id
         where (o.product_id, o.quantity, o.unit_price, o.customer)
            is not (h.product_id, h.quantity, h.unit_price, h.customer)",
    ),
    (
        "every order was paid as often as its status says",
        "select count(*) from orders",
        "select count(*) from orders o left join (
            select order_id, sum(kind in ('order_paid', 'order_paid_late')) as paid
            from movements where order_id is not null group by order_id) m on m.order_id = o.id
         where coalesce(m.paid, 0) <> (o.status in ('paid', 'refunded'))",
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
         where o.paid_at is not null and coalesce(p.payments, 0) <> (o.total_price > 0)",
    ),
];
