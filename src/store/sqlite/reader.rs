//! Reads of committed rows by a pool of connections that cannot write. One statement or one transaction a read, so one
//! moment of the store.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use r2d2::{CustomizeConnection, ManageConnection, Pool, PooledConnection};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{OptionalExtension, Row, named_params};

use super::error::not_applied;
use super::file::{DatabaseFile, FLAGS, OpenState, configure};
use super::product_cache::{CachedProduct, ProductCache, with_overdue_units};
use super::rows::SqliteRows;
use super::tables::holds::{self, select_hold};
use super::tables::products::select_products;
use super::tables::{counters, orders};
use crate::sale::{
    Command, Counters, Hold, HoldId, Order, OrderId, PlaceHold, Product, ProductId, Rejection,
    Stop, Terms, Timestamp, WorkingSet, decide,
};
use crate::store::{OpenError, Reader, ReadingTime, Seen, StoreError, judge};

/// At which time a reader judges what it reads.
pub enum Judging {
    AtTimeOf(Arc<dyn ReadingTime>),
    /// At this time, or that of the newest batch of another process.
    SinceCommits(Timestamp),
}

pub struct SqliteReader {
    pool: Pool<Connections>,
    judging: Judging,
    product_cache: ProductCache,
    /// Let go of last, for the WAL index's sake: see there.
    state: Arc<OpenState>,
}

/// A reader that waits longer than this for a connection says so instead.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(3);

impl SqliteReader {
    pub fn open(
        file: &DatabaseFile,
        judging: Judging,
        connections_max: u32,
    ) -> Result<SqliteReader, OpenError> {
        let state = file.state().clone();
        let connections = Connections {
            manager: SqliteConnectionManager::file(file.address()).with_flags(FLAGS),
            state: state.clone(),
        };
        let pool = Pool::builder()
            .max_size(connections_max)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connection_timeout(CHECKOUT_TIMEOUT)
            .connection_customizer(Box::new(QueryOnly))
            .build(connections)
            .map_err(|error| {
                OpenError::Engine(format!("it cannot be opened for reading: {error}"))
            })?;
        Ok(SqliteReader {
            pool,
            judging,
            product_cache: ProductCache::default(),
            state,
        })
    }

    pub(super) fn conn(&self) -> Result<PooledConnection<Connections>, StoreError> {
        self.pool
            .get()
            .map_err(|error| StoreError::NotApplied(error.to_string()))
    }

    /// What a reader finds damaged is not written any more either.
    pub(super) fn failed(&self, error: rusqlite::Error) -> StoreError {
        self.state.note(not_applied(error))
    }

    /// The time to judge at, taken before the read begins.
    pub(super) fn reading(&self) -> Result<Timestamp, StoreError> {
        match &self.judging {
            Judging::AtTimeOf(time) => Ok(time.reading()),
            Judging::SinceCommits(began_at) => {
                let (_, last_now) =
                    counters::read(&*self.conn()?).map_err(|error| self.failed(error))?;
                Ok(last_now.max(*began_at))
            }
        }
    }

    fn present(&self) -> Result<Timestamp, StoreError> {
        match &self.judging {
            Judging::AtTimeOf(time) => Ok(time.present()),
            Judging::SinceCommits(_) => self.reading(),
        }
    }

    /// As remembered, if no process has committed since and no deadline has passed.
    fn current(&self, id: ProductId, now: Timestamp) -> Result<Arc<CachedProduct>, StoreError> {
        if let Some(cached) = self.remembered(id, now) {
            return Ok(cached);
        }
        let _flight = self.product_cache.single_flight(id);
        if let Some(cached) = self.remembered(id, now) {
            return Ok(cached);
        }
        let version = self.state.wal_index.version();
        let cached =
            CachedProduct::at(&mut *self.conn()?, id, now).map_err(|error| self.failed(error))?;
        let cached = Arc::new(cached);
        if let Some(version) = version.filter(|_| version == self.state.wal_index.version()) {
            self.product_cache.keep(version, id, cached.clone());
        }
        Ok(cached)
    }

    fn remembered(&self, id: ProductId, now: Timestamp) -> Option<Arc<CachedProduct>> {
        self.product_cache
            .find(self.state.wal_index.version()?, id, now)
    }

