//! Answered requests, by method, route and status, and how long each route takes. A request costs three atomic additions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::exposition::Family;
use super::histogram::{Histogram, SECONDS};

/// Any other method is a client's own word.
pub const METHODS: [&str; 8] = [
    "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", OTHER,
];
const OTHER: &str = "other";

/// In order. No answer has another; one that had would be counted as the last.
pub const STATUSES: [u16; 25] = [
    200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 410, 411, 413, 414, 415, 417, 422, 429,
    431, 500, 501, 503, 504, 505,
];

pub struct Requests {
    routes: Vec<RouteRequests>,
}

struct RouteRequests {
    route: &'static str,
    counts: [[AtomicU64; STATUSES.len()]; METHODS.len()],
    durations: Histogram,
}

impl Requests {
    /// Of these routes, which are named by their numbers.
    pub fn of(routes: impl Iterator<Item = &'static str>) -> Requests {
        let routes = routes.map(|route| RouteRequests {
            route,
            counts: Default::default(),
            durations: Histogram::new(&SECONDS),
        });
        Requests {
            routes: routes.collect(),
        }
    }

    pub fn answered(&self, route: usize, method: &str, status: u16, duration: Duration) {
        let route = &self.routes[route];
        let method = METHODS.iter().position(|known| *known == method);
        let method = method.unwrap_or(METHODS.len() - 1);
        let status = STATUSES.partition_point(|known| *known < status);
        let count = &route.counts[method][status.min(STATUSES.len() - 1)];
        count.fetch_add(1, Ordering::Relaxed);
        route.durations.observe_duration(duration);
    }

    /// All requests, and those of them that were refused.
    pub fn totals(&self) -> (u64, u64) {
        let counted = self.routes.iter().flat_map(RouteRequests::counted);
        counted.fold((0, 0), |(all, refused), (_, status, count)| {
            (all + count, refused + if status >= 400 { count } else { 0 })
        })
    }
}

/// Routes that were asked for.
impl Requests {
    pub fn counted(&self, family: Family) -> Family {
        let counted = self.routes.iter().flat_map(|route| {
            let counted = route.counted();
            counted.map(|(method, status, count)| {
                let labels = [
                    ("method", method.to_owned()),
                    ("route", route.route.to_owned()),
                    ("status", status.to_string()),
                ];
                (Vec::from(labels), count as f64)
            })
        });
        counted.fold(family, |family, (labels, count)| family.with(labels, count))
    }

    pub fn timed(&self, family: Family) -> Family {
        let asked = self.routes.iter();
        let asked = asked.filter(|route| route.durations.count() > 0);
        asked.fold(family, |family, route| {
            let labels = vec![("route", route.route.to_owned())];
            family.with_histogram(labels, &route.durations)
        })
    }
}

impl RouteRequests {
    /// Method, status and count, where there were any.
    fn counted(&self) -> impl Iterator<Item = (&'static str, u16, u64)> {
        let methods = METHODS.iter().zip(&self.counts);
        methods.flat_map(|(method, counts)| {
            let statuses = STATUSES.iter().zip(counts);
            statuses.filter_map(|(status, count)| {
                let count = count.load(Ordering::Relaxed);
                (count > 0).then_some((*method, *status, count))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_route_method_and_status() {
        let requests = Requests::of(["/a", "/b"].into_iter());
        let ms = Duration::from_millis(1);
        for (route, method, status) in [
            (0, "GET", 200),
            (0, "GET", 200),
            (0, "HEAD", 304),
            (1, "BREW", 405),
            (1, "POST", 505),
            (1, "POST", 599),
        ] {
            requests.answered(route, method, status, ms);
        }
        let counted = |route: usize| requests.routes[route].counted().collect::<Vec<_>>();
        assert_eq!(counted(0), [("GET", 200, 2), ("HEAD", 304, 1)]);
        assert_eq!(counted(1), [("POST", 505, 2), ("other", 405, 1)]);
        assert_eq!(requests.totals(), (6, 3));
        assert_eq!(requests.routes[1].durations.count(), 3);
    }
}
