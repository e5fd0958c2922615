//! Rows as the clock sees them, several by one look: see `times`.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use tokio_postgres::Row;

use super::server_error::ServerError;
use super::session::Step;
use super::sessions::Sessions;
use super::shown_products;
use super::tables::holds::{self, select_holds};
use super::tables::orders::{self, select_orders};
use super::times::{no_figures, with_clock};
use crate::sale::{Hold, HoldId, Order, OrderId, Product, ProductId, Timestamp};
use crate::store::{Seen, StoreError};

/// Those that there are, and when no others were.
pub struct Shown<Id, T> {
    pub rows: HashMap<Id, Seen<T>>,
    pub at: Timestamp,
}

impl<Id: Eq + Hash, T: Clone> Shown<Id, T> {
    pub fn of(&self, id: Id) -> Seen<Option<T>> {
        let row = self.rows.get(&id);
        Seen {
            what: row.map(|row| row.what.clone()),
            at: row.map_or(self.at, |row| row.at),
        }
    }
}

pub fn products(
    sessions: &Sessions,
    ids: &[ProductId],
) -> Result<Shown<ProductId, Arc<Product>>, StoreError> {
    let Seen { what, at } = shown_products::of(sessions, ids)?;
    let row = |product: Product| {
        let (id, what) = (product.id, Arc::new(product));
        (id, Seen { what, at })
    };
    let rows = what.into_iter().map(row).collect();
    Ok(Shown { rows, at })
}

pub fn holds(sessions: &Sessions, ids: &[HoldId]) -> Result<Shown<HoldId, Hold>, StoreError> {
    let step = || {
        Step::new(with_clock!(
            select_holds!(" where h.id = any($1)"),
            "r.id, r.product_id, r.quantity, r.unit_price, r.customer, r.status, r.expires_at, r.order_id"
        ))
        .with(ids.to_vec())
    };
    let read = |row: &Row| holds::read(row).map(|hold| (hold.id, Some(hold.expires_at), hold));
    shown(sessions, step, read)
}

pub fn orders(sessions: &Sessions, ids: &[OrderId]) -> Result<Shown<OrderId, Order>, StoreError> {
    let step = || {
        Step::new(with_clock!(
            select_orders!("where id = any($1)"),
            "r.id, r.hold_id, r.product_id, r.quantity, r.unit_price, r.customer, r.status, r.pay_by, r.created_at,
                r.paid_at, r.transaction_id, r.refunded_quantity, r.refunded_amount, r.dispute"
        ))
        .with(ids.to_vec())
    };
    let read = |row: &Row| orders::read(row).map(|order| (order.id, order.pay_by, order));
    shown(sessions, step, read)
}

/// Of L and C beside each row with its own deadline, or alone where there is none.
fn shown<Id: Eq + Hash, T>(
    sessions: &Sessions,
    step: impl Fn() -> Step,
    read: impl Fn(&Row) -> Result<(Id, Option<Timestamp>, T), ServerError>,
) -> Result<Shown<Id, T>, StoreError> {
    let found = sessions.rows(step)?;
    let first = found.first().ok_or_else(no_figures)?;
    let shown = || -> Result<Shown<Id, T>, ServerError> {
        let (l, c): (Timestamp, Timestamp) = (first.try_get("l")?, first.try_get("c")?);
        let mut rows = HashMap::new();
        for row in &found {
            if row.try_get::<_, Option<i64>>("id")?.is_some() {
                let (id, deadline, what) = read(row)?;
                let between = deadline.filter(|deadline| l < *deadline && *deadline <= c);
                let at =
                    between.map_or(c, |deadline| Timestamp::from_micros(deadline.micros() - 1));
                rows.insert(id, Seen { what, at });
            }
        }
        Ok(Shown { rows, at: c })
    };
    shown().map_err(ServerError::before_commit)
}
