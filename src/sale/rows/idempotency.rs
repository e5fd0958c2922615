//! What is kept under the `Idempotency-Key` of a request.

use super::id::{HoldId, OrderId};
use super::order::OrderStatus;
use super::product::Product;
use super::time::Timestamp;

/// The `Idempotency-Key` of a request: 1 to 255 visible ASCII characters, chosen by its sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

const KEY_BYTES_MAX: usize = 255;
const GUESSABLE_BYTES_MAX: usize = 15;

impl IdempotencyKey {
    pub fn new(text: &str) -> Option<IdempotencyKey> {
        is_visible_key(text).then(|| IdempotencyKey(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it may stand for a token: a request with a known key gets the first answer, token and all.
    pub fn is_hard_to_guess(&self) -> bool {
        self.0.len() > GUESSABLE_BYTES_MAX
    }
}

/// 1 to 255 visible ASCII characters: the form of both kinds of idempotency key.
pub fn is_visible_key(text: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What a request did, kept under its key until `expires_at`.
#[derive(Clone, Debug, PartialEq)]
pub struct IdempotencyRecord {
    pub key: IdempotencyKey,
    pub recorded: Recorded,
    pub expires_at: Timestamp,
}

/// What a request did. What its answer said about a hold or an order stands in their rows, where it never changes; a
/// product's row goes on changing, so it is kept as it was answered. With that the next request is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    HoldPlaced(HoldId),
    /// With the status that the order began with: payments may have waited for it.
    OrderPlaced(OrderId, OrderStatus),
    OrderCancelled(OrderId),
    ProductCreated {
        product: Box<Product>,
        at: Timestamp,
    },
    ProductRestocked {
        product: Box<Product>,
        at: Timestamp,
        units: i64,
        reason: Option<String>,
    },
}
