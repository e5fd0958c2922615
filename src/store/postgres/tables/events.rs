//! What the shop is told of.

use tokio_postgres::Row;

use super::counters::server_now;
use super::{Question, Result, count};
use crate::sale::{Event, EventData, EventId, Terms, Timestamp, WorkingSet};
use crate::store::postgres::changes::{Change, Changes};
use crate::store::postgres::new_rows::insert;
use crate::store::postgres::session::Step;

macro_rules! select_events {
    ($which:literal) => {
        concat!(
            "select id, at, kind, order_id, hold_id, payment_id, product_id, quantity, refunded_quantity, restocked,
                unit_price, customer, pay_by, transaction_id, verdict, amount, note, failed, outcome, sold from events ",
            $which
        )
    };
}
#[cfg(feature = "test-support")]
pub(in crate::store::postgres) use select_events;

pub const LIST: &str = select_events!("where true");

pub fn read(row: &Row) -> Result<Event> {
    Ok(Event {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
        kind: row.try_get("kind")?,
        data: EventData {
            order: row.try_get("order_id")?,
            hold: row.try_get("hold_id")?,
            payment: row.try_get("payment_id")?,
            product: row.try_get("product_id")?,
            quantity: row.try_get("quantity")?,
            refunded_quantity: row.try_get("refunded_quantity")?,
            restocked: row.try_get("restocked")?,
            unit_price: row.try_get("unit_price")?,
            customer: row.try_get("customer")?,
            pay_by: row.try_get("pay_by")?,
            transaction_id: row.try_get("transaction_id")?,
            verdict: row.try_get("verdict")?,
            amount: row.try_get("amount")?,
            note: row.try_get("note")?,
            failed: row.try_get("failed")?,
            outcome: row.try_get("outcome")?,
            sold: row.try_get("sold")?,
        },
    })
}

/// The events after one, the figures of the feed, and its gaps.
pub fn after(after: i64, events_max: usize) -> [Step; 3] {
    [
        Step::new(select_events!("where id > $1 order by id limit $2"))
            .with(after)
            .with(count(events_max)),
        Step::new(
            "select next_event as next, coalesce((select min(id) from events), next_event) as oldest
                from meta where one = 1",
        ),
        Step::new("select first, last from gaps where ids = 'events' order by first"),
    ]
}

pub fn next_id() -> Step {
    Step::new("select next_event from meta where one = 1")
}

/// The oldest events, for as long as they are to be forgotten: at this time, or by the server's clock.
pub fn due(events_max: usize, terms: &Terms, now: Option<Timestamp>) -> Step {
    Step::new(concat!(
        "select id, at from events where id < coalesce((select id from events where at > coalesce($2::bigint, ",
        server_now!(),
        ") - $3 order by id limit 1), 9223372036854775807) order by id limit $1"
    ))
    .with(count(events_max))
    .with(now)
    .with(i64::from(terms.events_ttl_s) * 1_000_000)
}

pub fn write(set: &WorkingSet, changes: &mut Changes) {
    if let Some(last) = set.events_forgotten() {
        forget(last)
            .into_iter()
            .for_each(|change| changes.first(change));
    }
    let events = set.events();
    if !events.is_empty() {
        changes.add(insert(events.to_vec()));
    }
}

insert! {
    into events from event: Event;
    id: event.id,
    at: event.at,
    kind: event.kind,
    order_id: event.data.order,
    hold_id: event.data.hold,
    payment_id: event.data.payment,
    product_id: event.data.product,
    quantity: event.data.quantity,
    refunded_quantity: event.data.refunded_quantity,
    restocked: event.data.restocked,
    unit_price: event.data.unit_price,
    customer: event.data.customer,
    pay_by: event.data.pay_by,
    transaction_id: event.data.transaction_id,
    verdict: event.data.verdict,
    amount: event.data.amount,
    note: event.data.note,
    failed: event.data.failed,
    outcome: event.data.outcome,
    sold: event.data.sold,
}

/// Up to this one.
fn forget(last: EventId) -> [Change; 2] {
    [
        Change::new(
            "update meta set events_since = greatest(events_since, (select max(at) from events where id <= $1))
                where one = 1",
        )
        .with(last),
        Change::new("delete from events where id <= $1").with(last),
    ]
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "events count up by one from the oldest that is kept",
        "select count(*) from events",
        "select abs(next_event - oldest - (select count(*) from events)
                - (select coalesce(sum(last - first + 1), 0) from gaps where ids = 'events' and first >= oldest))
            + (next_event <= (select coalesce(max(id), 0) from events))::int
         from meta, (select coalesce((select min(id) from events), (select next_event from meta)) as oldest) kept",
    ),
    (
        "every order paid since events were last forgotten is told of once, and no order that was not paid",
        "select count(*) from orders, meta where paid_at > events_since",
        "select count(*) from meta, orders o left join (
            select order_id, count(*) as told from events where kind = 'order.paid' group by order_id) e on e.order_id = o.id
         where coalesce(e.told, 0) > (o.paid_at is not null)::int
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
