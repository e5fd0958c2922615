//! What requests mean and what answers look like: paths, fields, statuses and JSON. A request becomes a command for the
//! writer or a read, and its outcome a response; `bodies` and `errors` are total and pure, so a replay is byte-equal.

mod access_log;
mod bodies;
mod content_headers;
mod cors;
mod errors;
pub(crate) mod fields;
mod front_page;
mod guard;
mod json;
mod operator;
mod payments;
mod proxies;
mod query;
mod routes;
mod signature;
mod sold_out_hint;
mod storefront;
mod throttle;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::Clock;
use crate::http::{Handler, Method, Refusal, Reply, Request, RequestInfo, Response};
use crate::metrics::Latency;
use crate::sale::{Command, Outcome, ProductId, Rejection, Terms, TokenKind};
use crate::store::Reader;
use crate::writer::{CommandError, Writer};

pub use access_log::{AccessEntry, AccessLog};
pub use cors::Origins;
pub use guard::Guard;
pub use proxies::Proxies;
pub use sold_out_hint::SoldOutHint;

use access_log::PendingEntry;
use bodies::respond;
use errors::Error;
use routes::{Endpoint, Route};
use storefront::required_body;

const BODY_BYTES_MAX: usize = 16 * 1024;
/// What a payment provider reports may hold all that was bought.
const PAYMENT_BYTES_MAX: usize = 64 * 1024;

/// Everything that an answer may need.
pub struct Api {
    pub writer: Writer,
    pub reader: Box<dyn Reader>,
    pub clock: Arc<Clock>,
    pub terms: Terms,
    pub guard: Guard,
    pub origins: Origins,
    pub proxies: Proxies,
    pub sold_out_hint: Arc<SoldOutHint>,
    pub latency: Arc<Latency>,
    pub access_log: Arc<AccessLog>,
    pub draining: Arc<AtomicBool>,
}

/// What a request comes to.
enum Work {
    /// It is answered already.
    Done(Response),
    /// The writer will have the answer.
    Command(Command),
    /// The same, and whoever asks has shown the token of the hold that it names: what became of it is theirs to know.
    HoldersCommand(Command),
}

impl Handler for Api {
    fn handle(&self, request: Request, reply: Reply) {
        self.proxies.warn_if_exposed(&request);
        let route = Route::of(&request.path);
        let entry = PendingEntry::of(&request, route, self.proxies.client_of(&request));
        let grant = self.origins.grant(request.header("Origin"));
        let access_log = self.access_log.clone();
        let finish = move |response| {
            let response = grant.given_to(response);
            access_log(&entry.answered(&response));
            reply.send(response);
        };
        let (command, is_holder) = match self.understand(&request, route) {
            Ok(Work::Done(response)) => return finish(response),
            Ok(Work::Command(command)) => (command, false),
            Ok(Work::HoldersCommand(command)) => (command, true),
            Err(error) => return finish(content_headers::explain(error, &request).response()),
        };
        let (latency, began) = (self.latency.clone(), request.began);
        self.submit(command, is_holder, move |response| {
            latency.record(began.elapsed());
            finish(response);
        });
    }

    fn refuse(&self, refusal: Refusal, info: &RequestInfo) -> Response {
        let grant = self.origins.grant(info.origin.as_deref());
        let response = grant.given_to(Error::from(refusal).response());
        (self.access_log)(&PendingEntry::of_refused(info).answered(&response));
        response
    }

    fn body_bytes_max(&self, path: &str) -> usize {
        match Route::of(path) {
            Some(Route::PaymentWebhook) => PAYMENT_BYTES_MAX,
            Some(_) | None => BODY_BYTES_MAX,
        }
    }
}

impl Api {
    fn submit(
        &self,
        command: Command,
        is_holder: bool,
        finish: impl FnOnce(Response) + Send + 'static,
    ) {
        let secret = self.guard.secret.clone();
        let tokens_required = self.guard.tokens_required;
        let (sold_out_hint, wanted) = (self.sold_out_hint.clone(), product_wanted(&command));
        self.writer.submit(command, move |answer| {
            if let (Some(product), Err(CommandError::Refused(rejection))) = (wanted, &answer)
                && is_sold_out(rejection)
            {
                sold_out_hint.set(product);
            }
            if let Ok(Outcome::PaymentRecorded(recorded)) = &answer
                && recorded.is_hundredfold
            {
                payments::warn_of_minor_units(recorded.payment);
            }
            finish(match answer {
                Ok(outcome) => respond(&outcome, &secret),
                Err(CommandError::Refused(Rejection::HoldUsed { order })) if is_holder => {
                    let order_token = secret.token(TokenKind::Order, order.get());
                    Error::HoldUsed { order, order_token }.response()
                }
                // As it is said to whoever shows no token, or a wrong one.
                Err(CommandError::Refused(Rejection::HoldUnknown)) if tokens_required => {
                    Error::HoldNotFound.response()
                }
                Err(error) => Error::from(error).response(),
            });
        });
    }

