//! The ledger.

use tokio_postgres::Row;

use super::Result;
use crate::sale::{Cause, HoldId, Movement, OrderId, StockDelta, WorkingSet};
use crate::store::postgres::changes::Changes;
use crate::store::postgres::new_rows::insert;

macro_rules! select_movements {
    ($which:literal) => {
        concat!(
            "select product_id, version, at, kind, available, reserved, sold, hold_id, order_id, reason from movements ",
            $which
        )
    };
}
#[cfg(feature = "test-support")]
pub(in crate::store::postgres) use select_movements;

pub const LIST: &str = select_movements!("where product_id = $1");

pub fn read(row: &Row) -> Result<Movement> {
    let hold = row
        .try_get::<_, Option<HoldId>>("hold_id")?
        .map(Cause::Hold);
    let order = row
        .try_get::<_, Option<OrderId>>("order_id")?
        .map(Cause::Order);
    let stock = Cause::Stock(row.try_get("reason")?);
    Ok(Movement {
        product: row.try_get("product_id")?,
        version: row.try_get("version")?,
        at: row.try_get("at")?,
        kind: row.try_get("kind")?,
        delta: StockDelta {
            available: row.try_get("available")?,
            reserved: row.try_get("reserved")?,
            sold: row.try_get("sold")?,
        },
        cause: hold.or(order).unwrap_or(stock),
    })
}

pub fn write(set: &WorkingSet, changes: &mut Changes) {
    let movements = set.movements();
    if !movements.is_empty() {
        changes.add(insert(movements.to_vec()));
    }
}

insert! {
    into movements from movement: Movement;
    product_id: movement.product,
    version: movement.version,
    at: movement.at,
    kind: movement.kind,
    available: movement.delta.available,
    reserved: movement.delta.reserved,
    sold: movement.delta.sold,
    hold_id: movement.cause.hold(),
    order_id: movement.cause.order(),
    reason: movement.cause.reason(),
}
