//! The proof of the books: every invariant of the sale asked of the tables themselves, one short read each, so that it can
//! run beside a live server.

use rusqlite::Connection;
use serde::Serialize;

use super::not_applied;
use crate::store::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    Quick,
    /// With SQLite's own `integrity_check`, which reads the whole file.
    Full,
}

/// One invariant, how many things it was asked of, and how many of them break it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub checked: i64,
    pub broken: i64,
}

/// A name, how many rows it concerns, and how many of them break it, counted in one statement and so at one moment.
const CHECKS: [(&str, &str, &str); 20] = [
    (
        "stock is conserved: total = available + reserved + sold, none below 0",
        "select count(*) from products",
        "select count(*) from products where total <> available + reserved + sold or min(available, reserved, sold) < 0",
    ),
    (
        "the ledger's replay equals the counters",
        "select count(*) from movements",
        "select count(*) from products p left join (
            select product_id, sum(available) as available, sum(reserved) as reserved, sum(sold) as sold
            from movements group by product_id) m on m.product_id = p.id
         where (p.available, p.reserved, p.sold)
            is not (coalesce(m.available, 0), coalesce(m.reserved, 0), coalesce(m.sold, 0))",
    ),
    (
        "the ledger has no gap",
        "select count(*) from products",
        "select count(*) from products p left join (
            select product_id, count(*) as movements, max(version) as version from movements group by product_id) m
            on m.product_id = p.id
         where p.version is not coalesce(m.version, 0) or p.version is not coalesce(m.movements, 0)",
    ),
    (
        "reserved units are those of live holds and pending orders",
        "select count(*) from products",
        "select count(*) from products p left join (
            select product_id, sum(quantity) as units from (
                select product_id, quantity from holds where status = 'active'
                union all select product_id, quantity from orders where status = 'pending')
            group by product_id) r on r.product_id = p.id
         where p.reserved <> coalesce(r.units, 0)",
    ),
    (
        "sold units are those of paid orders",
        "select count(*) from products",
        "select count(*) from products p left join (
            select product_id, sum(quantity) as units from orders where status = 'paid' group by product_id) s
            on s.product_id = p.id
         where p.sold <> coalesce(s.units, 0)",
    ),
    (
        "every hold is resolved once: it has an order exactly if it was ordered",
        "select count(*) from holds",
        "select count(*) from holds left join orders on orders.hold_id = holds.id
         where (holds.status = 'ordered') <> (orders.id is not null)",
    ),
    (
        "no hold has two orders",
        "select count(*) from orders",
        "select count(*) from (select hold_id from orders group by hold_id having count(*) > 1)",
    ),
    (
        "every order is its hold's: product, quantity, price, customer",
        "select count(*) from orders",
        "select count(*) from orders o join holds h on h.id = o.hold_id
         where (o.product_id, o.quantity, o.unit_price, o.customer)
            is not (h.product_id, h.quantity, h.unit_price, h.customer)",
    ),
    (
        "every hold moved its stock as its status says",
        "select count(*) from holds",
        "select count(*) from holds h left join (
            select hold_id, sum(kind = 'hold_placed') as placed, sum(kind = 'hold_released') as released,
                sum(kind = 'hold_expired') as expired
            from movements where hold_id is not null group by hold_id) m on m.hold_id = h.id
         where (m.placed, m.released, m.expired) is not (1, h.status = 'released', h.status = 'expired')",
    ),
    (
        "every order was paid as often as its status says",
        "select count(*) from orders",
        "select count(*) from orders o left join (
            select order_id, sum(kind in ('order_paid', 'order_paid_late')) as paid,
                sum(kind in ('order_restocked', 'order_written_off')) as refunded
            from movements where order_id is not null group by order_id) m on m.order_id = o.id
         where (coalesce(m.paid, 0), coalesce(m.refunded, 0))
            is not (o.status in ('paid', 'refunded'), o.status = 'refunded')",
    ),
    (
        "every paid order has the one payment that paid it, and one of 0.00 has none",
        "select count(*) from orders where paid_at is not null",
        "select count(*) from orders o left join (
            select order_id, count(*) as payments from payments
            where (verdict = 'applied' and status = 'success') or resolution = 'accepted' group by order_id) p
            on p.order_id = o.id
         where o.paid_at is not null and coalesce(p.payments, 0) <> (o.total_price > 0)",
    ),
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
    // nobody could know then that they meant the same. Whoever comes later sees both.
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
    (
        "parked payments are as many as counted, and none waits for what is there",
        "select count(*) from payments where verdict = 'parked'",
        "select abs(parked - (select count(*) from payments where verdict = 'parked')) + (
            select count(*) from payments p where verdict = 'parked' and (
                exists (select 1 from orders where id = p.named_order)
                or exists (select 1 from orders where hold_id = p.named_hold)))
         from meta",
    ),
    (
        "every id given is there, and below the next one to give",
        "select next_product + next_hold + next_order + next_payment - 4
            - (select coalesce(sum(last - first + 1), 0) from gaps) from meta",
        "select (next_product <= (select coalesce(max(id), 0) from products))
            + (next_hold <= (select coalesce(max(id), 0) from holds))
            + (next_order <= (select coalesce(max(id), 0) from orders))
            + (next_payment <= (select coalesce(max(id), 0) from payments))
            + abs(next_product - 1 - (select count(*) from products))
            + abs(next_hold - 1 - (select count(*) from holds)
                - (select coalesce(sum(last - first + 1), 0) from gaps where ids = 'holds'))
            + abs(next_order - 1 - (select count(*) from orders)
                - (select coalesce(sum(last - first + 1), 0) from gaps where ids = 'orders'))
            + abs(next_payment - 1 - (select count(*) from payments)
                - (select coalesce(sum(last - first + 1), 0) from gaps where ids = 'payments'))
         from meta",
    ),
    (
        "no id that a restore skipped was ever given, nor skipped twice",
        "select count(*) from gaps",
        "select (select count(*) from gaps, meta where last >= case ids
                when 'holds' then next_hold when 'orders' then next_order else next_payment end)
            + (select count(*) from gaps a join gaps b using (ids) where a.first < b.first and b.first <= a.last)
            + (select count(*) from gaps join holds on id between first and last where ids = 'holds')
            + (select count(*) from gaps join orders on id between first and last where ids = 'orders')
            + (select count(*) from gaps join payments on id between first and last where ids = 'payments')",
    ),
    (
        "every hold that a payment names is there, or was skipped by a restore",
        "select count(*) from payments where named_hold is not null",
        "select count(*) from payments where named_hold is not null
            and not exists (select 1 from holds where id = named_hold)
            and not exists (select 1 from gaps where ids = 'holds' and named_hold between first and last)",
    ),
];

