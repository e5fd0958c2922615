//! Lists by the page: each page is one statement, by the rows' own numbers, and so as short from the millionth row as from
//! the first.

use rusqlite::{Row, ToSql, named_params};

use super::reader::SqliteReader;
use super::tables::{holds, movements, orders, payments};
use crate::sale::{
    Hold, HoldStatus, Movement, Order, OrderStatus, Payment, ProductId, RefundStatus, Verdict,
};
use crate::store::{
    Filter, Lists, Page, SALES_RATE_MOVEMENTS_MAX, SalesRate, Seek, Seen, StoreError, sales_rate,
};

impl Lists for SqliteReader {
    fn holds(
        &self,
        filter: &Filter<HoldStatus>,
        page: Page,
    ) -> Result<Seen<Vec<Hold>>, StoreError> {
        self.filtered(holds::LIST, "holds.id", filter, page, holds::read)
    }

    fn orders(
        &self,
        filter: &Filter<OrderStatus>,
        page: Page,
    ) -> Result<Seen<Vec<Order>>, StoreError> {
        self.filtered(orders::LIST, "id", filter, page, orders::read)
    }

    fn payments(
        &self,
        filter: &Filter<Verdict>,
        page: Page,
    ) -> Result<Seen<Vec<Payment>>, StoreError> {
        let read = payments::read_with_verdict;
        let seen = self.filtered(payments::LIST, "p.id", filter, page, read)?;
        Ok(as_they_stand(seen))
    }

    fn refunds(
        &self,
        status: Option<RefundStatus>,
        page: Page,
    ) -> Result<Seen<Vec<Payment>>, StoreError> {
        let at = self.reading()?;
        let params = named_params! {":status": status.map(RefundStatus::as_str), ":now": at};
        let read = payments::read_with_verdict;
        let what = self.page(payments::LIST_OF_REFUNDS, "p.id", params, page, read)?;
        Ok(as_they_stand(Seen { what, at }))
    }

    fn movements(&self, product: ProductId, page: Page) -> Result<Seen<Vec<Movement>>, StoreError> {
        let at = self.reading()?;
        let params = named_params! {":product": product};
        let what = self.page(movements::LIST, "version", params, page, movements::read)?;
        Ok(Seen { what, at })
    }

    fn sales_rate(
        &self,
        product: ProductId,
        over_micros: i64,
    ) -> Result<Seen<SalesRate>, StoreError> {
        let at = self.reading()?;
        let conn = self.conn()?;
        let sql = "select * from movements where product_id = :product order by version desc limit :limit";
        let limit = i64::try_from(SALES_RATE_MOVEMENTS_MAX + 1).unwrap_or(i64::MAX);
        let mut statement = conn
            .prepare_cached(sql)
            .map_err(|error| self.failed(error))?;
        let rows = statement
            .query_map(
                named_params! {":product": product, ":limit": limit},
                movements::read,
            )
            .map_err(|error| self.failed(error))?;
        sales_rate(
            rows.map(|row| row.map_err(|error| self.failed(error))),
            over_micros,
            at,
        )
    }
}

fn as_they_stand(seen: Seen<Vec<(Payment, Verdict)>>) -> Seen<Vec<Payment>> {
    let Seen { what, at } = seen;
    let settled = what
        .into_iter()
        .map(|(payment, verdict)| payment.at(at, verdict == Verdict::Ignored));
    Seen {
        what: settled.collect(),
        at,
    }
}

impl SqliteReader {
    fn filtered<S: ToSql, T>(
        &self,
        select: &str,
        number: &str,
        filter: &Filter<S>,
        page: Page,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Seen<Vec<T>>, StoreError> {
        let at = self.reading()?;
        let params = named_params! {
            ":product": filter.product, ":customer": filter.customer, ":status": filter.status, ":now": at,
        };
        let what = self.page(select, number, params, page, read)?;
        Ok(Seen { what, at })
    }

    fn page<T>(
        &self,
        select: &str,
        number: &str,
        params: &[(&str, &dyn ToSql)],
        page: Page,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
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
