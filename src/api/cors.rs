//! Which pages of other origins may talk to us. A write from any other page is refused before it is understood.

use super::error::Error;
use super::routes::Route;
use crate::http::{Request, Response};

/// The origins of storefront pages, as configured; `*` is every origin.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<String>);

/// What a preflight is told that asks for none.
const HEADERS_ALLOWED: &str =
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id";
/// How many of those that a preflight asks for are allowed.
const HEADERS_MAX: usize = 32;
const HEADERS_EXPOSED: &str =
    "Date, ETag, Idempotent-Replayed, Location, Retry-After, X-Request-Id";
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
                .with_header("Access-Control-Allow-Headers", &headers_allowed(request))
                .with_header("Access-Control-Max-Age", PREFLIGHT_KEPT_S)),
            Some(_) | None => Err(Error::MethodNotAllowed(route.methods())),
        }
    }

    /// What the answer to a page of this origin will say about origins.
    pub fn grant(&self, origin: Option<&str>) -> Grant {
        let origin = origin.filter(|origin| is_visible(origin) && self.listed(origin));
        Grant {
            varies: !self.0.is_empty(),
            origin: origin.map(str::to_owned),
        }
    }
}

/// Libraries for tracing, and many others, add headers of their own: whatever can be a header's name may be sent, since a
/// listed page may do everything that we know.
fn headers_allowed(request: &Request) -> String {
    let asked = request
        .header_values("Access-Control-Request-Headers")
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|name| is_token(name))
        .take(HEADERS_MAX);
    let asked: Vec<&str> = asked.collect();
    if asked.is_empty() {
        HEADERS_ALLOWED.to_owned()
    } else {
        asked.join(", ")
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_letter)
}

/// It is printed into a head.
fn is_visible(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ')
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
