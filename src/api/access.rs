//! Who asked for what, and what they got: a line in the log for each request, with nothing in it that a client could forge
//! or that should stay between the client and us.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::routes::Route;
use crate::http::{Method, Request, RequestInfo, Response};

/// A request that was answered.
pub struct Access {
    /// If it is one that everybody knows; any other is a text of the client's own.
    pub method: Option<Method>,
    /// The path with its ids left out, where it is one of ours.
    pub route: Option<&'static str>,
    pub status: u16,
    /// What the answer calls its error.
    pub code: Option<&'static str>,
    /// From the first byte of the request to its answer.
    pub latency: Duration,
    /// By the word of trusted proxies.
    pub client: Option<IpAddr>,
    pub request_id: Arc<str>,
}

/// Whoever writes the lines.
pub type AccessLog = Box<dyn Fn(&Access) + Send + Sync>;

/// A request that is being answered.
pub struct Visit {
    method: Option<Method>,
    route: Option<&'static str>,
    client: Option<IpAddr>,
    request_id: Arc<str>,
    began: Instant,
}

impl Visit {
    pub fn of(request: &Request, route: Option<Route<'_>>, client: Option<IpAddr>) -> Visit {
        Visit {
            method: well_known(Some(&request.method)),
            route: route.map(Route::pattern),
            client,
            request_id: request.id.clone(),
            began: request.began,
        }
    }

    /// Of bytes that nobody understood.
    pub fn of_refused(info: &RequestInfo) -> Visit {
        Visit {
            method: well_known(info.method.as_ref()),
            route: None,
            client: info.peer.map(|peer| peer.ip().to_canonical()),
            request_id: info.id.clone(),
            began: info.began,
        }
    }

    pub fn ends_with(self, response: &Response) -> Access {
        Access {
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
