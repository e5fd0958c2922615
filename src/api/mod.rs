//! What requests mean and what answers look like: paths, fields, statuses and JSON. A request becomes a command for the
//! writer or a read, and its outcome a response; `answers` and `error` are total and pure, so a replay is byte-equal.

mod answers;
mod cors;
mod error;
pub(crate) mod fields;
mod json;
mod payments;
mod routes;
mod storefront;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::Clock;
use crate::http::{Malformed, Method, Request, Response};
use crate::sale::{Command, Outcome, Secret};
use crate::store::Reader;
use crate::writer::Writer;

pub use cors::Origins;

use error::Error;
use routes::{Endpoint, Route};

/// Everything that an answer may need.
pub struct Api {
    writer: Writer,
    reader: Box<dyn Reader>,
    clock: Arc<Clock>,
    secret: Secret,
    origins: Origins,
    draining: Arc<AtomicBool>,
}

impl Api {
    pub fn new(
        writer: Writer,
        reader: Box<dyn Reader>,
        clock: Arc<Clock>,
        secret: Secret,
        origins: Origins,
        draining: Arc<AtomicBool>,
    ) -> Api {
        Api {
            writer,
            reader,
            clock,
            secret,
            origins,
            draining,
        }
    }

    /// Answers a request, or says what is wrong with bytes that were none.
    pub fn handle(&self, request: Result<&Request, Malformed>) -> Response {
        match request {
            Ok(request) => {
                let response = self
                    .answer(request)
                    .unwrap_or_else(|error| error.response());
                self.origins.allow(request, with_cache_control(response))
            }
            Err(malformed) => with_cache_control(Error::from(malformed).response()),
        }
    }

    fn answer(&self, request: &Request) -> Result<Response, Error> {
        let route = Route::of(&request.path).ok_or(Error::NoSuchPath)?;
        if request.method == Method::Options {
            return self.origins.preflight(request, route);
        }
        let endpoint = route
            .endpoint(&request.method)
            .ok_or(Error::MethodNotAllowed(route.methods()))?;
        if !matches!(request.method, Method::Get | Method::Head) {
            self.origins.check(request)?;
        }
        match endpoint {
            Endpoint::ListProducts => self.list_products(request),
            Endpoint::ShowProduct(id) => self.show_product(request, id),
            Endpoint::PlaceHold => self.place_hold(request),
            Endpoint::ShowHold(id) => self.show_hold(id),
            Endpoint::ReleaseHold(id) => self.release_hold(request, id),
            Endpoint::PlaceOrder => self.place_order(request),
            Endpoint::ShowOrder(id) => self.show_order(id),
            Endpoint::CancelOrder(id) => self.cancel_order(request, id),
            Endpoint::RecordPayment => self.record_payment(request),
            Endpoint::Health => Ok(json::ok(&answers::Health { status: "ok" })),
            Endpoint::Readiness => self.readiness(),
        }
    }

    fn readiness(&self) -> Result<Response, Error> {
        if self.draining.load(Ordering::SeqCst) {
            return Err(Error::NotReady);
        }
        self.reader
            .product(crate::sale::ProductId::FIRST, self.clock.reading())?;
        Ok(json::ok(&answers::Health { status: "ready" }))
    }

    fn submit(&self, command: Command) -> Result<Outcome, Error> {
        Ok(self.writer.submit(command)?)
    }
}

fn with_cache_control(response: Response) -> Response {
    match response.header("Cache-Control") {
        Some(_) => response,
        None => response.with_header("Cache-Control", "no-store"),
    }
}
