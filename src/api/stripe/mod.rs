//! Stripe's own webhooks: an event as Stripe sends it, checked by the endpoint's secrets, becomes what the sale is told.

mod about;
mod amount;
mod event;
mod signature;

use std::sync::Once;
use std::time::Duration;

use serde::Serialize;

use super::call::{Call, Work};
use super::errors::Error;
use super::throttle::Throttle;
use super::{Api, content_headers, json};
use crate::config::StripeSecret;
use crate::http::{Request, Response};
use crate::metrics::Metrics;
use crate::sale::{Command, PaymentTarget, Rejection, Reporter, Timestamp};

pub use event::{KEY_PREFIX, Reason, Understood};
pub use signature::Wrong;

/// Why a request is not taken.
#[derive(Debug)]
pub enum Refused {
    /// Which part of it is wrong is for the log alone: its sender might be guessing.
    Signature(Wrong),
    Event(Error),
}

/// What a request of Stripe's comes to, by its headers and its bytes, the secrets, the wall clock, and whether events of the
/// test mode count. Nothing of a request that is not signed is looked at any further.
pub fn understand(
    request: &Request,
    secrets: &[StripeSecret],
    now: Timestamp,
    counts_test_mode: bool,
) -> Result<Understood, Refused> {
    let headers = request.header_values("Stripe-Signature");
    signature::check(headers, &request.body, secrets, now).map_err(Refused::Signature)?;
    content_headers::check_encoding(request).map_err(Refused::Event)?;
    event::understand(&request.body, counts_test_mode).map_err(Refused::Event)
}

#[derive(Serialize)]
struct IgnoredBody {
    success: bool,
    verdict: &'static str,
    reason: &'static str,
}

impl Api {
    /// A signature counts in place of an origin.
    pub fn record_stripe_event(&self, call: &Call<'_>) -> Result<Work, Error> {
        call.ensure_body()?;
        let guard = &self.guard;
        let now = self.clock.wall();
        let counts_test_mode = guard.stripe_test_mode;
        match understand(call.request, &guard.stripe_secrets, now, counts_test_mode) {
            Ok(Understood::Told(command)) => Ok(Work::Submitted(command.into())),
            Ok(Understood::Ignored(reason)) => Ok(Work::Answered(self.ignored(reason))),
            Err(Refused::Event(error)) => Err(error),
            Err(Refused::Signature(wrong)) => {
                log_refusal(call.request, wrong);
                Err(Error::InvalidStripeSignature)
            }
        }
    }

    fn ignored(&self, reason: Reason) -> Response {
        self.metrics.payments.add(reason.as_str(), 1);
        if reason == Reason::TestMode {
            static TOLD: Once = Once::new();
            TOLD.call_once(|| {
                log::warn!(
                    "Stripe has sent an event of its test mode, which is of no real money: it is ignored, and so are those to \
                     come (stripe_test_mode = true counts them); told once"
                );
            });
        }
        json::ok(&IgnoredBody {
            success: true,
            verdict: "ignored",
            reason: reason.as_str(),
        })
    }
}

fn log_refusal(request: &Request, wrong: Wrong) {
    static WORTH_A_LINE: Throttle = Throttle::new(10, Duration::from_secs(1));
    if WORTH_A_LINE.admits() {
        let id = &request.id;
        log::warn!("an event of Stripe's is refused (401, request {id}): {wrong}");
    }
}

/// What such a command of Stripe's names, if it is one.
pub fn named_by(command: &Command) -> Option<(String, PaymentTarget)> {
    if let Command::RecordPayment(event) = command
        && event.reporter == Reporter::Stripe
    {
        Some((event.key.clone(), event.target))
    } else {
        None
    }
}

/// Money was taken for what does not exist: the shop must look, and Stripe goes on to send the event for days.
pub fn note_refusal(
    (key, target): &(String, PaymentTarget),
    rejection: &Rejection,
    metrics: &Metrics,
) {
    static WORTH_A_LINE: Throttle = Throttle::new(10, Duration::from_secs(1));
    let is_unknown = matches!(
        rejection,
        Rejection::PaymentOrderUnknown | Rejection::PaymentHoldUnknown
    );
    if !is_unknown {
        return;
    }
    metrics.payments.add("unknown_order", 1);
    if WORTH_A_LINE.admits() {
        let name = match target {
            PaymentTarget::Order(id) => format!("order {id}"),
            PaymentTarget::Hold(id) => format!("hold {id}"),
        };
        log::error!(
            "{key} reports money for {name}, and there is no such {name} (422): is the endpoint of another sale?"
        );
    }
}
