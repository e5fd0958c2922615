//! From the tables into a book: what a rule needs to see, as the tables held it when the transaction began.

use std::cell::RefCell;
use std::rc::Rc;

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Transaction, named_params};

use super::row::{self, select_hold};
use super::{not_applied, replays};
use crate::sale::{Book, Customer, Due, Meta, Named, Need, Payment, ProductId, Secret, Timestamp};
use crate::store::{Failure, Shelf};

type Result<T> = rusqlite::Result<T>;

pub fn meta(tx: &Connection) -> Result<(Meta, Timestamp)> {
    let sql =
        "select next_product, next_hold, next_order, next_payment, parked, last_now from meta";
    tx.prepare_cached(sql)?.query_row([], |row| {
        let meta = Meta {
            next_product: row.get("next_product")?,
            next_hold: row.get("next_hold")?,
            next_order: row.get("next_order")?,
            next_payment: row.get("next_payment")?,
            parked: row.get("parked")?,
        };
        Ok((meta, row.get("last_now")?))
    })
}

pub fn secret(conn: &Connection) -> Result<Secret> {
    conn.query_row("select token_secret from meta", [], |row| {
        row.get("token_secret").map(Secret::new)
    })
}

/// Whether `backup` has marked the file.
pub fn is_copy(conn: &Connection) -> Result<bool> {
    conn.query_row("select copied_at is not null from meta", [], |row| {
        row.get(0)
    })
}

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
pub struct Pages<'a> {
    tx: &'a Transaction<'a>,
    /// By where their text stands: each is looked up in the connection's cache once a transaction.
    statements: RefCell<Vec<(&'static str, Statement<'a>)>>,
}

type Statement<'a> = Rc<RefCell<CachedStatement<'a>>>;

impl<'a> Pages<'a> {
    pub fn of(tx: &'a Transaction<'a>) -> Pages<'a> {
        Pages {
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

    fn one<T>(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let statement = self.statement(sql)?;
        statement.borrow_mut().query_row(params, read).optional()
    }

    /// What a question that always has an answer is answered.
    fn figure<T: FromSql>(&self, sql: &'static str, params: impl rusqlite::Params) -> Result<T> {
        let statement = self.statement(sql)?;
        statement.borrow_mut().query_row(params, |row| row.get(0))
    }

    fn all<T>(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let statement = self.statement(sql)?;
        let mut statement = statement.borrow_mut();
        statement.query_map(params, read)?.collect()
    }
}

impl Shelf for Pages<'_> {
    fn fetch(&mut self, book: &mut Book, need: Need) -> std::result::Result<(), Failure> {
        self.fetch_into(book, need).map_err(not_applied)
    }
}

