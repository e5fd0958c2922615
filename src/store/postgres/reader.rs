//! Reads of committed rows, by a pool of sessions to where batches are written: each sees all that was answered before.
//!
//! *The time of a read.* Every batch to come, of any process, is judged at the latest time that is committed, or later: L.
//! What is overdue is counted at L, so that nothing that a reader called expired is ever paid. Between L and the server's
//! clock C the sale may stand still, and then a read is judged at C; but if a deadline lies between the two, of a row that no
//! sweep has ended yet, it is judged just before that deadline: in between nothing falls due, and the answer is exact.

use std::sync::Arc;
use std::time::{Duration, Instant};

use r2d2::{NopErrorHandler, Pool};
use tokio_postgres::Row;

use super::looks::Looks;
use super::questions::Waves;
use super::rows::PostgresRows;
use super::server::{Role, Server};
use super::server_error::ServerError;
use super::session::{Session, Step};
use super::sessions::Sessions;
use super::tables::counters;
use super::tables::holds::{self, select_holds};
use super::tables::orders::{self, select_orders};
use super::tables::{all, count, events, products};
use crate::sale::{
    Command, Counters, EventId, Hold, HoldId, Order, OrderId, PlaceHold, Product, ProductId,
    Rejection, Stop, Terms, Timestamp, WorkingSet, decide,
};
use crate::store::{EventsAfter, Gone, OpenError, Reader, Seen, StoreError, judge_in_waves};

pub struct PostgresReader {
    pool: Pool<Sessions>,
    /// How long a read may take, with the wait for a session.
    patience: Duration,
    looks: Looks<Looked>,
}

/// L and C, in the words of the module, and how a read is judged between them.
macro_rules! with_times {
    ($select:expr) => {
        concat!(
            "with clock as materialized (select last_now as l, greatest(last_now, ",
            $crate::store::postgres::tables::counters::clock!(),
            ") as c from meta where one = 1),
             times as materialized (select l, c, least(
                (select min(expires_at) from holds where status = 'active' and expires_at > (select l from clock)),
                (select min(pay_by) from orders
                    where status = 'pending' and pay_by is not null and pay_by > (select l from clock)),
                (select min(parked_until) from payments
                    where verdict = 'parked' and parked_until > (select l from clock))) as next from clock),
             judged as materialized (select l, c, case when next <= c then next - 1 else c end as at from times) ",
            $select
        )
    };
}
pub(super) use with_times;

