//! Every row of every table, for tests that compare stores.

use tokio_postgres::Row;

use super::server_error::ServerError;
use super::session::{Session, Step};
use super::tables::events::select_events;
use super::tables::holds::select_holds;
use super::tables::idempotency::select_records;
use super::tables::movements::select_movements;
use super::tables::orders::select_orders;
use super::tables::products::select_products;
use super::tables::{
    Result, all, counters, events, holds, idempotency, movements, orders, payments, products,
    reversals,
};
use crate::store::Contents;

pub fn of(session: &mut Session) -> Result<Contents> {
    session.execute("begin isolation level repeatable read read only")?;
    let steps = [
        counters::figures(),
        Step::new(select_products!("order by id")),
        Step::new(select_holds!(" order by h.id")),
        Step::new(select_orders!("order by id")),
        Step::new(payments::ALL),
        Step::new(reversals::ALL),
        Step::new(select_movements!("order by product_id, version")),
        Step::new(select_events!("order by id")),
        Step::new(select_records!("order by key")),
    ];
    let answers = session.run_patiently(&steps);
    session.execute("rollback")?;
    let answers: [Vec<Row>; 9] = answers?
        .try_into()
        .map_err(|_| ServerError::Misread("each question has its answer".into()))?;
    let [
        figures,
        products,
        holds,
        orders,
        payments,
        reversals,
        movements,
        events,
        records,
    ] = answers;
    let figures = figures
        .first()
        .ok_or_else(|| ServerError::Misread("`meta` has no row".into()))?;
    Ok(Contents {
        counters: counters::read(figures)?.counters,
        products: all(products, products::read)?,
        holds: all(holds, holds::read)?,
        orders: all(orders, orders::read)?,
        payments: all(payments, |row| {
            Ok((payments::read(row)?, row.try_get("payload")?))
        })?,
        reversals: all(reversals, |row| {
            Ok((reversals::read(row)?, row.try_get("payload")?))
        })?,
        movements: all(movements, movements::read)?,
        events: all(events, events::read)?,
        idempotency_records: all(records, idempotency::read)?,
    })
}
