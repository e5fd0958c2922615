//! Lists by the page: each page is one statement, by the rows' own numbers, and so as short from the millionth row as from
//! the first.

use rusqlite::{ToSql, named_params};

use super::reader::SqliteReader;
use super::tables::{List, events, holds, limit, movements, orders, payments, reversals};
use crate::sale::{
    Event, Hold, HoldStatus, Movement, Order, Payment, ProductId, RefundStatus, Reversal,
    Timestamp, Verdict,
};
use crate::store::{
    Filter, Lists, MoneyFilter, OrderFilter, Page, ReversalFilter, SALES_RATE_MOVEMENTS_MAX,
    SalesRate, Seek, Seen, StoreError, sales_rate,
};

impl Lists for SqliteReader {
    fn holds(
        &self,
        filter: &Filter<HoldStatus>,
        page: Page,
    ) -> Result<Seen<Vec<Hold>>, StoreError> {
        self.filtered(&holds::LIST, filter, page)
    }

    fn orders(&self, filter: &OrderFilter, page: Page) -> Result<Seen<Vec<Order>>, StoreError> {
        let OrderFilter { rows, money } = filter;
        match money {
            None => self.filtered(&orders::LIST, rows, page),
            Some(MoneyFilter::BackUnmatched) => {
                self.filtered(&orders::LIST_OF_MONEY_BACK, rows, page)
            }
            Some(MoneyFilter::Disputed(dispute)) => {
                let at = self.reading()?;
                let params = named_params! {
                    ":product": rows.product, ":customer": rows.customer, ":status": rows.status, ":now": at,
                    ":dispute": dispute,
                };
                self.page(&orders::LIST_OF_DISPUTED, params, page, at)
            }
        }
    }

    fn payments(
        &self,
        filter: &Filter<Verdict>,
        page: Page,
    ) -> Result<Seen<Vec<Payment>>, StoreError> {
        self.filtered(&payments::LIST, filter, page)
    }

    fn refunds(
        &self,
        status: Option<RefundStatus>,
        page: Page,
    ) -> Result<Seen<Vec<Payment>>, StoreError> {
        let at = self.reading()?;
        let params = named_params! {":status": status, ":now": at};
        self.page(&payments::LIST_OF_REFUNDS, params, page, at)
    }

    fn reversals(
        &self,
        filter: &ReversalFilter,
        page: Page,
    ) -> Result<Seen<Vec<Reversal>>, StoreError> {
        let at = self.reading()?;
        let params = named_params! {":kind": filter.kind, ":transaction": filter.transaction_id};
        self.page(&reversals::LIST, params, page, at)
    }

    fn movements(&self, product: ProductId, page: Page) -> Result<Seen<Vec<Movement>>, StoreError> {
        let at = self.reading()?;
        let params = named_params! {":product": product};
        self.page(&movements::LIST, params, page, at)
    }

    fn feed(&self, page: Page) -> Result<Seen<Vec<Event>>, StoreError> {
        self.page(&events::LIST, &[], page, self.reading()?)
    }

    fn sales_rate(
        &self,
        product: ProductId,
        over_micros: i64,
    ) -> Result<Seen<SalesRate>, StoreError> {
        let at = self.reading()?;
        self.read(|conn| {
            movements::newest(conn, product, SALES_RATE_MOVEMENTS_MAX + 1, |movements| {
                sales_rate(movements, over_micros, at)
            })
        })
    }
}

impl SqliteReader {
    fn filtered<S: ToSql, T>(
        &self,
        list: &List<T>,
        filter: &Filter<S>,
        page: Page,
    ) -> Result<Seen<Vec<T>>, StoreError> {
        let at = self.reading()?;
        let params = named_params! {
            ":product": filter.product, ":customer": filter.customer, ":status": filter.status, ":now": at,
        };
        self.page(list, params, page, at)
    }

    fn page<T>(
        &self,
        list: &List<T>,
        params: &[(&str, &dyn ToSql)],
        page: Page,
        at: Timestamp,
    ) -> Result<Seen<Vec<T>>, StoreError> {
        let List {
            select,
            number,
            read,
        } = list;
        let (bound, beyond, direction) = match page.seek {
            Seek::Before(bound) => (bound, "<", "desc"),
            Seek::After(bound) => (bound, ">", "asc"),
        };
        let sql = format!(
            "{select} and {number} {beyond} :bound order by {number} {direction} limit :limit"
        );
        let limit = limit(page.limit);
        let place: &[(&str, &dyn ToSql)] = named_params! {":bound": bound, ":limit": limit};
        let params = [params, place].concat();
        let what = self.read(|conn| {
            let mut statement = conn.prepare_cached(&sql)?;
            statement.query_map(params.as_slice(), read)?.collect()
        })?;
        Ok(Seen { what, at })
    }
}
