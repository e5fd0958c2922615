//! How tables are asked. Each statement is prepared once: a connection keeps it, and a transaction has it at hand.

use std::cell::RefCell;
use std::rc::Rc;

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Result, Row, Transaction};

/// What prepares statements: a connection, or the tables as one transaction sees them.
pub trait Queries {
    fn with<T>(
        &self,
        sql: &'static str,
        run: impl FnOnce(&mut CachedStatement<'_>) -> Result<T>,
    ) -> Result<T>;

    /// The row that a question is answered by, which always has one.
    fn row<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.with(sql, |statement| statement.query_row(params, read))
    }

    fn one<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.row(sql, params, read).optional()
    }

    fn figure<T: FromSql>(&self, sql: &'static str, params: impl Params) -> Result<T> {
        self.row(sql, params, |row| row.get(0))
    }

    fn all<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.each(sql, params, read, |rows| rows.collect())
    }

    /// Row by row, until `is_enough` says so of one.
    fn each_until<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: fn(&Row<'_>) -> Result<T>,
        mut is_enough: impl FnMut(T) -> bool,
    ) -> Result<()> {
        self.each(sql, params, read, |rows| {
            for row in rows {
                if is_enough(row?) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Row by row, for as long as `take` asks for more.
    fn each<T, U>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: fn(&Row<'_>) -> Result<T>,
        take: impl FnOnce(&mut dyn Iterator<Item = Result<T>>) -> Result<U>,
    ) -> Result<U> {
        self.with(sql, |statement| {
            take(&mut statement.query_map(params, read)?)
        })
    }
}

impl Queries for Connection {
    fn with<T>(
        &self,
        sql: &'static str,
        run: impl FnOnce(&mut CachedStatement<'_>) -> Result<T>,
    ) -> Result<T> {
        run(&mut self.prepare_cached(sql)?)
    }
}

/// The tables as one transaction sees them.
pub struct Statements<'a> {
    tx: &'a Transaction<'a>,
    /// By where their text stands: each is looked up in the connection's cache once a transaction.
    statements: RefCell<Vec<(&'static str, Statement<'a>)>>,
}

type Statement<'a> = Rc<RefCell<CachedStatement<'a>>>;

impl<'a> Statements<'a> {
    pub fn of(tx: &'a Transaction<'a>) -> Statements<'a> {
        Statements {
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
}

impl Queries for Statements<'_> {
    fn with<T>(
        &self,
        sql: &'static str,
        run: impl FnOnce(&mut CachedStatement<'_>) -> Result<T>,
    ) -> Result<T> {
        run(&mut self.statement(sql)?.borrow_mut())
    }
}
