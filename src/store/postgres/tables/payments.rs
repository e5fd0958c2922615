//! Payment events, and the refunds that they made due.

use tokio_postgres::Row;

use super::counters::server_now;
use super::{Question, Result, count};
use crate::sale::{
    HoldId, OrderId, Payment, PaymentId, PaymentTarget, Report, TRANSACTION_ROWS_MAX, Timestamp,
    Verdict, WorkingSet, Written,
};
use crate::store::postgres::changes::{Change, Changes};
use crate::store::postgres::new_rows::insert;
use crate::store::postgres::server_error::ServerError;
use crate::store::postgres::session::Step;

macro_rules! select_payments {
    ($which:expr) => {
        concat!(
            "select id, key, named_order, named_hold, order_id, status, amount, transaction_id, verdict, parked_until, refund_due,
                received_at, resolved_at, resolution, note from payments ",
            $which
        )
    };
}

/// Every payment with its payload.
#[cfg(feature = "test-support")]
pub const ALL: &str = "select id, key, named_order, named_hold, order_id, status, amount, transaction_id, verdict, parked_until,
    refund_due, received_at, resolved_at, resolution, note, payload from payments order by id";

/// What was paid, in cents: `Report::cents` said in SQL, or `$unsaid`. An amount that is not written as plain digits, which a
/// currency may follow, is more than any: only the rule can tell.
macro_rules! amount_paid {
    ($unsaid:literal) => {
        concat!(
            "case when p.amount is null then ",
            $unsaid,
            "::numeric when p.amount !~ '^\"?[0-9]+([.][0-9]+)?( [a-z]{3})?\"?$' then 9223372036854775807
                else round(substring(p.amount from '[0-9.]+')::numeric * 100) end"
        )
    };
}
pub(super) use amount_paid;

/// Payments, what they are about, and their verdicts as they stand at `$4`. A refund is due
/// already if it is for the same target and transaction, or will be by an event that a sweep would settle before.
///
/// Said here once more for the reason that SQLite's tables give; the differential test holds all three together.
macro_rules! payments {
    ($which:literal) => {
        concat!(
            "select l.id, l.key, l.named_order, l.named_hold, l.order_id, l.status, l.amount, l.transaction_id, l.verdict,
                l.parked_until, l.refund_due, l.received_at, l.resolved_at, l.resolution, l.note, l.verdict_now, l.has_gone_back, l.order_now
             from (select p.*,
                case when p.verdict <> 'parked' or p.parked_until > $4::bigint then p.verdict
                     when p.status = 'failure' then 'ignored'
                     when exists (select 1 from payments q
                            where q.refund_due and q.transaction_id = p.transaction_id
                              and (q.order_id = p.named_order or q.named_order = p.named_order or q.named_hold = p.named_hold))
                       or exists (select 1 from payments q
                            where q.verdict = 'parked' and q.named_order is not null and q.named_order = p.named_order
                              and q.status = 'success' and q.transaction_id = p.transaction_id
                              and q.parked_until <= $4 and (q.parked_until, q.id) < (p.parked_until, p.id))
                       or exists (select 1 from payments q
                            where q.verdict = 'parked' and q.named_hold is not null and q.named_hold = p.named_hold
                              and q.status = 'success' and q.transaction_id = p.transaction_id
                              and q.parked_until <= $4 and (q.parked_until, q.id) < (p.parked_until, p.id))
                     then 'ignored' else 'late_payment' end as verdict_now,
                (select returned from reversals where transaction_id = p.transaction_id order by id desc limit 1) >= ",
            amount_paid!("coalesce(holds.unit_price * holds.quantity, 0)"),
            " as has_gone_back,
                orders.id as order_now, holds.product_id, holds.customer
             from payments p
             left join orders on orders.id = coalesce(p.order_id, p.named_order,
                (select id from orders where hold_id = p.named_hold))
             left join holds on holds.id = coalesce(orders.hold_id, p.named_hold)) l
             where ",
            $which
        )
    };
}

pub const LIST: &str = payments!(
    "($1::bigint is null or l.product_id = $1) and ($2::text is null or l.customer = $2)
      and ($3::text is null or l.verdict_now = $3)"
);

/// Of a status `$3`. The first two parameters mean nothing.
pub const LIST_OF_REFUNDS: &str = payments!(
    "$1::bigint is null and $2::text is null and l.id in (
        select id from payments where refund_due
        union all select id from payments where verdict = 'parked' and parked_until <= $4)
      and l.verdict_now in ('amount_mismatch', 'duplicate_payment', 'late_payment')
      and ($3::text is null
        or ($3 = 'resolved') = (l.resolved_at is not null or l.verdict = 'parked' and coalesce(l.has_gone_back, false)))"
);