impl Pages<'_> {
    fn fetch_into(&self, book: &mut Book, need: Need) -> Result<()> {
        match need {
            Need::Product(id) => self.fetch_product(book, id)?,
            Need::Sku(sku) => {
                let sql = "select * from products where sku = :sku";
                let product = self.one(sql, named_params! {":sku": sku}, row::product)?;
                book.fetched_sku(sku, product);
            }
            Need::Hold(id) => {
                let sql = select_hold!(" where holds.id = :id");
                book.holds
                    .fetched(id, self.one(sql, named_params! {":id": id}, row::hold)?);
            }
            Need::Order(id) => {
                let sql = "select * from orders where id = :id";
                book.orders
                    .fetched(id, self.one(sql, named_params! {":id": id}, row::order)?);
            }
            Need::Payment(id) => {
                let sql = "select * from payments where id = :id";
                book.payments
                    .fetched(id, self.one(sql, named_params! {":id": id}, row::payment)?);
            }
            Need::PaymentKey(key) => {
                let sql = "select * from payments where key = :key";
                let payment = self.one(sql, named_params! {":key": key}, row::payment)?;
                book.fetched_payment_key(key, payment);
            }
            Need::Parked(named) => {
                let payments = self.parked(named)?;
                book.fetched_parked(named, payments);
            }
            Need::Refunds(payee, transaction_id) => {
                let refunds = self.refunds(payee, &transaction_id)?;
                book.fetched_refunds(payee, transaction_id, refunds);
            }
            Need::Lost(named) => book.fetched_lost(named, self.is_lost(named)?),
            Need::CustomerUse(product, customer) => {
                let units = self.customer_use(product, &customer, book.now)?;
                book.fetched_customer_use(product, customer, units);
            }
            Need::Replay(key) => {
                let sql = "select * from replays where key = :key";
                let replay = self.one(sql, named_params! {":key": key}, replays::read)?;
                book.fetched_replay(key, replay);
            }
            Need::OverdueUnits(product) => {
                let units = self.overdue_units(product, book.now)?;
                book.fetched_overdue_units(product, units);
            }
            Need::OverdueRows(product, units) => self.fetch_overdue_rows(book, product, units)?,
            Need::Due { rows_max, keys_max } => self.fetch_due(book, rows_max, keys_max)?,
        }
        Ok(())
    }

    fn fetch_product(&self, book: &mut Book, id: ProductId) -> Result<()> {
        if book.product(id).is_ok() {
            return Ok(());
        }
        let sql = "select * from products where id = :id";
        book.products
            .fetched(id, self.one(sql, named_params! {":id": id}, row::product)?);
        Ok(())
    }

    fn parked(&self, named: Named) -> Result<Vec<Payment>> {
        let by_order =
            "select * from payments where verdict = 'parked' and named_order = :id order by id";
        let by_hold =
            "select * from payments where verdict = 'parked' and named_hold = :id order by id";
        match named {
            Named::Order(id) => self.all(by_order, named_params! {":id": id}, row::payment),
            Named::Hold(id) => self.all(by_hold, named_params! {":id": id}, row::payment),
        }
    }

    fn is_lost(&self, named: Named) -> Result<bool> {
        let (ids, id) = match named {
            Named::Order(id) => ("orders", id.get()),
            Named::Hold(id) => ("holds", id.get()),
        };
        let sql =
            "select exists (select 1 from gaps where ids = :ids and :id between first and last)";
        self.figure(sql, named_params! {":ids": ids, ":id": id})
    }

    fn refunds(&self, payee: Named, transaction_id: &str) -> Result<Vec<Payment>> {
        let (order, hold) = match payee {
            Named::Order(id) => (Some(id), None),
            Named::Hold(id) => (None, Some(id)),
        };
        let sql = "select * from payments where refund_due = 1 and transaction_id = :transaction_id
              and (order_id = :order or named_order = :order or named_hold = :hold) order by id";
        let params =
            named_params! {":transaction_id": transaction_id, ":order": order, ":hold": hold};
        self.all(sql, params, row::payment)
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
        let sql = "select
            (select coalesce(sum(quantity), 0) from holds
              where status = 'active' and expires_at <= :now and product_id = :product)
          + (select coalesce(sum(quantity), 0) from orders
              where status = 'pending' and pay_by is not null and pay_by <= :now and product_id = :product)";
        let params = named_params! {":product": product, ":now": now};
        self.figure(sql, params)
    }

    /// Of each kind the oldest rows with `units` between them; merged by deadline, only the first of them are surely the
    /// oldest of all.
    fn fetch_overdue_rows(&self, book: &mut Book, product: ProductId, units: i64) -> Result<()> {
        let params = named_params! {":product": product, ":now": book.now};
        let mut rows = Vec::new();

        let sql = "select *, null as order_id from holds
            where status = 'active' and expires_at <= :now and product_id = :product
            order by expires_at, quantity, id";
        let mut missing = units;
        let mut statement = self.tx.prepare_cached(sql)?;
        let mut holds = statement.query_map(params, row::hold)?;
        while let Some(hold) = if missing > 0 {
            holds.next().transpose()?
        } else {
            None
        } {
            let (deadline, due) = (hold.expires_at, Due::Hold(hold.id));
            book.holds.fetched(hold.id, Some(hold));
            missing -= book.overdue_row_units(&due).unwrap_or(0);
            rows.push((deadline, due));
        }

        let sql = "select * from orders
            where status = 'pending' and pay_by is not null and pay_by <= :now and product_id = :product
            order by pay_by, quantity, id";
        let mut missing = units;
        let mut statement = self.tx.prepare_cached(sql)?;
        let mut orders = statement.query_map(params, row::order)?;
        while let Some(order) = if missing > 0 {
            orders.next().transpose()?
        } else {
            None
        } {
            let (deadline, due) = (order.pay_by.unwrap_or(book.now), Due::Order(order.id));
            book.orders.fetched(order.id, Some(order));
            missing -= book.overdue_row_units(&due).unwrap_or(0);
            rows.push((deadline, due));
        }

        rows.sort_by_key(|(deadline, _)| *deadline);
        let mut missing = units;
        let oldest = rows.into_iter().map(|(_, due)| due).take_while(|due| {
            let is_needed = missing > 0;
            missing -= book.overdue_row_units(due).unwrap_or(0);
            is_needed
        });
        let oldest = oldest.collect();
        book.fetched_overdue_rows(product, oldest);
        Ok(())
    }

    /// The oldest due rows of all kinds, with everything in the book that ending them will look at first.
    fn fetch_due(&self, book: &mut Book, rows_max: usize, keys_max: usize) -> Result<()> {
        let limit = |max: usize| i64::try_from(max).unwrap_or(i64::MAX);
        let now = book.now;
        let params = named_params! {":now": now, ":limit": limit(rows_max)};
        let mut due = Vec::new();

        let sql =
            "select *, null as order_id from holds where status = 'active' and expires_at <= :now
            order by expires_at, product_id, quantity, id limit :limit";
        for hold in self.all(sql, params, row::hold)? {
            self.fetch_product(book, hold.product)?;
            due.push((hold.expires_at, Due::Hold(hold.id)));
            book.holds.fetched(hold.id, Some(hold));
        }

        let sql = "select * from orders where status = 'pending' and pay_by is not null and pay_by <= :now
            order by pay_by, product_id, quantity, id limit :limit";
        for order in self.all(sql, params, row::order)? {
            self.fetch_product(book, order.product)?;
            due.push((order.pay_by.unwrap_or(book.now), Due::Order(order.id)));
            book.orders.fetched(order.id, Some(order));
        }

        let sql = "select * from payments where verdict = 'parked' and parked_until <= :now
            order by parked_until, id limit :limit";
        for payment in self.all(sql, params, row::payment)? {
            due.push((
                payment.parked_until.unwrap_or(book.now),
                Due::Payment(payment.id),
            ));
            book.payments.fetched(payment.id, Some(payment));
        }

        due.sort_by_key(|(deadline, _)| *deadline);
        due.truncate(rows_max);
        let mut due: Vec<Due> = due.into_iter().map(|(_, due)| due).collect();

        let sql =
            "select * from replays where expires_at <= :now order by expires_at, key limit :limit";
        let params = named_params! {":now": now, ":limit": limit(keys_max)};
        for replay in self.all(sql, params, replays::read)? {
            due.push(Due::Replay(replay.key.clone()));
            book.fetched_replay(replay.key.clone(), Some(replay));
        }
        book.fetched_due(due);
        Ok(())
    }
}