    fn understand(&self, request: &Request, route: Option<Route<'_>>) -> Result<Work, Error> {
        if Route::is_operators(&request.path) {
            self.ensure_operator(request)?;
        }
        let route = route.ok_or(Error::NoSuchPath)?;
        if request.method == Method::Options {
            return self.origins.preflight(request, route).map(Work::Done);
        }
        let endpoint = route
            .endpoint(&request.method)
            .ok_or(Error::MethodNotAllowed(route.methods()))?;
        if !matches!(request.method, Method::Get | Method::Head) {
            self.ensure_allowed_origin(request, endpoint)?;
            content_headers::check_encoding(request)?;
        }
        match endpoint {
            Endpoint::ShowFrontPage => Ok(Work::Done(front_page::response())),
            Endpoint::ListProducts => self.list_products(request).map(Work::Done),
            Endpoint::ShowProduct(id) => self.show_product(request, id).map(Work::Done),
            Endpoint::PlaceHold => self.place_hold(request),
            Endpoint::ShowHold(id) => self.show_hold(request, id).map(Work::Done),
            Endpoint::ReleaseHold(id) => self.release_hold(request, id).map(Work::Command),
            Endpoint::PlaceOrder => self.place_order(request),
            Endpoint::ShowOrder(id) => self.show_order(request, id).map(Work::Done),
            Endpoint::CancelOrder(id) => self.cancel_order(request, id).map(Work::Command),
            Endpoint::RecordPayment => self.record_payment(request).map(Work::Command),
            Endpoint::CreateProduct => self.create_product(request).map(Work::Command),
            Endpoint::ChangeProduct(id) => operator::change_product(request, id).map(Work::Command),
            Endpoint::RestockProduct(id) => self.restock_product(request, id).map(Work::Command),
            Endpoint::ListMovements(id) => self.list_movements(request, id).map(Work::Done),
            Endpoint::ListHolds => self.list_holds(request).map(Work::Done),
            Endpoint::ListOrders => self.list_orders(request).map(Work::Done),
            Endpoint::RefundOrder(id) => operator::refund_order(request, id).map(Work::Command),
            Endpoint::ListPayments => self.list_payments(request).map(Work::Done),
            Endpoint::ListRefunds => self.list_refunds(request).map(Work::Done),
            Endpoint::ResolveRefund(id) => operator::resolve_refund(request, id).map(Work::Command),
            Endpoint::AcceptRefund(id) => operator::accept_refund(request, id).map(Work::Command),
            Endpoint::ShowStats => self.show_stats(request).map(Work::Done),
            Endpoint::Health => Ok(Work::Done(json::ok(&bodies::Health { status: "ok" }))),
            Endpoint::Readiness => self.readiness().map(Work::Done),
        }
    }

    /// Where there is no operator, there is nothing for one. A preflight carries no token.
    fn ensure_operator(&self, request: &Request) -> Result<(), Error> {
        if !self.guard.has_operator() {
            Err(Error::NoSuchPath)
        } else if request.method == Method::Options || self.guard.admits_operator(request) {
            Ok(())
        } else {
            Err(Error::NotTheOperator)
        }
    }

    /// Whoever signs is no page: a signature counts in place of an origin, and before it.
    fn ensure_allowed_origin(
        &self,
        request: &Request,
        endpoint: Endpoint<'_>,
    ) -> Result<(), Error> {
        if endpoint == Endpoint::RecordPayment && self.guard.asks_for_signatures() {
            required_body(request)?;
            self.guard.check_signature(request, self.clock.wall())
        } else {
            self.origins.check(request, &self.proxies)
        }
    }

    fn readiness(&self) -> Result<Response, Error> {
        if self.draining.load(Ordering::SeqCst) || !self.writer.is_healthy() {
            return Err(Error::NotReady);
        }
        self.reader.is_sound()?;
        Ok(json::ok(&bodies::Health { status: "ready" }))
    }
}

fn product_wanted(command: &Command) -> Option<ProductId> {
    if let Command::PlaceHold(wish) = command {
        Some(wish.product)
    } else {
        None
    }
}

fn is_sold_out(rejection: &Rejection) -> bool {
    matches!(rejection, Rejection::InsufficientStock { available: 0 })
}
