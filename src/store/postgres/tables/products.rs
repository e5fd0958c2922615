//! Products, and their stock in four counters.

use tokio_postgres::Row;

use super::{Question, Result};
use crate::sale::{HoldId, OrderId, Product, ProductId, Timestamp, WorkingSet, Written};
use crate::store::postgres::changes::{Change, Changes};
use crate::store::postgres::new_rows::insert;
use crate::store::postgres::session::Step;

macro_rules! select_products {
    ($which:expr) => {
        concat!(
            "select id, sku, name, price, total, available, reserved, sold, version, starts_at, ends_at, max_per_hold,
                max_per_customer, paused from products ",
            $which
        )
    };
}
pub(in crate::store::postgres) use select_products;

pub fn read(row: &Row) -> Result<Product> {
    Ok(Product {
        id: row.try_get("id")?,
        sku: row.try_get("sku")?,
        name: row.try_get("name")?,
        price: row.try_get("price")?,
        total: row.try_get("total")?,
        available: row.try_get("available")?,
        reserved: row.try_get("reserved")?,
        sold: row.try_get("sold")?,
        version: row.try_get("version")?,
        starts_at: row.try_get("starts_at")?,
        ends_at: row.try_get("ends_at")?,
        max_per_hold: row.try_get("max_per_hold")?,
        max_per_customer: row.try_get("max_per_customer")?,
        paused: row.try_get("paused")?,
    })
}

/// Some by their ids, and those of holds and of orders.
pub fn of(ids: Vec<ProductId>, holds: Vec<HoldId>, orders: Vec<OrderId>) -> Step {
    Step::new(select_products!(
        "where id = any(array(
            select unnest($1::bigint[])
            union all select product_id from holds where id = any($2)
            union all select product_id from orders where id = any($3)))"
    ))
    .with(ids)
    .with(holds)
    .with(orders)
}

pub fn by_skus(skus: Vec<String>) -> Step {
    Step::new(select_products!("where sku = any($1)")).with(skus)
}

/// Units of each product that a customer holds, has ordered or has paid for.
pub fn customer_use(
    products: Vec<ProductId>,
    customers: Vec<crate::sale::Customer>,
    now: Timestamp,
) -> Step {
    Step::new(
        "select t.product, t.customer,
            ((select coalesce(sum(quantity), 0) from holds
                where product_id = t.product and customer = t.customer and status = 'active' and expires_at > $3)
            + (select coalesce(sum(quantity - refunded_quantity), 0) from orders
                where product_id = t.product and customer = t.customer and status in ('pending', 'paid')
                  and (status = 'paid' or pay_by is null or pay_by > $3)))::bigint as units
            from unnest($1::bigint[], $2::text[]) as t(product, customer)",
    )
    .with(products)
    .with(customers)
    .with(now)
}

/// Units of each product in overdue holds and orders.
pub fn overdue_units(products: Vec<ProductId>, now: Timestamp) -> Step {
    Step::new(
        "select t.product,
            ((select coalesce(sum(quantity), 0) from holds
                where status = 'active' and expires_at <= $2 and product_id = t.product)
            + (select coalesce(sum(quantity), 0) from orders
                where status = 'pending' and pay_by is not null and pay_by <= $2 and product_id = t.product))::bigint as units
            from unnest($1::bigint[]) as t(product)",
    )
    .with(products)
    .with(now)
}

pub fn write(set: &WorkingSet, changes: &mut Changes) {
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for product in set.products.written() {
        match product {
            Written::New(product) => new.push(product.clone()),
            Written::Changed { from, to } => changed.push((from, to)),
        }
    }
    if !new.is_empty() {
        changes.add(insert(new));
    }
    if !changed.is_empty() {
        changes.add(move_stock(&changed));
    }
    changed.retain(|(from, to)| without_stock(from) != without_stock(to));
    if !changed.is_empty() {
        let changed: Vec<&Product> = changed.into_iter().map(|(_, to)| to).collect();
        changes.first(update(&changed));
    }
}

fn column<T>(products: &[&Product], field: impl Fn(&Product) -> T) -> Vec<T> {
    products.iter().map(|product| field(product)).collect()
}

