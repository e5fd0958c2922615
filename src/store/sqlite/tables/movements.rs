//! The ledger.

use rusqlite::{Row, Transaction};

use super::Result;
use super::insert::{Insert, insert};
use crate::sale::{Cause, HoldId, Movement, OrderId, StockDelta, WorkingSet};

pub const LIST: &str = "select * from movements where product_id = :product";

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
