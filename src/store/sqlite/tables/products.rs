//! Products, and their stock in four counters.

use rusqlite::{Row, Transaction, named_params};

use super::holds::hold_is;
use super::orders::order_is;
use super::{Question, Result, limit, one_row};
use crate::sale::{Product, ProductId, Timestamp, WorkingSet, Written};
use crate::store::Stock;
use crate::store::sqlite::statements::Queries;

/// What is overdue of a product at `:now`.
macro_rules! overdue_units {
    ($product:literal) => {
        concat!(
            "(select coalesce(sum(quantity), 0) from holds where ",
            hold_is!(overdue),
            " and product_id = ",
            $product,
            ") + (select coalesce(sum(quantity), 0) from orders where ",
            order_is!(overdue),
            " and product_id = ",
            $product,
            ")"
        )
    };
}

/// Products, each with what is overdue of it.
macro_rules! select_with_overdue_units {
    () => {
        concat!(
            "select products.*, ",
            overdue_units!("products.id"),
            " as overdue_units from products"
        )
    };
}

pub const ALL: &str = "select * from products order by id";

pub fn read(row: &Row<'_>) -> Result<Product> {
    Ok(Product {
        id: row.get("id")?,
        sku: row.get("sku")?,
        name: row.get("name")?,
        price: row.get("price")?,
        total: row.get("total")?,
        available: row.get("available")?,
        reserved: row.get("reserved")?,
        sold: row.get("sold")?,
        version: row.get("version")?,
        starts_at: row.get("starts_at")?,
        ends_at: row.get("ends_at")?,
        max_per_hold: row.get("max_per_hold")?,
        max_per_customer: row.get("max_per_customer")?,
        paused: row.get("paused")?,
    })
}

pub fn by_id(rows: &impl Queries, id: ProductId) -> Result<Option<Product>> {
    let sql = "select * from products where id = :id";
    rows.one(sql, named_params! {":id": id}, read)
}

/// With what is overdue of it.
pub fn by_id_with_overdue_units(
    rows: &impl Queries,
    id: ProductId,
    now: Timestamp,
) -> Result<Option<(Product, i64)>> {
    let sql = concat!(select_with_overdue_units!(), " where id = :id");
    rows.one(
        sql,
        named_params! {":id": id, ":now": now},
        read_with_overdue_units,
    )
}

/// By id, each with what is overdue of it free again.
pub fn after(
    rows: &impl Queries,
    after: Option<ProductId>,
    rows_max: usize,
    now: Timestamp,
) -> Result<Vec<Product>> {
    let sql = concat!(
        select_with_overdue_units!(),
        " where id > coalesce(:after, 0) order by id limit :limit"
    );
    let params = named_params! {
        ":after": after, ":limit": limit(rows_max), ":now": now,
    };
    rows.all(sql, params, |row| {
        let (product, overdue_units) = read_with_overdue_units(row)?;
        Ok(product.with_overdue_free(overdue_units))
    })
}

fn read_with_overdue_units(row: &Row<'_>) -> Result<(Product, i64)> {
    Ok((read(row)?, row.get("overdue_units")?))
}

pub fn overdue_units(rows: &impl Queries, id: ProductId, now: Timestamp) -> Result<i64> {
    let sql = concat!("select ", overdue_units!(":id"));
    rows.figure(sql, named_params! {":id": id, ":now": now})
}

