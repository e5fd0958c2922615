//! Every error that the API answers, a row each: its status, its code for programs, its sentence for people, its extra fields.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::json;
use crate::http::{Refusal, Response};
use crate::input::{InvalidJson, WrongValues};
use crate::sale::{EventId, OrderId, Rejection, Secret, TokenKind};
use crate::store::StoreError;
use crate::writer::CommandError;

#[derive(Debug)]
pub enum Error {
    NoSuchPath,
    /// With the methods that the path takes.
    MethodNotAllowed(String),
    OriginNotAllowed,
    LengthRequired,
    InvalidJson(&'static str),
    UnsupportedEncoding,
    InvalidIdempotencyKey,
    /// Where tokens are required, a key is a secret too.
    IdempotencyKeyTooShort,
    InvalidSignature,
    InvalidStripeSignature,
    NotTheOperator,
    NotTheFeedsReader,
    /// With the oldest event that is kept, or the next one.
    EventsForgotten(EventId),
    EventsRestored(EventId),
    Invalid(WrongValues),
    ProductNotFound,
    HoldNotFound,
    OrderNotFound,
    RefundNotFound,
    /// The front's: the bytes were no request that could be answered.
    Refusal(Refusal),
    Command(CommandError),
    ReadFailed,
    NotReady,
}

/// What the client that gets an error may learn from it.
#[derive(Clone, Copy)]
pub struct Audience<'a> {
    /// Then a hold that does not exist is answered like one whose token was not shown.
    pub tokens_required: bool,
    /// The database's secret, where the client has shown the token of the hold that it names: its order's token is theirs
    /// too, whose answer may have been lost.
    pub holder: Option<&'a Secret>,
}

impl Audience<'_> {
    pub fn without_holder(tokens_required: bool) -> Audience<'static> {
        Audience {
            tokens_required,
            holder: None,
        }
    }

    fn order_token(&self, order: OrderId) -> Option<String> {
        let secret = self.holder?;
        Some(secret.token(TokenKind::Order, order.get()))
    }
}

