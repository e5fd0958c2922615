//! How rows of idempotency keys are found, appended and deleted.
//!
//! Rows are appended, and leave from the front. No constraint says that a key is kept once: the rule looks a key up before
//! it keeps it, `write` looks again, and `verify` looks at all.

use std::collections::HashMap;
use std::ops::Range;

use rusqlite::{Row, Transaction, ffi, named_params};

use super::idempotency::read;
use super::insert::{Insert, insert};
use super::{Result, limit, one_row};
use crate::sale::{IdempotencyKey, IdempotencyRecord, Timestamp, WorkingSet};
use crate::store::recorded_columns::RecordedColumns;
use crate::store::sqlite::key_index::{KeyChanges, KeyIndex};
use crate::store::sqlite::statements::{Queries, Statements};

/// How one transaction finds the rows of keys.
pub struct Keys<'a> {
    index: Option<&'a KeyIndex>,
    /// Whether rows past their time may be left out of the index.
    leaves_out_lapsed: bool,
    end: Option<End>,
    /// Of the records that were fetched.
    ids: HashMap<IdempotencyKey, i64>,
    /// Rows past their time whose keys were kept anew after the index had left them out.
    superseded: Vec<i64>,
}

/// Where the next row goes.
#[derive(Clone, Copy)]
struct End {
    next_id: i64,
    /// When the rows before it have all expired.
    horizon: Option<Timestamp>,
}