    /// Judged on rows of one moment.
    fn judge(
        &self,
        wish: &Command,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Option<Rejection>, StoreError> {
        let mut conn = self.conn()?;
        let tx = conn.transaction().map_err(|error| self.failed(error))?;
        let (counters, _) = counters::read(&tx).map_err(|error| self.failed(error))?;
        let mut set = WorkingSet::new(now, *terms, counters);
        let judged = judge(&mut SqliteRows::of(&tx), &mut set, wish);
        Ok(judged.map_err(|failure| self.state.note(failure))?.err())
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let conn = self.conn()?;
        let mut statement = conn
            .prepare_cached(sql)
            .map_err(|error| self.failed(error))?;
        statement
            .query_row(params, read)
            .optional()
            .map_err(|error| self.failed(error))
    }
}

/// Where a file has lost its name, connections end with the process: closing the last one would remove by name the log
/// that may be another's.
impl Drop for SqliteReader {
    fn drop(&mut self) {
        if self.state.is_left() {
            mem::forget(self.pool.clone());
        }
    }
}

/// Connections to the file that was opened, and to no other that has taken its place: with one to each, SQLite would take
/// the log of the one for the other's.
pub(super) struct Connections {
    manager: SqliteConnectionManager,
    state: Arc<OpenState>,
}

impl ManageConnection for Connections {
    type Connection = rusqlite::Connection;
    type Error = OpenError;

    fn connect(&self) -> Result<rusqlite::Connection, OpenError> {
        match self.state.file.displacement() {
            Some(displacement) => Err(OpenError::Displaced(displacement)),
            None => Ok(self.manager.connect()?),
        }
    }

    fn is_valid(&self, conn: &mut rusqlite::Connection) -> Result<(), OpenError> {
        Ok(self.manager.is_valid(conn)?)
    }

    fn has_broken(&self, conn: &mut rusqlite::Connection) -> bool {
        self.manager.has_broken(conn)
    }
}

#[derive(Debug)]
struct QueryOnly;

impl CustomizeConnection<rusqlite::Connection, OpenError> for QueryOnly {
    fn on_acquire(&self, conn: &mut rusqlite::Connection) -> Result<(), OpenError> {
        configure(conn)?;
        Ok(conn.execute_batch("pragma query_only = on")?)
    }
}

impl Reader for SqliteReader {
    fn product(&self, id: ProductId) -> Result<Seen<Option<Arc<Product>>>, StoreError> {
        let at = self.reading()?;
        let what = self.current(id, at)?.shown.clone();
        Ok(Seen { what, at })
    }

    fn products(
        &self,
        after: Option<ProductId>,
        limit: usize,
    ) -> Result<Seen<Vec<Product>>, StoreError> {
        let at = self.reading()?;
        let conn = self.conn()?;
        let sql = select_products!("where id > :after order by id limit :limit");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let params =
            named_params! {":after": after.map_or(0, ProductId::get), ":limit": limit, ":now": at};
        let mut statement = conn
            .prepare_cached(sql)
            .map_err(|error| self.failed(error))?;
        let rows = statement
            .query_map(params, with_overdue_units)
            .map_err(|error| self.failed(error))?;
        let what = rows
            .map(|row| row.map(|(product, overdue)| product.with_overdue_free(overdue)))
            .collect::<rusqlite::Result<_>>()
            .map_err(|error| self.failed(error))?;
        Ok(Seen { what, at })
    }

    fn refusal(&self, wish: &PlaceHold, terms: &Terms) -> Result<Option<Rejection>, StoreError> {
        let now = self.present()?;
        let cached = self.current(wish.product, now)?;
        let mut set = WorkingSet::new(now, *terms, Counters::FIRST);
        set.products.fetched(wish.product, cached.product.clone());
        set.fetched_overdue_units(wish.product, cached.overdue_units);
        let command = Command::PlaceHold(wish.clone());
        match decide(&mut set, &command) {
            Ok(_) => Ok(None),
            Err(Stop::Refused(rejection)) => Ok(Some(rejection)),
            Err(Stop::Needs(_)) => self.judge(&command, terms, now),
        }
    }

    fn hold(&self, id: HoldId) -> Result<Seen<Option<Hold>>, StoreError> {
        let at = self.reading()?;
        let sql = select_hold!(" where holds.id = :id");
        let what = self.one(sql, named_params! {":id": id}, holds::read)?;
        Ok(Seen { what, at })
    }

    fn order(&self, id: OrderId) -> Result<Seen<Option<Order>>, StoreError> {
        let at = self.reading()?;
        let sql = "select * from orders where id = :id";
        let what = self.one(sql, named_params! {":id": id}, orders::read)?;
        Ok(Seen { what, at })
    }

    fn is_sound(&self) -> Result<(), StoreError> {
        self.state.ensure_is_sound()?;
        self.hold(HoldId::FIRST).map(|_| ())
    }

    #[cfg(feature = "test-support")]
    fn contents(&self) -> Result<crate::store::Contents, StoreError> {
        let mut conn = self.conn()?;
        super::contents::of(&mut conn).map_err(|error| self.failed(error))
    }
}
