//! Every row of every table, for tests that compare stores.

use rusqlite::Connection;

use super::statements::Queries;
use super::tables::{
    Result, counters, events, holds, idempotency, movements, orders, payments, products, reversals,
};
use crate::store::Contents;

pub fn of(conn: &Connection) -> Result<Contents> {
    let tx = conn.unchecked_transaction()?;
    let (counters, _) = counters::read(&tx)?;
    Ok(Contents {
        counters,
        products: tx.all(products::ALL, [], products::read)?,
        holds: tx.all(holds::ALL, [], holds::read)?,
        orders: tx.all(orders::ALL, [], orders::read)?,
        payments: tx.all(payments::ALL, [], payments::read_whole)?,
        reversals: tx.all(reversals::ALL, [], reversals::read_whole)?,
        movements: tx.all(movements::ALL, [], movements::read)?,
        events: tx.all(events::ALL, [], events::read)?,
        idempotency_records: tx.all(idempotency::ALL, [], idempotency::read)?,
    })
}
