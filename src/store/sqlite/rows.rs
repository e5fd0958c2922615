//! From the tables into a working set: what a rule needs to see, as the tables held it when the transaction began.

use std::cell::RefCell;
use std::rc::Rc;

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Transaction, named_params};

use super::not_applied;
use super::tables::holds::hold_is_overdue;
use super::tables::orders::order_is_overdue;
use super::tables::{Result, counters, holds, idempotency, orders, payments, products};
use crate::sale::{Customer, Due, Need, ProductId, Timestamp, WorkingSet};
use crate::store::{RowSource, StoreError};

pub fn next_deadline(conn: &Connection) -> Result<Option<Timestamp>> {
    let sql = "select min(deadline) as deadline from (
        select min(expires_at) as deadline from holds where status = 'active'
        union all select min(pay_by) from orders where status = 'pending' and pay_by is not null
        union all select min(parked_until) from payments where verdict = 'parked'
        union all select min(expires_at) from replays)";
    conn.prepare_cached(sql)?
        .query_row([], |row| row.get("deadline"))
}

/// The tables as one transaction sees them.
pub struct SqliteRows<'a> {
    tx: &'a Transaction<'a>,
    /// By where their text stands: each is looked up in the connection's cache once a transaction.
    statements: RefCell<Vec<(&'static str, Statement<'a>)>>,
}

type Statement<'a> = Rc<RefCell<CachedStatement<'a>>>;

