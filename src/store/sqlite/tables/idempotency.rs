//! What is kept under idempotency keys: rows that name what a request made, and, of a product, what was answered.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{Row, Transaction, named_params};
use serde::{Deserialize, Serialize};

use super::{Question, Result, limit, one_row};
use crate::sale::{
    Cents, HoldId, IdempotencyKey, IdempotencyRecord, OrderId, OrderStatus, Product, ProductId,
    Quantity, Recorded, Timestamp, WorkingSet,
};
use crate::store::sqlite::statements::Queries;

/// A product as it was answered, in the column `answer`. Fields are only ever added, each with a default.
#[derive(Serialize, Deserialize)]
struct AnsweredProduct {
    at: i64,
    sku: Option<String>,
    name: String,
    price: i64,
    total: i64,
    available: i64,
    reserved: i64,
    sold: i64,
    version: i64,
    starts_at: Option<i64>,
    ends_at: Option<i64>,
    max_per_hold: Option<i64>,
    max_per_customer: Option<i64>,
    paused: bool,
    /// Of a restock: what was asked for.
    units: Option<i64>,
    reason: Option<String>,
}

impl AnsweredProduct {
    fn new(product: &Product, at: Timestamp) -> AnsweredProduct {
        AnsweredProduct {
            at: at.micros(),
            sku: product.sku.clone(),
            name: product.name.clone(),
            price: product.price.get(),
            total: product.total,
            available: product.available,
            reserved: product.reserved,
            sold: product.sold,
            version: product.version,
            starts_at: product.starts_at.map(Timestamp::micros),
            ends_at: product.ends_at.map(Timestamp::micros),
            max_per_hold: product.max_per_hold.map(Quantity::units),
            max_per_customer: product.max_per_customer.map(Quantity::units),
            paused: product.paused,
            units: None,
            reason: None,
        }
    }

    fn product(&self, id: ProductId) -> Product {
        Product {
            id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            price: Cents::new(self.price),
            total: self.total,
            available: self.available,
            reserved: self.reserved,
            sold: self.sold,
            version: self.version,
            starts_at: self.starts_at.map(Timestamp::from_micros),
            ends_at: self.ends_at.map(Timestamp::from_micros),
            max_per_hold: self.max_per_hold.and_then(Quantity::new),
            max_per_customer: self.max_per_customer.and_then(Quantity::new),
            paused: self.paused,
        }
    }
}

impl ToSql for AnsweredProduct {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let json = serde_json::to_string(self);
        let json = json.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(json.into())
    }
}

impl FromSql for AnsweredProduct {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<AnsweredProduct> {
        let read = serde_json::from_str(value.as_str()?);
        read.map_err(|error| FromSqlError::Other(error.into()))
    }
}

/// The columns that differ between what requests did.
#[derive(Default)]
struct Columns {
    done: &'static str,
    hold: Option<HoldId>,
    order: Option<OrderId>,
    product: Option<ProductId>,
    answer: Option<AnsweredProduct>,
    status: Option<OrderStatus>,
}

impl Columns {
    fn of(recorded: &Recorded) -> Columns {
        match recorded {
            Recorded::HoldPlaced(id) => Columns {
                done: "hold_placed",
                hold: Some(*id),
                ..Columns::default()
            },
            Recorded::OrderPlaced(id, status) => Columns {
                done: "order_placed",
                order: Some(*id),
                status: Some(*status),
                ..Columns::default()
            },
            Recorded::OrderCancelled(id) => Columns {
                done: "order_cancelled",
                order: Some(*id),
                ..Columns::default()
            },
            Recorded::ProductCreated { product, at } => Columns {
                done: "product_created",
                product: Some(product.id),
                answer: Some(AnsweredProduct::new(product, *at)),
                ..Columns::default()
            },
            Recorded::ProductRestocked {
                product,
                at,
                units,
                reason,
            } => Columns {
                done: "product_restocked",
                product: Some(product.id),
                answer: Some(AnsweredProduct {
                    units: Some(*units),
                    reason: reason.clone(),
                    ..AnsweredProduct::new(product, *at)
                }),
                ..Columns::default()
            },
        }
    }
}

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    for key in set.forgotten_keys() {
        let sql = "delete from replays where key = :key";
        one_row(&mut tx.prepare_cached(sql)?, named_params! {":key": key})?;
    }
    let mut insert = tx.prepare_cached(
        "insert into replays (key, done, hold_id, order_id, product_id, answer, status, expires_at)
            values (:key, :done, :hold, :order, :product, :answer, :status, :expires_at)",
    )?;
    for record in set.kept_records() {
        let columns = Columns::of(&record.recorded);
        one_row(
            &mut insert,
            named_params! {
                ":key": record.key, ":done": columns.done, ":hold": columns.hold, ":order": columns.order,
                ":product": columns.product, ":answer": columns.answer, ":status": columns.status,
                ":expires_at": record.expires_at,
            },
        )?;
    }
    Ok(())
}

