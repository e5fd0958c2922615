//! Figures that a server keeps of itself while it serves. What is counted at each request is counted by atomic additions alone.

mod counts;
mod histogram;
mod latency;
mod recent;
mod requests;
mod writing;

use std::time::Instant;

pub use counts::Counts;
pub use histogram::{Histogram, Scale};
pub use latency::{Latency, LatencySummary};
pub use recent::Recent;
pub use requests::{Requests, RouteRequests};
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
        }
    }
}
