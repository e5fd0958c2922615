//! Statements of one transaction, prepared once.

use std::cell::RefCell;
use std::rc::Rc;

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, OptionalExtension, Result, Row, Transaction};

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
