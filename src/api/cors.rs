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
        let mut origins = request.header_values("Origin");
        let allowed = matches!((origins.next(), origins.next()), (Some(origin), None)
            if self.listed(origin) || is_own(origin, request.host()));
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

    /// What the answer to this request will say about origins.
    pub fn grant(&self, request: &Request) -> Grant {
        let origin = request
            .header("Origin")
            .filter(|origin| origin.is_ascii() && self.listed(origin));
        Grant {
            varies: !self.0.is_empty(),
            origin: origin.map(str::to_owned),
        }
    }
}

/// A page that was loaded from the host that it now writes to.
fn is_own(origin: &str, host: &str) -> bool {
    let own = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    !host.is_empty() && own.is_some_and(|own| own.eq_ignore_ascii_case(host))
}

/// Lets a listed origin's page read an answer.
pub struct Grant {
    varies: bool,
    origin: Option<String>,
}

impl Grant {
    pub fn given_to(&self, response: Response) -> Response {
        let response = if self.varies {
            response.with_header("Vary", "Origin")
        } else {
            response
        };
        match &self.origin {
            Some(origin) => response
                .with_header("Access-Control-Allow-Origin", origin)
                .with_header("Access-Control-Expose-Headers", HEADERS_EXPOSED),
            None => response,
        }
    }
}
