//! From the tables into a working set: what a rule needs to see, as the tables held it when the transaction began.

use rusqlite::{Connection, Transaction, named_params};

use super::error::not_applied;
use super::statements::{Queries, Statements};
use super::tables::kept_keys::Keys;
use super::tables::{
    Result, counters, events, holds, idempotency, orders, payments, products, reversals,
};
use crate::sale::{Due, Need, ProductId, Terms, Timestamp, WorkingSet};
use crate::store::{RowSource, StoreError};

pub fn next_deadline(conn: &Connection, terms: &Terms) -> Result<Option<Timestamp>> {
    let oldest_event = conn.one(events::OLDEST_AT, [], |row| row.get(0))?;
    let mut deadlines: Vec<Timestamp> = Vec::new();
    deadlines.extend(oldest_event.map(|at| terms.event_deadline(at)));
    for next in [
        holds::NEXT_DEADLINE,
        orders::NEXT_DEADLINE,
        payments::NEXT_DEADLINE,
        idempotency::NEXT_DEADLINE,
    ] {
        deadlines.extend(conn.figure::<Option<Timestamp>>(next, [])?);
    }
    Ok(deadlines.into_iter().min())
}

/// The tables as one transaction sees them.
pub struct SqliteRows<'a>(Statements<'a>, Keys<'a>);

impl<'a> SqliteRows<'a> {
    pub fn of(tx: &'a Transaction<'a>, keys: Keys<'a>) -> SqliteRows<'a> {
        SqliteRows(Statements::of(tx), keys)
    }

    pub fn into_keys(self) -> Keys<'a> {
        self.1
    }
}

impl RowSource for SqliteRows<'_> {
    fn fetch(
        &mut self,
        set: &mut WorkingSet,
        needs: Vec<Need>,
    ) -> std::result::Result<(), StoreError> {
        needs
            .into_iter()
            .try_for_each(|need| self.fetch_into(set, need).map_err(not_applied))
    }
}