/// Units of the product `p` that are overdue at a time.
macro_rules! overdue_units_of {
    ($at:literal) => {
        concat!(
            "((select coalesce(sum(quantity), 0) from holds
                where status = 'active' and expires_at <= (select ",
            $at,
            " from judged) and product_id = p.id)
            + (select coalesce(sum(quantity), 0) from orders
                where status = 'pending' and pay_by is not null and pay_by <= (select ",
            $at,
            " from judged)
                  and product_id = p.id))::bigint"
        )
    };
}

/// Products with what is overdue of them, and the times, in a row without a product where there is none.
macro_rules! look_at_products {
    ($which:literal) => {
        with_times!(concat!(
            "select judged.at, judged.c, p.id, p.sku, p.name, p.price, p.total, p.available, p.reserved, p.sold, p.version,
                p.starts_at, p.ends_at, p.max_per_hold, p.max_per_customer, p.paused, ",
            overdue_units_of!("l"),
            " as overdue_at_l, ",
            overdue_units_of!("c"),
            " as overdue_at_c from judged left join (select id, sku, name, price, total, available, reserved, sold, version,
                starts_at, ends_at, max_per_hold, max_per_customer, paused from products ",
            $which,
            ") p on true order by p.id"
        ))
    };
}

/// A product at one moment of the store.
#[derive(Clone)]
struct Looked {
    product: Option<Product>,
    /// At L, as the books stand for every batch to come.
    overdue_units: i64,
    at: Timestamp,
    /// C, and what is overdue then.
    present: Timestamp,
    overdue_at_present: i64,
}

impl Looked {
    fn read(row: &Row) -> Result<Looked, ServerError> {
        let id: Option<ProductId> = row.try_get("id")?;
        Ok(Looked {
            product: id.map(|_| products::read(row)).transpose()?,
            overdue_units: row.try_get("overdue_at_l")?,
            at: row.try_get("at")?,
            present: row.try_get("c")?,
            overdue_at_present: row.try_get("overdue_at_c")?,
        })
    }

    fn shown(self) -> Option<Product> {
        let Looked {
            product,
            overdue_units,
            ..
        } = self;
        product.map(|product| product.with_overdue_free(overdue_units))
    }
}

impl PostgresReader {
    pub fn open(
        server: &Server,
        role: Role,
        connections_max: u32,
    ) -> Result<PostgresReader, OpenError> {
        let sessions = Sessions::of(server.clone(), role);
        let pool = Pool::builder()
            .max_size(connections_max)
            .min_idle(Some(1))
            .test_on_check_out(true)
            .idle_timeout(None)
            .max_lifetime(None)
            .connection_timeout(server.patience())
            .error_handler(Box::new(NopErrorHandler))
            .build(sessions)
            .map_err(|error| OpenError::Unreachable(error.to_string()))?;
        Ok(PostgresReader {
            pool,
            patience: server.patience(),
            looks: Looks::default(),
        })
    }

    /// What a session is asked. One that was lost since it was last used is not the reader's fault: another one is asked.
    pub(super) fn with_session<T>(
        &self,
        ask: impl Fn(&mut Session) -> Result<T, ServerError>,
    ) -> Result<T, StoreError> {
        let end = Instant::now() + self.patience;
        let once = || {
            let left = end.saturating_duration_since(Instant::now());
            let session = self.pool.get_timeout(left);
            let mut session = session.map_err(|error| ServerError::Lost(error.to_string()))?;
            session.wait_until(Some(end));
            ask(&mut session)
        };
        let answer = match once() {
            Err(ServerError::Lost(_)) if Instant::now() < end => once(),
            answer => answer,
        };
        answer.map_err(ServerError::before_commit)
    }

    pub(super) fn rows(&self, step: impl Fn() -> Step) -> Result<Vec<Row>, StoreError> {
        let mut answers = self.with_session(|session| session.run(&[step()]))?;
        Ok(answers.pop().unwrap_or_default())
    }

    fn look(&self, id: ProductId) -> Result<Looked, StoreError> {
        self.looks.look(id, || {
            let rows = self.rows(|| Step::new(look_at_products!("where id = $1")).with(id))?;
            let row = rows.first().ok_or_else(no_figures)?;
            Looked::read(row).map_err(ServerError::before_commit)
        })
    }

    /// Judged by the present, on rows of one moment.
    fn judge(&self, wish: &Command, terms: &Terms) -> Result<Option<Rejection>, StoreError> {
        self.with_session(|session| {
            session.execute("begin isolation level repeatable read read only")?;
            let judged = judge_in(session, wish, terms);
            session.execute("rollback")?;
            judged
        })?
    }

    /// A row with its own deadline, and L and C.
    fn one<T>(
        &self,
        step: impl Fn() -> Step,
        read: fn(&Row) -> Result<T, ServerError>,
        deadline: fn(&T) -> Option<Timestamp>,
    ) -> Result<Seen<Option<T>>, StoreError> {
        let rows = self.rows(step)?;
        let row = rows.first().ok_or_else(no_figures)?;
        let seen = || -> Result<Seen<Option<T>>, ServerError> {
            let id: Option<i64> = row.try_get("id")?;
            let what = id.map(|_| read(row)).transpose()?;
            let (l, c): (Timestamp, Timestamp) = (row.try_get("l")?, row.try_get("c")?);
            let deadline = what.as_ref().and_then(deadline);
            let between = deadline.filter(|deadline| l < *deadline && *deadline <= c);
            let at = between.map_or(c, |deadline| Timestamp::from_micros(deadline.micros() - 1));
            Ok(Seen { what, at })
        };
        seen().map_err(ServerError::before_commit)
    }
}

fn judge_in(
    session: &mut Session,
    wish: &Command,
    terms: &Terms,
) -> Result<Result<Option<Rejection>, StoreError>, ServerError> {
    let answers = session.run(&[counters::figures()])?;
    let figures = counters::only(answers.into_iter().next())?;
    let now = figures.last_now.max(figures.clock);
    let set = WorkingSet::new(now, *terms, figures.counters);
    let mut rows = PostgresRows::of(session, Waves::default());
    let judged = judge_in_waves(&mut rows, set, std::slice::from_ref(wish));
    Ok(judged.map(|(_, decisions)| decisions.into_iter().find_map(Result::err)))
}

pub(super) fn no_figures() -> StoreError {
    counters::no_row().before_commit()
}

/// L and C beside a row, or alone where there is none.
macro_rules! with_clock {
    ($select:expr, $columns:literal) => {
        concat!(
            "with clock as materialized (select last_now as l, greatest(last_now, ",
            $crate::store::postgres::tables::counters::clock!(),
            ") as c from meta where one = 1) select clock.l, clock.c, ",
            $columns,
            " from clock left join (",
            $select,
            ") r on true"
        )
    };
}

impl Reader for PostgresReader {
    fn product(&self, id: ProductId) -> Result<Seen<Option<Arc<Product>>>, StoreError> {
        let looked = self.look(id)?;
        let at = looked.at;
        Ok(Seen {
            what: looked.shown().map(Arc::new),
            at,
        })
    }

    fn products(
        &self,
        after: Option<ProductId>,
        limit: usize,
    ) -> Result<Seen<Vec<Product>>, StoreError> {
        let rows = self.rows(|| {
            Step::new(look_at_products!("where id > $1 order by id limit $2"))
                .with(after.map_or(0, ProductId::get))
                .with(count(limit))
        })?;
        let looked: Vec<Looked> = rows
            .iter()
            .map(Looked::read)
            .collect::<Result<_, _>>()
            .map_err(ServerError::before_commit)?;
        let at = looked.first().ok_or_else(no_figures)?.at;
        let what = looked.into_iter().filter_map(Looked::shown).collect();
        Ok(Seen { what, at })
    }

    fn refusal(&self, wish: &PlaceHold, terms: &Terms) -> Result<Option<Rejection>, StoreError> {
        let looked = self.look(wish.product)?;
        let mut set = WorkingSet::new(looked.present, *terms, Counters::FIRST);
        set.products.fetched(wish.product, looked.product);
        set.fetched_overdue_units(wish.product, looked.overdue_at_present);
        let command = Command::PlaceHold(wish.clone());
        match decide(&mut set, &command) {
            Ok(_) => Ok(None),
            Err(Stop::Refused(rejection)) => Ok(Some(rejection)),
            Err(Stop::Needs(_)) => self.judge(&command, terms),
        }
    }

    fn hold(&self, id: HoldId) -> Result<Seen<Option<Hold>>, StoreError> {
        let step = || {
            Step::new(with_clock!(
                select_holds!(" where h.id = $1"),
                "r.id, r.product_id, r.quantity, r.unit_price, r.customer, r.status, r.expires_at, r.order_id"
            ))
            .with(id)
        };
        self.one(step, holds::read, |hold| Some(hold.expires_at))
    }

    fn order(&self, id: OrderId) -> Result<Seen<Option<Order>>, StoreError> {
        let step = || {
            Step::new(with_clock!(
                select_orders!("where id = $1"),
                "r.id, r.hold_id, r.product_id, r.quantity, r.unit_price, r.customer, r.status, r.pay_by, r.created_at,
                    r.paid_at, r.transaction_id, r.refunded_quantity, r.refunded_amount, r.dispute"
            ))
            .with(id)
        };
        self.one(step, orders::read, |order| order.pay_by)
    }

    fn events(&self, after: i64, events_max: usize) -> Result<EventsAfter, StoreError> {
        let steps = events::after(after, events_max.saturating_add(1));
        self.with_session(|session| {
            session.execute("begin isolation level repeatable read read only")?;
            let answers = session.run(&steps);
            session.execute("rollback")?;
            events_after(after, events_max, answers?)
        })
    }

    fn next_event(&self) -> Result<EventId, StoreError> {
        let rows = self.rows(events::next_id)?;
        let row = rows.first().ok_or_else(no_figures)?;
        let next = row.try_get("next_event").map_err(ServerError::from);
        next.map_err(ServerError::before_commit)
    }

    fn has_kept_keys(&self) -> Result<bool, StoreError> {
        let step = || Step::new("select key from replays limit 1");
        let answers = self.with_session(|session| session.run(&[step()]))?;
        Ok(answers.iter().any(|rows| !rows.is_empty()))
    }

    fn is_far(&self) -> bool {
        true
    }

    fn is_sound(&self) -> Result<(), StoreError> {
        self.hold(HoldId::FIRST).map(|_| ())
    }

    #[cfg(feature = "test-support")]
    fn contents(&self) -> Result<crate::store::Contents, StoreError> {
        self.with_session(super::contents::of)
    }
}

/// From the answers to `events::after`.
fn events_after(
    after: i64,
    events_max: usize,
    answers: Vec<Vec<Row>>,
) -> Result<EventsAfter, ServerError> {
    let mut answers = answers.into_iter();
    let found = all(answers.next().unwrap_or_default(), events::read)?;
    let figures = answers.next().unwrap_or_default();
    let figures = figures.first().ok_or_else(counters::no_row)?;
    if EventsAfter::is_whole(after, &found, figures.try_get("next")?) {
        return Ok(EventsAfter::page(found, events_max));
    }
    let gaps = answers.next().unwrap_or_default();
    let gap = |row: &Row| Ok((row.try_get("first")?, row.try_get("last")?));
    let gone = Gone::after(after, figures.try_get("oldest")?, &all(gaps, gap)?);
    Ok(gone.map_or_else(|| EventsAfter::page(found, events_max), EventsAfter::Gone))
}
