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
}

/// Whether the request was signed with one of the secrets, just now.
pub fn check(request: &Request, secrets: &[WebhookSecret], now: Timestamp) -> Result<(), Wrong> {
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
    const SENT_S: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn request(id: &str, timestamp: &str, body: &[u8], signature: &str) -> Request {
        Request::new(Method::Post, "/api/payments/webhook")
            .with_body(body)
            .with_header("webhook-id", id)
            .with_header("webhook-timestamp", timestamp)
            .with_header("webhook-signature", signature)
    }

    fn secrets(secrets: &[&str]) -> Vec<WebhookSecret> {
        let secrets = secrets.iter().map(|text| WebhookSecret::parse(text));
        secrets.collect::<Result<_, _>>().unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn example(signature: &str) -> bool {
        let request = request(ID, &SENT_S.to_string(), BODY, signature);
        check(&request, &secrets(&[SECRET]), at(SENT_S)).is_ok()
    }

    #[test]
    fn the_specifications_example_is_valid() {
        assert!(example(SIGNATURE));
    }

    #[test]
    fn one_valid_entry_of_a_list_is_enough() {
        let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert!(example(&format!("{wrong} v2,x v1a,y {SIGNATURE}")));
        assert!(!example(wrong));
    }

    #[test]
    fn what_only_looks_like_the_signature_is_invalid() {
        let bare = SIGNATURE.trim_start_matches("v1,");
        for signature in [
            bare,
            &format!("v2,{bare}"),
            &format!("v1,{}", bare.trim_end_matches('=')),
            &format!("v1,{}", bare.to_lowercase()),
            &format!("{SIGNATURE},{SIGNATURE}"),
            "v1,",
            "",
        ] {
            assert!(!example(signature), "{signature:?}");
        }
    }

    #[test]
    fn id_timestamp_and_body_are_what_is_signed() {
        let sent = SENT_S.to_string();
        let later = (SENT_S + 1).to_string();
        for (id, timestamp, body) in [
            ("msg_other", sent.as_str(), BODY),
            (ID, later.as_str(), BODY),
            (ID, sent.as_str(), br#"{"test": 2432232315}"#.as_slice()),
            (ID, sent.as_str(), br#"{"test":2432232314}"#),
            (ID, sent.as_str(), b""),
        ] {
            let request = request(id, timestamp, body, SIGNATURE);
            assert!(check(&request, &secrets(&[SECRET]), at(SENT_S)).is_err());
        }
    }

    #[test]
    fn a_body_is_signed_as_bytes() {
        let body = [0xff, 0x00, 0xfe];
        let secret = secrets(&[SECRET]);
        let signature = format!("v1,{}", signature(&secret[0], ID, "1614265330", &body));
        let request = request(ID, "1614265330", &body, &signature);
        assert!(check(&request, &secret, at(SENT_S)).is_ok());
    }

    #[test]
    fn while_secrets_change_either_signs() {
        let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let request = request(ID, &SENT_S.to_string(), BODY, SIGNATURE);
        for both in [[SECRET, other], [other, SECRET]] {
            assert!(check(&request, &secrets(&both), at(SENT_S)).is_ok());
        }
        assert!(check(&request, &secrets(&[other]), at(SENT_S)).is_err());
    }

    #[test]
    fn a_webhook_is_good_for_300_seconds_either_way() {
        let request = request(ID, &SENT_S.to_string(), BODY, SIGNATURE);
        for (seconds, valid) in [(-301, false), (-300, true), (300, true), (301, false)] {
            let now = at(SENT_S + seconds);
            assert_eq!(
                check(&request, &secrets(&[SECRET]), now).is_ok(),
                valid,
                "{seconds}"
            );
        }
    }

    #[test]
    fn a_timestamp_is_plain_seconds() {
        let secret = secrets(&[SECRET]);
        for timestamp in [
            "+1614265330",
            "1614265330.0",
            "-1",
            "soon",
            "99999999999999999999",
        ] {
            let signature = format!("v1,{}", signature(&secret[0], ID, timestamp, BODY));
            let request = request(ID, timestamp, BODY, &signature);
            assert!(check(&request, &secret, at(SENT_S)).is_err(), "{timestamp}");
        }
    }

    #[test]
    fn a_header_that_is_missing_or_there_twice_is_invalid() {
        let headers = [
            ("webhook-id", ID),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", SIGNATURE),
        ];
        for changed in headers {
            for times in [0, 2] {
                let mut request = Request::new(Method::Post, "/").with_body(BODY);
                for header in headers {
                    for _ in 0..if header == changed { times } else { 1 } {
                        request = request.with_header(header.0, header.1);
                    }
                }
                assert!(check(&request, &secrets(&[SECRET]), at(SENT_S)).is_err());
            }
        }
    }
}
