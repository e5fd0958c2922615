//! Every "no" there is: its status, its code for programs, its sentence for people and its extras, in one table.

use serde_json::{Map, Value};

use crate::http::{Refusal, Response, StatusCode};
use crate::sale::{OrderId, Rejection};
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
    NotTheOperator,
    /// By field, in the order in which they were found.
    Invalid(Vec<(String, String)>),
    ProductNotFound,
    HoldNotFound,
    OrderNotFound,
    RefundNotFound,
    /// As its holder gets to know it, whose answer may have been lost.
    HoldUsed {
        order: OrderId,
        order_token: String,
    },
    Refusal(Refusal),
    Denied(CommandError),
    ReadFailed,
    NotReady,
}

/// A row of the table.
struct Says {
    status: u16,
    code: &'static str,
    error: String,
    extras: Map<String, Value>,
}

impl Says {
    fn new(status: u16, code: &'static str, error: &str) -> Says {
        Says {
            status,
            code,
            error: error.into(),
            extras: Map::new(),
        }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Says {
        self.extras.insert(name.into(), value.into());
        self
    }
}

impl Error {
    pub fn response(&self) -> Response {
        let says = self.says();
        let mut body = Map::new();
        body.insert("error".into(), says.error.into());
        body.insert("code".into(), says.code.into());
        body.extend(says.extras);
        let mut response = Response::new(says.status);
        response.code = Some(says.code);
        response.body = Value::Object(body).to_string().into_bytes();
        response.close = matches!(self, Error::LengthRequired | Error::Refusal(_));
        if response.status == StatusCode(503) {
            response = response.with_header("Retry-After", "1");
        }
        match self.header() {
            Some((name, value)) => response.with_header(name, value),
            None => response,
        }
    }

    /// What an answer of its status must say (RFC 9110, sections 15.5.2, 15.5.6 and 15.5.16).
    fn header(&self) -> Option<(&'static str, &str)> {
        if let Error::MethodNotAllowed(methods) = self {
            Some(("Allow", methods))
        } else if let Error::UnsupportedEncoding = self {
            Some(("Accept-Encoding", "identity"))
        } else if let Error::NotTheOperator = self {
            Some(("WWW-Authenticate", "Bearer"))
        } else if let Error::InvalidSignature = self {
            Some(("WWW-Authenticate", "StandardWebhooks"))
        } else {
            None
        }
    }

    /// The first wrong field and what is wrong with it.
    pub fn first_field(&self) -> Option<(String, String)> {
        if let Error::Invalid(errors) = self {
            errors.first().cloned()
        } else {
            None
        }
    }

