//! The ledger.

use rusqlite::{Row, Transaction, named_params};

use super::insert::{Insert, insert};
use super::{List, Result, limit};
use crate::sale::{Cause, HoldId, Movement, OrderId, ProductId, StockDelta, WorkingSet};
use crate::store::sqlite::statements::Queries;

/// A product's.
pub const LIST: List<Movement> = List {
    select: "select * from movements where product_id = :product",
    number: "version",
    read,
};

pub const ALL: &str = "select * from movements order by product_id, version";

/// A product's newest, as many as `take` asks for.
pub fn newest<T>(
    rows: &impl Queries,
    product: ProductId,
    rows_max: usize,
    take: impl FnOnce(&mut dyn Iterator<Item = Result<Movement>>) -> Result<T>,
) -> Result<T> {
    let sql =
        "select * from movements where product_id = :product order by version desc limit :limit";
    let params = named_params! {":product": product, ":limit": limit(rows_max)};
    rows.each(sql, params, read, take)
}

pub fn read(row: &Row<'_>) -> Result<Movement> {
    let hold = row.get::<_, Option<HoldId>>("hold_id")?.map(Cause::Hold);
    let order = row.get::<_, Option<OrderId>>("order_id")?.map(Cause::Order);
    let stock = Cause::Stock(row.get("reason")?);
    Ok(Movement {
        product: row.get("product_id")?,
        version: row.get("version")?,
        at: row.get("at")?,
        kind: row.get("kind")?,
        delta: StockDelta {
            available: row.get("available")?,
            reserved: row.get("reserved")?,
            sold: row.get("sold")?,
        },
        cause: hold.or(order).unwrap_or(stock),
    })
}

const INSERT: Insert = insert!(
    "movements (product_id, version, at, kind, available, reserved, sold, hold_id, order_id, reason)",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    INSERT.run(tx, set.movements(), |values, movement| {
        let (hold, order, reason) = match &movement.cause {
            Cause::Hold(id) => (Some(id), None, None),
            Cause::Order(id) => (None, Some(id), None),
            Cause::Stock(reason) => (None, None, reason.as_deref()),
        };
        let Movement {
            product,
            version,
            at,
            kind,
            delta,
            ..
        } = movement;
        let StockDelta {
            available,
            reserved,
            sold,
        } = delta;
        values.bind([
            product, version, at, kind, available, reserved, sold, &hold, &order, &reason,
        ])
    })
}
