//! The ledger.

use rusqlite::{Row, Transaction, named_params};

use super::{Result, one_row};
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

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "insert into movements (product_id, version, at, kind, available, reserved, sold, hold_id, order_id, reason)
            values (:product, :version, :at, :kind, :available, :reserved, :sold, :hold, :order, :reason)",
    )?;
    for movement in set.movements() {
        let (hold, order, reason) = match &movement.cause {
            Cause::Hold(id) => (Some(id), None, None),
            Cause::Order(id) => (None, Some(id), None),
            Cause::Stock(reason) => (None, None, reason.as_deref()),
        };
        one_row(
            &mut insert,
            named_params! {
                ":product": movement.product, ":version": movement.version, ":at": movement.at,
                ":kind": movement.kind, ":available": movement.delta.available,
                ":reserved": movement.delta.reserved, ":sold": movement.delta.sold,
                ":hold": hold, ":order": order, ":reason": reason,
            },
        )?;
    }
    Ok(())
}