pub fn read(row: &Row<'_>) -> Result<IdempotencyRecord> {
    let recorded = match row.get_ref("done")?.as_str()? {
        "hold_placed" => Recorded::HoldPlaced(row.get("hold_id")?),
        "order_placed" => Recorded::OrderPlaced(row.get("order_id")?, row.get("status")?),
        "order_cancelled" => Recorded::OrderCancelled(row.get("order_id")?),
        "product_created" => {
            let (product, answered) = product(row)?;
            Recorded::ProductCreated {
                product: Box::new(product),
                at: Timestamp::from_micros(answered.at),
            }
        }
        "product_restocked" => {
            let (product, answered) = product(row)?;
            Recorded::ProductRestocked {
                product: Box::new(product),
                at: Timestamp::from_micros(answered.at),
                units: answered.units.unwrap_or(0),
                reason: answered.reason,
            }
        }
        other => return Err(did_what(other)),
    };
    Ok(IdempotencyRecord {
        key: row.get("key")?,
        recorded,
        expires_at: row.get("expires_at")?,
    })
}

fn product(row: &Row<'_>) -> Result<(Product, AnsweredProduct)> {
    let answered: AnsweredProduct = row.get("answer")?;
    Ok((answered.product(row.get("product_id")?), answered))
}

fn did_what(recorded: &str) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(0, format!("a request that did {recorded}"), Type::Text)
}

pub fn by_key(rows: &impl Queries, key: &IdempotencyKey) -> Result<Option<IdempotencyRecord>> {
    let sql = "select * from replays where key = :key";
    rows.one(sql, named_params! {":key": key}, read)
}

#[cfg(feature = "test-support")]
pub const ALL: &str = "select * from replays order by key";

pub fn next_deadline(rows: &impl Queries) -> Result<Option<Timestamp>> {
    rows.figure("select min(expires_at) from replays", [])
}

/// Pulls in deadlines that lie further off than that of a fresh key.
pub fn pull_in(tx: &Transaction<'_>, fresh: Timestamp) -> Result<usize> {
    let sql = "update replays set expires_at = :fresh where expires_at > :fresh";
    tx.execute(sql, named_params! {":fresh": fresh})
}

/// What is past its time, oldest first.
pub fn lapsed(
    rows: &impl Queries,
    keys_max: usize,
    now: Timestamp,
) -> Result<Vec<IdempotencyRecord>> {
    let sql =
        "select * from replays where expires_at <= :now order by expires_at, key limit :limit";
    let params = named_params! {":now": now, ":limit": limit(keys_max)};
    rows.all(sql, params, read)
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    // A cancelled order is only ever seen in another status after a late payment that was accepted.
    (
        "every request kept under an idempotency key did what it says",
        "select count(*) from replays",
        "select count(*) from replays r left join orders o on o.id = r.order_id
         where not case done
            when 'hold_placed' then exists (select 1 from holds where id = r.hold_id)
            when 'order_placed' then o.id is not null
            when 'product_created' then exists (select 1 from products where id = r.product_id)
            when 'product_restocked' then exists (select 1 from products where id = r.product_id)
            else o.status is 'cancelled' or o.id in (select order_id from movements where kind = 'order_paid_late') end",
    ),
    (
        "no hold, order or product was given out under two idempotency keys",
        "select count(*) from replays",
        "select count(*) from (
            select 1 from replays where done in ('hold_placed', 'order_placed', 'product_created')
            group by hold_id, order_id, product_id having count(*) > 1)",
    ),
];
