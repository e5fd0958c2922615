//! Lists by the page: each page is one statement, by the rows' own numbers, and so as short from the millionth row as from
//! the first.

use rusqlite::{Row, ToSql, named_params};

use super::read::SqliteReader;
use super::row::{self, select_hold};
use crate::sale::{
    Customer, Hold, HoldStatus, Movement, Order, OrderStatus, Payment, ProductId, RefundStatus,
    Timestamp, Verdict,
};
use crate::store::Failure;
use crate::store::lists::{self, Filter, Lists, PACE_MOVEMENTS_MAX, Pace, Page, Seek};

/// Holds as the clock sees them.
const HOLDS: &str = select_hold!(
    " where (:product is null or holds.product_id = :product) and (:customer is null or holds.customer = :customer)
      and (:status is null or :status =
        case when holds.status = 'active' and holds.expires_at <= :now then 'expired' else holds.status end)"
);

/// Orders as the clock sees them.
const ORDERS: &str = "select * from orders
    where (:product is null or product_id = :product) and (:customer is null or customer = :customer)
      and (:status is null or :status =
        case when status = 'pending' and pay_by <= :now then 'expired' else status end)";

/// Payments, what they are about, and their verdicts as they stand: `sale::Payment::at`, said in SQL. A refund is due
/// already if it is for the same payee and transaction, or will be by an event that a sweep would settle before.
macro_rules! payments {
    ($which:literal) => {
        concat!(
            "select p.*,
                case when p.verdict <> 'parked' or p.parked_until > :now then p.verdict
                     when p.status = 'failure' then 'ignored'
                     when exists (select 1 from payments q
                            where q.refund_due = 1 and q.transaction_id = p.transaction_id
                              and (q.order_id = p.named_order or q.named_order = p.named_order or q.named_hold = p.named_hold))
                       or exists (select 1 from payments q
                            where q.verdict = 'parked' and q.named_order is not null and q.named_order = p.named_order
                              and q.status = 'success' and q.transaction_id = p.transaction_id
                              and q.parked_until <= :now and (q.parked_until, q.id) < (p.parked_until, p.id))
                       or exists (select 1 from payments q
                            where q.verdict = 'parked' and q.named_hold is not null and q.named_hold = p.named_hold
                              and q.status = 'success' and q.transaction_id = p.transaction_id
                              and q.parked_until <= :now and (q.parked_until, q.id) < (p.parked_until, p.id))
                     then 'ignored' else 'late_payment' end as verdict_now,
                orders.id as order_now
            from payments p
            left join orders on orders.id = coalesce(p.order_id, p.named_order,
                (select id from orders where hold_id = p.named_hold))
            left join holds on holds.id = coalesce(orders.hold_id, p.named_hold)
            where ",
            $which
        )
    };
}

const PAYMENTS: &str = payments!(
    "(:product is null or holds.product_id = :product) and (:customer is null or holds.customer = :customer)
      and (:status is null or verdict_now = :status)"
);

const REFUNDS: &str = payments!(
    "p.id in (
        select id from payments where refund_due = 1
        union all select id from payments where verdict = 'parked' and parked_until <= :now)
      and verdict_now in ('amount_mismatch', 'duplicate_payment', 'late_payment')
      and (:status is null or (:status = 'resolved') = (p.resolved_at is not null))"
);

const MOVEMENTS: &str = "select * from movements where product_id = :product";

impl Lists for SqliteReader {
    fn holds(
        &self,
        filter: &Filter<HoldStatus>,
        page: Page,
        now: Timestamp,
    ) -> Result<Vec<Hold>, Failure> {
        let (product, customer) = filter.about();
        let status = filter.status.map(HoldStatus::as_str);
        let params = named_params! {":product": product, ":customer": customer, ":status": status, ":now": now};
        self.page(HOLDS, "holds.id", params, page, row::hold)
    }