/// A row of the table.
struct Row {
    status: u16,
    code: &'static str,
    message: Cow<'static, str>,
    extras: Vec<(&'static str, Value)>,
    /// What an answer of its status must say (RFC 9110, sections 15.5.2, 15.5.6 and 15.5.16).
    header: Option<(&'static str, Cow<'static, str>)>,
    /// Whether where the next request would begin is in doubt.
    closes: bool,
}

fn row(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Row {
    Row {
        status,
        code,
        message: message.into(),
        extras: Vec::new(),
        header: None,
        closes: false,
    }
}

/// The shop says no.
fn no(code: &'static str, message: &'static str) -> Row {
    row(400, code, message)
}

fn not_applied(code: &'static str, message: &'static str) -> Row {
    row(503, code, message).with("outcome", "not_applied")
}

fn invalid(errors: &[(String, String)]) -> Row {
    let mut by_field = Map::new();
    for (field, sentence) in errors {
        let sentences = by_field
            .entry(field.as_str())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(sentences) = sentences {
            sentences.push(sentence.as_str().into());
        }
    }
    row(422, "validation_failed", "The given data was invalid").with("errors", by_field)
}

fn field(field: &str, sentence: &str) -> Row {
    invalid(&[(field.to_owned(), sentence.to_owned())])
}

impl Row {
    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Row {
        self.extras.push((name, value.into()));
        self
    }

    fn with_header(self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Row {
        let header = Some((name, value.into()));
        Row { header, ..self }
    }

    fn closing(self) -> Row {
        Row {
            closes: true,
            ..self
        }
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("error", &self.message)?;
        body.serialize_entry("code", self.code)?;
        for (name, value) in &self.extras {
            body.serialize_entry(name, value)?;
        }
        body.end()
    }
}

impl Error {
    pub fn response(&self, audience: Audience<'_>) -> Response {
        let row = self.row(audience);
        let mut response = json::with_status(row.status, &row);
        response.code = Some(row.code);
        response.close = row.closes;
        if row.status == 503 {
            response = response.with_header("Retry-After", "1");
        }
        match &row.header {
            Some((name, value)) => response.with_header(name, value),
            None => response,
        }
    }

    #[rustfmt::skip]
    fn row(&self, audience: Audience<'_>) -> Row {
        match self {
            Error::NoSuchPath => row(404, "not_found", "There is nothing at this path"),
            Error::MethodNotAllowed(methods) =>
                row(405, "method_not_allowed", format!("This path takes {methods}")).with_header("Allow", methods.clone()),
            Error::OriginNotAllowed =>
                row(403, "origin_not_allowed", "Only the server's own pages and those of cors_origins may write here"),
            Error::LengthRequired =>
                row(411, "length_required", "A Content-Length, or Transfer-Encoding: chunked, is required here").closing(),
            Error::InvalidJson(why) => row(400, "invalid_json", *why),
            Error::UnsupportedEncoding =>
                row(415, "unsupported_encoding", "The body is encoded: send it as it is, without a Content-Encoding")
                    .with_header("Accept-Encoding", "identity"),
            Error::InvalidIdempotencyKey =>
                row(400, "invalid_idempotency_key", "Idempotency-Key must be 1 to 255 visible ASCII characters, sent once"),
            Error::IdempotencyKeyTooShort =>
                row(400, "invalid_idempotency_key",
                    "Idempotency-Key must be 16 to 255 visible ASCII characters here: use a UUID"),
            Error::InvalidSignature =>
                row(401, "invalid_signature", "The webhook must be signed with one of webhook_secrets, within 300 seconds")
                    .with_header("WWW-Authenticate", "StandardWebhooks"),
            Error::InvalidStripeSignature =>
                row(401, "invalid_signature", "The event must be signed with one of stripe_secrets, within 300 seconds")
                    .with_header("WWW-Authenticate", "Stripe-Signature"),
            Error::NotTheOperator =>
                row(401, "unauthorized", "The operator's token must be shown, as Authorization: Bearer <token>")
                    .with_header("WWW-Authenticate", "Bearer"),
            Error::NotTheFeedsReader =>
                row(401, "unauthorized", "The feed's token must be shown, as Authorization: Bearer <token>")
                    .with_header("WWW-Authenticate", "Bearer"),
            Error::EventsForgotten(oldest) =>
                row(410, "events_forgotten", "Events after this one were forgotten").with("oldest", oldest.get()),
            Error::EventsRestored(oldest) =>
                row(410, "events_restored", "The sale was restored from a backup that is older than this event")
                    .with("oldest", oldest.get()),
            Error::Invalid(wrong) => invalid(&wrong.0),
            Error::ProductNotFound => row(404, "product_not_found", "Product not found"),
            Error::HoldNotFound => row(404, "hold_not_found", "Hold not found"),
            Error::OrderNotFound => row(404, "order_not_found", "Order not found"),
            Error::RefundNotFound => row(404, "refund_not_found", "Refund not found"),
            Error::Refusal(refusal) => of_refusal(*refusal).closing(),
            Error::Command(error) => of_command(error, audience),
            Error::ReadFailed => not_applied("unavailable", "The store cannot be read right now"),
            Error::NotReady => not_applied("not_ready", "The server is not ready to take requests"),
        }
    }
}

#[rustfmt::skip]
fn of_refusal(refusal: Refusal) -> Row {
    match refusal {
        Refusal::Malformed(why) => row(400, "bad_request", why),
        Refusal::VersionUnknown => row(505, "http_version_not_supported", "This server speaks HTTP/1.1 and HTTP/1.0"),
        Refusal::TargetTooLong => row(414, "uri_too_long", "The request target is longer than 1 KiB"),
        Refusal::HeadTooLarge =>
            row(431, "headers_too_large", "The head is larger than 8 KiB, or has more than 64 headers"),
        Refusal::BodyTooLarge { bytes_max } =>
            row(413, "body_too_large", format!("The body is larger than {} KiB", bytes_max / 1024)),
        Refusal::TransferEncoding =>
            row(501, "transfer_encoding_not_supported",
                "The only Transfer-Encoding read here is chunked, in HTTP/1.1: send that, or a Content-Length"),
        Refusal::Expectation => row(417, "expectation_failed", "Only 100-continue can be expected"),
        Refusal::TooSlow => row(408, "request_timeout", "The request did not arrive in time"),
        Refusal::Overloaded => overloaded(),
        Refusal::TooManyConnections =>
            not_applied("too_many_connections", "There are too many connections from this address"),
        Refusal::HandlerFailed => row(500, "internal", "Something went wrong on our side"),
    }
}

#[rustfmt::skip]
fn of_command(error: &CommandError, audience: Audience<'_>) -> Row {
    match error {
        CommandError::Refused(rejection) => of_rejection(rejection, audience),
        CommandError::Overloaded => overloaded(),
        CommandError::Stopped => not_applied("shutting_down", "The server is shutting down, please try again"),
        CommandError::NotApplied =>
            not_applied("store_failed", "The store cannot write right now, nothing was changed"),
        CommandError::Unknown =>
            row(503, "store_failed", "The store failed, and whether this request took effect is not known")
                .with("outcome", "unknown"),
        CommandError::Broken =>
            row(500, "internal", "Something went wrong on our side, nothing was changed").with("outcome", "not_applied"),
    }
}

fn overloaded() -> Row {
    not_applied(
        "overloaded",
        "Too many requests are waiting, please try again",
    )
}

#[rustfmt::skip]
fn of_rejection(rejection: &Rejection, audience: Audience<'_>) -> Row {
    match rejection {
        Rejection::KeyReused =>
            row(422, "idempotency_key_reused", "This idempotency key was used for another request"),
        Rejection::ProductUnknown => field("product_id", "There is no product with this id."),
        Rejection::SaleNotStarted { starts_at } =>
            no("sale_not_started", "The sale has not started").with("starts_at", starts_at.to_string()),
        Rejection::SaleEnded => no("sale_ended", "The sale has ended"),
        Rejection::SalePaused => no("sale_paused", "The sale is paused"),
        Rejection::HoldLimitExceeded { limit } =>
            no("limit_exceeded", "The quantity is over the limit per hold").with("limit", limit.units()),
        Rejection::CustomerRequired =>
            field("customer", "This product is limited per customer: name the customer."),
        Rejection::CustomerLimitExceeded { limit, used } =>
            no("limit_exceeded", "The quantity would pass the limit per customer")
                .with("limit", limit.units())
                .with("used", *used),
        Rejection::InsufficientStock { available } =>
            no("insufficient_stock", "Insufficient stock available").with("available_stock", *available),
        Rejection::HoldNotFound => Error::HoldNotFound.row(audience),
        Rejection::HoldUnknown if audience.tokens_required => Error::HoldNotFound.row(audience),
        Rejection::HoldUnknown | Rejection::PaymentHoldUnknown =>
            field("hold_id", "There is no hold with this id."),
        Rejection::HoldExpired => no("hold_expired", "Hold has expired"),
        Rejection::HoldUsed { order } => {
            let row = no("hold_used", "Hold has already been used").with("order_id", order.get());
            match audience.order_token(*order) {
                Some(token) => row.with("order_token", token),
                None => row,
            }
        }
        Rejection::HoldReleased => no("hold_released", "Hold has been released"),
        Rejection::OrderNotFound => Error::OrderNotFound.row(audience),
        Rejection::OrderPaid => no("order_paid", "Order has been paid"),
        Rejection::OrderExpired => no("order_expired", "Order has expired"),
        Rejection::OrderRefunded => no("order_refunded", "Order has been refunded"),
        Rejection::OrderNotPaid => no("order_not_paid", "Order has not been paid"),
        Rejection::RefundTooLarge { bought } =>
            field("refunded_quantity", &format!("The refunded_quantity must be at most the order's quantity, {bought}.")),
        Rejection::PaymentOrderUnknown =>
            field("order_id", "There is no order with this id, and none to expect soon."),
        Rejection::ParkedFull => not_applied("parked_full", "Too many payment events wait for their orders"),
        Rejection::RefundNotFound => Error::RefundNotFound.row(audience),
        Rejection::RefundResolved => no("refund_resolved", "Refund has been resolved already"),
        Rejection::RefundHasNoOrder => no("order_not_found", "There is no order that this money could pay"),
        Rejection::SkuTaken => field("sku", "Another product has this sku."),
        Rejection::ProductNotFound => Error::ProductNotFound.row(audience),
        Rejection::WindowEmpty => field("ends_at", "The sale must end after it starts."),
        Rejection::StockCommitted { committed } =>
            field("quantity", &format!("The stock cannot fall below the {committed} units reserved and sold.")),
        Rejection::StockTooLarge => field("quantity", "The stock cannot rise above 2147483647."),
    }
}

impl From<InvalidJson> for Error {
    fn from(InvalidJson(why): InvalidJson) -> Self {
        Error::InvalidJson(why)
    }
}

impl From<WrongValues> for Error {
    fn from(wrong: WrongValues) -> Self {
        Error::Invalid(wrong)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::Refusal(refusal)
    }
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        Error::Command(error)
    }
}

/// Logged here, once; the client learns that it failed, not how.
impl From<StoreError> for Error {
    fn from(failure: StoreError) -> Self {
        log::error!("a read failed: {failure}");
        Error::ReadFailed
    }
}
