//! The one row of figures that every batch reads and changes; and the ids that are never given.

use tokio_postgres::Row;

use super::{Question, Result};
use crate::sale::{Counters, Currency, SECRET_BYTES, Secret, Timestamp, WorkingSet};
use crate::store::postgres::changes::Change;
use crate::store::postgres::server_error::ServerError;
use crate::store::postgres::session::Step;

/// What a batch finds once it has its turn.
pub struct Figures {
    pub schema_version: i64,
    pub counters: Counters,
    pub last_now: Timestamp,
    /// The server's wall clock.
    pub clock: Timestamp,
}

/// The server's wall clock in microseconds.
macro_rules! clock {
    () => {
        "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
    };
}
pub(in crate::store::postgres) use clock;

/// The latest time that is over for the sale, on the server's side.
macro_rules! server_now {
    () => {
        concat!(
            "(select greatest(last_now, ",
            $crate::store::postgres::tables::counters::clock!(),
            ") from meta where one = 1)"
        )
    };
}
pub(in crate::store::postgres) use server_now;

/// Its own statement: what stands in the list of a statement that waits for a lock may be read before the wait.
pub fn figures() -> Step {
    Step::new(concat!(
        "select schema_version, next_product, next_hold, next_order, next_payment, next_event, parked, reversals, last_now, ",
        clock!(),
        " as clock from meta where one = 1"
    ))
}

pub fn read(row: &Row) -> Result<Figures> {
    Ok(Figures {
        schema_version: row.try_get("schema_version")?,
        counters: Counters {
            next_product: row.try_get("next_product")?,
            next_hold: row.try_get("next_hold")?,
            next_order: row.try_get("next_order")?,
            next_payment: row.try_get("next_payment")?,
            next_event: row.try_get("next_event")?,
            parked: u32::try_from(row.try_get::<_, i64>("parked")?).map_err(|_| {
                ServerError::Misread("more events are parked than there can be".into())
            })?,
            reversals: row.try_get("reversals")?,
        },
        last_now: row.try_get("last_now")?,
        clock: row.try_get("clock")?,
    })
}

/// Of the one row that answers `figures`.
pub fn only(rows: Option<Vec<Row>>) -> Result<Figures> {
    let row = rows.into_iter().flatten().next();
    read(&row.ok_or_else(no_row)?)
}

pub fn no_row() -> ServerError {
    ServerError::Misread("`meta` has no row".into())
}

pub fn secret() -> Step {
    Step::new("select token_secret from meta where one = 1")
}

pub fn read_secret(answers: Vec<Vec<Row>>) -> Result<Secret> {
    let row = answers.into_iter().flatten().next();
    let bytes: Vec<u8> = row.ok_or_else(no_row)?.try_get("token_secret")?;
    let bytes = <[u8; SECRET_BYTES]>::try_from(bytes);
    bytes
        .map(Secret::new)
        .map_err(|_| ServerError::Misread("the secret has another length".into()))
}

/// Unless one is kept already; answers with the one that is.
pub fn keep_currency(currency: Currency) -> Step {
    Step::new("update meta set currency = coalesce(currency, $1) where one = 1 returning currency")
        .with(currency.as_str())
}

pub fn read_currency(answers: Vec<Vec<Row>>) -> Result<Currency> {
    let row = answers.into_iter().flatten().next();
    let code: String = row.ok_or_else(no_row)?.try_get("currency")?;
    Currency::parse(&code)
        .ok_or_else(|| ServerError::Misread(format!("the sale knows no currency {code:?}")))
}

pub fn write(set: &WorkingSet) -> Change {
    let counters = set.counters;
    Change::of(1,
        "update meta set next_product = $1, next_hold = $2, next_order = $3, next_payment = $4, parked = $5, reversals = $6,
                last_now = $7, next_event = $8 where one = 1 and last_now <= $7")
    .with(counters.next_product)
    .with(counters.next_hold)
    .with(counters.next_order)
    .with(counters.next_payment)
    .with(i64::from(counters.parked))
    .with(counters.reversals)
    .with(set.now)
    .with(counters.next_event)
}

/// The time of the latest transaction, where a batch has nothing else to write.
pub fn write_time(now: Timestamp) -> Change {
    Change::of(
        1,
        "update meta set last_now = $1 where one = 1 and last_now <= $1",
    )
    .with(now)
}

/// Which of these ids lie in gaps.
pub fn lost(ids: Vec<&'static str>, numbers: Vec<i64>) -> Step {
    Step::new(
        "select t.ids, t.number from unnest($1::text[], $2::bigint[]) as t(ids, number)
            where exists (select 1 from gaps where gaps.ids = t.ids and t.number between first and last)",
    )
    .with(ids)
    .with(numbers)
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "every id given is there, and below the next one to give",
        "select next_product + next_hold + next_order + next_payment - 4
            - (select coalesce(sum(last - first + 1), 0) from gaps where ids <> 'events') from meta",
        "select (next_product <= (select coalesce(max(id), 0) from products))::int
            + (next_hold <= (select coalesce(max(id), 0) from holds))::int
            + (next_order <= (select coalesce(max(id), 0) from orders))::int
            + (next_payment <= (select coalesce(max(id), 0) from payments))::int
            + (next_payment <= (select coalesce(max(id), 0) from reversals))::int
            + abs(next_product - 1 - (select count(*) from products))
            + abs(next_hold - 1 - (select count(*) from holds)
                - (select coalesce(sum(last - first + 1), 0) from gaps where ids = 'holds'))
            + abs(next_order - 1 - (select count(*) from orders)
                - (select coalesce(sum(last - first + 1), 0) from gaps where ids = 'orders'))
            + abs(next_payment - 1 - (select count(*) from payments) - (select count(*) from reversals)
                - (select coalesce(sum(last - first + 1), 0) from gaps where ids = 'payments'))
         from meta",
    ),
    (
        "no id that a restore skipped was ever given, and none was given twice",
        "select count(*) from gaps",
        "select (select count(*) from gaps, meta where last >= case ids
                when 'holds' then next_hold when 'orders' then next_order when 'payments' then next_payment else next_event end)
            + (select count(*) from gaps a join gaps b using (ids) where a.first < b.first and b.first <= a.last)
            + (select count(*) from gaps join holds on id between first and last where ids = 'holds')
            + (select count(*) from gaps join orders on id between first and last where ids = 'orders')
            + (select count(*) from gaps join payments on id between first and last where ids = 'payments')
            + (select count(*) from gaps join events on id between first and last where ids = 'events')
            + (select count(*) from gaps join reversals on id between first and last where ids = 'payments')
            + (select count(*) from payments join reversals using (id))",
    ),
    (
        "reports about money that came before are as many as counted",
        "select count(*) from reversals",
        "select abs(reversals - (select count(*) from reversals)) from meta",
    ),
];