    fn orders(
        &self,
        filter: &Filter<OrderStatus>,
        page: Page,
        now: Timestamp,
    ) -> Result<Vec<Order>, Failure> {
        let (product, customer) = filter.about();
        let status = filter.status.map(OrderStatus::as_str);
        let params = named_params! {":product": product, ":customer": customer, ":status": status, ":now": now};
        self.page(ORDERS, "id", params, page, row::order)
    }

    fn payments(
        &self,
        filter: &Filter<Verdict>,
        page: Page,
        now: Timestamp,
    ) -> Result<Vec<Payment>, Failure> {
        let (product, customer) = filter.about();
        let verdict = filter.status.map(Verdict::as_str);
        let params = named_params! {":product": product, ":customer": customer, ":status": verdict, ":now": now};
        let payments = self.page(PAYMENTS, "p.id", params, page, payment_and_verdict)?;
        Ok(as_they_stand(payments, now))
    }

    fn refunds(
        &self,
        status: Option<RefundStatus>,
        page: Page,
        now: Timestamp,
    ) -> Result<Vec<Payment>, Failure> {
        let status = status.map(RefundStatus::as_str);
        let params = named_params! {":status": status, ":now": now};
        let payments = self.page(REFUNDS, "p.id", params, page, payment_and_verdict)?;
        Ok(as_they_stand(payments, now))
    }

    fn movements(&self, product: ProductId, page: Page) -> Result<Vec<Movement>, Failure> {
        let params = named_params! {":product": product};
        self.page(MOVEMENTS, "version", params, page, row::movement)
    }

    fn pace(&self, product: ProductId, since: Timestamp, now: Timestamp) -> Result<Pace, Failure> {
        let conn = self.conn()?;
        let sql = "select * from movements where product_id = :product order by version desc limit :limit";
        let limit = i64::try_from(PACE_MOVEMENTS_MAX + 1).unwrap_or(i64::MAX);
        let mut statement = conn
            .prepare_cached(sql)
            .map_err(|error| self.failed(error))?;
        let rows = statement
            .query_map(
                named_params! {":product": product, ":limit": limit},
                row::movement,
            )
            .map_err(|error| self.failed(error))?;
        lists::pace(
            rows.map(|row| row.map_err(|error| self.failed(error))),
            since,
            now,
        )
    }
}

impl<S> Filter<S> {
    fn about(&self) -> (Option<i64>, Option<&str>) {
        let customer = self.customer.as_ref().map(Customer::as_str);
        (self.product.map(ProductId::get), customer)
    }
}

fn payment_and_verdict(row: &Row<'_>) -> rusqlite::Result<(Payment, Verdict)> {
    let payment = Payment {
        order: row.get("order_now")?,
        ..row::payment(row)?
    };
    Ok((payment, row.get("verdict_now")?))
}

fn as_they_stand(payments: Vec<(Payment, Verdict)>, now: Timestamp) -> Vec<Payment> {
    let settled = payments
        .into_iter()
        .map(|(payment, verdict)| payment.at(now, verdict == Verdict::Ignored));
    settled.collect()
}

impl SqliteReader {
    fn page<T>(
        &self,
        select: &str,
        number: &str,
        params: &[(&str, &dyn ToSql)],
        page: Page,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Failure> {
        let (bound, beyond, direction) = match page.seek {
            Seek::Before(bound) => (bound, "<", "desc"),
            Seek::After(bound) => (bound, ">", "asc"),
        };
        let sql = format!(
            "{select} and {number} {beyond} :bound order by {number} {direction} limit :limit"
        );
        let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
        let place: &[(&str, &dyn ToSql)] = named_params! {":bound": bound, ":limit": limit};
        let params = [params, place].concat();
        let conn = self.conn()?;
        let mut statement = conn
            .prepare_cached(&sql)
            .map_err(|error| self.failed(error))?;
        statement
            .query_map(params.as_slice(), read)
            .and_then(Iterator::collect)
            .map_err(|error| self.failed(error))
    }
}
