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
use crate::http::{Handler, Malformed, Method, Reply, Request, Response};
use crate::sale::{Command, ProductId, Secret};
use crate::store::Reader;
use crate::writer::Writer;

pub use cors::Origins;

use answers::respond;
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

/// What a request comes to.
enum Work {
    /// It is answered already.
    Done(Response),
    /// The writer will have the answer.
    Command(Command),
}

impl Handler for Api {
    fn handle(&self, request: Request, reply: Reply) {
        let grant = self.origins.grant(&request);
        let finish = move |response| reply.send(grant.given_to(with_cache_control(response)));
        match self.understand(&request) {
            Ok(Work::Done(response)) => finish(response),
            Ok(Work::Command(command)) => {
                let secret = self.secret.clone();
                self.writer.submit(command, move |answer| {
                    finish(match answer {
                        Ok(outcome) => respond(&outcome, &secret),
                        Err(denial) => Error::from(denial).response(),
                    });
                });
            }
            Err(error) => finish(error.response()),
        }
    }

    fn refuse(&self, malformed: Malformed) -> Response {
        with_cache_control(Error::from(malformed).response())
    }
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

    fn understand(&self, request: &Request) -> Result<Work, Error> {
        let route = Route::of(&request.path).ok_or(Error::NoSuchPath)?;
        if request.method == Method::Options {
            return self.origins.preflight(request, route).map(Work::Done);
        }
        let endpoint = route
            .endpoint(&request.method)
            .ok_or(Error::MethodNotAllowed(route.methods()))?;
        if !matches!(request.method, Method::Get | Method::Head) {
            self.origins.check(request)?;
        }
        match endpoint {
            Endpoint::ListProducts => self.list_products(request).map(Work::Done),
            Endpoint::ShowProduct(id) => self.show_product(request, id).map(Work::Done),
            Endpoint::PlaceHold => storefront::place_hold(request).map(Work::Command),
            Endpoint::ShowHold(id) => self.show_hold(id).map(Work::Done),
            Endpoint::ReleaseHold(id) => storefront::release_hold(request, id).map(Work::Command),
            Endpoint::PlaceOrder => storefront::place_order(request).map(Work::Command),
            Endpoint::ShowOrder(id) => self.show_order(id).map(Work::Done),
            Endpoint::CancelOrder(id) => storefront::cancel_order(request, id).map(Work::Command),
            Endpoint::RecordPayment => payments::record_payment(request).map(Work::Command),
            Endpoint::Health => Ok(Work::Done(json::ok(&answers::Health { status: "ok" }))),
            Endpoint::Readiness => self.readiness().map(Work::Done),
        }
    }

    fn readiness(&self) -> Result<Response, Error> {
        if self.draining.load(Ordering::SeqCst) || !self.writer.is_well() {
            return Err(Error::NotReady);
        }
        self.reader
            .product(ProductId::FIRST, self.clock.reading())?;
        Ok(json::ok(&answers::Health { status: "ready" }))
    }
}

fn with_cache_control(response: Response) -> Response {
    match response.header("Cache-Control") {
        Some(_) => response,
        None => response.with_header("Cache-Control", "no-store"),
    }
}
