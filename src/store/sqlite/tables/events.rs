//! What the shop is told of.

use rusqlite::{Connection, Row, Transaction, named_params};

use super::insert::{Insert, insert};
use super::{List, Question, Result, limit, one_row};
use crate::sale::{Due, Event, EventData, EventId, Timestamp, WorkingSet};
use crate::store::sqlite::statements::Queries;
use crate::store::{EventsAfter, Gone};

pub const LIST: List<Event> = List {
    select: "select * from events where true",
    number: "id",
    read,
};

pub const ALL: &str = "select * from events order by id";

pub fn read(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        id: row.get("id")?,
        at: row.get("at")?,
        kind: row.get("kind")?,
        data: EventData {
            order: row.get("order_id")?,
            hold: row.get("hold_id")?,
            payment: row.get("payment_id")?,
            product: row.get("product_id")?,
            quantity: row.get("quantity")?,
            refunded_quantity: row.get("refunded_quantity")?,
            restocked: row.get("restocked")?,
            unit_price: row.get("unit_price")?,
            customer: row.get("customer")?,
            pay_by: row.get("pay_by")?,
            transaction_id: row.get("transaction_id")?,
            verdict: row.get("verdict")?,
            amount: row.get("amount")?,
            note: row.get("note")?,
            failed: row.get("failed")?,
            outcome: row.get("outcome")?,
            sold: row.get("sold")?,
        },
    })
}

/// The events after one, as of one moment.
pub fn after(conn: &Connection, after: i64, events_max: usize) -> Result<EventsAfter> {
    let tx = conn.unchecked_transaction()?;
    let sql = "select * from events where id > :after order by id limit :limit";
    let params = named_params! {":after": after, ":limit": limit(events_max.saturating_add(1))};
    let events = tx.all(sql, params, read)?;
    let next = next_id(&*tx)?;
    if EventsAfter::is_whole(after, &events, next) {
        return Ok(EventsAfter::page(events, events_max));
    }
    let oldest = tx.figure::<Option<EventId>>("select min(id) from events", [])?;
    let gaps = tx.all(
        "select first, last from gaps where ids = 'events' order by first",
        [],
        |row| Ok((row.get("first")?, row.get("last")?)),
    )?;
    let gone = Gone::after(after, oldest.unwrap_or(next), &gaps);
    Ok(gone.map_or_else(|| EventsAfter::page(events, events_max), EventsAfter::Gone))
}

pub fn next_id(rows: &impl Queries) -> Result<EventId> {
    rows.figure("select next_event from meta", [])
}

/// The time of the oldest event.
pub const OLDEST_AT: &str = "select at from events order by id limit 1";

/// The oldest events, for as long as they are to be forgotten.
pub fn due(
    rows: &impl Queries,
    events_max: usize,
    is_due: impl Fn(Timestamp) -> bool,
) -> Result<Vec<Due>> {
    let sql = "select id, at from events order by id limit :limit";
    let params = named_params! {":limit": limit(events_max)};
    let read = |row: &Row<'_>| Ok((row.get("id")?, row.get("at")?));
    rows.each(sql, params, read, |rows| {
        let mut due = Vec::new();
        for event in rows {
            let (id, at) = event?;
            if !is_due(at) {
                break;
            }
            due.push(Due::Event(id));
        }
        Ok(due)
    })
}

const INSERT: Insert = insert!(
    "events (id, at, kind, order_id, hold_id, payment_id, product_id, quantity, refunded_quantity, restocked, unit_price,
        customer, pay_by, transaction_id, verdict, amount, note, failed, outcome, sold)",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    if let Some(last) = set.events_forgotten() {
        forget(tx, last)?;
    }
    INSERT.run(tx, set.events(), |values, event| {
        let Event { id, at, kind, data } = event;
        let EventData {
            order,
            hold,
            payment,
            product,
            quantity,
            refunded_quantity,
            restocked,
            unit_price,
            customer,
            pay_by,
            transaction_id,
            verdict,
            amount,
            note,
            failed,
            outcome,
            sold,
        } = data;
        values.bind([
            id,
            at,
            kind,
            order,
            hold,
            payment,
            product,
            quantity,
            refunded_quantity,
            restocked,
            unit_price,
            customer,
            pay_by,
            transaction_id,
            verdict,
            amount,
            note,
            failed,
            outcome,
            sold,
        ])
    })
}

/// Up to this one.
fn forget(tx: &Transaction<'_>, last: EventId) -> Result<()> {
    let last = named_params! {":last": last};
    let mut since = tx.prepare_cached(
        "update meta set events_since = max(events_since, (select max(at) from events where id <= :last))",
    )?;
    one_row(&mut since, last)?;
    tx.prepare_cached("delete from events where id <= :last")?
        .execute(last)?;
    Ok(())
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "events count up by one from the oldest that is kept",
        "select count(*) from events",
        "select abs(next_event - oldest - (select count(*) from events)
                - (select coalesce(sum(last - first + 1), 0) from gaps where ids = 'events' and first >= oldest))
            + (next_event <= (select coalesce(max(id), 0) from events))
         from meta, (select coalesce((select min(id) from events), (select next_event from meta)) as oldest)",
    ),
    (
        "every order paid since events were last forgotten is told of once, and no order that was not paid",
        "select count(*) from orders, meta where paid_at > events_since",
        "select count(*) from meta, orders o left join (
            select order_id, count(*) as told from events where kind = 'order.paid' group by order_id) e on e.order_id = o.id
         where coalesce(e.told, 0) > (o.paid_at is not null)
            or coalesce(o.paid_at > events_since, false) and coalesce(e.told, 0) <> 1",
    ),
    (
        "every event names what is there",
        "select count(*) from events",
        "select count(*) from events e
         where (order_id is not null and not exists (select 1 from orders where id = e.order_id))
            or (payment_id is not null and not exists (select 1 from payments where id = e.payment_id))
            or (product_id is not null and not exists (select 1 from products where id = e.product_id))
            or (hold_id is not null and not exists (select 1 from holds where id = e.hold_id)
                and not exists (select 1 from gaps where ids = 'holds' and e.hold_id between first and last))",
    ),
];
