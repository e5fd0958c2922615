//! The one row of figures that every batch reads and writes; and the ids that are never given.

use rusqlite::{Connection, Transaction, named_params};

use super::{Question, Result, one_row};
use crate::sale::{Counters, Currency, PaymentTarget, Secret, Timestamp, WorkingSet};
use crate::store::Gap;
use crate::store::sqlite::statements::Queries;

pub fn read(tx: &Connection) -> Result<(Counters, Timestamp)> {
    let sql = "select next_product, next_hold, next_order, next_payment, next_event, parked, reversals, last_now from meta";
    tx.prepare_cached(sql)?.query_row([], |row| {
        let counters = Counters {
            next_product: row.get("next_product")?,
            next_hold: row.get("next_hold")?,
            next_order: row.get("next_order")?,
            next_payment: row.get("next_payment")?,
            next_event: row.get("next_event")?,
            parked: row.get("parked")?,
            reversals: row.get("reversals")?,
        };
        Ok((counters, row.get("last_now")?))
    })
}

/// Changes when another connection has committed, and at no commit of this one.
pub fn data_version(tx: &Connection) -> Result<i64> {
    tx.prepare_cached("pragma data_version")?
        .query_row([], |row| row.get(0))
}

pub fn secret(conn: &Connection) -> Result<Secret> {
    conn.query_row("select token_secret from meta", [], |row| {
        row.get("token_secret").map(Secret::new)
    })
}

pub fn currency(tx: &Connection) -> Result<Option<Currency>> {
    tx.query_row("select currency from meta", [], |row| row.get("currency"))
}

pub fn write_currency(tx: &Transaction<'_>, currency: Currency) -> Result<()> {
    let sql = "update meta set currency = :currency where currency is null";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {":currency": currency},
    )
}

/// Whether `backup` has marked the file.
pub fn is_copy(conn: &Connection) -> Result<bool> {
    conn.query_row("select copied_at is not null from meta", [], |row| {
        row.get(0)
    })
}

pub fn is_lost(rows: &impl Queries, target: PaymentTarget) -> Result<bool> {
    let (ids, id) = match target {
        PaymentTarget::Order(id) => ("orders", id.get()),
        PaymentTarget::Hold(id) => ("holds", id.get()),
    };
    let sql = "select exists (select 1 from gaps where ids = :ids and :id between first and last)";
    rows.figure(sql, named_params! {":ids": ids, ":id": id})
}

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    let sql = "update meta set next_product = :next_product, next_hold = :next_hold, next_order = :next_order,
        next_payment = :next_payment, next_event = :next_event, parked = :parked, reversals = :reversals, last_now = :now
        where last_now <= :now";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {
            ":next_product": set.counters.next_product, ":next_hold": set.counters.next_hold,
            ":next_order": set.counters.next_order, ":next_payment": set.counters.next_payment,
            ":next_event": set.counters.next_event,
            ":parked": set.counters.parked, ":reversals": set.counters.reversals, ":now": set.now,
        },
    )
}

/// The time of the latest transaction, where a batch has nothing else to write.
pub fn write_time(tx: &Transaction<'_>, now: Timestamp) -> Result<()> {
    let sql = "update meta set last_now = :now where last_now <= :now";
    one_row(&mut tx.prepare_cached(sql)?, named_params! {":now": now})
}

/// Before a time that it had already.
pub fn set_time_back(tx: &Transaction<'_>, wall: Timestamp) -> Result<()> {
    let sql = "update meta set last_now = :wall";
    one_row(&mut tx.prepare_cached(sql)?, named_params! {":wall": wall})
}

/// Another file than the one that it was copied from, and none to serve.
pub fn mark_as_copy(copy: &Connection) -> Result<()> {
    copy.execute_batch(
        "update meta set file_id = randomblob(16), copied_at = last_now, log_base = last_now",
    )
}

/// The copy got an id of its own when it was made.
pub fn unmark_copy(tx: &Connection) -> Result<()> {
    tx.execute_batch("update meta set copied_at = null")
}

/// Ids that are never given, beginning with the next one.
pub fn skip(tx: &Connection, gap: &Gap) -> Result<()> {
    tx.execute(
        "insert into gaps (ids, first, last) values (:ids, :first, :last)",
        named_params! {":ids": gap.ids, ":first": gap.first, ":last": gap.last},
    )?;
    let sql = "update meta set next_hold = iif(:ids = 'holds', :next, next_hold),
        next_order = iif(:ids = 'orders', :next, next_order),
        next_payment = iif(:ids = 'payments', :next, next_payment),
        next_event = iif(:ids = 'events', :next, next_event)";
    tx.execute(sql, named_params! {":ids": gap.ids, ":next": gap.last + 1})?;
    Ok(())
}

/// The file without its log is of this time, and the log goes on from there.
pub fn write_log_base(tx: &Transaction<'_>, file_last_now: Timestamp) -> Result<()> {
    let sql = "update meta set log_base = :file_last_now";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {":file_last_now": file_last_now},
    )
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "every id given is there, and below the next one to give",
        "select next_product + next_hold + next_order + next_payment - 4
            - (select coalesce(sum(last - first + 1), 0) from gaps where ids <> 'events') from meta",
        "select (next_product <= (select coalesce(max(id), 0) from products))
            + (next_hold <= (select coalesce(max(id), 0) from holds))
            + (next_order <= (select coalesce(max(id), 0) from orders))
            + (next_payment <= (select coalesce(max(id), 0) from payments))
            + (next_payment <= (select coalesce(max(id), 0) from reversals))
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
