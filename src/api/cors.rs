//! Which origins' pages may use the API (CORS). A write from a page of any other origin is refused before it is understood.

use std::time::Duration;

use super::endpoints::Route;
use super::errors::Error;
use super::proxies::Proxies;
use super::throttle::Throttle;
use crate::config::Origin;
use crate::http::{Request, Response};

/// The origins of storefront pages, as configured; `*` is every origin.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<Origin>);

/// What a preflight that asks for no header is told.
const HEADERS_ALLOWED: &str =
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id";
/// How many of the headers that a preflight asks for are allowed.
const HEADERS_MAX: usize = 32;
const HEADERS_EXPOSED: &str =
    "Date, ETag, Idempotent-Replayed, Location, Retry-After, X-Request-Id";
const PREFLIGHT_KEPT_S: &str = "600";

impl Origins {
    pub fn new(origins: Vec<Origin>) -> Origins {
        Origins(origins)
    }

    fn listed(&self, origin: &str) -> bool {
        self.0
            .iter()
            .map(Origin::as_str)
            .any(|listed| listed == "*" || listed == origin)
    }

    /// A write must come from our own pages, from a listed origin, or from no page at all.
    pub fn check(&self, request: &Request, proxies: &Proxies) -> Result<(), Error> {
        let mut origins = request.header_values("Origin");
        let (origin, is_only) = match (origins.next(), origins.next()) {
            (None, _) => return Ok(()),
            (Some(origin), second) => (origin, second.is_none()),
        };
        if is_only && (self.listed(origin) || is_ours(origin, request, proxies)) {
            Ok(())
        } else {
            log_refusal(origin, request, proxies);
            Err(Error::OriginNotAllowed)
        }
    }

    pub fn preflight(&self, request: &Request, route: Route<'_>) -> Result<Response, Error> {
        match request.header("Origin") {
            Some(origin) if self.listed(origin) => Ok(Response::new(204)
                .with_header("Access-Control-Allow-Methods", &route.methods())
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

/// Whatever can be a header's name is allowed: libraries for tracing add headers of their own, and a listed page may do
/// everything that a header could ask for.
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

/// Whether the text can be printed into a head.
fn is_visible(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// Whether a page was loaded from the host that it now writes to: by the request's host, by a trusted proxy's, or by the
/// browser's word, which no page can forge and no proxy changes.
fn is_ours(origin: &str, request: &Request, proxies: &Proxies) -> bool {
    let mut sites = request.header_values("Sec-Fetch-Site");
    is_of_host(origin, request.host())
        || proxies
            .forwarded_hosts(request)
            .any(|host| is_of_host(origin, host))
        || matches!((sites.next(), sites.next()), (Some("same-origin"), None))
}

/// The scheme is not compared: a proxy may speak TLS for us.
fn is_of_host(origin: &str, host: &str) -> bool {
    let (port, authority) = match origin.split_once("://") {
        Some(("http", authority)) => (":80", authority),
        Some(("https", authority)) => (":443", authority),
        Some(_) | None => return false,
    };
    let name = authority.strip_suffix(port).unwrap_or(authority);
    let host_name = host.strip_suffix(":80").or(host.strip_suffix(":443"));
    !host.is_empty()
        && (authority.eq_ignore_ascii_case(host)
            || name.eq_ignore_ascii_case(host_name.unwrap_or(host)))
}

/// The usual cause is a proxy that does not pass the host on.
fn log_refusal(origin: &str, request: &Request, proxies: &Proxies) {
    static WORTH_A_LINE: Throttle = Throttle::new(10, Duration::from_secs(1));
    if !WORTH_A_LINE.admits() {
        return;
    }
    let own = format!("http://{}", request.host());
    let forwarded = match (request.header("X-Forwarded-Host"), request.peer) {
        (None, _) => String::new(),
        (Some(host), _) if proxies.forwarded_hosts(request).next().is_some() => {
            format!(" (http://{host} by X-Forwarded-Host)")
        }
        (Some(host), Some(peer)) => format!(
            " (X-Forwarded-Host says {host}, but {} is not in trusted_proxies)",
            peer.ip()
        ),
        (Some(host), None) => format!(" (X-Forwarded-Host says {host}, over a Unix socket)"),
    };
    log::warn!(
        "a write of a page of {origin} is refused (403, request {}): this server's own origin is {own}{forwarded}; if the \
         page is the shop's own, let the proxy pass its Host on, or name the page's origin in cors_origins",
        request.id
    );
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
