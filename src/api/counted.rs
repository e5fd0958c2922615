//! Which figures an answer counts for.

use std::iter;
use std::sync::Arc;

use super::access_log::AccessEntry;
use super::endpoints::{ENDPOINTS, Route};
use crate::http::{Method, Response};
use crate::metrics::Metrics;

/// What stands for the route where the path is none of ours.
const UNMATCHED: &str = "unmatched";

/// Figures of requests, all of them 0.
pub fn metrics() -> Arc<Metrics> {
    let routes = ENDPOINTS.iter().map(|endpoint| endpoint.pattern);
    Arc::new(Metrics::of(routes.chain(iter::once(UNMATCHED))))
}

/// A request whose answer will be counted.
pub struct Counted {
    metrics: Arc<Metrics>,
    /// Its number among the metrics' routes.
    route: usize,
    wish: Option<Wish>,
}

/// What a request may be for that is counted by what came of it.
enum Wish {
    Hold,
    Order,
}

impl Counted {
    pub fn of(metrics: &Arc<Metrics>, method: &Method, route: Option<Route<'_>>) -> Counted {
        let pattern = route
            .map(Route::pattern)
            .filter(|_| *method == Method::Post);
        let wish = match pattern {
            Some("/api/holds") => Some(Wish::Hold),
            Some("/api/orders") => Some(Wish::Order),
            Some(_) | None => None,
        };
        Counted {
            metrics: metrics.clone(),
            route: route.map_or(ENDPOINTS.len(), |route| route.number),
            wish,
        }
    }

    pub fn answered(&self, entry: &AccessEntry, response: &Response) {
        let method = entry.method.as_ref().map_or("other", Method::as_str);
        let requests = &self.metrics.requests;
        requests.answered(self.route, method, entry.status, entry.latency);
        match self.wish {
            Some(Wish::Hold) => {
                self.metrics.hold_latency.record(entry.latency);
                self.metrics.holds.add(result_of(response), 1);
            }
            Some(Wish::Order) => self.metrics.orders.add(result_of(response), 1),
            None => {}
        }
    }
}

fn result_of(response: &Response) -> &'static str {
    match response.code {
        Some(code) => code,
        None if response.header("Idempotent-Replayed").is_some() => "replayed",
        None => "placed",
    }
}