/// Asks every check. Drift is a finding, not a failure: it stands in `broken`.
pub fn audit(conn: &Connection, depth: Depth) -> Result<Vec<Check>, Failure> {
    let mut checks = Vec::new();
    for (name, concerned, breaking) in CHECKS {
        let sql = format!("select ({concerned}) as checked, ({breaking}) as broken");
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Check {
                name,
                checked: row.get(0)?,
                broken: row.get(1)?,
            })
        };
        checks.push(conn.query_row(&sql, [], read).map_err(not_applied)?);
    }
    checks.push(foreign_keys(conn)?);
    if depth == Depth::Full {
        checks.push(integrity(conn)?);
    }
    Ok(checks)
}

fn foreign_keys(conn: &Connection) -> Result<Check, Failure> {
    let broken = count_rows(conn, "pragma foreign_key_check", |_| true)?;
    Ok(Check {
        name: "foreign_key_check",
        checked: 1,
        broken,
    })
}

fn integrity(conn: &Connection) -> Result<Check, Failure> {
    let broken = count_rows(conn, "pragma integrity_check", |finding| {
        finding != Some("ok")
    })?;
    Ok(Check {
        name: "integrity_check",
        checked: 1,
        broken,
    })
}

fn count_rows(
    conn: &Connection,
    sql: &str,
    counts: fn(Option<&str>) -> bool,
) -> Result<i64, Failure> {
    let mut statement = conn.prepare(sql).map_err(not_applied)?;
    let mut rows = statement.query([]).map_err(not_applied)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(not_applied)? {
        let finding = row.get_ref(0).ok().and_then(|value| value.as_str().ok());
        count += i64::from(counts(finding));
    }
    Ok(count)
}