    fn says(&self) -> Says {
        match self {
            Error::NoSuchPath => Says::new(404, "not_found", "There is nothing at this path"),
            Error::MethodNotAllowed(_) => Says::new(
                405,
                "method_not_allowed",
                "This path does not take this method",
            ),
            Error::OriginNotAllowed => Says::new(
                403,
                "origin_not_allowed",
                "Pages of this origin may not write here",
            ),
            Error::LengthRequired => Says::new(
                411,
                "length_required",
                "A Content-Length, or Transfer-Encoding: chunked, is required here",
            ),
            Error::InvalidJson(why) => Says::new(400, "invalid_json", why),
            Error::UnsupportedEncoding => Says::new(
                415,
                "unsupported_encoding",
                "The body is encoded: send it as it is, without a Content-Encoding",
            ),
            Error::InvalidIdempotencyKey => Says::new(
                400,
                "invalid_idempotency_key",
                "Idempotency-Key must be 1 to 255 visible ASCII characters, sent once",
            ),
            Error::IdempotencyKeyTooShort => Says::new(
                400,
                "invalid_idempotency_key",
                "Idempotency-Key must be 16 to 255 visible ASCII characters here: use a UUID",
            ),
            Error::InvalidSignature => Says::new(
                401,
                "invalid_signature",
                "The webhook is not signed, or not by who should sign it, or not just now",
            ),
            Error::NotTheOperator => Says::new(401, "unauthorized", "Show the operator's token"),
            Error::Invalid(errors) => invalid_says(errors),
            Error::ProductNotFound => Says::new(404, "product_not_found", "Product not found"),
            Error::HoldNotFound => Says::new(404, "hold_not_found", "Hold not found"),
            Error::OrderNotFound => Says::new(404, "order_not_found", "Order not found"),
            Error::RefundNotFound => Says::new(404, "refund_not_found", "Refund not found"),
            Error::HoldUsed { order, order_token } => {
                rejection_says(&Rejection::HoldUsed { order: *order })
                    .with("order_token", order_token.as_str())
            }
            Error::Refusal(refusal) => refusal_says(*refusal),
            Error::Denied(error) => command_error_says(error),
            Error::ReadFailed => not_applied("unavailable", "The store cannot be read right now"),
            Error::NotReady => not_applied("not_ready", "The server is not ready to take requests"),
        }
    }
}

fn not_applied(code: &'static str, error: &str) -> Says {
    Says::new(503, code, error).with("outcome", "not_applied")
}

fn invalid_says(errors: &[(String, String)]) -> Says {
    let mut by_field = Map::new();
    for (field, sentence) in errors {
        let sentences = by_field
            .entry(field.clone())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(sentences) = sentences {
            sentences.push(sentence.clone().into());
        }
    }
    Says::new(422, "validation_failed", "The given data was invalid").with("errors", by_field)
}

fn refusal_says(refusal: Refusal) -> Says {
    match refusal {
        Refusal::Malformed(why) => Says::new(400, "bad_request", why),
        Refusal::VersionUnknown => Says::new(
            505,
            "http_version_not_supported",
            "This server speaks HTTP/1.1",
        ),
        Refusal::TargetTooLong => Says::new(
            414,
            "uri_too_long",
            "The request target is longer than 1 KiB",
        ),
        Refusal::HeadTooLarge => Says::new(
            431,
            "headers_too_large",
            "The head is larger than 8 KiB, or has more than 64 headers",
        ),
        Refusal::BodyTooLarge { bytes_max } => Says::new(
            413,
            "body_too_large",
            &format!("The body is larger than {} KiB", bytes_max / 1024),
        ),
        Refusal::TransferEncoding => Says::new(
            501,
            "transfer_encoding_not_supported",
            "The only Transfer-Encoding read here is chunked, in HTTP/1.1: send that, or a Content-Length",
        ),
        Refusal::Expectation => Says::new(
            417,
            "expectation_failed",
            "Only 100-continue can be expected",
        ),
        Refusal::TooSlow => Says::new(408, "request_timeout", "The request did not arrive in time"),
        Refusal::Overloaded => command_error_says(&CommandError::Overloaded),
        Refusal::TooManyConnections => not_applied(
            "too_many_connections",
            "There are too many connections from this address",
        ),
        Refusal::HandlerFailed => Says::new(500, "internal", "Something went wrong on our side"),
    }
}

fn command_error_says(error: &CommandError) -> Says {
    match error {
        CommandError::Refused(rejection) => rejection_says(rejection),
        CommandError::Overloaded => not_applied(
            "overloaded",
            "Too many requests are waiting, please try again",
        ),
        CommandError::Stopped => not_applied(
            "shutting_down",
            "The server is shutting down, please try again",
        ),
        CommandError::NotApplied => not_applied(
            "store_failed",
            "The store cannot write right now, nothing was changed",
        ),
        CommandError::Unknown => Says::new(
            503,
            "store_failed",
            "The store failed, and whether this request took effect is not known",
        )
        .with("outcome", "unknown"),
        CommandError::Broken => Says::new(
            500,
            "internal",
            "Something went wrong on our side, nothing was changed",
        )
        .with("outcome", "not_applied"),
    }
}

fn rejection_says(rejection: &Rejection) -> Says {
    let field =
        |field: &str, sentence: &str| invalid_says(&[(field.to_owned(), sentence.to_owned())]);
    let no = |code, error| Says::new(400, code, error);
    match rejection {
        Rejection::KeyReused => Says::new(
            422,
            "idempotency_key_reused",
            "This idempotency key was used for another request",
        ),
        Rejection::ProductUnknown => field("product_id", "There is no product with this id."),
        Rejection::SaleNotStarted { starts_at } => {
            no("sale_not_started", "The sale has not started")
                .with("starts_at", starts_at.to_string())
        }
        Rejection::SaleEnded => no("sale_ended", "The sale has ended"),
        Rejection::SalePaused => no("sale_paused", "The sale is paused"),
        Rejection::HoldLimitExceeded { limit } => {
            no("limit_exceeded", "The quantity is over the limit per hold")
                .with("limit", limit.units())
        }
        Rejection::CustomerRequired => field(
            "customer",
            "This product is limited per customer: name the customer.",
        ),
        Rejection::CustomerLimitExceeded { limit, used } => no(
            "limit_exceeded",
            "The quantity would pass the limit per customer",
        )
        .with("limit", limit.units())
        .with("used", *used),
        Rejection::InsufficientStock { available } => {
            no("insufficient_stock", "Insufficient stock available")
                .with("available_stock", *available)
        }
        Rejection::HoldNotFound => Error::HoldNotFound.says(),
        Rejection::HoldUnknown => field("hold_id", "There is no hold with this id."),
        Rejection::HoldExpired => no("hold_expired", "Hold has expired"),
        Rejection::HoldUsed { order } => {
            no("hold_used", "Hold has already been used").with("order_id", order.get())
        }
        Rejection::HoldReleased => no("hold_released", "Hold has been released"),
        Rejection::OrderNotFound => Error::OrderNotFound.says(),
        Rejection::OrderPaid => no("order_paid", "Order has been paid"),
        Rejection::OrderExpired => no("order_expired", "Order has expired"),
        Rejection::OrderRefunded => no("order_refunded", "Order has been refunded"),
        Rejection::OrderNotPaid => no("order_not_paid", "Order has not been paid"),
        Rejection::PaymentOrderUnknown => field(
            "order_id",
            "There is no order with this id, and none to expect soon.",
        ),
        Rejection::PaymentHoldUnknown => field("hold_id", "There is no hold with this id."),
        Rejection::ParkedFull => not_applied(
            "parked_full",
            "Too many payment events wait for their orders",
        ),
        Rejection::RefundNotFound => Error::RefundNotFound.says(),
        Rejection::RefundResolved => no("refund_resolved", "Refund has been resolved already"),
        Rejection::RefundHasNoOrder => no(
            "order_not_found",
            "There is no order that this money could pay",
        ),
        Rejection::SkuTaken => field("sku", "Another product has this sku."),
        Rejection::ProductNotFound => Error::ProductNotFound.says(),
        Rejection::WindowEmpty => field("ends_at", "The sale must end after it starts."),
        Rejection::StockCommitted { committed } => field(
            "quantity",
            &format!("The stock cannot fall below the {committed} units reserved and sold."),
        ),
        Rejection::StockTooLarge => field("quantity", "The stock cannot rise above 2147483647."),
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::Refusal(refusal)
    }
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        Error::Denied(error)
    }
}

/// Logged here, once; the client learns that it failed, not how.
impl From<StoreError> for Error {
    fn from(failure: StoreError) -> Self {
        log::error!("a read failed: {failure}");
        Error::ReadFailed
    }
}
