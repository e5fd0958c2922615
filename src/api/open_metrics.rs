//! `GET /metrics`: what a server counts of itself, and how it stands, as OpenMetrics text. No command goes to the writer for it,
//! and where the store cannot be read it tells that, and all else.

use std::sync::Arc;

use super::Api;
use super::call::Call;
use super::endpoints::{BODY_BYTES_MAX, Route};
use super::errors::Error;
use crate::http::{Handler, Refusal, Reply, Request, RequestInfo, Response};
use crate::metrics::{CONTENT_TYPE, Family, Labels, process, text_of};
use crate::sale::Timestamp;
use crate::store::{Seen, Stock, Storage, StoreError};

/// Products that have figures of their own; the others have theirs together.
const PRODUCTS_MAX: usize = 200;

/// What answers `/metrics` at an address of its own, and nothing else.
pub struct MetricsFront(pub Arc<Api>);

impl Handler for MetricsFront {
    fn handle(&self, request: Request, reply: Reply) {
        let route = Route::of(&request.path).filter(Route::is_metrics);
        let known = route.ok_or(Error::NoSuchPath);
        let work = known.and_then(|route| self.0.work(&request, route));
        self.0.answer(&request, route, work, reply);
    }

    fn refuse(&self, refusal: Refusal, info: &RequestInfo) -> Response {
        self.0.refuse(refusal, info)
    }

    fn body_bytes_max(&self, _: &str) -> usize {
        BODY_BYTES_MAX
    }

    fn is_slow(&self, _: &Request) -> bool {
        true
    }
}

impl Api {
    pub fn show_metrics(&self, _: &Call<'_>) -> Result<Response, Error> {
        let mut response = Response::new(200);
        response.content_type = CONTENT_TYPE;
        response.body = text_of(self.families()).into_bytes();
        Ok(response)
    }

    fn families(&self) -> Vec<Family> {
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        let mut families = vec![Family::info(
            "flashsale_build",
            "Which program this is.",
            version,
        )];
        families.extend(self.metrics.families());
        families.extend(self.writer.metrics().families());
        families.push(
            Family::gauge(
                "flashsale_writer_queue",
                "Commands that wait for the writer.",
            )
            .of(self.writer.waiting() as f64),
        );
        families.push(
            Family::gauge(
                "flashsale_clock_ahead",
                "By how much the sale's time is ahead of the wall clock.",
            )
            .in_seconds()
            .of(self.clock.ahead().as_secs_f64()),
        );
        families.extend(self.connections.get().map(|connections| {
            let counts = connections.by_state();
            let family = Family::gauge(
                "flashsale_http_connections",
                "Connections, by what they are doing.",
            );
            [
                ("idle", counts.idle),
                ("reading", counts.reading),
                ("working", counts.working),
                ("writing", counts.writing),
                ("closing", counts.closing),
            ]
            .into_iter()
            .fold(family, |family, (state, count)| {
                family.with(vec![("state", state.to_owned())], count as f64)
            })
        }));
        families.extend(self.families_of_store());
        families.extend(process::families(self.metrics.began));
        families
    }

    /// What is read fails together: a store that is away is waited for once.
    fn families_of_store(&self) -> Vec<Family> {
        let read = self.reader.is_sound().map_err(Error::from);
        let read = read.and_then(|()| Ok(self.read_families()?));
        let is_up = read.is_ok() && self.writer.is_healthy();
        let up = Family::gauge(
            "flashsale_store_up",
            "1: the store can be read and written.",
        )
        .of(f64::from(u8::from(is_up)));
        read.unwrap_or_default().into_iter().chain([up]).collect()
    }

    fn read_families(&self) -> Result<Vec<Family>, StoreError> {
        let refunds = self.reader.refunds_due()?;
        let oldest = refunds.what.oldest;
        let mut families = vec![
            self.stock()?,
            Family::gauge("flashsale_refunds_due", "Refunds that are due.")
                .of(refunds.what.count as f64),
            Family::gauge(
                "flashsale_refunds_due_oldest",
                "How long ago the oldest payment came that is to be paid back; 0 where none is.",
            )
            .in_seconds()
            .of(oldest.map_or(0.0, |oldest| seconds(oldest, refunds.at))),
        ];
        families.extend(self.backlog()?.map(|backlog| {
            let unread_since = backlog.unread_since;
            Family::gauge(
                "flashsale_feed_unread_oldest",
                "How long ago the oldest event happened that nobody has asked this server beyond; 0 where none is.",
            )
            .in_seconds()
            .of(unread_since.map_or(0.0, |since| seconds(since, refunds.at)))
        }));
        families.extend(sizes(&self.reader.storage()?));
        Ok(families)
    }

    fn stock(&self) -> Result<Family, StoreError> {
        let family = Family::gauge(
            "flashsale_stock_units",
            "Units of each product, as the clock sees them.",
        );
        let products = self.reader.products(None, PRODUCTS_MAX + 1)?.what;
        let mut stocks: Vec<(String, Stock)> = products
            .iter()
            .take(PRODUCTS_MAX)
            .map(|product| {
                let stock = Stock {
                    available: product.available,
                    reserved: product.reserved,
                    sold: product.sold,
                };
                (product.id.to_string(), stock)
            })
            .collect();
        if products.len() > PRODUCTS_MAX {
            let last = Some(products[PRODUCTS_MAX - 1].id);
            let Seen { what: others, .. } = self.reader.stock(last)?;
            stocks.push(("other".to_owned(), others));
        }
        Ok(stocks.iter().fold(family, |family, (product, stock)| {
            let labels = |state: &str| -> Labels {
                vec![("product", product.clone()), ("state", state.to_owned())]
            };
            family
                .with(labels("available"), stock.available as f64)
                .with(labels("reserved"), stock.reserved as f64)
                .with(labels("sold"), stock.sold as f64)
        }))
    }
}

fn sizes(storage: &Storage) -> Vec<Family> {
    let files = [
        ("database", storage.database_bytes),
        ("log", storage.log_bytes),
    ];
    let family = Family::gauge("flashsale_database", "What the database's files take.").in_bytes();
    let files = files.into_iter().fold(family, |family, (file, bytes)| {
        let labels = vec![("file", file.to_owned())];
        match bytes {
            Some(bytes) => family.with(labels, bytes as f64),
            None => family,
        }
    });
    let free = storage.disk_free_bytes.map(|bytes| {
        Family::gauge(
            "flashsale_disk_free",
            "What is free where the database lies.",
        )
        .in_bytes()
        .of(bytes as f64)
    });
    [Some(files), free].into_iter().flatten().collect()
}

/// From one time to a later one.
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.micros() - from.micros()).max(0) as f64 / 1e6
}
