//! HTTP's side of the sale: `endpoints` is its table of contents. A request becomes a read or a command for the writer, and
//! what came of it a response; `bodies` and `errors` are total and pure, so that a repeated answer is byte-equal.

mod access_log;
mod answering;
mod bodies;
mod call;
mod content_headers;
mod cors;
mod counted;
mod description;
mod embedded;
mod endpoints;
mod errors;
mod fast_rates;
mod feed;
mod front_page;
mod guard;
mod health;
mod json;
mod known_tags;
mod open_metrics;
mod operator;
mod order_history;
mod page;
mod payments;
mod printed_products;
mod proxies;
mod query;
mod signature;
mod sold_out_hint;
mod stats;
mod storefront;
mod stripe;
mod throttle;

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use crate::clock::Clock;
use crate::config::Config;
use crate::http::{
    ConnectionCounts, Handler, Method, Refusal, Reply, Request, RequestInfo, Response,
};
use crate::metrics::Metrics;
#[cfg(feature = "test-support")]
use crate::sale::Command;
use crate::sale::{Secret, Terms};
use crate::store::Reader;
use crate::writer::Writer;

pub use access_log::{AccessEntry, AccessLog};
pub use description::openapi;
pub use endpoints::{Access, ENDPOINTS, Endpoint};
pub use open_metrics::MetricsFront;
pub use proxies::Proxies;

use access_log::PendingEntry;
use call::{Call, Work};
use cors::Origins;
use counted::metrics;
use endpoints::{BODY_BYTES_MAX, Route, Run};
use errors::{Audience, Error};
use fast_rates::FastRates;
use feed::{LongPolls, Readership};
use guard::Guard;
use known_tags::KnownTags;
use printed_products::PrintedProducts;
use sold_out_hint::SoldOutHint;

#[cfg(feature = "test-support")]
pub use {
    signature::{Wrong as WrongSignature, check as check_signature},
    stripe::{
        Reason as StripeReason, Refused as StripeRefused, Understood as StripeUnderstood,
        understand as understand_stripe,
    },
};

/// What handlers are given.
pub struct Api {
    pub writer: Arc<Writer>,
    pub reader: Arc<dyn Reader>,
    /// Of requests for events that are still to be told.
    pub long_polls: LongPolls,
    pub readership: Readership,
    pub clock: Arc<Clock>,
    pub terms: Terms,
    pub guard: Guard,
    pub origins: Origins,
    pub proxies: Proxies,
    pub sold_out_hint: Arc<SoldOutHint>,
    pub printed_products: Arc<PrintedProducts>,
    pub fast_rates: FastRates,
    pub metrics: Arc<Metrics>,
    /// Of the front that serves it, once one does.
    pub connections: OnceLock<ConnectionCounts>,
    /// Whether `/metrics` has a front of its own.
    pub metrics_are_elsewhere: bool,
    pub access_log: Arc<AccessLog>,
    pub draining: Arc<AtomicBool>,
}

impl Api {
    /// Without an access log. Starts the thread of long polls.
    pub fn new(
        config: &Config,
        secret: Secret,
        clock: Arc<Clock>,
        writer: Writer,
        reader: Arc<dyn Reader>,
    ) -> io::Result<Api> {
        let long_polls = LongPolls::start(reader.clone(), writer.events_committed())?;
        Ok(Api {
            writer: Arc::new(writer),
            reader,
            long_polls,
            readership: Readership::default(),
            clock,
            terms: config.terms(),
            guard: Guard::of(config, secret),
            origins: Origins::new(config.cors_origins.clone()),
            proxies: Proxies::new(config.trusted_proxies.clone(), config.is_open()),
            sold_out_hint: Arc::default(),
            printed_products: Arc::default(),
            fast_rates: FastRates::default(),
            metrics: metrics(),
            connections: OnceLock::new(),
            metrics_are_elsewhere: false,
            access_log: Arc::new(Box::new(|_| {})),
            draining: Arc::default(),
        })
    }
}

