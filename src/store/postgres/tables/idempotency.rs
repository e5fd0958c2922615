//! What is kept under idempotency keys: rows that name what a request made, and, of a product, what was answered.

use tokio_postgres::Row;

use super::{Question, Result, count};
use crate::sale::{IdempotencyKey, IdempotencyRecord, Timestamp, WorkingSet};
use crate::store::answered_product::AnsweredProduct;
use crate::store::postgres::changes::{Change, Changes};
use crate::store::postgres::new_rows::insert;
use crate::store::postgres::server_error::ServerError;
use crate::store::postgres::session::Step;
use crate::store::recorded_columns::RecordedColumns;

use super::counters::server_now;

macro_rules! select_records {
    ($which:expr) => {
        concat!(
            "select key, done, hold_id, order_id, product_id, answer, status, expires_at from replays ",
            $which
        )
    };
}
#[cfg(feature = "test-support")]
pub(in crate::store::postgres) use select_records;

/// As JSON.
fn answer(columns: &RecordedColumns<'_>) -> Option<String> {
    columns.answer.as_ref().map(|answer| {
        serde_json::to_string(answer).expect("texts and numbers can be written as JSON")
    })
}

pub fn write(set: &WorkingSet, changes: &mut Changes) {
    let forgotten: Vec<String> = set
        .forgotten_keys()
        .map(|key| key.as_str().to_owned())
        .collect();
    if !forgotten.is_empty() {
        let sql = "delete from replays where key = any($1::text[])";
        changes.first(Change::of(forgotten.len(), sql).with(forgotten));
    }
    let kept = set.kept_records().map(|record| Kept {
        key: record.key.clone(),
        columns: RecordedColumns::of(&record.recorded),
        expires_at: record.expires_at,
    });
    let kept: Vec<Kept> = kept.collect();
    if !kept.is_empty() {
        changes.add(insert(kept));
    }
}

#[derive(Debug)]
struct Kept {
    key: IdempotencyKey,
    columns: RecordedColumns<'static>,
    expires_at: Timestamp,
}

insert! {
    into replays from kept: Kept;
    key: kept.key,
    done: kept.columns.done,
    hold_id: kept.columns.hold,
    order_id: kept.columns.order,
    product_id: kept.columns.product,
    answer: answer(&kept.columns),
    status: kept.columns.status,
    expires_at: kept.expires_at,
}

pub fn read(row: &Row) -> Result<IdempotencyRecord> {
    let done: &str = row.try_get("done")?;
    let answer: Option<&str> = row.try_get("answer")?;
    let columns = RecordedColumns {
        done,
        hold: row.try_get("hold_id")?,
        order: row.try_get("order_id")?,
        product: row.try_get("product_id")?,
        answer: answer.map(answered).transpose()?,
        status: row.try_get("status")?,
    };
    let misread = || ServerError::Misread(format!("a request that did {done}"));
    Ok(IdempotencyRecord {
        key: row.try_get("key")?,
        recorded: columns.recorded().ok_or_else(misread)?,
        expires_at: row.try_get("expires_at")?,
    })
}

fn answered(answer: &str) -> Result<AnsweredProduct> {
    serde_json::from_str(answer)
        .map_err(|error| ServerError::Misread(format!("an answer that was kept: {error}")))
}

pub fn by_keys(keys: Vec<String>) -> Step {
    Step::new(select_records!("where key = any($1)")).with(keys)
}

/// What is past its time, oldest first: at this time, or by the server's clock.
pub fn lapsed(keys_max: usize, now: Option<Timestamp>) -> Step {
    Step::new(select_records!(concat!(
        "where expires_at <= coalesce($2::bigint, ",
        server_now!(),
        ") order by expires_at, key limit $1"
    )))
    .with(count(keys_max))
    .with(now)
}

/// The keys of records, as the sale knows them.
pub fn texts(keys: &[IdempotencyKey]) -> Vec<String> {
    keys.iter().map(|key| key.as_str().to_owned()).collect()
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    // A cancelled order is only ever seen in another status after a late payment that was accepted.
    (
        "every request kept under an idempotency key did what it says",
        "select count(*) from replays",
        "select count(*) from replays r left join orders o on o.id = r.order_id
         where not case done
            when 'hold_placed' then exists (select 1 from holds where id = r.hold_id)
            when 'order_placed' then o.id is not null
            when 'product_created' then exists (select 1 from products where id = r.product_id)
            when 'product_restocked' then exists (select 1 from products where id = r.product_id)
            else o.status is not distinct from 'cancelled'
                or coalesce(o.id in (select order_id from movements where kind = 'order_paid_late'), false) end",
    ),
    (
        "no hold, order or product was given out under two idempotency keys",
        "select count(*) from replays",
        "select count(*) from (
            select 1 from replays where done in ('hold_placed', 'order_placed', 'product_created')
            group by hold_id, order_id, product_id having count(*) > 1) twice",
    ),
];
