//! The ledger.

use tokio_postgres::Row;

use super::Result;
use crate::sale::{Cause, HoldId, Movement, OrderId, StockDelta, WorkingSet};
use crate::store::postgres::session::Step;

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

pub fn write(set: &WorkingSet, steps: &mut Vec<Step>) {
    let movements = set.movements();
    if movements.is_empty() {
        return;
    }
    let column = |field: fn(&Movement) -> Option<i64>| {
        movements.iter().map(field).collect::<Vec<Option<i64>>>()
    };
    let hold = |movement: &Movement| match &movement.cause {
        Cause::Hold(id) => Some(id.get()),
        Cause::Order(_) | Cause::Stock(_) => None,
    };
    let order = |movement: &Movement| match &movement.cause {
        Cause::Order(id) => Some(id.get()),
        Cause::Hold(_) | Cause::Stock(_) => None,
    };
    let reasons = movements.iter().map(|movement| match &movement.cause {
        Cause::Stock(reason) => reason.clone(),
        Cause::Hold(_) | Cause::Order(_) => None,
    });
    let kinds = movements.iter().map(|movement| movement.kind);
    let step = Step::new(
        "insert into movements (product_id, version, at, available, reserved, sold, hold_id, order_id, kind, reason)
            select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::text[], $10::text[])",
    )
    .with(column(|movement| Some(movement.product.get())))
    .with(column(|movement| Some(movement.version)))
    .with(column(|movement| Some(movement.at.micros())))
    .with(column(|movement| Some(movement.delta.available)))
    .with(column(|movement| Some(movement.delta.reserved)))
    .with(column(|movement| Some(movement.delta.sold)))
    .with(column(hold))
    .with(column(order))
    .with(kinds.collect::<Vec<_>>())
    .with(reasons.collect::<Vec<_>>());
    steps.push(step);
}
