//! Products with what is overdue of them counted as available, at one moment of the store: see `times`.

use tokio_postgres::Row;

use super::server_error::ServerError;
use super::session::Step;
use super::sessions::Sessions;
use super::tables::{count, products};
use super::times::{no_figures, with_times};
use crate::sale::{Product, ProductId};
use crate::store::{Seen, StoreError};

/// With the times, in a row without a product where there is none.
macro_rules! select_shown_products {
    ($which:literal) => {
        with_times!(concat!(
            "select judged.at, p.id, p.sku, p.name, p.price, p.total, p.available, p.reserved, p.sold, p.version,
                p.starts_at, p.ends_at, p.max_per_hold, p.max_per_customer, p.paused,
                ((select coalesce(sum(quantity), 0) from holds
                    where status = 'active' and expires_at <= (select l from judged) and product_id = p.id)
                + (select coalesce(sum(quantity), 0) from orders
                    where status = 'pending' and pay_by is not null and pay_by <= (select l from judged)
                      and product_id = p.id))::bigint as overdue_units
                from judged left join (select id, sku, name, price, total, available, reserved, sold, version,
                starts_at, ends_at, max_per_hold, max_per_customer, paused from products ",
            $which,
            ") p on true order by p.id"
        ))
    };
}

/// Those that there are of these ids, by id.
pub fn of(sessions: &Sessions, ids: &[ProductId]) -> Result<Seen<Vec<Product>>, StoreError> {
    shown(sessions, || {
        Step::new(select_shown_products!("where id = any($1)")).with(ids.to_vec())
    })
}

/// At most `limit` with ids above `after`, by id.
pub fn after(
    sessions: &Sessions,
    after: Option<ProductId>,
    limit: usize,
) -> Result<Seen<Vec<Product>>, StoreError> {
    shown(sessions, || {
        Step::new(select_shown_products!("where id > $1 order by id limit $2"))
            .with(after.map_or(0, ProductId::get))
            .with(count(limit))
    })
}

fn shown(sessions: &Sessions, step: impl Fn() -> Step) -> Result<Seen<Vec<Product>>, StoreError> {
    let rows = sessions.rows(step)?;
    let first = rows.first().ok_or_else(no_figures)?;
    let seen = || -> Result<_, ServerError> {
        let at = first.try_get("at")?;
        let products = rows.iter().map(read).filter_map(Result::transpose);
        let what = products.collect::<Result<_, _>>()?;
        Ok(Seen { what, at })
    };
    seen().map_err(ServerError::before_commit)
}

fn read(row: &Row) -> Result<Option<Product>, ServerError> {
    let id: Option<ProductId> = row.try_get("id")?;
    let Some(_) = id else { return Ok(None) };
    let overdue_units = row.try_get("overdue_units")?;
    let product = products::read(row)?.with_overdue_free(overdue_units);
    Ok(Some(product))
}
