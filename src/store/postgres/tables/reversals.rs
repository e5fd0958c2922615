//! What was reported about money that came before. Rows are appended and never changed: each says how its transaction stands
//! with it.

use tokio_postgres::Row;

use super::payments::amount_paid;
use super::{Question, Result};
use crate::sale::{Reversal, Standing, WorkingSet};
use crate::store::postgres::changes::Changes;
use crate::store::postgres::new_rows::insert;
use crate::store::postgres::session::Step;

macro_rules! select_reversals {
    ($which:literal) => {
        concat!(
            "select id, key, kind, transaction_id, amount, payload, verdict, received_at, refunded_amount, returned, dispute
                from reversals ",
            $which
        )
    };
}

/// By what an operator asks.
pub const LIST: &str = select_reversals!(
    "where ($1::text is null or kind = $1) and ($2::text is null or transaction_id = $2)"
);

#[cfg(feature = "test-support")]
pub const ALL: &str = select_reversals!("order by id");

pub fn read(row: &Row) -> Result<Reversal> {
    Ok(Reversal {
        id: row.try_get("id")?,
        key: row.try_get("key")?,
        kind: row.try_get("kind")?,
        transaction_id: row.try_get("transaction_id")?,
        amount: row.try_get("amount")?,
        verdict: row.try_get("verdict")?,
        received_at: row.try_get("received_at")?,
        standing: read_standing(row)?,
    })
}

pub fn read_standing(row: &Row) -> Result<Standing> {
    Ok(Standing {
        refunded_amount: row.try_get("refunded_amount")?,
        returned: row.try_get("returned")?,
        dispute: row.try_get("dispute")?,
    })
}

pub fn by_keys(keys: Vec<String>) -> Step {
    Step::new(select_reversals!("where key = any($1)")).with(keys)
}

/// The last report of each transaction that there is one of.
pub fn standings(transactions: Vec<String>) -> Step {
    Step::new(
        "select t.transaction_id, r.refunded_amount, r.returned, r.dispute from unnest($1::text[]) as t(transaction_id)
            cross join lateral (select refunded_amount, returned, dispute from reversals
                where transaction_id = t.transaction_id order by id desc limit 1) r",
    )
    .with(transactions)
}

pub fn write(set: &WorkingSet, changes: &mut Changes) {
    let new = set.new_reversals();
    if new.is_empty() {
        return;
    }
    let reported = |reversal: &Reversal| {
        let payload = set.payload(reversal.id).map(str::to_owned);
        (reversal.clone(), payload)
    };
    changes.add(insert(new.iter().map(reported).collect()));
}

/// A reversal, and the payload that came with it.
type Reported = (Reversal, Option<String>);

insert! {
    into reversals from reported: Reported;
    id: reported.0.id,
    key: reported.0.key,
    kind: reported.0.kind,
    transaction_id: reported.0.transaction_id,
    amount: reported.0.amount,
    payload: reported.1,
    verdict: reported.0.verdict,
    received_at: reported.0.received_at,
    refunded_amount: reported.0.standing.refunded_amount,
    returned: reported.0.standing.returned,
    dispute: reported.0.standing.dispute,
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[
    (
        "no key of a report took effect twice, and none is a payment's",
        "select count(*) from reversals",
        "select (select count(*) from (select key from reversals group by key having count(*) > 1) twice)
            + (select count(*) from reversals join payments using (key))",
    ),
    (
        "each report about a transaction says how it stands by all reports so far",
        "select count(*) from reversals",
        "with numbered as (
            select r.*, count(*) filter (where kind = 'refund_failed')
                    over (partition by transaction_id order by id) as failures,
                max(id) filter (where kind in ('dispute_won', 'dispute_lost'))
                    over (partition by transaction_id order by id) as closed_by
            from reversals r),
         judged as (
            select n.*,
                coalesce(max(amount) filter (where kind = 'refunded')
                    over (partition by transaction_id order by id), 0) as refunded_in_all,
                max(coalesce(amount, 9223372036854775807)) filter (where kind = 'refunded')
                    over (partition by transaction_id, failures order by id) as returned_since,
                count(*) filter (where kind = 'dispute_opened')
                    over (partition by transaction_id order by id) as times_opened
            from numbered n)
         select count(*) from judged j left join reversals c on c.id = j.closed_by
            where j.refunded_amount is distinct from j.refunded_in_all or j.returned is distinct from j.returned_since
                or j.dispute is distinct from case when c.kind = 'dispute_won' then 'won'
                    when c.kind = 'dispute_lost' then 'lost' when j.times_opened > 0 then 'open' end",
    ),
    // A name that more orders have in common than a report reaches is no transaction's.
    (
        "a paid order shows how its transaction stands, and no other shows anything",
        "select count(*) from reversals",
        "select count(*) from orders o left join reversals r
            on r.id = (select max(id) from reversals where transaction_id = o.transaction_id)
         where (o.refunded_amount is distinct from coalesce(r.refunded_amount, 0) or o.dispute is distinct from r.dispute)
            and (select count(*) from orders s where s.transaction_id = o.transaction_id) <= 256",
    ),
    (
        "no refund is due whose money went back",
        "select count(*) from payments where refund_due and resolved_at is null",
        concat!(
            "select count(*) from payments p
            join reversals r on r.id = (select max(id) from reversals where transaction_id = p.transaction_id)
            left join holds h on h.id = p.named_hold
            left join orders o on o.id = coalesce(p.order_id, p.named_order)
         where p.refund_due and p.resolved_at is null and r.returned >= ",
            amount_paid!("coalesce(o.total_price, h.unit_price * h.quantity, 0)"),
            " and (select count(*) from payments s where s.refund_due and s.transaction_id = p.transaction_id) <= 256"
        ),
    ),
];