pub fn read(row: &Row) -> Result<Payment> {
    let named_order = row
        .try_get::<_, Option<OrderId>>("named_order")?
        .map(PaymentTarget::Order);
    let named_hold = row
        .try_get::<_, Option<HoldId>>("named_hold")?
        .map(PaymentTarget::Hold);
    let names_nothing = || ServerError::Misread("an event that names nothing".into());
    Ok(Payment {
        id: row.try_get("id")?,
        key: row.try_get("key")?,
        target: named_order.or(named_hold).ok_or_else(names_nothing)?,
        order: row.try_get("order_id")?,
        report: Report {
            status: row.try_get("status")?,
            amount: row.try_get("amount")?,
            transaction_id: row.try_get("transaction_id")?,
        },
        verdict: row.try_get("verdict")?,
        parked_until: row.try_get("parked_until")?,
        refund_due: row.try_get("refund_due")?,
        received_at: row.try_get("received_at")?,
        resolved_at: row.try_get("resolved_at")?,
        resolution: row.try_get("resolution")?,
        note: row.try_get("note")?,
    })
}

/// A row of a list: with the order that it means by now, and its verdict as it stands.
pub fn read_as_it_stands(row: &Row) -> Result<Payment> {
    let payment = Payment {
        order: row.try_get("order_now")?,
        ..read(row)?
    };
    let verdict = row.try_get("verdict_now")?;
    if payment.verdict == verdict {
        return Ok(payment);
    }
    let has_gone_back: Option<bool> = row.try_get("has_gone_back")?;
    let is_resolved = has_gone_back == Some(true) && verdict == Verdict::LatePayment;
    Ok(payment.settled_as(verdict, is_resolved))
}

pub fn by_ids(ids: Vec<PaymentId>) -> Step {
    Step::new(select_payments!("where id = any($1)")).with(ids)
}

pub fn by_keys(keys: Vec<String>) -> Step {
    Step::new(select_payments!("where key = any($1)")).with(keys)
}

pub fn parked_on_orders(orders: Vec<OrderId>) -> Step {
    Step::new(select_payments!(
        "where verdict = 'parked' and named_order is not null and named_order = any($1) order by id"
    ))
    .with(orders)
}

pub fn parked_on_holds(holds: Vec<HoldId>) -> Step {
    Step::new(select_payments!(
        "where verdict = 'parked' and named_hold is not null and named_hold = any($1) order by id"
    ))
    .with(holds)
}

/// What waits for the next `orders` orders that will be placed, after the first `skipped` ones.
pub fn parked_on_orders_to_come(skipped: i64, orders: i64) -> Step {
    Step::new(select_payments!(
        "where verdict = 'parked' and named_order is not null
            and named_order >= (select next_order from meta where one = 1) + $1
            and named_order < (select next_order from meta where one = 1) + $1 + $2 order by id"
    ))
    .with(skipped)
    .with(orders)
}

/// The refunds of each transaction for each payee: an order or a hold. `number` counts the questions.
pub fn refunds(
    orders: Vec<Option<OrderId>>,
    holds: Vec<Option<HoldId>>,
    transactions: Vec<String>,
) -> Step {
    Step::new(
        "select p.id, p.key, p.named_order, p.named_hold, p.order_id, p.status, p.amount, p.transaction_id, p.verdict,
                p.parked_until, p.refund_due, p.received_at, p.resolved_at, p.resolution, p.note, t.number
            from unnest($1::bigint[], $2::bigint[], $3::text[]) with ordinality as t(to_order, to_hold, transaction_id, number)
            join payments p on p.refund_due and p.transaction_id = t.transaction_id
                and (p.order_id = t.to_order or p.named_order = t.to_order or p.named_hold = t.to_hold)
            order by p.id",
    )
    .with(orders)
    .with(holds)
    .with(transactions)
}

/// The newest of each transaction whose refunds ever were due, and the newest that are parked.
pub fn of_transactions(transactions: Vec<String>) -> Step {
    Step::new(
        "select p.id, p.key, p.named_order, p.named_hold, p.order_id, p.status, p.amount, p.transaction_id, p.verdict,
                p.parked_until, p.refund_due, p.received_at, p.resolved_at, p.resolution, p.note
            from unnest($1::text[]) as t(transaction_id) cross join lateral (
                (select * from payments where refund_due and transaction_id = t.transaction_id
                    order by id desc limit $2)
                union all
                (select * from payments
                    where verdict = 'parked' and transaction_id is not null and transaction_id = t.transaction_id
                    order by id desc limit $2)) p",
    )
    .with(transactions)
    .with(count(TRANSACTION_ROWS_MAX))
}

/// The parked events that have waited too long, oldest first: at this time, or by the server's clock.
pub fn lapsed(rows_max: usize, now: Option<Timestamp>) -> Step {
    Step::new(select_payments!(concat!(
        "where verdict = 'parked' and parked_until <= coalesce($2::bigint, ",
        server_now!(),
        ") order by parked_until, id limit $1"
    )))
    .with(count(rows_max))
    .with(now)
}

