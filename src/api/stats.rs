//! The figures that the operator's page shows.

use serde::Serialize;

use super::bodies::AdminProductBody;
use super::call::Call;
use super::errors::Error;
use super::query::Query;
use super::{Api, json};
use crate::http::Response;
use crate::metrics::LatencySummary;
use crate::sale::{Product, Timestamp, TokenKind};
use crate::store::SalesRate;

#[derive(Serialize)]
struct StatsBody<'a> {
    server_time: Timestamp,
    products: Vec<ProductStatsBody<'a>>,
    next_cursor: Option<String>,
    queue: QueueBody,
    latency: LatencySummary,
}

#[derive(Serialize)]
struct ProductStatsBody<'a> {
    #[serde(flatten)]
    product: AdminProductBody<'a>,
    #[serde(rename = "lately")]
    recent: SalesRateBody,
}

/// Units that were held and paid for over the last `over_s` seconds.
#[derive(Serialize)]
struct SalesRateBody {
    over_s: f64,
    units_held: i64,
    units_sold: i64,
}

/// Commands that wait for the writer.
#[derive(Serialize)]
struct QueueBody {
    waiting: usize,
    max: usize,
}

/// How far back a sales rate goes.
const RATE_MICROS: i64 = 60_000_000;

impl From<SalesRate> for SalesRateBody {
    fn from(sales_rate: SalesRate) -> SalesRateBody {
        SalesRateBody {
            over_s: sales_rate.over_micros as f64 / 1e6,
            units_held: sales_rate.units_held,
            units_sold: sales_rate.units_sold,
        }
    }
}

impl Api {
    pub fn show_stats(&self, call: &Call<'_>) -> Result<Response, Error> {
        let paging = self.paging(Query::of(call.request), TokenKind::ProductCursor)?;
        let (products, next_cursor) = self.products(&paging)?;
        let now = products.at;
        let stats = products.what.iter().map(|product: &Product| {
            Ok(ProductStatsBody {
                product: AdminProductBody::new(product, now),
                recent: self.reader.sales_rate(product.id, RATE_MICROS)?.what.into(),
            })
        });
        Ok(json::ok(&StatsBody {
            server_time: now,
            products: stats.collect::<Result<_, Error>>()?,
            next_cursor,
            queue: QueueBody {
                waiting: self.writer.waiting(),
                max: self.writer.waiting_max(),
            },
            latency: self.latency.summary(),
        }))
    }
}
