//! Secrets: never printed, in no flag, shown in no error.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::value::{Setting, Value};

/// The key that a payment provider signs its webhooks with: `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks asks.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

/// While a provider changes from one to the other.
const SECRETS_MAX: usize = 2;

/// The secrets that the README shows. They are public, and so accepted on this machine alone.
const EXAMPLE_WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EXAMPLE_ADMIN_TOKEN: &str = "correct-horse-battery-staple";

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

    pub fn is_example(&self) -> bool {
        WebhookSecret::parse(EXAMPLE_WEBHOOK_SECRET).as_ref() == Ok(self)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The key that Stripe signs its events with, as its dashboard shows it: its text is the key.
#[derive(Clone, PartialEq, Eq)]
pub struct StripeSecret(String);

impl StripeSecret {
    pub fn parse(text: &str) -> Result<StripeSecret, &'static str> {
        let key = text.strip_prefix(PREFIX).unwrap_or_default();
        let is_one = !key.is_empty() && text.len() <= CHARS_MAX && is_visible(text);
        is_one
            .then(|| StripeSecret(text.to_owned()))
            .ok_or("a secret must be whsec_ and what follows it in Stripe's dashboard")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The operator's bearer token: 16 to 255 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(String);

const CHARS_MIN: usize = 16;
const CHARS_MAX: usize = 255;

impl AdminToken {
    pub fn parse(text: &str) -> Result<AdminToken, &'static str> {
        bearer_token(text).map(AdminToken)
    }

    pub fn is_example(&self) -> bool {
        self.0 == EXAMPLE_ADMIN_TOKEN
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The bearer token of the programs that read the feed: 16 to 255 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct FeedToken(String);

impl FeedToken {
    pub fn parse(text: &str) -> Result<FeedToken, &'static str> {
        bearer_token(text).map(FeedToken)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn bearer_token(text: &str) -> Result<String, &'static str> {
    if is_quoted(text) {
        return Err("it begins and ends with a quote, which would be part of it; write it without");
    }
    let fits = (CHARS_MIN..=CHARS_MAX).contains(&text.len());
    (fits && is_visible(text))
        .then(|| text.to_owned())
        .ok_or("it must be 16 to 255 visible ASCII characters")
}

/// Whether the text is in quotes, as some tools leave a value that they have read from a file of variables.
pub fn is_quoted(text: &str) -> bool {
    ['"', '\'']
        .iter()
        .any(|quote| text.starts_with(*quote) && text.ends_with(*quote))
}

impl Setting for Vec<WebhookSecret> {
    const IS_SECRET: bool = true;

    /// An empty variable is refused: it must not switch signatures off by a slip.
    fn read(value: Value<'_>) -> Result<Vec<WebhookSecret>, String> {
        few_secrets(value, WebhookSecret::parse)
    }
}

impl Setting for Vec<StripeSecret> {
    const IS_SECRET: bool = true;

    fn read(value: Value<'_>) -> Result<Vec<StripeSecret>, String> {
        few_secrets(value, StripeSecret::parse)
    }
}

fn few_secrets<T>(
    value: Value<'_>,
    parse: fn(&str) -> Result<T, &'static str>,
) -> Result<Vec<T>, String> {
    let secrets = value.list(|text| Ok(parse(text)?))?;
    if matches!(value, Value::Text(_)) && secrets.is_empty() {
        return Err("it must name a secret, or not be set".into());
    }
    if secrets.len() > SECRETS_MAX {
        return Err(format!("there may be at most {SECRETS_MAX}"));
    }
    Ok(secrets)
}

impl Setting for Option<AdminToken> {
    const IS_SECRET: bool = true;

    fn read(value: Value<'_>) -> Result<Option<AdminToken>, String> {
        Ok(Some(AdminToken::parse(value.text()?)?))
    }
}

impl Setting for Option<FeedToken> {
    const IS_SECRET: bool = true;

    fn read(value: Value<'_>) -> Result<Option<FeedToken>, String> {
        Ok(Some(FeedToken::parse(value.text()?)?))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl fmt::Debug for StripeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StripeSecret(…)")
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}

impl fmt::Debug for FeedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedToken(…)")
    }
}