insert! {
    into products from product: Product;
    id: product.id,
    sku: product.sku,
    name: product.name,
    price: product.price,
    total: product.total,
    available: product.available,
    reserved: product.reserved,
    sold: product.sold,
    version: product.version,
    starts_at: product.starts_at,
    ends_at: product.ends_at,
    max_per_hold: product.max_per_hold,
    max_per_customer: product.max_per_customer,
    paused: product.paused,
}

/// Stock moves by differences, from the version that was seen: a second hand on the same row fails the batch.
fn move_stock(changed: &[(&Product, &Product)]) -> Change {
    let column = |field: fn(&Product) -> i64| {
        changed
            .iter()
            .map(|(from, to)| field(to) - field(from))
            .collect::<Vec<i64>>()
    };
    let ids: Vec<ProductId> = changed.iter().map(|(_, to)| to.id).collect();
    let seen: Vec<i64> = changed.iter().map(|(from, _)| from.version).collect();
    Change::of(changed.len(),
        "update products p set total = p.total + t.total, available = p.available + t.available,
                reserved = p.reserved + t.reserved, sold = p.sold + t.sold, version = p.version + t.movements
            from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
                as t(id, seen, movements, total, available, reserved, sold)
            where p.id = t.id and p.version = t.seen")
    .with(ids)
    .with(seen)
    .with(column(|it| it.version))
    .with(column(|it| it.total))
    .with(column(|it| it.available))
    .with(column(|it| it.reserved))
    .with(column(|it| it.sold))
}

/// Of rows that `move_stock` names too, and counts.
fn update(changed: &[&Product]) -> Change {
    Change::new(
        "update products p set name = t.name, price = t.price, starts_at = t.starts_at, ends_at = t.ends_at,
                max_per_hold = t.max_per_hold, max_per_customer = t.max_per_customer, paused = t.paused
            from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::boolean[]) as t(id, name, price, starts_at, ends_at, max_per_hold, max_per_customer, paused)
            where p.id = t.id")
    .with(column(changed, |it| it.id))
    .with(column(changed, |it| it.name.clone()))
    .with(column(changed, |it| it.price))
    .with(column(changed, |it| it.starts_at))
    .with(column(changed, |it| it.ends_at))
    .with(column(changed, |it| it.max_per_hold))
    .with(column(changed, |it| it.max_per_customer))
    .with(column(changed, |it| it.paused))
}

/// The product without its stock.
fn without_stock(product: &Product) -> Product {
    Product {
        total: 0,
        available: 0,
        reserved: 0,
        sold: 0,
        version: 0,
        ..product.clone()
    }
}

pub const STOCK_IS_CONSERVED: Question = (
    "stock is conserved: total = available + reserved + sold, none below 0",
    "select count(*) from products",
    "select count(*) from products where total <> available + reserved + sold or least(available, reserved, sold) < 0",
);

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    STOCK_IS_CONSERVED,
    (
        "the ledger's replay equals the counters",
        "select count(*) from movements",
        "select count(*) from products p left join (
            select product_id, sum(available) as available, sum(reserved) as reserved, sum(sold) as sold
            from movements group by product_id) m on m.product_id = p.id
         where p.available <> coalesce(m.available, 0) or p.reserved <> coalesce(m.reserved, 0)
            or p.sold <> coalesce(m.sold, 0)",
    ),
    (
        "the ledger has no gap",
        "select count(*) from products",
        "select count(*) from products p full join (
            select product_id, count(*) as movements, max(version) as version from movements group by product_id) m
            on m.product_id = p.id
         where p.version is distinct from coalesce(m.version, 0) or p.version is distinct from coalesce(m.movements, 0)",
    ),
    (
        "reserved units are those of live holds and pending orders",
        "select count(*) from products",
        "select count(*) from products p left join (
            select product_id, sum(quantity) as units from (
                select product_id, quantity from holds where status = 'active'
                union all select product_id, quantity from orders where status = 'pending') kept
            group by product_id) r on r.product_id = p.id
         where p.reserved <> coalesce(r.units, 0)",
    ),
    (
        "sold units are those of paid orders",
        "select count(*) from products",
        "select count(*) from products p left join (
            select product_id, sum(quantity - refunded_quantity) as units from orders where status = 'paid' group by product_id) s
            on s.product_id = p.id
         where p.sold <> coalesce(s.units, 0)",
    ),
];
