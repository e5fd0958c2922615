//! Signatures of Stripe's webhooks: `Stripe-Signature: t=<seconds>,v1=<hex>`, where each `v1` may be the HMAC-SHA256 of
//! `t.body` with the text of one of the endpoint's secrets (<https://docs.stripe.com/webhooks/signature>).

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::config::StripeSecret;
use crate::sale::Timestamp;

/// How far Stripe's clock and ours may be apart, so that an overheard event is soon worth nothing.
const SKEW_MAX_S: u64 = 300;
const HEX_DIGITS: usize = 64;

/// What is wrong with a signature, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("the header Stripe-Signature is missing or there twice")]
    Header,
    #[error(
        "the header Stripe-Signature has no t, or more than one, or one that is no number of seconds"
    )]
    Timestamp,
    #[error("the header Stripe-Signature has no v1 of 64 small hexadecimal digits")]
    Scheme,
    #[error(
        "the clock: its t is {} s {} ours, and {SKEW_MAX_S} s either way are allowed",
        .behind_s.unsigned_abs(),
        if *.behind_s < 0 { "ahead of" } else { "behind" }
    )]
    Clock { behind_s: i64 },
    #[error("the secret: no v1 in it was made with one of stripe_secrets over these bytes")]
    Secret,
}

/// Whether one of the secrets has signed these bytes, just now. `headers`: every value of `Stripe-Signature`.
pub fn check<'a>(
    mut headers: impl Iterator<Item = &'a str>,
    body: &[u8],
    secrets: &[StripeSecret],
    now: Timestamp,
) -> Result<(), Wrong> {
    let header = headers.next().filter(|_| headers.next().is_none());
    let elements = || {
        let elements = header.unwrap_or_default().split(',');
        elements.filter_map(|element| element.split_once('='))
    };
    header.ok_or(Wrong::Header)?;
    let sent = only(elements().filter_map(|(name, value)| (name == "t").then_some(value)));
    let sent = sent.ok_or(Wrong::Timestamp)?;
    let sent_s = seconds(sent).ok_or(Wrong::Timestamp)?;
    let shown: Vec<&str> = elements()
        .filter_map(|(name, value)| (name == "v1" && is_hex(value)).then_some(value))
        .collect();
    if shown.is_empty() {
        return Err(Wrong::Scheme);
    }
    if !is_among(&shown, secrets, sent, body) {
        return Err(Wrong::Secret);
    }
    let behind_s = now.micros().div_euclid(1_000_000).saturating_sub(sent_s);
    if behind_s.unsigned_abs() > SKEW_MAX_S {
        return Err(Wrong::Clock { behind_s });
    }
    Ok(())
}

fn only<'a>(mut values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    values.next().filter(|_| values.next().is_none())
}

fn seconds(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

fn is_hex(text: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == HEX_DIGITS && text.bytes().all(is_digit)
}

/// Every pair is compared whole, in a time that tells nothing about which are equal, or where they differ.
fn is_among(shown: &[&str], secrets: &[StripeSecret], sent: &str, body: &[u8]) -> bool {
    let mut found = Choice::from(0);
    for secret in secrets {
        let expected = signature(secret, sent, body);
        for signature in shown {
            found |= signature.as_bytes().ct_eq(expected.as_bytes());
        }
    }
    found.into()
}

fn signature(secret: &StripeSecret, sent: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_str().as_bytes());
    let mut mac = mac.expect("an HMAC takes a key of any length");
    for part in [sent.as_bytes(), b".", body] {
        mac.update(part);
    }
    let digest = mac.finalize().into_bytes();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_test_0123456789";
    const SENT_S: i64 = 1_704_110_400;
    const BODY: &[u8] = br#"{"id": "evt_1"}"#;
    /// Made by `printf '%s' "1704110400.$BODY" | openssl dgst -sha256 -hmac "$SECRET"`; Stripe's own library (Python, 16.1) takes
    /// it.
    const V1: &str = "24c28a5fa04f15805b7f137425c8fc79bcf2bd232bc81e0c6b9ea20fb701ab77";

    fn checked(headers: &[&str], now_s: i64) -> Result<(), Wrong> {
        let secrets = [StripeSecret::parse(SECRET).unwrap()];
        let now = Timestamp::from_micros(now_s * 1_000_000);
        check(headers.iter().copied(), BODY, &secrets, now)
    }

    #[test]
    fn a_signature_made_by_another_program_is_valid_within_300_seconds() {
        let header = format!("t={SENT_S},v1={V1},v0={V1}");
        for skew_s in [-300, 0, 300] {
            assert_eq!(checked(&[&header], SENT_S + skew_s), Ok(()));
        }
        for behind_s in [-301, 301] {
            let wrong = Err(Wrong::Clock { behind_s });
            assert_eq!(checked(&[&header], SENT_S + behind_s), wrong);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let right = format!("t={SENT_S},v1={V1}");
        assert_eq!(checked(&[], SENT_S), Err(Wrong::Header));
        assert_eq!(checked(&[&right, &right], SENT_S), Err(Wrong::Header));
        for (header, wrong) in [
            (format!("v1={V1}"), Wrong::Timestamp),
            (format!("t={SENT_S},t={SENT_S},v1={V1}"), Wrong::Timestamp),
            (format!("t=now,v1={V1}"), Wrong::Timestamp),
            (format!("t=,v1={V1}"), Wrong::Timestamp),
            (format!("t={SENT_S}"), Wrong::Scheme),
            (format!("t={SENT_S},v0={V1}"), Wrong::Scheme),
            (
                format!("t={SENT_S},v1={}", V1.to_uppercase()),
                Wrong::Scheme,
            ),
            (
                format!("t={SENT_S},v1={}", V1.replace('b', "c")),
                Wrong::Secret,
            ),
            (format!("t=0{SENT_S},v1={V1}"), Wrong::Secret),
        ] {
            assert_eq!(checked(&[&header], SENT_S), Err(wrong), "{header}");
        }
    }
}
