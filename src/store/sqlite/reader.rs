//! Reads of committed rows by a pool of connections that cannot write. One statement or one transaction a read, so one
//! moment of the store.

use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use r2d2::{CustomizeConnection, ManageConnection, Pool, PooledConnection};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

use super::cached_product::CachedProduct;
use super::error::not_applied;
use super::file::{DatabaseFile, FLAGS, OpenState, configure};
use super::product_cache::ProductCache;
use super::rows::SqliteRows;
use super::tables::kept_keys::Keys;
use super::tables::{counters, events, holds, orders, products};
use crate::sale::{
    Command, Counters, EventId, Hold, HoldId, Order, OrderId, PlaceHold, Product, ProductId,
    Rejection, Stop, Terms, Timestamp, WorkingSet, decide,
};
use crate::store::{EventsAfter, OpenError, Reader, ReadingTime, Seen, StoreError, judge};

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

    /// Of the database.
    pub(super) fn path(&self) -> &Path {
        self.state.file.path()
    }

    fn conn(&self) -> Result<PooledConnection<Connections>, StoreError> {
        self.pool
            .get()
            .map_err(|error| StoreError::NotApplied(error.to_string()))
    }

    /// What a reader finds damaged is not written any more either.
    fn failed(&self, error: rusqlite::Error) -> StoreError {
        self.state.note(not_applied(error))
    }

    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        read(&*self.conn()?).map_err(|error| self.failed(error))
    }

    /// The time to judge at, taken before the read begins.
    pub(super) fn reading(&self) -> Result<Timestamp, StoreError> {
        match &self.judging {
            Judging::AtTimeOf(time) => Ok(time.reading()),
            Judging::SinceCommits(began_at) => {
                let (_, last_now) = self.read(counters::read)?;
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
        let version = || self.state.wal_index.version();
        let read = || self.read(|conn| CachedProduct::at(conn, id, now));
        self.product_cache.find_or_read(version, id, now, read)
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
        let mut rows = SqliteRows::of(&tx, Keys::beside(&self.state.key_index));
        let judged = judge(&mut rows, &mut set, wish);
        Ok(judged.map_err(|failure| self.state.note(failure))?.err())
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
struct Connections {
    manager: SqliteConnectionManager,
    state: Arc<OpenState>,
}

impl ManageConnection for Connections {
    type Connection = Connection;
    type Error = OpenError;

    fn connect(&self) -> Result<Connection, OpenError> {
        match self.state.file.displacement() {
            Some(displacement) => Err(OpenError::Displaced(displacement)),
            None => Ok(self.manager.connect()?),
        }
    }

    fn is_valid(&self, conn: &mut Connection) -> Result<(), OpenError> {
        Ok(self.manager.is_valid(conn)?)
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        self.manager.has_broken(conn)
    }
}

#[derive(Debug)]
struct QueryOnly;

impl CustomizeConnection<Connection, OpenError> for QueryOnly {
    fn on_acquire(&self, conn: &mut Connection) -> Result<(), OpenError> {
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
        let what = self.read(|conn| products::after(conn, after, limit, at))?;
        Ok(Seen { what, at })
    }

    fn refusal(&self, wish: &PlaceHold, terms: &Terms) -> Result<Option<Rejection>, StoreError> {
        let now = self.present()?;
        let cached = self.current(wish.product, now)?;
        let mut set = WorkingSet::new(now, *terms, Counters::FIRST);
        set.products.fetched(wish.product, cached.product.clone());
        set.fetched_overdue_units(wish.product, cached.overdue_units);
        let index = &self.state.key_index;
        if let Some(key) = &wish.key
            && index.is_read_up_to(cached.next_key)
            && index.ids(key).is_empty()
        {
            set.fetched_record(key.clone(), None);
        }
        let command = Command::PlaceHold(wish.clone());
        match decide(&mut set, &command) {
            Ok(_) => Ok(None),
            Err(Stop::Refused(rejection)) => Ok(Some(rejection)),
            Err(Stop::Needs(_)) => self.judge(&command, terms, now),
        }
    }

    fn hold(&self, id: HoldId) -> Result<Seen<Option<Hold>>, StoreError> {
        let at = self.reading()?;
        let what = self.read(|conn| holds::by_id(conn, id))?;
        Ok(Seen { what, at })
    }

    fn order(&self, id: OrderId) -> Result<Seen<Option<Order>>, StoreError> {
        let at = self.reading()?;
        let what = self.read(|conn| orders::by_id(conn, id))?;
        Ok(Seen { what, at })
    }

    fn events(&self, after: i64, events_max: usize) -> Result<EventsAfter, StoreError> {
        self.read(|conn| events::after(conn, after, events_max))
    }

    fn next_event(&self) -> Result<EventId, StoreError> {
        self.read(events::next_id)
    }

    fn has_kept_keys(&self) -> Result<bool, StoreError> {
        let sql = "select exists (select 1 from replays)";
        self.read(|conn| conn.query_row(sql, [], |row| row.get(0)))
    }

    fn is_sound(&self) -> Result<(), StoreError> {
        self.state.ensure_is_sound()?;
        self.hold(HoldId::FIRST).map(|_| ())
    }

    #[cfg(feature = "test-support")]
    fn contents(&self) -> Result<crate::store::Contents, StoreError> {
        self.read(super::contents::of)
    }
}
