//! The endpoints, one line each: method, path, who may call it, what answers. What a path allows, its preflight, its name in
//! the log and how large a body may be all follow from these lines.

use super::Api;
use super::call::{Call, Submission, Work};
use super::errors::Error;
use crate::http::{Method, Response};

use Access::{Feed, Open, Operator, Signature, Stripe, Token};
use Method::{Delete, Get, Head, Patch, Post};

/// Lines of one path stand together.
#[rustfmt::skip]
pub static ENDPOINTS: &[Endpoint] = &[
    read(Get,        "/api/products",                             Open,      Api::list_products).slow(),
    awaited(Get,     "/api/products/{id}",                        Open,      Api::show_product),
    command(Post,    "/api/holds",                                Open,      Api::place_hold),
    awaited(Get,     "/api/holds/{id}",                           Token,     Api::show_hold),
    command(Delete,  "/api/holds/{id}",                           Token,     Api::release_hold),
    command(Post,    "/api/orders",                               Token,     Api::place_order),
    awaited(Get,     "/api/orders/{id}",                          Token,     Api::show_order),
    command(Post,    "/api/orders/{id}/cancel",                   Token,     Api::cancel_order),
    command(Post,    "/api/payments/webhook",                     Signature, Api::record_payment).with_body_up_to(64 * 1024),
    event(Post,      "/api/payments/stripe",                      Stripe,    Api::record_stripe_event).with_body_up_to(64 * 1024),
    awaited(Get,     "/api/events",                               Feed,      Api::read_feed).slow(),
    read(Get,        "/",                                         Open,      Api::show_front_page).without_rows(),
    read(Get,        "/healthz",                                  Open,      Api::show_health).without_rows(),
    read(Get,        "/readyz",                                   Open,      Api::show_readiness),
    read(Get,        "/metrics",                                  Open,      Api::show_metrics).slow(),
    read(Get,        "/openapi.json",                             Open,      Api::show_description).slow(),
    read(Get,        "/docs",                                     Open,      Api::show_docs).slow(),
    read(Get,        "/docs/{asset}",                             Open,      Api::show_docs_asset),
    read(Get,        "/admin",                                    Open,      Api::show_page).without_rows(),
    read(Get,        "/admin/{asset}",                            Open,      Api::show_page_asset).without_rows(),
    command(Post,    "/admin/api/products",                       Operator,  Api::create_product),
    command(Patch,   "/admin/api/products/{id}",                  Operator,  Api::change_product),
    command(Post,    "/admin/api/products/{id}/restock",          Operator,  Api::restock_product),
    read(Get,        "/admin/api/products/{id}/movements",        Operator,  Api::list_movements).slow(),
    read(Get,        "/admin/api/holds",                          Operator,  Api::list_holds).slow(),
    read(Get,        "/admin/api/orders",                         Operator,  Api::list_orders).slow(),
    read(Get,        "/admin/api/orders/{id}",                    Operator,  Api::show_order_history).slow(),
    command(Post,    "/admin/api/orders/{id}/refund",             Operator,  Api::refund_order),
    read(Get,        "/admin/api/payments",                       Operator,  Api::list_payments).slow(),
    read(Get,        "/admin/api/refunds",                        Operator,  Api::list_refunds).slow(),
    command(Post,    "/admin/api/refunds/{webhook_id}/resolve",   Operator,  Api::resolve_refund),
    command(Post,    "/admin/api/refunds/{webhook_id}/accept",    Operator,  Api::accept_refund),
    read(Get,        "/admin/api/reversals",                      Operator,  Api::list_reversals).slow(),
    read(Get,        "/admin/api/stats",                          Operator,  Api::show_stats).slow(),
];

/// Without an operator there is nothing at or below this path.
const ADMIN: &str = "/admin";
/// Whatever the path, what stands below this one is the operator's.
const OPERATORS: &str = "/admin/api/";
pub const BODY_BYTES_MAX: usize = 16 * 1024;

