//! Every row of every table, for tests that compare stores.

use rusqlite::{Connection, Row};

use super::tables::holds::{self, select_hold};
use super::tables::{counters, idempotency, movements, orders, payments, products};
use crate::store::Contents;

pub fn of(conn: &mut Connection) -> rusqlite::Result<Contents> {
    let tx = conn.transaction()?;
    let (counters, _) = counters::read(&tx)?;
    Ok(Contents {
        counters,
        products: all(&tx, "select * from products order by id", products::read)?,
        holds: all(&tx, select_hold!(" order by holds.id"), holds::read)?,
        orders: all(&tx, "select * from orders order by id", orders::read)?,
        payments: all(&tx, "select * from payments order by id", |row| {
            Ok((payments::read(row)?, row.get("payload")?))
        })?,
        movements: all(
            &tx,
            "select * from movements order by product_id, version",
            movements::read,
        )?,
        idempotency_records: all(&tx, "select * from replays order by key", idempotency::read)?,
    })
}

fn all<T>(
    tx: &Connection,
    sql: &str,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    tx.prepare(sql)?.query_map([], read)?.collect()
}