impl<'a> SqliteRows<'a> {
    pub fn of(tx: &'a Transaction<'a>) -> SqliteRows<'a> {
        SqliteRows {
            tx,
            statements: RefCell::default(),
        }
    }

    fn statement(&self, sql: &'static str) -> Result<Statement<'a>> {
        let mut statements = self.statements.borrow_mut();
        if let Some((_, known)) = statements.iter().find(|(text, _)| std::ptr::eq(*text, sql)) {
            return Ok(known.clone());
        }
        let prepared = Rc::new(RefCell::new(self.tx.prepare_cached(sql)?));
        statements.push((sql, prepared.clone()));
        Ok(prepared)
    }

    pub fn one<T>(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let statement = self.statement(sql)?;
        statement.borrow_mut().query_row(params, read).optional()
    }

    /// What a question that always has an answer is answered.
    pub fn figure<T: FromSql>(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
    ) -> Result<T> {
        let statement = self.statement(sql)?;
        statement.borrow_mut().query_row(params, |row| row.get(0))
    }

    pub fn all<T>(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let statement = self.statement(sql)?;
        let mut statement = statement.borrow_mut();
        statement.query_map(params, read)?.collect()
    }

    /// Row by row, until `is_enough` says so of one.
    pub fn each_until<T>(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
        read: fn(&Row<'_>) -> Result<T>,
        mut is_enough: impl FnMut(T) -> bool,
    ) -> Result<()> {
        let statement = self.statement(sql)?;
        let mut statement = statement.borrow_mut();
        for row in statement.query_map(params, read)? {
            if is_enough(row?) {
                break;
            }
        }
        Ok(())
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
    fn fetch_into(&self, set: &mut WorkingSet, need: Need) -> Result<()> {
        match need {
            Need::Product(id) => self.fetch_product(set, id)?,
            Need::Sku(sku) => {
                let product = products::by_sku(self, &sku)?;
                set.fetched_sku(sku, product);
            }
            Need::Hold(id) => set.holds.fetched(id, holds::by_id(self, id)?),
            Need::Order(id) => set.orders.fetched(id, orders::by_id(self, id)?),
            Need::Payment(id) => set.payments.fetched(id, payments::by_id(self, id)?),
            Need::PaymentKey(key) => {
                let payment = payments::by_key(self, &key)?;
                set.fetched_payment_key(key, payment);
            }
            Need::Parked(target) => {
                let parked = payments::parked_on(self, target)?;
                set.fetched_parked(target, parked);
            }
            Need::Refunds(target, transaction_id) => {
                let refunds = payments::refunds(self, target, &transaction_id)?;
                set.fetched_refunds(target, transaction_id, refunds);
            }
            Need::Lost(target) => set.fetched_lost(target, counters::is_lost(self, target)?),
            Need::CustomerUse(product, customer) => {
                let units = self.customer_use(product, &customer, set.now)?;
                set.fetched_customer_use(product, customer, units);
            }
            Need::IdempotencyKey(key) => {
                let record = idempotency::by_key(self, &key)?;
                set.fetched_record(key, record);
            }
            Need::OverdueUnits(product) => {
                let units = self.overdue_units(product, set.now)?;
                set.fetched_overdue_units(product, units);
            }
            Need::OverdueRows(product, units) => self.fetch_overdue_rows(set, product, units)?,
            Need::Due { rows_max, keys_max } => self.fetch_due(set, rows_max, keys_max)?,
        }
        Ok(())
    }

    fn fetch_product(&self, set: &mut WorkingSet, id: ProductId) -> Result<()> {
        if set.product(id).is_err() {
            set.products.fetched(id, products::by_id(self, id)?);
        }
        Ok(())
    }

    fn customer_use(&self, product: ProductId, customer: &Customer, now: Timestamp) -> Result<i64> {
        let sql = "select
            (select coalesce(sum(quantity), 0) from holds
              where product_id = :product and customer = :customer and status = 'active' and expires_at > :now)
          + (select coalesce(sum(quantity), 0) from orders
              where product_id = :product and customer = :customer and status in ('pending', 'paid')
                and (status = 'paid' or pay_by is null or pay_by > :now))";
        let params = named_params! {":product": product, ":customer": customer, ":now": now};
        self.figure(sql, params)
    }

    fn overdue_units(&self, product: ProductId, now: Timestamp) -> Result<i64> {
        let sql = concat!(
            "select (select coalesce(sum(quantity), 0) from holds where ",
            hold_is_overdue!(),
            " and product_id = :product) + (select coalesce(sum(quantity), 0) from orders where ",
            order_is_overdue!(),
            " and product_id = :product)"
        );
        let params = named_params! {":product": product, ":now": now};
        self.figure(sql, params)
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
        holds::overdue_of_product(self, product, now, |hold| {
            let (deadline, due) = (hold.expires_at, Due::Hold(hold.id));
            set.holds.fetched(hold.id, Some(hold));
            missing -= set.overdue_row_units(&due).unwrap_or(0);
            rows.push((deadline, due));
            missing <= 0
        })?;
        let mut missing = units;
        orders::overdue_of_product(self, product, now, |order| {
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
    fn fetch_due(&self, set: &mut WorkingSet, rows_max: usize, keys_max: usize) -> Result<()> {
        let now = set.now;
        let mut due = Vec::new();
        for hold in holds::overdue(self, rows_max, now)? {
            self.fetch_product(set, hold.product)?;
            due.push((hold.expires_at, Due::Hold(hold.id)));
            set.holds.fetched(hold.id, Some(hold));
        }
        for order in orders::overdue(self, rows_max, now)? {
            self.fetch_product(set, order.product)?;
            due.push((order.pay_by.unwrap_or(now), Due::Order(order.id)));
            set.orders.fetched(order.id, Some(order));
        }
        for payment in payments::lapsed(self, rows_max, now)? {
            let deadline = payment.parked_until.unwrap_or(now);
            due.push((deadline, Due::Payment(payment.id)));
            set.payments.fetched(payment.id, Some(payment));
        }
        due.sort_by_key(|(deadline, _)| *deadline);
        due.truncate(rows_max);

        let mut due: Vec<Due> = due.into_iter().map(|(_, due)| due).collect();
        for record in idempotency::lapsed(self, keys_max, now)? {
            due.push(Due::IdempotencyKey(record.key.clone()));
            set.fetched_record(record.key.clone(), Some(record));
        }
        set.fetched_due(due);
        Ok(())
    }
}
