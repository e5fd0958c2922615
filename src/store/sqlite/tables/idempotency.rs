//! What is kept under idempotency keys: rows that name what a request made, and, of a product, what was answered.

use rusqlite::types::Type;
use rusqlite::{Row, Transaction, named_params};

use super::{Question, Result};
use crate::sale::{IdempotencyRecord, Timestamp};
use crate::store::recorded_columns::RecordedColumns;

pub fn read(row: &Row<'_>) -> Result<IdempotencyRecord> {
    let done = row.get_ref("done")?.as_str()?;
    let columns = RecordedColumns {
        done,
        hold: row.get("hold_id")?,
        order: row.get("order_id")?,
        product: row.get("product_id")?,
        answer: row.get("answer")?,
        status: row.get("status")?,
    };
    Ok(IdempotencyRecord {
        key: row.get("key")?,
        recorded: columns.recorded().ok_or_else(|| did_what(done))?,
        expires_at: row.get("expires_at")?,
    })
}

fn did_what(recorded: &str) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(0, format!("a request that did {recorded}"), Type::Text)
}

#[cfg(feature = "test-support")]
pub const ALL: &str = "select * from replays order by key";

/// Of the row that goes first.
pub const NEXT_DEADLINE: &str = "select (select expires_at from replays order by id limit 1)";

/// Pulls in deadlines that lie further off than that of a fresh key. Where a key that was past its time was kept anew, its
/// row of before is deleted: it would not be past its time any more.
pub fn pull_in(tx: &Transaction<'_>, fresh: Timestamp) -> Result<usize> {
    tx.execute_batch(
        "delete from replays where id not in (select max(id) from replays group by key)",
    )?;
    let fresh = named_params! {":fresh": fresh};
    tx.execute(
        "update replays set horizon = :fresh where horizon > :fresh",
        fresh,
    )?;
    tx.execute(
        "update replays set expires_at = :fresh where expires_at > :fresh",
        fresh,
    )
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
            else o.status is 'cancelled' or o.id in (select order_id from movements where kind = 'order_paid_late') end",
    ),
    (
        "no hold, order or product was given out under two idempotency keys",
        "select count(*) from replays",
        "select count(*) from (
            select 1 from replays where done in ('hold_placed', 'order_placed', 'product_created')
            group by hold_id, order_id, product_id having count(*) > 1)",
    ),
    // A key that is past its time may be kept anew before its row is gone.
    (
        "no idempotency key is kept twice, and each is below the next one",
        "select count(*) from replays",
        "select (select count(*) from (
                select 1 from replays where expires_at > (select last_now from meta) group by key having count(*) > 1))
            + (select count(*) from replays, meta where id >= next_replay)",
    ),
];
