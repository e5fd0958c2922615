//! What must stay between us and one other: never printed, never in a flag, shown in no error.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a payment provider signs its webhooks with: `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks asks.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

pub const WEBHOOK_SECRETS_MAX: usize = 2;

const PREFIX: &str = "whsec_";
const BYTES_MIN: usize = 24;
const BYTES_MAX: usize = 64;

impl WebhookSecret {
    pub fn parse(text: &str) -> Result<WebhookSecret, &'static str> {
        let bytes = text
            .strip_prefix(PREFIX)
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .filter(|bytes| (BYTES_MIN..=BYTES_MAX).contains(&bytes.len()));
        bytes
            .map(WebhookSecret)
            .ok_or("a secret must be whsec_ and 24 to 64 bytes in base64")
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What the operator shows: 16 to 255 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(String);

const CHARS_MIN: usize = 16;
const CHARS_MAX: usize = 255;

impl AdminToken {
    pub fn parse(text: &str) -> Result<AdminToken, &'static str> {
        let fits = (CHARS_MIN..=CHARS_MAX).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| AdminToken(text.to_owned()))
            .ok_or("it must be 16 to 255 visible ASCII characters")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}