pub struct Endpoint {
    pub method: Method,
    /// The path, with a name in braces where an id stands.
    pub pattern: &'static str,
    pub access: Access,
    pub body_bytes_max: usize,
    /// Whether an answer may take so long that no event loop should wait for it.
    pub is_slow: bool,
    /// Whether the store is never asked.
    has_no_rows: bool,
    pub(super) run: Run,
    /// What stands before the id, and after it if there is one.
    before_id: &'static str,
    after_id: Option<&'static str>,
}

/// What a call must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Open,
    /// Where tokens are required, the token of the hold or order. The handler checks it, because it may stand in the body.
    Token,
    /// The payment provider's, where there are secrets to check it with.
    Signature,
    /// Stripe's signature, where there are secrets to check it with. The handler checks it.
    Stripe,
    /// The feed's token.
    Feed,
    /// The operator's token.
    Operator,
}

/// What answers: a read answers at once, a command after its commit, an event in the one way or the other; what is awaited, once
/// it was read, or there is something to tell.
#[derive(Clone, Copy)]
pub enum Run {
    Read(Read),
    Await(Take),
    Command(Write),
    Event(Take),
}

type Read = fn(&Api, &Call<'_>) -> Result<Response, Error>;
type Write = fn(&Api, &Call<'_>) -> Result<Submission, Error>;
type Take = fn(&Api, &Call<'_>) -> Result<Work, Error>;

const fn read(method: Method, pattern: &'static str, access: Access, read: Read) -> Endpoint {
    endpoint(method, pattern, access, Run::Read(read))
}

const fn awaited(method: Method, pattern: &'static str, access: Access, read: Take) -> Endpoint {
    endpoint(method, pattern, access, Run::Await(read))
}

const fn command(method: Method, pattern: &'static str, access: Access, write: Write) -> Endpoint {
    endpoint(method, pattern, access, Run::Command(write))
}

const fn event(method: Method, pattern: &'static str, access: Access, take: Take) -> Endpoint {
    endpoint(method, pattern, access, Run::Event(take))
}

const fn endpoint(method: Method, pattern: &'static str, access: Access, run: Run) -> Endpoint {
    let (before_id, after_id) = split_at_id(pattern);
    Endpoint {
        method,
        pattern,
        access,
        run,
        body_bytes_max: BODY_BYTES_MAX,
        is_slow: false,
        has_no_rows: false,
        before_id,
        after_id,
    }
}

const fn split_at_id(pattern: &'static str) -> (&'static str, Option<&'static str>) {
    let mut open = 0;
    while open < pattern.len() && pattern.as_bytes()[open] != b'{' {
        open += 1;
    }
    let (before, mut id) = pattern.split_at(open);
    while let [byte, ..] = id.as_bytes() {
        (_, id) = id.split_at(1);
        if *byte == b'}' {
            return (before, Some(id));
        }
    }
    (before, None)
}

impl Endpoint {
    const fn slow(mut self) -> Endpoint {
        self.is_slow = true;
        self
    }

    const fn without_rows(mut self) -> Endpoint {
        self.has_no_rows = true;
        self
    }

    /// Whether whoever answers waits for a reader.
    pub fn waits_for_reader(&self) -> bool {
        match self.run {
            Run::Read(_) => !self.has_no_rows,
            Run::Await(_) | Run::Command(_) | Run::Event(_) => false,
        }
    }

    const fn with_body_up_to(mut self, bytes: usize) -> Endpoint {
        self.body_bytes_max = bytes;
        self
    }

    /// The id in a path of this pattern; empty where the pattern has none. It is still text: one that is no id names
    /// nothing, which only the handler can say.
    fn id_in<'a>(&self, path: &'a str) -> Option<&'a str> {
        let Some(after_id) = self.after_id else {
            return (path == self.pattern).then_some("");
        };
        let id = path.strip_prefix(self.before_id)?.strip_suffix(after_id)?;
        (!id.contains('/')).then_some(id)
    }
}

/// A path that exists, and the endpoints at it.
#[derive(Clone, Copy)]
pub struct Route<'a> {
    /// Of its first line in the table.
    pub number: usize,
    endpoints: &'static [Endpoint],
    pub id: &'a str,
}

