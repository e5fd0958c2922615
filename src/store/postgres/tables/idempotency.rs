//! What is kept under idempotency keys: rows that name what a request made, and, of a product, what was answered.

use tokio_postgres::Row;

use super::{Question, Result, count, exactly};
use crate::sale::{IdempotencyKey, IdempotencyRecord, Timestamp, WorkingSet};
use crate::store::answered_product::AnsweredProduct;
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

pub fn write(set: &WorkingSet, steps: &mut Vec<Step>) {
    let forgotten: Vec<String> = set
        .forgotten_keys()
        .map(|key| key.as_str().to_owned())
        .collect();
    if !forgotten.is_empty() {
        let rows = count(forgotten.len());
        let sql = exactly!("delete from replays where key = any($1::text[])", "$2");
        steps.push(Step::new(sql).with(forgotten).with(rows));
    }
    let records: Vec<&IdempotencyRecord> = set.kept_records().collect();
    let did = |record: &&IdempotencyRecord| RecordedColumns::of(&record.recorded);
    let kept: Vec<RecordedColumns<'_>> = records.iter().map(did).collect();
    if kept.is_empty() {
        return;
    }
    let step = Step::new(
        "insert into replays (key, done, hold_id, order_id, product_id, answer, status, expires_at)
            select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
                $8::bigint[])",
    )
    .with(records.iter().map(|it| it.key.as_str().to_owned()).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.done).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.hold).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.order).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.product).collect::<Vec<_>>())
    .with(kept.iter().map(answer).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.status).collect::<Vec<_>>())
    .with(records.iter().map(|it| it.expires_at).collect::<Vec<_>>());
    steps.push(step);
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