pub fn write(set: &WorkingSet, changes: &mut Changes) {
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for payment in set.payments.written() {
        match payment {
            Written::New(payment) => {
                let payload = set.payload(payment.id).map(str::to_owned);
                new.push((payment.clone(), payload));
            }
            Written::Changed { from, to } => changed.push((from, to)),
        }
    }
    if !new.is_empty() {
        changes.add(insert(new));
    }
    if !changed.is_empty() {
        changes.add(update(&changed));
    }
}

fn column<T>(payments: &[&Payment], field: impl Fn(&Payment) -> T) -> Vec<T> {
    payments.iter().map(|payment| field(payment)).collect()
}

/// A payment, and the payload that came with it.
type Received = (Payment, Option<String>);

insert! {
    into payments from received: Received;
    id: received.0.id,
    key: received.0.key,
    named_order: received.0.target.order(),
    named_hold: received.0.target.hold(),
    order_id: received.0.order,
    status: received.0.report.status,
    amount: received.0.report.amount,
    transaction_id: received.0.report.transaction_id,
    payload: received.1,
    verdict: received.0.verdict,
    parked_until: received.0.parked_until,
    refund_due: received.0.refund_due,
    received_at: received.0.received_at,
    resolved_at: received.0.resolved_at,
    resolution: received.0.resolution,
    note: received.0.note,
}

fn update(changed: &[(&Payment, &Payment)]) -> Change {
    let (from, to): (Vec<&Payment>, Vec<&Payment>) = changed.iter().copied().unzip();
    Change::of(changed.len(),
        "update payments p set order_id = t.order_id, verdict = t.verdict, parked_until = t.parked_until,
                refund_due = t.refund_due, resolved_at = t.resolved_at, resolution = t.resolution, note = t.note
            from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::boolean[],
                $8::bigint[], $9::text[], $10::text[]) as t(id, from_verdict, resolved_from, order_id, verdict, parked_until,
                refund_due, resolved_at, resolution, note)
            where p.id = t.id and p.verdict = t.from_verdict and p.resolved_at is not distinct from t.resolved_from")
    .with(column(&to, |it| it.id))
    .with(column(&from, |it| it.verdict))
    .with(column(&from, |it| it.resolved_at))
    .with(column(&to, |it| it.order))
    .with(column(&to, |it| it.verdict))
    .with(column(&to, |it| it.parked_until))
    .with(column(&to, |it| it.refund_due))
    .with(column(&to, |it| it.resolved_at))
    .with(column(&to, |it| it.resolution))
    .with(column(&to, |it| it.note.clone()))
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "no refund is due for the transaction that paid its order",
        "select count(*) from payments where refund_due and resolved_at is null",
        "select count(*) from payments p where refund_due and resolved_at is null and exists (
            select 1 from orders o where o.transaction_id = p.transaction_id
                and (o.id = p.order_id or o.id = p.named_order or o.hold_id = p.named_hold))",
    ),
    (
        "no payment key took effect twice",
        "select count(*) from payments",
        "select count(*) from (select key from payments group by key having count(*) > 1) twice",
    ),
    // Two events that stopped waiting before there was an order, one naming it and the other its hold, are both due:
    // it could not be known then that they meant the same. A later event sees both.
    (
        "one transaction's refund is due once",
        "select count(*) from payments where refund_due and transaction_id is not null",
        "select count(*) from (
            select count(*) filter (where p.order_id is not null) as by_order,
                count(*) filter (where p.order_id is null and p.named_order is not null) as before_it,
                count(*) filter (where p.order_id is null and p.named_hold is not null) as before_it_by_hold
            from payments p left join orders o on o.hold_id = p.named_hold
            where p.refund_due and p.transaction_id is not null
                and (p.resolution is null or p.resolution = 'paid_back')
            group by p.transaction_id, coalesce(p.order_id, p.named_order, o.id),
                case when coalesce(p.order_id, p.named_order, o.id) is null then p.named_hold end) due
         where by_order + greatest(before_it, before_it_by_hold) > 1",
    ),
    (
        "parked payments are as many as counted, and none waits for what is there or lost",
        "select count(*) from payments where verdict = 'parked'",
        "select abs(parked - (select count(*) from payments where verdict = 'parked')) + (
            select count(*) from payments p where verdict = 'parked' and (
                exists (select 1 from orders where id = p.named_order)
                or exists (select 1 from orders where hold_id = p.named_hold)
                or named_order < next_order and parked_until > 0))
         from meta",
    ),
    (
        "every order that a payment belongs to is there",
        "select count(*) from payments where order_id is not null",
        "select count(*) from payments where order_id is not null and not exists (select 1 from orders where id = order_id)",
    ),
    (
        "every hold that a payment names is there, or was skipped by a restore",
        "select count(*) from payments where named_hold is not null",
        "select count(*) from payments where named_hold is not null
            and not exists (select 1 from holds where id = named_hold)
            and not exists (select 1 from gaps where ids = 'holds' and named_hold between first and last)",
    ),
];