/// Of all products above an id together, what is overdue of them free again.
pub fn stock_after(rows: &impl Queries, after: Option<ProductId>, now: Timestamp) -> Result<Stock> {
    let sql = concat!(
        "select coalesce(sum(available), 0) as available, coalesce(sum(reserved), 0) as reserved,
            coalesce(sum(sold), 0) as sold,
            (select coalesce(sum(quantity), 0) from holds where ",
        hold_is!(overdue),
        " and product_id > coalesce(:after, 0))
            + (select coalesce(sum(quantity), 0) from orders where ",
        order_is!(overdue),
        " and product_id > coalesce(:after, 0)) as overdue_units
         from products where id > coalesce(:after, 0)"
    );
    rows.row(sql, named_params! {":after": after, ":now": now}, |row| {
        let overdue_units: i64 = row.get("overdue_units")?;
        Ok(Stock {
            available: row.get::<_, i64>("available")? + overdue_units,
            reserved: row.get::<_, i64>("reserved")? - overdue_units,
            sold: row.get("sold")?,
        })
    })
}

pub fn by_sku(rows: &impl Queries, sku: &str) -> Result<Option<Product>> {
    let sql = "select * from products where sku = :sku";
    rows.one(sql, named_params! {":sku": sku}, read)
}

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    for product in set.products.written() {
        match product {
            Written::New(product) => insert(tx, product)?,
            Written::Changed { from, to } => update(tx, from, to)?,
        }
    }
    Ok(())
}

fn insert(tx: &Transaction<'_>, product: &Product) -> Result<()> {
    let sql =
        "insert into products (id, sku, name, price, total, available, reserved, sold, version,
            starts_at, ends_at, max_per_hold, max_per_customer, paused)
        values (:id, :sku, :name, :price, :total, :available, :reserved, :sold, :version,
            :starts_at, :ends_at, :max_per_hold, :max_per_customer, :paused)";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {
            ":id": product.id, ":sku": product.sku, ":name": product.name, ":price": product.price,
            ":total": product.total, ":available": product.available, ":reserved": product.reserved,
            ":sold": product.sold, ":version": product.version,
            ":starts_at": product.starts_at,
            ":ends_at": product.ends_at,
            ":max_per_hold": product.max_per_hold,
            ":max_per_customer": product.max_per_customer,
            ":paused": product.paused,
        },
    )
}

/// Stock moves by differences, from the version that was seen: a second hand on the same row changes no row at all.
fn update(tx: &Transaction<'_>, from: &Product, to: &Product) -> Result<()> {
    let sql = "update products set
            total = total + :total, available = available + :available, reserved = reserved + :reserved,
            sold = sold + :sold, version = version + :movements
        where id = :id and version = :seen";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {
            ":id": to.id, ":seen": from.version, ":movements": to.version - from.version,
            ":total": to.total - from.total, ":available": to.available - from.available,
            ":reserved": to.reserved - from.reserved, ":sold": to.sold - from.sold,
        },
    )?;
    if without_stock(from) == without_stock(to) {
        return Ok(());
    }
    let sql = "update products set name = :name, price = :price, starts_at = :starts_at, ends_at = :ends_at,
            max_per_hold = :max_per_hold, max_per_customer = :max_per_customer, paused = :paused
        where id = :id";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {
            ":id": to.id, ":name": to.name, ":price": to.price,
            ":starts_at": to.starts_at, ":ends_at": to.ends_at,
            ":max_per_hold": to.max_per_hold,
            ":max_per_customer": to.max_per_customer, ":paused": to.paused,
        },
    )
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
    "select count(*) from products where total <> available + reserved + sold or min(available, reserved, sold) < 0",
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
         where (p.available, p.reserved, p.sold)
            is not (coalesce(m.available, 0), coalesce(m.reserved, 0), coalesce(m.sold, 0))",
    ),
    (
        "the ledger has no gap",
        "select count(*) from products",
        "select count(*) from products p left join (
            select product_id, count(*) as movements, max(version) as version from movements group by product_id) m
            on m.product_id = p.id
         where p.version is not coalesce(m.version, 0) or p.version is not coalesce(m.movements, 0)",
    ),
    (
        "reserved units are those of live holds and pending orders",
        "select count(*) from products",
        "select count(*) from products p left join (
            select product_id, sum(quantity) as units from (
                select product_id, quantity from holds where status = 'active'
                union all select product_id, quantity from orders where status = 'pending')
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

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::store::sqlite::file::schema;

    #[test]
    fn an_update_of_a_version_that_is_over_changes_no_row() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(schema::SCHEMA).unwrap();
        let tx = conn.transaction().unwrap();
        tx.execute_batch(
            "insert into products (id, name, price, total, available, reserved, sold, version, paused)
                values (1, 'tee', 100, 5, 5, 0, 0, 7, 0)",
        )
        .unwrap();
        let seen = tx.query_row("select * from products", [], read).unwrap();
        let after_a_hold = Product {
            available: seen.available - 1,
            reserved: seen.reserved + 1,
            version: seen.version + 1,
            ..seen.clone()
        };
        update(&tx, &seen, &after_a_hold).unwrap();
        let again = update(&tx, &seen, &after_a_hold);
        assert_eq!(again, Err(rusqlite::Error::StatementChangedRows(0)));
    }
}
