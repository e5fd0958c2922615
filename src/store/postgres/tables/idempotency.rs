//! What is kept under idempotency keys: rows that name what a request made, and, of a product, what was answered.

use tokio_postgres::Row;

use super::{Question, Result, count, exactly};
use crate::sale::{
    HoldId, IdempotencyKey, IdempotencyRecord, OrderId, OrderStatus, Product, ProductId, Recorded,
    Timestamp, WorkingSet,
};
use crate::store::answered_product::AnsweredProduct;
use crate::store::postgres::server_error::ServerError;
use crate::store::postgres::session::Step;

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

/// A record as its row.
struct Columns {
    key: String,
    done: &'static str,
    hold: Option<HoldId>,
    order: Option<OrderId>,
    product: Option<ProductId>,
    answer: Option<AnsweredProduct>,
    status: Option<OrderStatus>,
    expires_at: Timestamp,
}

impl Columns {
    fn of(record: &IdempotencyRecord) -> Columns {
        let columns = |done| Columns {
            key: record.key.as_str().to_owned(),
            done,
            hold: None,
            order: None,
            product: None,
            answer: None,
            status: None,
            expires_at: record.expires_at,
        };
        match &record.recorded {
            Recorded::HoldPlaced(id) => Columns {
                hold: Some(*id),
                ..columns("hold_placed")
            },
            Recorded::OrderPlaced(id, status) => Columns {
                order: Some(*id),
                status: Some(*status),
                ..columns("order_placed")
            },
            Recorded::OrderCancelled(id) => Columns {
                order: Some(*id),
                ..columns("order_cancelled")
            },
            Recorded::ProductCreated { product, at } => Columns {
                product: Some(product.id),
                answer: Some(AnsweredProduct::new(product, *at)),
                ..columns("product_created")
            },
            Recorded::ProductRestocked {
                product,
                at,
                units,
                reason,
            } => Columns {
                product: Some(product.id),
                answer: Some(AnsweredProduct::restocked(
                    product,
                    *at,
                    *units,
                    reason.clone(),
                )),
                ..columns("product_restocked")
            },
        }
    }

    /// As JSON.
    fn answer(&self) -> Option<String> {
        self.answer.as_ref().map(|answer| {
            serde_json::to_string(answer).expect("texts and numbers can be written as JSON")
        })
    }
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
    let kept: Vec<Columns> = set.kept_records().map(Columns::of).collect();
    if kept.is_empty() {
        return;
    }
    let step = Step::new(
        "insert into replays (key, done, hold_id, order_id, product_id, answer, status, expires_at)
            select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
                $8::bigint[])",
    )
    .with(kept.iter().map(|it| it.key.clone()).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.done).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.hold).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.order).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.product).collect::<Vec<_>>())
    .with(kept.iter().map(Columns::answer).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.status).collect::<Vec<_>>())
    .with(kept.iter().map(|it| it.expires_at).collect::<Vec<_>>());
    steps.push(step);
}

pub fn read(row: &Row) -> Result<IdempotencyRecord> {
    let recorded = match row.try_get("done")? {
        "hold_placed" => Recorded::HoldPlaced(row.try_get("hold_id")?),
        "order_placed" => Recorded::OrderPlaced(row.try_get("order_id")?, row.try_get("status")?),
        "order_cancelled" => Recorded::OrderCancelled(row.try_get("order_id")?),
        "product_created" => {
            let (product, answered) = product(row)?;
            Recorded::ProductCreated {
                product: Box::new(product),
                at: Timestamp::from_micros(answered.at),
            }
        }
        "product_restocked" => {
            let (product, answered) = product(row)?;
            Recorded::ProductRestocked {
                product: Box::new(product),
                at: Timestamp::from_micros(answered.at),
                units: answered.units.unwrap_or(0),
                reason: answered.reason,
            }
        }
        other => return Err(ServerError::Misread(format!("a request that did {other}"))),
    };
    Ok(IdempotencyRecord {
        key: row.try_get("key")?,
        recorded,
        expires_at: row.try_get("expires_at")?,
    })
}

fn product(row: &Row) -> Result<(Product, AnsweredProduct)> {
    let answer: &str = row.try_get("answer")?;
    let answered: AnsweredProduct = serde_json::from_str(answer)
        .map_err(|error| ServerError::Misread(format!("an answer that was kept: {error}")))?;
    Ok((answered.product(row.try_get("product_id")?), answered))
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