impl Handler for Api {
    fn handle(&self, request: Request, reply: Reply) {
        self.proxies.warn_if_exposed(&request);
        let is_here = |route: &Route<'_>| {
            let is_elsewhere = self.metrics_are_elsewhere && route.is_metrics();
            !is_elsewhere && (self.guard.takes_stripe_events() || !route.is_stripes())
        };
        let route = Route::of(&request.path).filter(is_here);
        let work = self.understand(&request, route);
        self.answer(&request, route, work, reply);
    }

    fn refuse(&self, refusal: Refusal, info: &RequestInfo) -> Response {
        let grant = self.origins.grant(info.origin.as_deref());
        let response = grant.given_to(Error::from(refusal).response(self.audience()));
        self.metrics.refused.add(response.code.unwrap_or("-"), 1);
        (self.access_log)(&PendingEntry::of_refused(info).answered(&response));
        response
    }

    fn body_bytes_max(&self, path: &str) -> usize {
        Route::of(path).map_or(BODY_BYTES_MAX, Route::body_bytes_max)
    }

    fn is_slow(&self, request: &Request) -> bool {
        let endpoint = Route::of(&request.path).and_then(|route| route.endpoint(&request.method));
        endpoint.is_some_and(|endpoint| {
            endpoint.is_slow || endpoint.waits_for_reader() && self.reader.is_far()
        })
    }

    /// The sale's: pages count deadlines down by it.
    fn time(&self) -> SystemTime {
        let micros = u64::try_from(self.clock.now().micros()).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
    }
}

impl Api {
    /// For errors that no shown token changes.
    fn audience(&self) -> Audience<'_> {
        Audience::without_holder(self.guard.tokens_required)
    }

    fn understand(&self, request: &Request, route: Option<Route<'_>>) -> Result<Work, Error> {
        self.ensure_operator(request)?;
        let route = route.ok_or(Error::NoSuchPath)?;
        self.ensure_reader_of_feed(request, route)?;
        self.work(request, route)
    }

    fn work(&self, request: &Request, route: Route<'_>) -> Result<Work, Error> {
        if request.method == Method::Options {
            return self.origins.preflight(request, route).map(Work::Answered);
        }
        let endpoint = route
            .endpoint(&request.method)
            .ok_or_else(|| Error::MethodNotAllowed(route.methods()))?;
        let id = route.id;
        let call = Call { request, id };
        match endpoint.run {
            Run::Read(read) => {
                let response = read(self, &call)?;
                Ok(Work::Answered(match endpoint.access {
                    Access::Operator => KnownTags::of(request).unless_unchanged(response),
                    Access::Open
                    | Access::Token
                    | Access::Signature
                    | Access::Stripe
                    | Access::Feed => response,
                }))
            }
            Run::Await(read) => read(self, &call),
            Run::Command(write) => {
                self.ensure_allowed_origin(&call, endpoint.access)?;
                content_headers::check_encoding(request)?;
                write(self, &call).map(Work::Submitted)
            }
            Run::Event(work) => work(self, &call),
        }
    }

    /// Without an `admin_token` the operator's paths do not exist. The operator's page is empty and needs no token, and a
    /// preflight carries none.
    fn ensure_operator(&self, request: &Request) -> Result<(), Error> {
        if Route::is_below_admin(&request.path) && !self.guard.has_operator() {
            Err(Error::NoSuchPath)
        } else if !Route::is_operators(&request.path)
            || request.method == Method::Options
            || self.guard.admits_operator(request)
        {
            Ok(())
        } else {
            Err(Error::NotTheOperator)
        }
    }

    /// Without a `feed_token` there is no feed.
    fn ensure_reader_of_feed(&self, request: &Request, route: Route<'_>) -> Result<(), Error> {
        if !route.is_feed() {
            Ok(())
        } else if !self.guard.has_feed() {
            Err(Error::NoSuchPath)
        } else if request.method == Method::Options || self.guard.admits_to_feed(request) {
            Ok(())
        } else {
            Err(Error::NotTheFeedsReader)
        }
    }

    /// A page has no secret to sign with: a signature counts in place of an origin, and before it.
    fn ensure_allowed_origin(&self, call: &Call<'_>, access: Access) -> Result<(), Error> {
        if access == Access::Signature && self.guard.asks_for_signatures() {
            call.ensure_body()?;
            self.guard.check_signature(call.request, self.clock.wall())
        } else {
            self.origins.check(call.request, &self.proxies)
        }
    }
}

#[cfg(feature = "test-support")]
impl Api {
    /// What the request asks of the writer, which is not asked; `Err` holds the answer to a request that asks nobody.
    /// `None`: the request waits for what is read.
    pub fn command_of(&self, request: &Request) -> Result<Option<Command>, Response> {
        match self.understand(request, Route::of(&request.path)) {
            Ok(Work::Submitted(submission)) => Ok(Some(submission.command)),
            Ok(Work::Looks(_) | Work::Waits(..)) => Ok(None),
            Ok(Work::Answered(response)) => Err(response),
            Err(error) => Err(error.response(self.audience())),
        }
    }
}
