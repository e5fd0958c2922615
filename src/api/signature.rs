//! Signatures of webhooks, as Standard Webhooks 1.0.0 has them: `base64(HMAC-SHA256(secret, id.timestamp.body))` over the
//! bytes as they came, in any of the `v1` entries of `webhook-signature`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::config::WebhookSecret;
use crate::http::Request;
use crate::sale::Timestamp;

/// How far the sender's clock and ours may be apart, so that an overheard webhook is soon worth nothing.
const SKEW_MAX_S: u64 = 300;

/// What is wrong with a signature, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("the header {0} is missing, empty or there twice")]
    Header(&'static str),
    #[error("the header webhook-timestamp is not a number of seconds")]
    Timestamp,
    #[error(
        "the clock: its timestamp is {} s {} ours, and {SKEW_MAX_S} s either way are allowed",
        .behind_s.unsigned_abs(),
        if *.behind_s < 0 { "ahead of" } else { "behind" }
    )]
    Clock { behind_s: i64 },
    #[error("the key: no signature in it was made with a key of webhook_secrets over these bytes")]
    Key,
    #[error(
        "stripe_secrets alone are set: this path takes nothing without webhook_secrets of its own"
    )]
    NoSecrets,
}

/// Whether the request was signed with one of the secrets, just now.
pub fn check(request: &Request, secrets: &[WebhookSecret], now: Timestamp) -> Result<(), Wrong> {
    if secrets.is_empty() {
        return Err(Wrong::NoSecrets);
    }
    let sent = |name| only(request.header_values(name)).ok_or(Wrong::Header(name));
    let id = sent("webhook-id")?;
    let timestamp = sent("webhook-timestamp")?;
    let signatures = sent("webhook-signature")?;
    check_clock(timestamp, now)?;
    let is_signed = secrets.iter().any(|secret| {
        let expected = signature(secret, id, timestamp, &request.body);
        is_among(signatures, &expected)
    });
    if is_signed { Ok(()) } else { Err(Wrong::Key) }
}

/// A header that is there once and is not empty.
fn only<'a>(mut values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let value = values.next().filter(|value| !value.is_empty());
    value.filter(|_| values.next().is_none())
}

fn check_clock(timestamp: &str, now: Timestamp) -> Result<(), Wrong> {
    let is_plain = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let sent_s = timestamp.parse::<i64>().ok().filter(|_| is_plain);
    let sent_s = sent_s.ok_or(Wrong::Timestamp)?;
    let now_s = now.micros().div_euclid(1_000_000);
    let behind_s = now_s.saturating_sub(sent_s);
    if behind_s.unsigned_abs() <= SKEW_MAX_S {
        Ok(())
    } else {
        Err(Wrong::Clock { behind_s })
    }
}

fn signature(secret: &WebhookSecret, id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("an HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Every entry is compared whole, in a time that tells nothing about where they differ.
fn is_among(signatures: &str, expected: &str) -> bool {
    let ours = signatures
        .split(' ')
        .filter_map(|entry| entry.strip_prefix("v1,"));
    let found = ours.fold(Choice::from(0), |found, signature| {
        found | signature.as_bytes().ct_eq(expected.as_bytes())
    });
    found.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    /// The example of the specification and of its reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SENT: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn example(timestamp: &str, signature: &str) -> Result<(), Wrong> {
        let request = Request::new(Method::Post, "/api/payments/webhook")
            .with_body(BODY)
            .with_header("webhook-id", ID)
            .with_header("webhook-timestamp", timestamp)
            .with_header("webhook-signature", &format!("v1,{signature}"));
        let now = Timestamp::from_micros(1_614_265_330_000_000);
        check(&request, &[WebhookSecret::parse(SECRET).unwrap()], now)
    }

    #[test]
    fn the_specifications_example_is_valid() {
        assert_eq!(example(SENT, SIGNATURE), Ok(()));
    }

    #[test]
    fn a_timestamp_is_plain_seconds() {
        let secret = WebhookSecret::parse(SECRET).unwrap();
        for timestamp in [
            "+1614265330",
            "1614265330.0",
            "-1",
            "soon",
            "99999999999999999999",
        ] {
            let signature = signature(&secret, ID, timestamp, BODY);
            assert_eq!(example(timestamp, &signature), Err(Wrong::Timestamp));
        }
    }
}
