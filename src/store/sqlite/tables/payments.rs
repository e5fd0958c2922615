//! Payment events, and the refunds that they made due.

use rusqlite::types::Type;
use rusqlite::{Row, Transaction, named_params};

use super::insert::{Insert, insert};
use super::{List, Question, Result, limit, one_row};
use crate::sale::{
    HoldId, OrderId, Payment, PaymentId, PaymentTarget, Report, TRANSACTION_ROWS_MAX, Timestamp,
    Verdict, WorkingSet, Written,
};
use crate::store::sqlite::statements::Queries;

/// That an event has waited in vain: `Payment::has_lapsed`, said in SQL.
macro_rules! has_lapsed {
    ($row:literal) => {
        concat!(
            $row,
            ".verdict = 'parked' and ",
            $row,
            ".parked_until <= :now"
        )
    };
}

/// What was paid, in cents: `Report::cents` said in SQL, or `$unsaid`. Of a text SQLite reads the number that it begins with,
/// and a currency may follow. An amount that is written otherwise is more than any: only the rule can tell.
macro_rules! amount_paid {
    ($row:literal, $unsaid:literal) => {
        concat!(
            "case when ",
            $row,
            ".amount is null then ",
            $unsaid,
            " when ",
            $row,
            ".amount glob '*[^0-9.\" a-z]*' or length(",
            $row,
            ".amount) > 22 then 9223372036854775807
                else cast(round(cast(trim(",
            $row,
            ".amount, '\"') as real) * 100) as integer) end"
        )
    };
}

pub(super) use amount_paid;

/// Payments, what they are about, and their verdicts as they stand. A refund is due already if it is for the same target and
/// transaction, or will be by an event that a sweep would settle before.
///
/// The rule stands in `sale/rules/parked.rs` too. It is said here once more, since a list is filtered by what it says and is
/// also read by `export`, which may not write, and so cannot have what is due ended first. The differential test holds the
/// two together.
macro_rules! payments {
    ($($which:expr),+) => {
        concat!(
            "select p.*,
                case when not (",
            has_lapsed!("p"),
            ") then p.verdict
                     when p.status = 'failure' then 'ignored'
                     when exists (select 1 from payments q
                            where q.refund_due = 1 and q.transaction_id = p.transaction_id
                              and (q.order_id = p.named_order or q.named_order = p.named_order or q.named_hold = p.named_hold))
                       or exists (select 1 from payments q
                            where ",
            has_lapsed!("q"),
            " and q.named_order is not null and q.named_order = p.named_order
                              and q.status = 'success' and q.transaction_id = p.transaction_id
                              and (q.parked_until, q.id) < (p.parked_until, p.id))
                       or exists (select 1 from payments q
                            where ",
            has_lapsed!("q"),
            " and q.named_hold is not null and q.named_hold = p.named_hold
                              and q.status = 'success' and q.transaction_id = p.transaction_id
                              and (q.parked_until, q.id) < (p.parked_until, p.id))
                     then 'ignored' else 'late_payment' end as verdict_now,
                (select returned from reversals where transaction_id = p.transaction_id order by id desc limit 1) >= ",
            amount_paid!("p", "coalesce(holds.unit_price * holds.quantity, 0)"),
            " as has_gone_back,
                orders.id as order_now
            from payments p
            left join orders on orders.id = coalesce(p.order_id, p.named_order,
                (select id from orders where hold_id = p.named_hold))
            left join holds on holds.id = coalesce(orders.hold_id, p.named_hold)
            where ",
            $($which),+
        )
    };
}

pub const LIST: List<Payment> = List {
    select: payments!(
        "(:product is null or holds.product_id = :product) and (:customer is null or holds.customer = :customer)
          and (:status is null or verdict_now = :status)"
    ),
    number: "p.id",
    read: read_as_it_stands,
};

pub const LIST_OF_REFUNDS: List<Payment> = List {
    select: payments!(
        "p.id in (select id from payments where refund_due = 1 union all select id from payments where ",
        has_lapsed!("payments"),
        ") and verdict_now in ('amount_mismatch', 'duplicate_payment', 'late_payment')
          and (:status is null
            or (:status = 'resolved') = (p.resolved_at is not null or p.verdict = 'parked' and coalesce(has_gone_back, 0)))"
    ),
    number: "p.id",
    read: read_as_it_stands,
};

pub const ALL: &str = "select * from payments order by id";

pub const NEXT_DEADLINE: &str = "select min(parked_until) from payments where verdict = 'parked'";

/// Pulls in deadlines that lie further off than that of a fresh event, which never outwaits the hold that it names.
pub const PULL_IN: &str = "update payments set parked_until = pulled.until
    from (select p.id, min(:fresh, coalesce(holds.expires_at, :fresh)) as until
        from payments p left join holds on holds.id = p.named_hold where p.verdict = 'parked') as pulled
    where payments.id = pulled.id and payments.parked_until > pulled.until";

/// An event that waits for an order that can never come has waited in vain, whatever time it is.
pub const END_WAIT_FOR_LOST: &str = "update payments set parked_until = 0
    where verdict = 'parked'
      and exists (select 1 from gaps where ids = 'orders' and named_order between first and last)";

pub fn read(row: &Row<'_>) -> Result<Payment> {
    let named_order = row
        .get::<_, Option<OrderId>>("named_order")?
        .map(PaymentTarget::Order);
    let named_hold = row
        .get::<_, Option<HoldId>>("named_hold")?
        .map(PaymentTarget::Hold);
    Ok(Payment {
        id: row.get("id")?,
        key: row.get("key")?,
        target: named_order.or(named_hold).ok_or_else(names_nothing)?,
        order: row.get("order_id")?,
        report: Report {
            status: row.get("status")?,
            amount: row.get("amount")?,
            transaction_id: row.get("transaction_id")?,
        },
        verdict: row.get("verdict")?,
        parked_until: row.get("parked_until")?,
        refund_due: row.get("refund_due")?,
        received_at: row.get("received_at")?,
        resolved_at: row.get("resolved_at")?,
        resolution: row.get("resolution")?,
        note: row.get("note")?,
    })
}

fn names_nothing() -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(0, "an event that names nothing".into(), Type::Null)
}

/// A row of a list: with the order that it means by now, and its verdict as it stands.
fn read_as_it_stands(row: &Row<'_>) -> Result<Payment> {
    let payment = Payment {
        order: row.get("order_now")?,
        ..read(row)?
    };
    let verdict = row.get("verdict_now")?;
    if payment.verdict == verdict {
        return Ok(payment);
    }
    let has_gone_back: Option<bool> = row.get("has_gone_back")?;
    let is_resolved = has_gone_back == Some(true) && verdict == Verdict::LatePayment;
    Ok(payment.settled_as(verdict, is_resolved))
}

/// With its payload.
pub fn read_whole(row: &Row<'_>) -> Result<(Payment, Option<String>)> {
    Ok((read(row)?, row.get("payload")?))
}

pub fn by_id(rows: &impl Queries, id: PaymentId) -> Result<Option<Payment>> {
    let sql = "select * from payments where id = :id";
    rows.one(sql, named_params! {":id": id}, read)
}

pub fn by_key(rows: &impl Queries, key: &str) -> Result<Option<Payment>> {
    let sql = "select * from payments where key = :key";
    rows.one(sql, named_params! {":key": key}, read)
}

pub fn parked_on(rows: &impl Queries, target: PaymentTarget) -> Result<Vec<Payment>> {
    let by_order =
        "select * from payments where verdict = 'parked' and named_order = :id order by id";
    let by_hold =
        "select * from payments where verdict = 'parked' and named_hold = :id order by id";
    match target {
        PaymentTarget::Order(id) => rows.all(by_order, named_params! {":id": id}, read),
        PaymentTarget::Hold(id) => rows.all(by_hold, named_params! {":id": id}, read),
    }
}

pub fn refunds(
    rows: &impl Queries,
    target: PaymentTarget,
    transaction_id: &str,
) -> Result<Vec<Payment>> {
    let (order, hold) = match target {
        PaymentTarget::Order(id) => (Some(id), None),
        PaymentTarget::Hold(id) => (None, Some(id)),
    };
    let sql = "select * from payments where refund_due = 1 and transaction_id = :transaction_id
          and (order_id = :order or named_order = :order or named_hold = :hold) order by id";
    let params = named_params! {":transaction_id": transaction_id, ":order": order, ":hold": hold};
    rows.all(sql, params, read)
}

/// The newest of the transaction whose refunds ever were due, and the newest that are parked.
pub fn of_transaction(rows: &impl Queries, transaction_id: &str) -> Result<Vec<Payment>> {
    let refunds = "select * from payments where refund_due = 1 and transaction_id = :transaction
        order by id desc limit :limit";
    let parked = "select * from payments
        where verdict = 'parked' and transaction_id is not null and transaction_id = :transaction
        order by id desc limit :limit";
    let params =
        named_params! {":transaction": transaction_id, ":limit": limit(TRANSACTION_ROWS_MAX)};
    let mut payments = rows.all(refunds, params, read)?;
    payments.extend(rows.all(parked, params, read)?);
    Ok(payments)
}

/// The parked events that have waited too long, oldest first.
pub fn lapsed(rows: &impl Queries, rows_max: usize, now: Timestamp) -> Result<Vec<Payment>> {
    let sql = concat!(
        "select * from payments where ",
        has_lapsed!("payments"),
        " order by parked_until, id limit :limit"
    );
    let params = named_params! {":now": now, ":limit": limit(rows_max)};
    rows.all(sql, params, read)
}

const INSERT: Insert = insert!(
    "payments (id, key, named_order, named_hold, order_id, status, amount, transaction_id, payload, verdict, parked_until,
        refund_due, received_at, resolved_at, resolution, note)",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    let mut update = tx.prepare_cached(
        "update payments set order_id = :order, verdict = :verdict, parked_until = :parked_until,
                refund_due = :refund_due, resolved_at = :resolved_at, resolution = :resolution, note = :note
            where id = :id and verdict = :from and resolved_at is :resolved_from",
    )?;
    let mut new = Vec::new();
    for payment in set.payments.written() {
        match payment {
            Written::New(payment) => new.push(payment),
            Written::Changed { from, to } => one_row(
                &mut update,
                named_params! {
                    ":id": to.id, ":from": from.verdict, ":verdict": to.verdict,
                    ":resolved_from": from.resolved_at,
                    ":order": to.order, ":refund_due": to.refund_due,
                    ":parked_until": to.parked_until,
                    ":resolved_at": to.resolved_at,
                    ":resolution": to.resolution, ":note": to.note,
                },
            )?,
        }
    }
    INSERT.run(tx, &new, |values, payment| {
        let Payment {
            id,
            key,
            target,
            order,
            report:
                Report {
                    status,
                    amount,
                    transaction_id,
                },
            verdict,
            parked_until,
            refund_due,
            received_at,
            resolved_at,
            resolution,
            note,
        } = payment;
        let (named_order, named_hold) = match target {
            PaymentTarget::Order(id) => (Some(id), None),
            PaymentTarget::Hold(id) => (None, Some(id)),
        };
        let payload = set.payload(*id);
        values.bind([
            id,
            key,
            &named_order,
            &named_hold,
            order,
            status,
            amount,
            transaction_id,
            &payload,
            verdict,
            parked_until,
            refund_due,
            received_at,
            resolved_at,
            resolution,
            note,
        ])
    })
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "no refund is due for the transaction that paid its order",
        "select count(*) from payments where refund_due = 1 and resolved_at is null",
        "select count(*) from payments p where refund_due = 1 and resolved_at is null and exists (
            select 1 from orders o where o.transaction_id = p.transaction_id
                and (o.id = p.order_id or o.id = p.named_order or o.hold_id = p.named_hold))",
    ),
    (
        "no payment key took effect twice",
        "select count(*) from payments",
        "select count(*) from (select key from payments group by key having count(*) > 1)",
    ),
    // Two events that stopped waiting before there was an order, one naming it and the other its hold, are both due:
    // it could not be known then that they meant the same. A later event sees both.
    (
        "one transaction's refund is due once",
        "select count(*) from payments where refund_due = 1 and transaction_id is not null",
        "select count(*) from (
            select sum(p.order_id is not null) as by_order,
                sum(p.order_id is null and p.named_order is not null) as before_it,
                sum(p.order_id is null and p.named_hold is not null) as before_it_by_hold
            from payments p left join orders o on o.hold_id = p.named_hold
            where p.refund_due = 1 and p.transaction_id is not null
                and (p.resolution is null or p.resolution = 'paid_back')
            group by p.transaction_id, coalesce(p.order_id, p.named_order, o.id),
                case when coalesce(p.order_id, p.named_order, o.id) is null then p.named_hold end)
         where by_order + max(before_it, before_it_by_hold) > 1",
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
        "every hold that a payment names is there, or was skipped by a restore",
        "select count(*) from payments where named_hold is not null",
        "select count(*) from payments where named_hold is not null
            and not exists (select 1 from holds where id = named_hold)
            and not exists (select 1 from gaps where ids = 'holds' and named_hold between first and last)",
    ),
];
