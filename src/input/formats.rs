//! What a value must be: in words, for a sentence that goes on from "must be", and in code.

use crate::sale::{
    Cents, Customer, HoldId, OrderId, ProductId, Quantity, STOCK_MAX, Timestamp, spelling,
};

pub struct Format<T> {
    pub wanted: &'static str,
    /// From the raw text: in JSON, a string has its quotes.
    pub read: fn(&str) -> Option<T>,
}

impl<T> Format<T> {
    pub const fn new(wanted: &'static str, read: fn(&str) -> Option<T>) -> Format<T> {
        Format { wanted, read }
    }
}

pub const PRODUCT_ID: Format<ProductId> = Format::new(WANTED_ID, ProductId::parse);
pub const HOLD_ID: Format<HoldId> = Format::new(WANTED_ID, HoldId::parse);
pub const ORDER_ID: Format<OrderId> = Format::new(WANTED_ID, OrderId::parse);
const WANTED_ID: &str = "a positive whole number below 2^53";

pub const QUANTITY: Format<Quantity> = Format::new("a whole number from 1 to 2147483647", |raw| {
    whole_number(raw).and_then(Quantity::new)
});
pub const STOCK: Format<i64> = Format::new("a whole number from 0 to 2147483647", |raw| {
    whole_number(raw).filter(|stock| *stock <= STOCK_MAX)
});
/// By how much a stock changes.
pub const STOCK_CHANGE: Format<i64> = Format::new(
    "a whole number from -2147483647 to 2147483647, and not 0",
    |raw| {
        let units = whole_number(raw.strip_prefix('-').unwrap_or(raw))?;
        let units = if raw.starts_with('-') { -units } else { units };
        (units != 0 && units.abs() <= STOCK_MAX).then_some(units)
    },
);
pub const PRICE: Format<Cents> = Format::new(
    "an amount from 0.00 to 10000000.00 with at most two decimals",
    Cents::price_from_json_number,
);

pub const TEXT: Format<String> = Format::new("a string", string);
/// A provider's name for a payment, in letters that are the provider's business, but such as every store can look it up by.
pub const TRANSACTION_ID: Format<String> =
    Format::new("1 to 255 characters without control characters", |raw| {
        string(raw).and_then(as_transaction_id)
    });
/// The same, or nothing.
pub const TRANSACTION_ID_IF_ANY: Format<Option<String>> = Format::new(
    "at most 255 characters without control characters",
    |raw| match string(raw)? {
        none if none.is_empty() => Some(None),
        text => as_transaction_id(text).map(Some),
    },
);
/// A name, a note or a reason.
pub const LABEL: Format<String> =
    Format::new("1 to 255 characters without control characters", |raw| {
        string(raw).and_then(as_label)
    });
pub const SKU: Format<String> = Format::new(
    "1 to 255 characters without control or format characters",
    |raw| string(raw).and_then(spelling::sku),
);
pub const CUSTOMER: Format<Customer> = Format::new(
    "1 to 128 characters without control characters, format characters (zero-width and bidirectional ones among \
     them) or spaces at the ends",
    |raw| string(raw).and_then(Customer::new),
);
pub const TIME: Format<Timestamp> = Format::new("a time like 2024-01-01T12:00:00Z", |raw| {
    Timestamp::parse_rfc3339(&string(raw)?)
});
pub const SWITCH: Format<bool> = Format::new("true or false", |raw| raw.parse().ok());

const LABEL_CHARS_MAX: usize = 255;
const TRANSACTION_ID_CHARS_MAX: usize = 255;

pub fn as_label(text: String) -> Option<String> {
    let fits = (1..=LABEL_CHARS_MAX).contains(&text.chars().count());
    (fits && !text.chars().any(char::is_control) && !text.trim().is_empty()).then_some(text)
}

pub fn as_transaction_id(text: String) -> Option<String> {
    let fits = (1..=TRANSACTION_ID_CHARS_MAX).contains(&text.chars().count());
    (fits && !text.chars().any(char::is_control)).then_some(text)
}

/// Digits alone: no sign, no point, no exponent.
pub fn whole_number(raw: &str) -> Option<i64> {
    let is_plain = raw.bytes().all(|byte| byte.is_ascii_digit());
    raw.parse().ok().filter(|_| is_plain)
}

/// The text of a JSON string.
pub fn string(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}
