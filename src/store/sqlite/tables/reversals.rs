//! What was reported about money that came before. Rows are appended and never changed: each says how its transaction stands
//! with it.

use rusqlite::{Row, Transaction, named_params};

use super::payments::amount_paid;
use super::{List, Question, Result, one_row};
use crate::sale::{Reversal, Standing, WorkingSet};
use crate::store::sqlite::statements::Queries;

/// By what an operator asks.
pub const LIST: List<Reversal> = List {
    select: "select * from reversals
        where (:kind is null or kind = :kind) and (:transaction is null or transaction_id = :transaction)",
    number: "id",
    read,
};

/// With their payloads.
pub const ALL: &str = "select * from reversals order by id";

pub fn read(row: &Row<'_>) -> Result<Reversal> {
    Ok(Reversal {
        id: row.get("id")?,
        key: row.get("key")?,
        kind: row.get("kind")?,
        transaction_id: row.get("transaction_id")?,
        amount: row.get("amount")?,
        verdict: row.get("verdict")?,
        received_at: row.get("received_at")?,
        standing: read_standing(row)?,
    })
}

fn read_standing(row: &Row<'_>) -> Result<Standing> {
    Ok(Standing {
        refunded_amount: row.get("refunded_amount")?,
        returned: row.get("returned")?,
        dispute: row.get("dispute")?,
    })
}

pub fn read_whole(row: &Row<'_>) -> Result<(Reversal, Option<String>)> {
    Ok((read(row)?, row.get("payload")?))
}

pub fn by_key(rows: &impl Queries, key: &str) -> Result<Option<Reversal>> {
    let sql = "select * from reversals where key = :key";
    rows.one(sql, named_params! {":key": key}, read)
}

/// As the last report says.
pub fn standing(rows: &impl Queries, transaction_id: &str) -> Result<Standing> {
    let sql = "select refunded_amount, returned, dispute from reversals
        where transaction_id = :transaction order by id desc limit 1";
    let params = named_params! {":transaction": transaction_id};
    Ok(rows.one(sql, params, read_standing)?.unwrap_or_default())
}

pub fn write(tx: &Transaction<'_>, set: &WorkingSet) -> Result<()> {
    let new = set.new_reversals();
    if new.is_empty() {
        return Ok(());
    }
    let mut insert = tx.prepare_cached(
        "insert into reversals (id, key, kind, transaction_id, amount, payload, verdict, received_at, refunded_amount,
                returned, dispute)
            values (:id, :key, :kind, :transaction, :amount, :payload, :verdict, :received_at, :refunded_amount,
                :returned, :dispute)",
    )?;
    new.iter().try_for_each(|reversal| {
        let standing = reversal.standing;
        one_row(
            &mut insert,
            named_params! {
                ":id": reversal.id, ":key": reversal.key, ":kind": reversal.kind,
                ":transaction": reversal.transaction_id, ":amount": reversal.amount,
                ":payload": set.payload(reversal.id), ":verdict": reversal.verdict,
                ":received_at": reversal.received_at, ":refunded_amount": standing.refunded_amount,
                ":returned": standing.returned, ":dispute": standing.dispute,
            },
        )
    })
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "no key of a report took effect twice, and none is a payment's",
        "select count(*) from reversals",
        "select (select count(*) from (select key from reversals group by key having count(*) > 1))
            + (select count(*) from reversals join payments using (key))",
    ),
    (
        "each report about a transaction says how it stands by all reports so far",
        "select count(*) from reversals",
        "with numbered as (
            select r.*, sum(kind = 'refund_failed') over (partition by transaction_id order by id) as failures,
                max(iif(kind = 'dispute_won' or kind = 'dispute_lost', id, null))
                    over (partition by transaction_id order by id) as closed_by
            from reversals r),
         judged as (
            select n.*,
                max(iif(kind = 'refunded', coalesce(amount, 0), 0))
                    over (partition by transaction_id order by id) as refunded_in_all,
                max(iif(kind = 'refunded', coalesce(amount, 9223372036854775807), null))
                    over (partition by transaction_id, failures order by id) as returned_since,
                max(kind = 'dispute_opened') over (partition by transaction_id order by id) as was_opened
            from numbered n)
         select count(*) from judged j left join reversals c on c.id = j.closed_by
            where j.refunded_amount is not j.refunded_in_all or j.returned is not j.returned_since
                or j.dispute is not case when c.kind = 'dispute_won' then 'won' when c.kind = 'dispute_lost' then 'lost'
                    when j.was_opened then 'open' end",
    ),
    // A name that more orders have in common than a report reaches is no transaction's.
    (
        "a paid order shows how its transaction stands, and no other shows anything",
        "select count(*) from reversals",
        "select count(*) from orders o left join reversals r
            on r.id = (select max(id) from reversals where transaction_id = o.transaction_id)
         where (o.refunded_amount is not coalesce(r.refunded_amount, 0) or o.dispute is not r.dispute)
            and (select count(*) from orders where transaction_id = o.transaction_id) <= 256",
    ),
    (
        "no refund is due whose money went back",
        "select count(*) from payments where refund_due = 1 and resolved_at is null",
        concat!(
            "select count(*) from payments p
            join reversals r on r.id = (select max(id) from reversals where transaction_id = p.transaction_id)
            left join holds h on h.id = p.named_hold
            left join orders o on o.id = coalesce(p.order_id, p.named_order)
         where p.refund_due = 1 and p.resolved_at is null and r.returned >= ",
            amount_paid!(
                "p",
                "coalesce(o.total_price, h.unit_price * h.quantity, 0)"
            ),
            " and (select count(*) from payments where refund_due = 1 and transaction_id = p.transaction_id) <= 256"
        ),
    ),
];