impl<'a> Keys<'a> {
    /// For the transaction of a writer.
    pub fn by(index: &'a KeyIndex) -> Keys<'a> {
        Keys::new(Some(index), true)
    }

    /// For a reader, whose time may be later than that of a batch in flight.
    pub fn beside(index: &'a KeyIndex) -> Keys<'a> {
        Keys::new(Some(index), false)
    }

    /// For those who never meet a key: each look reads the whole table.
    pub fn without_index() -> Keys<'a> {
        Keys::new(None, false)
    }

    fn new(index: Option<&'a KeyIndex>, leaves_out_lapsed: bool) -> Keys<'a> {
        Keys {
            index,
            leaves_out_lapsed,
            end: None,
            ids: HashMap::new(),
            superseded: Vec::new(),
        }
    }

    pub fn by_key(
        &mut self,
        rows: &impl Queries,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<IdempotencyRecord>> {
        self.end(rows, now)?;
        let newest = self.newest(rows, key)?;
        Ok(newest.map(|(id, record)| {
            self.ids.insert(key.clone(), id);
            record
        }))
    }

    /// What is past its time, oldest first.
    pub fn lapsed(
        &mut self,
        rows: &impl Queries,
        keys_max: usize,
        now: Timestamp,
    ) -> Result<Vec<IdempotencyRecord>> {
        if keys_max == 0 {
            return Ok(Vec::new());
        }
        self.end(rows, now)?;
        let read = |row: &Row<'_>| Ok((row.get("id")?, read(row)?));
        let sql = "select * from replays order by id limit :limit";
        let front = rows.all(sql, named_params! {":limit": limit(keys_max)}, read)?;
        let mut lapsed = Vec::new();
        for (id, record) in front {
            if !record.expires_at.has_passed(now) {
                break;
            }
            if self.is_superseded(rows, id, &record.key)? {
                self.superseded.push(id);
            } else {
                self.ids.insert(record.key.clone(), id);
                lapsed.push(record);
            }
        }
        Ok(lapsed)
    }

    /// Whether rows must be deleted that no rule knows of.
    pub fn has_superseded(&self) -> bool {
        !self.superseded.is_empty()
    }

    fn is_superseded(&self, rows: &impl Queries, id: i64, key: &IdempotencyKey) -> Result<bool> {
        let Some(index) = self.index else {
            return Ok(false);
        };
        if index.ids(key).iter().all(|other| *other <= id) {
            return Ok(false);
        }
        let newest = self.newest(rows, key)?;
        Ok(newest.is_some_and(|(newest, _)| newest > id))
    }

    /// The key's row, and that of two which was kept last.
    fn newest(
        &self,
        rows: &impl Queries,
        key: &IdempotencyKey,
    ) -> Result<Option<(i64, IdempotencyRecord)>> {
        let read = |row: &Row<'_>| Ok((row.get("id")?, read(row)?));
        let Some(index) = self.index else {
            let sql = "select * from replays where key = :key order by id desc limit 1";
            return rows.one(sql, named_params! {":key": key}, read);
        };
        for id in index.ids(key) {
            let sql = "select * from replays where id = :id and key = :key";
            let found = rows.one(sql, named_params! {":id": id, ":key": key}, read)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn end(&mut self, rows: &impl Queries, now: Timestamp) -> Result<End> {
        if let Some(end) = self.end {
            return Ok(end);
        }
        let sql = "select next_replay,
            (select coalesce(horizon, expires_at) from replays order by id desc limit 1) as horizon from meta";
        let read = |row: &Row<'_>| {
            Ok(End {
                next_id: row.get("next_replay")?,
                horizon: row.get("horizon")?,
            })
        };
        let end = rows.one(sql, [], read)?;
        let end = end.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        if let Some(index) = self.index {
            index.catch_up(end.next_id, |range, insert| {
                let start = match range.start {
                    0 if self.leaves_out_lapsed => {
                        first_live(rows, range.clone(), now)?.min(range.end - READ_MIN)
                    }
                    known => known,
                };
                each_key(rows, start..range.end, insert)
            })?;
        }
        self.end = Some(end);
        Ok(end)
    }
}

/// So many rows are read at the start, whether they are past their time or not: what is left out is a case of large shops.
const READ_MIN: i64 = 10_000;

/// The id of the next row.
pub fn next_id(rows: &impl Queries) -> Result<i64> {
    rows.figure("select next_replay from meta", [])
}

/// From which id on rows may not be past their time. Horizons never fall from row to row.
fn first_live(rows: &impl Queries, ids: Range<i64>, now: Timestamp) -> Result<i64> {
    let sql = "select coalesce(horizon, expires_at) as horizon from replays where id >= :id order by id limit 1";
    let Range { mut start, mut end } = ids;
    while start < end {
        let middle = start + (end - start) / 2;
        let horizon = rows.one(sql, named_params! {":id": middle}, |row| {
            row.get::<_, Timestamp>("horizon")
        })?;
        if horizon.is_some_and(|horizon| horizon.has_passed(now)) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    Ok(start)
}

fn each_key(
    rows: &impl Queries,
    ids: Range<i64>,
    insert: &mut dyn FnMut(&IdempotencyKey, i64),
) -> Result<()> {
    let sql = "select id, key from replays where id >= :start and id < :end order by id";
    let params = named_params! {":start": ids.start, ":end": ids.end};
    let read = |row: &Row<'_>| Ok((row.get("key")?, row.get("id")?));
    rows.each_until(sql, params, read, |(key, id)| {
        insert(&key, id);
        false
    })
}

const INSERT: Insert = insert!(
    "replays (id, key, done, hold_id, order_id, product_id, answer, status, expires_at, horizon)",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);

pub fn write(tx: &Transaction<'_>, set: &WorkingSet, keys: &mut Keys<'_>) -> Result<KeyChanges> {
    let mut changes = KeyChanges::default();
    let hash = |index: Option<&KeyIndex>, key| index.map(|index| index.hash(key));
    let mut delete = tx.prepare_cached("delete from replays where id = :id")?;
    for id in &keys.superseded {
        one_row(&mut delete, named_params! {":id": id})?;
    }
    for key in set.forgotten_keys() {
        let id = keys.ids.get(key).copied();
        let id = id.expect("a key is fetched before it is forgotten");
        one_row(&mut delete, named_params! {":id": id})?;
        changes
            .removed
            .extend(hash(keys.index, key).map(|hash| (hash, id)));
    }
    let mut kept: Vec<_> = set.kept_records().collect();
    // Which of equal age is forgotten first is for the key to say: so it is the same in every engine.
    kept.sort_unstable_by_key(|record| record.key.as_str());
    if kept.is_empty() {
        return Ok(changes);
    }
    let rows = Statements::of(tx);
    let end = keys.end(&rows, set.now)?;
    for (id, record) in (end.next_id..).zip(&kept) {
        if keys.newest(&rows, &record.key)?.is_some() {
            return Err(kept_twice());
        }
        changes
            .added
            .extend(hash(keys.index, &record.key).map(|hash| (hash, id)));
    }
    insert_rows(tx, end, &kept)?;
    Ok(changes)
}

/// What a unique constraint would say.
fn kept_twice() -> rusqlite::Error {
    let violation = ffi::Error::new(ffi::SQLITE_CONSTRAINT_UNIQUE);
    rusqlite::Error::SqliteFailure(violation, Some("an idempotency key is kept twice".into()))
}

fn insert_rows(tx: &Transaction<'_>, end: End, kept: &[&IdempotencyRecord]) -> Result<()> {
    let End {
        mut next_id,
        mut horizon,
    } = end;
    let rows: Vec<_> = kept
        .iter()
        .map(|record| {
            let id = next_id;
            next_id += 1;
            let horizon_before = horizon.filter(|horizon| *horizon > record.expires_at);
            horizon = horizon_before.or(Some(record.expires_at));
            (id, horizon_before, record)
        })
        .collect();
    INSERT.run(tx, &rows, |values, (id, horizon, record)| {
        let RecordedColumns {
            done,
            hold,
            order,
            product,
            answer,
            status,
        } = RecordedColumns::of(&record.recorded);
        let (key, expires_at) = (&record.key, &record.expires_at);
        values.bind([
            id, key, &done, &hold, &order, &product, &answer, &status, expires_at, horizon,
        ])
    })?;
    let sql = "update meta set next_replay = :next where next_replay = :seen";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {":next": next_id, ":seen": end.next_id},
    )
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, ErrorCode};

    use super::*;
    use crate::sale::{
        Command, Counters, CreateProduct, FailedPayment, LatePayment, Need, ProductChanges, Terms,
        decide,
    };
    use crate::store::sqlite::file::schema;

    /// Where a rule was told that there is nothing.
    #[test]
    fn a_key_that_is_there_is_not_written_again() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(schema::SCHEMA).unwrap();
        conn.execute_batch(
            "pragma foreign_keys = off;
             insert into meta (one, next_product, next_hold, next_order, next_payment, next_replay, parked, last_now,
                     token_secret, file_id, log_base)
                 values (1, 1, 1, 1, 1, 1, 0, 0, zeroblob(32), zeroblob(16), 0)",
        )
        .unwrap();
        let index = KeyIndex::default();
        let mut keep = |text: &str, index: Option<&KeyIndex>| {
            let mut set = WorkingSet::new(Timestamp::from_micros(0), TERMS, Counters::FIRST);
            let key = IdempotencyKey::new(text).unwrap();
            set.fetched_nothing(Need::IdempotencyKey(key.clone()));
            decide(&mut set, &new_product(key)).unwrap();
            let tx = conn.transaction().unwrap();
            let changes = write(
                &tx,
                &set,
                &mut index.map_or_else(Keys::without_index, Keys::by),
            )?;
            tx.commit().unwrap();
            Ok(changes)
        };
        index.note(&keep("a", Some(&index)).unwrap());
        keep("b", None).unwrap();
        for index in [None, Some(&index)] {
            for key in ["a", "b"] {
                let failure: rusqlite::Error = keep(key, index).unwrap_err();
                let code = failure.sqlite_error_code();
                assert_eq!(code, Some(ErrorCode::ConstraintViolation), "{failure}");
            }
        }
        index.note(&keep("c", Some(&index)).unwrap());
        assert!(keep("c", Some(&index)).is_err());
    }

    fn new_product(key: IdempotencyKey) -> Command {
        let name = Some("New".to_owned());
        Command::CreateProduct(CreateProduct {
            sku: None,
            changes: ProductChanges {
                name,
                ..ProductChanges::default()
            },
            total_stock: 0,
            key: Some(key),
        })
    }

    const TERMS: Terms = Terms {
        hold_ttl_s: 1,
        order_ttl_s: None,
        failed_payment: FailedPayment::Cancel,
        currency: None,
        late_payment: LatePayment::Refund,
        parked_ttl_s: 1,
        parked_max: 1,
        idempotency_ttl_s: 1,
        events_ttl_s: 1,
    };
}
