//! What is counted of the whole database, one statement each.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::reader::PostgresReader;
use super::server_error::ServerError;
use super::session::Step;
use super::tables::{payments, products};
use super::times::{no_figures, with_times};
use crate::sale::{ProductId, RefundStatus};
use crate::store::{Figures, RefundsDue, Seen, Stock, StockBooks, Storage, StoreError};

/// With what is overdue at L free again, as each product of them would be shown.
const STOCK: &str = with_times!(
    "select at, overdue.units as overdue_units, coalesce(sum(available), 0)::bigint as available,
        coalesce(sum(reserved), 0)::bigint as reserved, coalesce(sum(sold), 0)::bigint as sold
     from judged
     cross join lateral (select
            (select coalesce(sum(quantity), 0) from holds
                where status = 'active' and expires_at <= judged.l and product_id > $1)::bigint
            + (select coalesce(sum(quantity), 0) from orders
                where status = 'pending' and pay_by is not null and pay_by <= judged.l and product_id > $1)::bigint
            as units) overdue
     left join products on products.id > $1
     group by at, overdue.units"
);

impl Figures for PostgresReader {
    fn stock(&self, after: Option<ProductId>) -> Result<Seen<Stock>, StoreError> {
        let row = self.row(|| Step::new(STOCK).with(after.map_or(0, ProductId::get)))?;
        let overdue_units: i64 = figure(&row, "overdue_units")?;
        Ok(Seen {
            what: Stock {
                available: figure::<i64>(&row, "available")? + overdue_units,
                reserved: figure::<i64>(&row, "reserved")? - overdue_units,
                sold: figure(&row, "sold")?,
            },
            at: figure(&row, "at")?,
        })
    }

    fn stock_books(&self) -> Result<StockBooks, StoreError> {
        let (_, products, wrong) = products::STOCK_IS_CONSERVED;
        let row = self.row(|| {
            Step::new(format!(
                "select ({products})::bigint as products, ({wrong})::bigint as wrong"
            ))
        })?;
        Ok(StockBooks {
            products: figure(&row, "products")?,
            wrong: figure(&row, "wrong")?,
        })
    }

    fn refunds_due(&self) -> Result<Seen<RefundsDue>, StoreError> {
        let due = payments::LIST_OF_REFUNDS;
        let sql = format!("select count(*) as count, min(received_at) as oldest from ({due}) due");
        let counted = self.seen(
            |at| {
                Step::new(sql.clone())
                    .with(None::<i64>)
                    .with(None::<String>)
                    .with(Some(RefundStatus::Due.as_str()))
                    .with(at)
            },
            |row| {
                Ok(RefundsDue {
                    count: row.try_get("count")?,
                    oldest: row.try_get("oldest")?,
                })
            },
        )?;
        let what = counted.what.into_iter().next().ok_or_else(no_figures)?;
        Ok(Seen {
            what,
            at: counted.at,
        })
    }

    /// The server keeps its own log and its own backups, on disks that only it knows.
    fn storage(&self) -> Result<Storage, StoreError> {
        let row = self.row(|| Step::new("select pg_database_size(current_database()) as bytes"))?;
        Ok(Storage {
            database_bytes: u64::try_from(figure::<i64>(&row, "bytes")?).ok(),
            ..Storage::default()
        })
    }
}

impl PostgresReader {
    fn row(&self, step: impl Fn() -> Step) -> Result<Row, StoreError> {
        self.sessions
            .rows(step)?
            .into_iter()
            .next()
            .ok_or_else(no_figures)
    }
}

fn figure<'a, T: FromSql<'a>>(row: &'a Row, name: &str) -> Result<T, StoreError> {
    row.try_get(name)
        .map_err(|error| ServerError::from(error).before_commit())
}
