//! Lists by the page: each page is one statement, by the rows' own numbers, and so as short from the millionth row as from
//! the first.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::reader::PostgresReader;
use super::server_error::ServerError;
use super::session::Step;
use super::tables::{all, count, events, holds, movements, orders, payments, reversals};
use super::times::with_times;
use crate::sale::{
    Customer, Dispute, Event, Hold, HoldStatus, Movement, Order, Payment, ProductId, RefundStatus,
    Reversal, Timestamp, Verdict,
};
use crate::store::{
    Filter, Lists, MoneyFilter, OrderFilter, Page, ReversalFilter, SALES_RATE_MOVEMENTS_MAX,
    SalesRate, Seek, Seen, StoreError, sales_rate,
};

/// How long a page may take. A filter that few rows pass is asked of many, and only people and exports wait for it.
const LIST_MAX: Duration = Duration::from_secs(30);

impl Lists for PostgresReader {
    fn holds(
        &self,
        filter: &Filter<HoldStatus>,
        page: Page,
    ) -> Result<Seen<Vec<Hold>>, StoreError> {
        self.filtered(holds::LIST, "h.id", filter, page, holds::read)
    }

    fn orders(&self, filter: &OrderFilter, page: Page) -> Result<Seen<Vec<Order>>, StoreError> {
        let list = match filter.money {
            None => orders::LIST,
            Some(MoneyFilter::Disputed(Dispute::Open)) => orders::LIST_OF_OPEN_DISPUTES,
            Some(MoneyFilter::Disputed(Dispute::Won)) => orders::LIST_OF_WON_DISPUTES,
            Some(MoneyFilter::Disputed(Dispute::Lost)) => orders::LIST_OF_LOST_DISPUTES,
            Some(MoneyFilter::BackUnmatched) => orders::LIST_OF_MONEY_BACK,
        };
        self.filtered(list, "id", &filter.rows, page, orders::read)
    }

    fn payments(
        &self,
        filter: &Filter<Verdict>,
        page: Page,
    ) -> Result<Seen<Vec<Payment>>, StoreError> {
        self.filtered(
            payments::LIST,
            "l.id",
            filter,
            page,
            payments::read_as_it_stands,
        )
    }

    fn refunds(
        &self,
        status: Option<RefundStatus>,
        page: Page,
    ) -> Result<Seen<Vec<Payment>>, StoreError> {
        let filter = Filter {
            product: None,
            customer: None,
            status: status.map(RefundStatus::as_str),
        };
        let read = payments::read_as_it_stands;
        self.filtered(payments::LIST_OF_REFUNDS, "l.id", &filter, page, read)
    }

    fn reversals(
        &self,
        filter: &ReversalFilter,
        page: Page,
    ) -> Result<Seen<Vec<Reversal>>, StoreError> {
        let sql = paged(reversals::LIST, "id", page, 3);
        let step = || {
            let step = Step::new(sql.clone())
                .with(filter.kind)
                .with(filter.transaction_id.clone());
            placed(step, page)
        };
        self.seen(|_| step(), reversals::read)
    }

    fn movements(&self, product: ProductId, page: Page) -> Result<Seen<Vec<Movement>>, StoreError> {
        let sql = paged(movements::LIST, "version", page, 2);
        let step = || placed(Step::new(sql.clone()).with(product), page);
        self.seen(|_| step(), movements::read)
    }

    fn feed(&self, page: Page) -> Result<Seen<Vec<Event>>, StoreError> {
        let sql = paged(events::LIST, "id", page, 1);
        let step = || placed(Step::new(sql.clone()), page);
        self.seen(|_| step(), events::read)
    }

    fn sales_rate(
        &self,
        product: ProductId,
        over_micros: i64,
    ) -> Result<Seen<SalesRate>, StoreError> {
        let newest_first = Page {
            seek: Seek::Before(i64::MAX),
            limit: SALES_RATE_MOVEMENTS_MAX + 1,
        };
        let Seen { what, at } = self.movements(product, newest_first)?;
        sales_rate(what.into_iter().map(Ok), over_micros, at)
    }
}

impl PostgresReader {
    fn filtered<S: ToSql + Sync + Send + Copy + 'static, T>(
        &self,
        select: &'static str,
        number: &str,
        filter: &Filter<S>,
        page: Page,
        read: fn(&Row) -> Result<T, ServerError>,
    ) -> Result<Seen<Vec<T>>, StoreError> {
        let sql = paged(select, number, page, 5);
        let customer = filter.customer.as_ref().map(Customer::as_str);
        let step = |at: Timestamp| {
            let step = Step::new(sql.clone())
                .with(filter.product)
                .with(customer.map(str::to_owned))
                .with(filter.status)
                .with(at);
            placed(step, page)
        };
        self.seen(step, read)
    }

    /// Rows of one moment, judged at the time that a read of that moment is judged at.
    pub(super) fn seen<T>(
        &self,
        step: impl Fn(Timestamp) -> Step,
        read: fn(&Row) -> Result<T, ServerError>,
    ) -> Result<Seen<Vec<T>>, StoreError> {
        self.sessions.with_one(|session| {
            session.wait_until(Some(Instant::now() + LIST_MAX));
            session.execute("begin isolation level repeatable read read only")?;
            let seen = (|| {
                let answers = session.run(&[Step::new(with_times!("select at from judged"))])?;
                let time = answers.first().and_then(|rows| rows.first());
                let time = time.ok_or_else(|| ServerError::Misread("`meta` has no row".into()))?;
                let at = time.try_get("at")?;
                let answers = session.run(&[step(at)])?;
                let what = all(answers.into_iter().flatten().collect(), read)?;
                Ok(Seen { what, at })
            })();
            session.execute("rollback")?;
            seen
        })
    }
}

/// The page of a list, whose place is given by the parameters from `$next` on.
fn paged(select: &str, number: &str, page: Page, next: usize) -> String {
    let (beyond, direction) = match page.seek {
        Seek::Before(_) => ("<", "desc"),
        Seek::After(_) => (">", "asc"),
    };
    let mut sql = String::from(select);
    let limit = next + 1;
    let written = write!(
        sql,
        " and {number} {beyond} ${next} order by {number} {direction} limit ${limit}"
    );
    written.expect("a text takes what is written to it");
    sql
}

fn placed(step: Step, page: Page) -> Step {
    let (Seek::Before(bound) | Seek::After(bound)) = page.seek;
    step.with(bound).with(count(page.limit))
}