impl<'a> Route<'a> {
    /// One slash at the end of a path is ignored.
    pub fn of(path: &'a str) -> Option<Route<'a>> {
        let shorter = path.strip_suffix('/').filter(|path| path.len() > 1);
        let path = shorter.unwrap_or(path);
        ENDPOINTS.iter().enumerate().find_map(|(first, endpoint)| {
            let id = endpoint.id_in(path)?;
            let is_here = |other: &&Endpoint| other.pattern == endpoint.pattern;
            let count = ENDPOINTS[first..].iter().take_while(is_here).count();
            let endpoints = &ENDPOINTS[first..first + count];
            Some(Route {
                number: first,
                endpoints,
                id,
            })
        })
    }

    pub fn is_below_admin(path: &str) -> bool {
        let below = path.strip_prefix(ADMIN);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }

    pub fn is_operators(path: &str) -> bool {
        path.starts_with(OPERATORS)
    }

    pub fn is_feed(&self) -> bool {
        self.endpoints[0].access == Feed
    }

    pub fn is_metrics(&self) -> bool {
        self.pattern() == "/metrics"
    }

    pub fn is_stripes(&self) -> bool {
        self.pattern() == "/api/payments/stripe"
    }

    pub fn pattern(self) -> &'static str {
        self.endpoints[0].pattern
    }

    /// What `Allow` says.
    pub fn methods(self) -> String {
        let methods = self.endpoints.iter().map(|endpoint| match endpoint.run {
            Run::Read(_) | Run::Await(_) => "GET, HEAD",
            Run::Command(_) | Run::Event(_) => endpoint.method.as_str(),
        });
        methods.collect::<Vec<_>>().join(", ")
    }

    /// `HEAD` is `GET`, whose body the front leaves out.
    pub fn endpoint(self, method: &Method) -> Option<&'static Endpoint> {
        let method = if *method == Head { &Get } else { method };
        let mut endpoints = self.endpoints.iter();
        endpoints.find(|endpoint| endpoint.method == *method)
    }

    pub fn body_bytes_max(self) -> usize {
        let sizes = self
            .endpoints
            .iter()
            .map(|endpoint| endpoint.body_bytes_max);
        sizes.max().unwrap_or(BODY_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<(&'static str, &str)> {
        Route::of(path).map(|route| (route.pattern(), route.id))
    }

    #[test]
    fn a_path_is_one_route_or_none() {
        for (path, pattern, id) in [
            ("/", "/", ""),
            ("/admin", "/admin", ""),
            ("/admin/", "/admin", ""),
            ("/admin/api", "/admin/{asset}", "api"),
            ("/api/products", "/api/products", ""),
            ("/api/products/", "/api/products", ""),
            ("/api/products/7", "/api/products/{id}", "7"),
            ("/api/products/7/", "/api/products/{id}", "7"),
            ("/api/products//", "/api/products/{id}", ""),
            ("/api/orders/cancel", "/api/orders/{id}", "cancel"),
            ("/api/orders/7/cancel", "/api/orders/{id}/cancel", "7"),
            ("/api/orders/7/cancel/", "/api/orders/{id}/cancel", "7"),
            ("/api/orders//cancel", "/api/orders/{id}/cancel", ""),
            (
                "/admin/api/refunds/7/accept",
                "/admin/api/refunds/{webhook_id}/accept",
                "7",
            ),
        ] {
            assert_eq!(found(path), Some((pattern, id)), "{path}");
        }
        for path in [
            "/admin/api/products/7/restock/8",
            "/admin/api/refunds/7",
            "",
            "/api",
            "/API/products",
            "/api/orders/7/pay",
            "//api/products",
            "//",
            "/api/products/7//",
            "/api//",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn each_line_is_found_by_its_own_path_and_method() {
        for endpoint in ENDPOINTS {
            let path = endpoint
                .pattern
                .replace("{webhook_id}", "7")
                .replace("{id}", "7");
            let route = Route::of(&path).unwrap();
            let found = route.endpoint(&endpoint.method).unwrap();
            assert_eq!(
                (found.pattern, &found.method),
                (endpoint.pattern, &endpoint.method)
            );
            assert_eq!(
                Route::is_operators(&path),
                endpoint.access == Operator,
                "{path}"
            );
        }
    }
}
