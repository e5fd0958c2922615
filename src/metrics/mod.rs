//! Figures that a server keeps of itself while it serves. What is counted at each request is counted by atomic additions alone.

mod counts;
mod exposition;
mod histogram;
mod latency;
pub mod process;
mod recent;
mod requests;
mod writing;

use std::time::{Instant, SystemTime};

pub use counts::Counts;
pub use exposition::{CONTENT_TYPE, Family, Labels, text_of};
pub use histogram::{Histogram, Scale};
pub use latency::{Latency, LatencySummary};
pub use recent::Recent;
pub use requests::Requests;
pub use writing::WriterMetrics;

/// Of requests and what they came to.
pub struct Metrics {
    pub requests: Requests,
    /// Bytes that were refused before a route was known, by the reason.
    pub refused: Counts,
    /// Answers to requests for holds and for orders: what was done, or the code of the refusal.
    pub holds: Counts,
    pub orders: Counts,
    /// Payment events by the verdict that each was first answered, and repeated ones.
    pub payments: Counts,
    /// Of what went through the writer, and of requests for holds.
    pub latency: Latency,
    pub hold_latency: Latency,
    /// Requests, those that were refused, transactions, their commands.
    pub recent: Recent<4>,
    pub began: SystemTime,
}

impl Metrics {
    pub fn of(routes: impl Iterator<Item = &'static str>) -> Metrics {
        Metrics {
            requests: Requests::of(routes),
            refused: Counts::of(&[]),
            holds: Counts::of(&["placed", "insufficient_stock", "replayed"]),
            orders: Counts::of(&["placed", "replayed"]),
            payments: Counts::of(&["applied", "already_processed"]),
            latency: Latency::default(),
            hold_latency: Latency::default(),
            recent: Recent::since(Instant::now()),
            began: SystemTime::now(),
        }
    }
    pub fn families(&self) -> Vec<Family> {
        let requests = Family::counter("flashsale_http_requests", "Answered requests.");
        let durations = Family::histogram(
            "flashsale_http_request_duration",
            "From the first byte of a request to its answer.",
        );
        vec![
            self.requests.counted(requests),
            self.requests.timed(durations.in_seconds()),
            Family::counter(
                "flashsale_http_refused",
                "Bytes that were refused before a route was known.",
            )
            .with_counts("reason", &self.refused),
            Family::counter(
                "flashsale_holds",
                "Answers to requests for holds: placed, replayed, or the refusal's code.",
            )
            .with_counts("result", &self.holds),
            Family::counter(
                "flashsale_orders",
                "Answers to requests for orders: placed, replayed, or the refusal's code.",
            )
            .with_counts("result", &self.orders),
            Family::counter(
                "flashsale_payments",
                "Payment events by the first verdict; a repeated one is already_processed.",
            )
            .with_counts("verdict", &self.payments),
        ]
    }
}
