//! The access log: who asked for what, and what they got. An entry for each answered request, with nothing in it that a client
//! could forge or that should stay between the client and the server.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::endpoints::Route;
use crate::http::{Method, Request, RequestInfo, Response};

/// A request that was answered.
pub struct AccessEntry {
    /// If it is one that everybody knows; any other is a text of the client's own.
    pub method: Option<Method>,
    /// The path with its ids left out, where it is one of ours.
    pub route: Option<&'static str>,
    pub status: u16,
    /// What the answer calls its error.
    pub code: Option<&'static str>,
    /// From the first byte of the request to its answer.
    pub latency: Duration,
    /// As trusted proxies report it.
    pub client: Option<IpAddr>,
    pub request_id: Arc<str>,
}

/// Where the entries go.
pub type AccessLog = Box<dyn Fn(&AccessEntry) + Send + Sync>;

/// A request that is being answered.
pub struct PendingEntry {
    method: Option<Method>,
    route: Option<&'static str>,
    client: Option<IpAddr>,
    request_id: Arc<str>,
    began: Instant,
}

impl PendingEntry {
    pub fn of(request: &Request, route: Option<Route<'_>>, client: Option<IpAddr>) -> PendingEntry {
        PendingEntry {
            method: well_known(Some(&request.method)),
            route: route.map(Route::pattern),
            client,
            request_id: request.id.clone(),
            began: request.began,
        }
    }

    /// Of bytes that were no request.
    pub fn of_refused(info: &RequestInfo) -> PendingEntry {
        PendingEntry {
            method: well_known(info.method.as_ref()),
            route: None,
            client: info.peer.map(|peer| peer.ip().to_canonical()),
            request_id: info.id.clone(),
            began: info.began,
        }
    }

    pub fn answered(self, response: &Response) -> AccessEntry {
        AccessEntry {
            method: self.method,
            route: self.route,
            status: response.status.0,
            code: response.code,
            latency: self.began.elapsed(),
            client: self.client,
            request_id: self.request_id,
        }
    }
}

fn well_known(method: Option<&Method>) -> Option<Method> {
    method
        .filter(|method| !matches!(method, Method::NonStandard(_)))
        .cloned()
}
