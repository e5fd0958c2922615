//! Which pages of other origins may talk to us. A write from any other page is refused before it is understood.

use super::error::Error;
use super::routes::Route;
use crate::http::{Request, Response};

/// The origins of storefront pages, as configured; `*` is every origin.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<String>);

const HEADERS_ALLOWED: &str =
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id";
const HEADERS_EXPOSED: &str = "ETag, Idempotent-Replayed, Location, Retry-After, X-Request-Id";
const PREFLIGHT_KEPT_S: &str = "600";

impl Origins {
    pub fn new(origins: Vec<String>) -> Origins {
        Origins(origins)
    }

    fn listed(&self, origin: &str) -> bool {
        self.0
            .iter()
            .any(|listed| listed == "*" || listed == origin)
    }

    /// A write must come from our own pages, from a listed origin, or from no page at all.
    pub fn check(&self, request: &Request) -> Result<(), Error> {
        if !request.has_header("Origin") {
            return Ok(());
        }
        let host = request.header("Host").unwrap_or_default();
        let allowed = request.header("Origin").is_some_and(|origin| {
            let own = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"));
            own == Some(host) || self.listed(origin)
        });
        if allowed {
            Ok(())
        } else {
            Err(Error::OriginNotAllowed)
        }
    }

    pub fn preflight(&self, request: &Request, route: Route<'_>) -> Result<Response, Error> {
        match request.header("Origin") {
            Some(origin) if self.listed(origin) => Ok(Response::new(204)
                .with_header("Access-Control-Allow-Methods", route.methods())
                .with_header("Access-Control-Allow-Headers", HEADERS_ALLOWED)
                .with_header("Access-Control-Max-Age", PREFLIGHT_KEPT_S)),
            Some(_) | None => Err(Error::MethodNotAllowed(route.methods())),
        }
    }

    /// Lets a listed origin's page read the answer.
    pub fn allow(&self, request: &Request, response: Response) -> Response {
        if self.0.is_empty() {
            return response;
        }
        let response = response.with_header("Vary", "Origin");
        match request.header("Origin") {
            Some(origin) if origin.is_ascii() && self.listed(origin) => response
                .with_header("Access-Control-Allow-Origin", origin)
                .with_header("Access-Control-Expose-Headers", HEADERS_EXPOSED),
            Some(_) | None => response,
        }
    }
}
