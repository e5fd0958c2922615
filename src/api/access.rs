//! Who asked for what, and what they got: a line in the log for each request, with nothing in it that a client could forge
//! or that should stay between the client and us.

use std::net::IpAddr;
use std::time::Instant;

use super::routes::Route;
use crate::http::{Asked, Method, Request, Response};

/// What these lines are switched by, as in `RUST_LOG=info,request=off`.
const TARGET: &str = "request";
/// What stands where nothing is known.
const NOTHING: &str = "-";

pub struct Access {
    method: Option<Method>,
    route: &'static str,
    client: Option<IpAddr>,
    request_id: String,
    began: Instant,
}

impl Access {
    pub fn of(request: &Request, route: Option<Route<'_>>, client: Option<IpAddr>) -> Access {
        Access {
            method: Some(request.method.clone()),
            route: route.map_or(NOTHING, Route::pattern),
            client,
            request_id: request.id.clone(),
            began: request.began,
        }
    }

    /// Of bytes that nobody understood.
    pub fn of_refused(asked: &Asked) -> Access {
        Access {
            method: asked.method.clone(),
            route: NOTHING,
            client: asked.peer.map(|peer| peer.ip().to_canonical()),
            request_id: asked.id.clone(),
            began: asked.began,
        }
    }

    pub fn log(&self, response: &Response) {
        if !log::log_enabled!(target: TARGET, log::Level::Info) {
            return;
        }
        let client = self
            .client
            .map_or(NOTHING.to_owned(), |client| client.to_string());
        let latency_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        log::info!(
            target: TARGET,
            method = self.method.as_ref().map_or(NOTHING, Method::as_str),
            route = self.route,
            status = response.status.0,
            code = response.code.unwrap_or(NOTHING),
            latency_us = latency_us,
            client = client.as_str(),
            request_id = self.request_id.as_str();
            "answered"
        );
    }
}
