//! The figures that the operator's page shows.

use std::time::Instant;

use serde::Serialize;

use super::bodies::AdminProductBody;
use super::call::Call;
use super::errors::Error;
use super::feed::Backlog;
use super::query::Query;
use super::{Api, json};
use crate::http::{ByState, Response};
use crate::metrics::LatencySummary;
use crate::sale::{Product, ProductId, Timestamp, TokenKind};
use crate::store::SalesRate;

#[derive(Serialize)]
struct StatsBody<'a> {
    server_time: Timestamp,
    products: Vec<ProductStatsBody<'a>>,
    next_cursor: Option<String>,
    queue: QueueBody,
    latency: LatencySummary,
    version: &'static str,
    requests: RequestsBody,
    /// Of requests for holds, from their first byte to their answer.
    holds: LatencySummary,
    batches: BatchesBody,
    commits: LatencySummary,
    connections: Option<ConnectionsBody>,
    database: DatabaseBody,
    last_backup_at: Option<Timestamp>,
    books: BooksBody,
    /// `None` where there is no feed.
    feed: Option<FeedBody>,
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

/// Over the last `over_s` seconds. What is refused has an answer of 400 or above, bytes that were no request among it.
#[derive(Serialize)]
struct RequestsBody {
    over_s: f64,
    per_s: f64,
    refused_per_s: f64,
}

/// Transactions that had commands of clients, and how many commands one had on average.
#[derive(Serialize)]
struct BatchesBody {
    over_s: f64,
    per_s: f64,
    commands_mean: f64,
}

#[derive(Serialize)]
struct ConnectionsBody {
    idle: usize,
    reading: usize,
    working: usize,
    writing: usize,
    closing: usize,
}

#[derive(Serialize)]
struct DatabaseBody {
    bytes: Option<u64>,
    log_bytes: Option<u64>,
    disk_free_bytes: Option<u64>,
}

/// Whether `total = available + reserved + sold` for each product there is, on this page of products or not.
#[derive(Serialize)]
struct BooksBody {
    products: i64,
    wrong: i64,
}

#[derive(Serialize)]
struct FeedBody {
    newest: i64,
    read_to: i64,
    asked_at: Option<Timestamp>,
    unread_since: Option<Timestamp>,
}

impl From<Backlog> for FeedBody {
    fn from(backlog: Backlog) -> FeedBody {
        let Backlog {
            newest,
            read_to,
            asked_at,
            unread_since,
        } = backlog;
        FeedBody {
            newest,
            read_to,
            asked_at,
            unread_since,
        }
    }
}

impl From<ByState> for ConnectionsBody {
    fn from(by_state: ByState) -> ConnectionsBody {
        let ByState {
            idle,
            reading,
            working,
            writing,
            closing,
        } = by_state;
        ConnectionsBody {
            idle,
            reading,
            working,
            writing,
            closing,
        }
    }
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
                product: AdminProductBody::new(product, now, self.terms.currency),
                recent: self.sales_rate(product.id)?.into(),
            })
        });
        let (requests, batches) = self.rates();
        let storage = self.reader.storage()?;
        let books = self.reader.stock_books()?;
        Ok(json::ok(&StatsBody {
            server_time: now,
            products: stats.collect::<Result<_, Error>>()?,
            next_cursor,
            queue: QueueBody {
                waiting: self.writer.waiting(),
                max: self.writer.waiting_max(),
            },
            latency: self.metrics.latency.summary(),
            version: env!("CARGO_PKG_VERSION"),
            requests,
            holds: self.metrics.hold_latency.summary(),
            batches,
            commits: self.writer.metrics().commits.summary(),
            connections: self.connections.get().map(|it| it.by_state().into()),
            database: DatabaseBody {
                bytes: storage.database_bytes,
                log_bytes: storage.log_bytes,
                disk_free_bytes: storage.disk_free_bytes,
            },
            last_backup_at: storage.last_backup_at,
            books: BooksBody {
                products: books.products,
                wrong: books.wrong,
            },
            feed: self.backlog()?.map(FeedBody::from),
        }))
    }

    fn sales_rate(&self, product: ProductId) -> Result<SalesRate, Error> {
        self.fast_rates.of(product, RATE_MICROS, || {
            Ok(self.reader.sales_rate(product, RATE_MICROS)?.what)
        })
    }

    fn rates(&self) -> (RequestsBody, BatchesBody) {
        let metrics = &self.metrics;
        let (requests, refused) = metrics.requests.totals();
        let unread: u64 = metrics.refused.read().iter().map(|(_, count)| count).sum();
        let batches = &self.writer.metrics().batch_commands;
        let totals = [
            requests + unread,
            refused + unread,
            batches.count(),
            batches.sum(),
        ];
        let (over, [requests, refused, batches, commands]) =
            metrics.recent.growth(Instant::now(), totals);
        let over_s = rounded(over.as_secs_f64()).max(0.001);
        let per_s = |count: u64| rounded(count as f64 / over_s);
        let requests = RequestsBody {
            over_s,
            per_s: per_s(requests),
            refused_per_s: per_s(refused),
        };
        let batches = BatchesBody {
            over_s,
            per_s: per_s(batches),
            commands_mean: rounded(commands as f64 / batches.max(1) as f64),
        };
        (requests, batches)
    }
}

/// To three decimals.
fn rounded(figure: f64) -> f64 {
    (figure * 1e3).round() / 1e3
}
