//! What payment providers report.

use std::time::Duration;

use super::Api;
use super::call::{Call, Submission};
use super::errors::Error;
use super::stripe;
use super::throttle::Throttle;
use crate::input::formats::{HOLD_ID, ORDER_ID, TRANSACTION_ID_IF_ANY, string};
use crate::input::{FINISHED, Fields, Format};
use crate::metrics::Metrics;
use crate::sale::{
    Amount, Command, PaymentEvent, PaymentId, PaymentRecorded, PaymentStatus, PaymentTarget,
    Report, Reporter, ReversalEvent, ReversalKind, is_visible_key,
};

impl Api {
    /// Where webhooks are signed, the signature was checked before.
    pub fn record_payment(&self, call: &Call<'_>) -> Result<Submission, Error> {
        Ok(webhook(call.fields()?)?.into())
    }
}

/// What an event says has happened: it tells which fields the event must have.
enum Status {
    Of(PaymentStatus),
    Reversed(ReversalKind),
}

const KEY: Format<String> = Format::new(
    "1 to 255 visible ASCII characters, and not begin with stripe:",
    |raw| string(raw).filter(|key| is_visible_key(key) && !key.starts_with(stripe::KEY_PREFIX)),
);
const STATUS: Format<Status> = Format::new(
    "one of success, failure, refunded, refund_failed, dispute_opened, dispute_won, dispute_lost",
    |raw| {
        let text = string(raw)?;
        let payment = PaymentStatus::parse(&text).map(Status::Of);
        payment.or_else(|| ReversalKind::parse(&text).map(Status::Reversed))
    },
);
const AMOUNT: Format<Amount> = Format::new(
    "an amount in major units with at most two decimals and no sign, as a number (199.98) or a string of digits \
     (\"199.98\"), up to 21474836480000000.00",
    |raw| {
        let amount = Amount::new(raw.to_owned());
        (amount.currency().is_none() && amount.cents().is_some()).then_some(amount)
    },
);

fn webhook(mut fields: Fields<'_>) -> Result<Command, Error> {
    let key = fields.required("idempotency_key", &KEY);
    match fields.required("status", &STATUS) {
        Some(Status::Reversed(kind)) => reversal_event(key, kind, fields),
        Some(Status::Of(status)) => payment_event(key, Some(status), fields),
        None => payment_event(key, None, fields),
    }
}

fn payment_event(
    key: Option<String>,
    status: Option<PaymentStatus>,
    mut fields: Fields<'_>,
) -> Result<Command, Error> {
    let target = target(&mut fields);
    let payload = fields.raw("payload");
    let (amount, transaction_id) =
        payload.map_or((None, None), |payload| payment_of(payload, &mut fields));
    fields.finish()?;
    let report = Report {
        status: status.expect(FINISHED),
        amount,
        transaction_id,
    };
    Ok(Command::RecordPayment(PaymentEvent {
        reporter: Reporter::Bridge,
        key: key.expect(FINISHED),
        target: target.expect(FINISHED),
        report,
        payload: payload.map(str::to_owned),
    }))
}

/// The transaction says which orders it is about. An order or a hold may be named, as other events do, and is not judged.
fn reversal_event(
    key: Option<String>,
    kind: ReversalKind,
    mut fields: Fields<'_>,
) -> Result<Command, Error> {
    let names_both = fields.has("order_id") && fields.has("hold_id");
    fields.optional("order_id", &ORDER_ID);
    fields.optional("hold_id", &HOLD_ID);
    if names_both {
        tell_of_both(
            &mut fields,
            "At most one of order_id and hold_id may be given.",
        );
    }
    let payload = fields.raw("payload");
    let (amount, transaction_id) =
        payload.map_or((None, None), |payload| payment_of(payload, &mut fields));
    if transaction_id.is_none() && !fields.is_wrong("payload.transaction_id") {
        let sentence = format!("The transaction_id is required with {kind}.");
        fields.tell("payload.transaction_id", sentence);
    }
    fields.finish()?;
    Ok(Command::RecordReversal(ReversalEvent {
        key: key.expect(FINISHED),
        kind,
        transaction_id: transaction_id.expect(FINISHED),
        amount: amount.as_ref().and_then(Amount::cents),
        payload: payload.map(str::to_owned),
    }))
}

/// Exactly one of the order and the hold that it will come from.
fn target(fields: &mut Fields<'_>) -> Option<PaymentTarget> {
    let is_one = fields.has("order_id") != fields.has("hold_id");
    let order = fields.optional("order_id", &ORDER_ID);
    let hold = fields.optional("hold_id", &HOLD_ID);
    if !is_one {
        tell_of_both(fields, "Exactly one of order_id and hold_id must be given.");
        return None;
    }
    order
        .map(PaymentTarget::Order)
        .or(hold.map(PaymentTarget::Hold))
}

fn tell_of_both(fields: &mut Fields<'_>, sentence: &str) {
    for name in ["order_id", "hold_id"] {
        fields.tell(name, sentence.into());
    }
}

/// The two fields of the payload that are judged; the rest of it is the provider's business.
fn payment_of(payload: &str, fields: &mut Fields<'_>) -> (Option<Amount>, Option<String>) {
    let Some(mut payload) = Fields::of_object(payload) else {
        fields.tell("payload", "The payload must be an object.".into());
        return (None, None);
    };
    let amount = payload.nullable("amount", &AMOUNT);
    let transaction_id = payload.nullable("transaction_id", &TRANSACTION_ID_IF_ANY);
    if let Err(wrong) = payload.finish_leniently() {
        for (name, sentence) in wrong.0 {
            fields.tell(&format!("payload.{name}"), sentence);
        }
    }
    (amount.flatten(), transaction_id.flatten().flatten())
}

/// Counts an event by what it was answered.
pub fn note(recorded: &PaymentRecorded, metrics: &Metrics) {
    let verdict = if recorded.already_processed {
        "already_processed"
    } else {
        recorded.verdict.as_str()
    };
    metrics.payments.add(verdict, 1);
    if recorded.is_hundredfold {
        warn_of_minor_units(recorded.payment);
    }
}

/// A provider that counts in minor units reports a hundred times each total: the log says so before the sale is over.
fn warn_of_minor_units(payment: PaymentId) {
    static WORTH_A_LINE: Throttle = Throttle::new(1, Duration::from_secs(60));
    if WORTH_A_LINE.admits() {
        log::warn!(
            "the amount of webhook {payment} is exactly a hundred times its order's total: it looks like minor units (cents), \
             and amounts are read in major units; told at most once a minute"
        );
    }
}