impl SqliteRows<'_> {
    fn fetch_into(&mut self, set: &mut WorkingSet, need: Need) -> Result<()> {
        match need {
            Need::Product(id) => self.fetch_product(set, id)?,
            Need::Sku(sku) => {
                let product = products::by_sku(&self.0, &sku)?;
                set.fetched_sku(sku, product);
            }
            Need::Hold(id) => set.holds.fetched(id, holds::by_id(&self.0, id)?),
            Need::Order(id) => set.orders.fetched(id, orders::by_id(&self.0, id)?),
            Need::Payment(id) => set.payments.fetched(id, payments::by_id(&self.0, id)?),
            Need::PaymentKey(key) => {
                let payment = payments::by_key(&self.0, &key)?;
                set.fetched_payment_key(key, payment);
            }
            Need::Parked(target) => {
                let parked = payments::parked_on(&self.0, target)?;
                set.fetched_parked(target, parked);
            }
            Need::Refunds(target, transaction_id) => {
                let refunds = payments::refunds(&self.0, target, &transaction_id)?;
                set.fetched_refunds(target, transaction_id, refunds);
            }
            Need::ReversalKey(key) => {
                let reversal = reversals::by_key(&self.0, &key)?;
                set.fetched_reversal_key(key, reversal);
            }
            Need::Standing(transaction_id) => {
                let standing = reversals::standing(&self.0, &transaction_id)?;
                set.fetched_standing(transaction_id, standing);
            }
            Need::Transaction(transaction_id) => {
                let orders = orders::of_transaction(&self.0, &transaction_id)?;
                let payments = payments::of_transaction(&self.0, &transaction_id)?;
                set.fetched_transaction(transaction_id, orders, payments);
            }
            Need::Lost(target) => set.fetched_lost(target, counters::is_lost(&self.0, target)?),
            Need::CustomerUse(product, customer) => {
                let params =
                    named_params! {":product": product, ":customer": customer, ":now": set.now};
                let held: i64 = self.0.figure(holds::UNITS_OF_CUSTOMER, params)?;
                let ordered: i64 = self.0.figure(orders::UNITS_OF_CUSTOMER, params)?;
                set.fetched_customer_use(product, customer, held + ordered);
            }
            Need::IdempotencyKey(key) => {
                let record = self.1.by_key(&self.0, &key, set.now)?;
                set.fetched_record(key, record);
            }
            Need::OverdueUnits(product) => {
                let units = products::overdue_units(&self.0, product, set.now)?;
                set.fetched_overdue_units(product, units);
            }
            Need::OverdueRows(product, units) => self.fetch_overdue_rows(set, product, units)?,
            Need::Due { rows_max, keys_max } => self.fetch_due(set, rows_max, keys_max)?,
        }
        Ok(())
    }

    fn fetch_product(&self, set: &mut WorkingSet, id: ProductId) -> Result<()> {
        if set.product(id).is_err() {
            set.products.fetched(id, products::by_id(&self.0, id)?);
        }
        Ok(())
    }

    /// Of each kind the oldest rows with `units` between them; merged by deadline, only the first of them are surely the
    /// oldest of all.
    fn fetch_overdue_rows(
        &self,
        set: &mut WorkingSet,
        product: ProductId,
        units: i64,
    ) -> Result<()> {
        let now = set.now;
        let mut rows = Vec::new();
        let mut missing = units;
        holds::overdue_of_product(&self.0, product, now, |hold| {
            let (deadline, due) = (hold.expires_at, Due::Hold(hold.id));
            set.holds.fetched(hold.id, Some(hold));
            missing -= set.overdue_row_units(&due).unwrap_or(0);
            rows.push((deadline, due));
            missing <= 0
        })?;
        let mut missing = units;
        orders::overdue_of_product(&self.0, product, now, |order| {
            let (deadline, due) = (order.pay_by.unwrap_or(now), Due::Order(order.id));
            set.orders.fetched(order.id, Some(order));
            missing -= set.overdue_row_units(&due).unwrap_or(0);
            rows.push((deadline, due));
            missing <= 0
        })?;

        rows.sort_by_key(|(deadline, _)| *deadline);
        let mut missing = units;
        let oldest = rows.into_iter().map(|(_, due)| due).take_while(|due| {
            let is_needed = missing > 0;
            missing -= set.overdue_row_units(due).unwrap_or(0);
            is_needed
        });
        let oldest = oldest.collect();
        set.fetched_overdue_rows(product, oldest);
        Ok(())
    }

    /// The oldest due rows of all kinds, with everything in the working set that ending them will look at first.
    fn fetch_due(&mut self, set: &mut WorkingSet, rows_max: usize, keys_max: usize) -> Result<()> {
        let now = set.now;
        let mut due = Vec::new();
        for hold in holds::overdue(&self.0, rows_max, now)? {
            self.fetch_product(set, hold.line.product)?;
            due.push((hold.expires_at, Due::Hold(hold.id)));
            set.holds.fetched(hold.id, Some(hold));
        }
        for order in orders::overdue(&self.0, rows_max, now)? {
            self.fetch_product(set, order.line.product)?;
            due.push((order.pay_by.unwrap_or(now), Due::Order(order.id)));
            set.orders.fetched(order.id, Some(order));
        }
        for payment in payments::lapsed(&self.0, rows_max, now)? {
            let deadline = payment.parked_until.unwrap_or(now);
            due.push((deadline, Due::Payment(payment.id)));
            set.payments.fetched(payment.id, Some(payment));
        }
        due.sort_by_key(|(deadline, _)| *deadline);
        due.truncate(rows_max);

        let mut due: Vec<Due> = due.into_iter().map(|(_, due)| due).collect();
        let terms = set.terms;
        let is_due = |at| terms.event_deadline(at).has_passed(now);
        due.extend(events::due(&self.0, rows_max - due.len(), is_due)?);
        for record in self.1.lapsed(&self.0, keys_max, now)? {
            due.push(Due::IdempotencyKey(record.key.clone()));
            set.fetched_record(record.key.clone(), Some(record));
        }
        set.fetched_due(due);
        Ok(())
    }
}
