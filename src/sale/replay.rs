//! Idempotency is a comparison: a known key with the same request gets the first outcome again, with another request a no.

use serde::{Deserialize, Serialize};

use super::command::{Command, Outcome};
use super::time::Timestamp;

/// The `Idempotency-Key` of a request: 1 to 255 visible ASCII characters, chosen by its sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
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

    /// Whether it may stand for a token: whoever sends it gets what it got before.
    pub fn is_hard_to_guess(&self) -> bool {
        self.0.len() > GUESSABLE_BYTES_MAX
    }
}

/// 1 to 255 visible ASCII characters: the form of both kinds of idempotency key.
pub fn is_visible_key(text: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An outcome kept under its key until `expires_at`.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    pub key: IdempotencyKey,
    pub fingerprint: String,
    pub outcome: Outcome,
    pub expires_at: Timestamp,
}

/// What makes two requests the same: what they ask for, and of what. `None` for commands that take no key.
pub fn fingerprint(command: &Command) -> Option<(&IdempotencyKey, String)> {
    match command {
        Command::PlaceHold(wish) => {
            let key = wish.key.as_ref()?;
            let customer = wish
                .customer
                .as_ref()
                .map_or("", |customer| customer.as_str());
            Some((
                key,
                format!("hold {} of {} for {customer}", wish.quantity, wish.product),
            ))
        }
        Command::PlaceOrder { hold, key } => Some((key.as_ref()?, format!("order hold {hold}"))),
        Command::CancelOrder { order, key } => {
            Some((key.as_ref()?, format!("cancel order {order}")))
        }
        Command::ReleaseHold { .. }
        | Command::RefundOrder { .. }
        | Command::RecordPayment(_)
        | Command::ResolveRefund { .. }
        | Command::LoadProduct(_)
        | Command::CreateProduct(_)
        | Command::ChangeProduct { .. }
        | Command::RestockProduct { .. }
        | Command::Sweep { .. } => None,
    }
}
