//! What payment providers report.

use std::time::Duration;

use super::Api;
use super::call::{Call, Submission};
use super::errors::Error;
use super::fields::{Fields, WANTED_ID, string, whole_number};
use super::throttle::Throttle;
use crate::sale::{
    Amount, Command, HoldId, OrderId, PaymentEvent, PaymentId, PaymentStatus, PaymentTarget,
    Report, is_visible_key,
};

impl Api {
    /// Where signatures are asked for, this one's was checked before.
    pub fn record_payment(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let event = payment_event(call.fields()?)?;
        Ok(Command::RecordPayment(event).into())
    }
}

fn payment_event(mut fields: Fields<'_>) -> Result<PaymentEvent, Error> {
    let wanted = "1 to 255 visible ASCII characters";
    let key = fields.required("idempotency_key", wanted, |raw| {
        string(raw).filter(|key| is_visible_key(key))
    });
    let wanted = "\"success\" or \"failure\"";
    let status = fields.required("status", wanted, |raw| PaymentStatus::parse(&string(raw)?));
    let target = target(&mut fields);
    let payload = fields.optional("payload", "an object", |raw| {
        raw.starts_with('{').then_some(raw)
    });
    let (amount, transaction_id) =
        payload.map_or((None, None), |payload| payment_of(payload, &mut fields));
    fields.finish()?;
    let (Some(key), Some(status), Some(target)) = (key, status, target) else {
        unreachable!("finish refuses missing fields")
    };
    let report = Report {
        status,
        amount,
        transaction_id,
    };
    Ok(PaymentEvent {
        key,
        target,
        report,
        payload: payload.map(str::to_owned),
    })
}

/// Exactly one of the order and the hold that it will come from.
fn target(fields: &mut Fields<'_>) -> Option<PaymentTarget> {
    let is_one = fields.has("order_id") != fields.has("hold_id");
    let order = fields.optional("order_id", WANTED_ID, |raw| {
        whole_number(raw).and_then(OrderId::new)
    });
    let hold = fields.optional("hold_id", WANTED_ID, |raw| {
        whole_number(raw).and_then(HoldId::new)
    });
    if !is_one {
        for name in ["order_id", "hold_id"] {
            fields.error(
                name,
                "Exactly one of order_id and hold_id must be given.".into(),
            );
        }
        return None;
    }
    order
        .map(PaymentTarget::Order)
        .or(hold.map(PaymentTarget::Hold))
}

const WANTED_AMOUNT: &str = "an amount in major units with at most two decimals and no sign, as a number (199.98) or a \
     string of digits (\"199.98\"), up to 21474836480000000.00; or null";

/// The two fields of the payload that are judged; the rest of it is the provider's business.
fn payment_of(payload: &str, fields: &mut Fields<'_>) -> (Option<Amount>, Option<String>) {
    let Some(mut payload) = Fields::of_object(payload) else {
        fields.error("payload", "The payload field must be an object.".into());
        return (None, None);
    };
    let amount = payload.optional("amount", WANTED_AMOUNT, |raw| match raw {
        "null" => Some(None),
        raw => Some(Amount::new(raw.to_owned()))
            .filter(|amount| amount.cents().is_some())
            .map(Some),
    });
    let wanted = "a string, or null";
    let transaction_id = payload.optional("transaction_id", wanted, |raw| match raw {
        "null" | "\"\"" => Some(None),
        raw => string(raw).map(Some),
    });
    for (name, sentence) in payload.into_errors() {
        fields.error(&format!("payload.{name}"), sentence);
    }
    (amount.flatten(), transaction_id.flatten())
}

/// A provider that counts in minor units reports a hundred times each total: a bridge that was built wrong, which the log
/// says before the sale is over.
pub fn warn_of_minor_units(payment: PaymentId) {
    static WORTH_A_LINE: Throttle = Throttle::new(1, Duration::from_secs(60));
    if WORTH_A_LINE.admits() {
        log::warn!(
            "the amount of webhook {payment} is exactly a hundred times its order's total: it looks like minor units (cents), \
             and amounts are read in major units; told at most once a minute"
        );
    }
}
