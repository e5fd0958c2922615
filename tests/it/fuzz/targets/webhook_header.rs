//! The three headers of a webhook as Standard Webhooks has them. A signature is accepted only if it was made with the key, over
//! this id, this time and these bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flashsale::api::check_signature;
use flashsale::config::WebhookSecret;
use flashsale::http::{Method, Request};
use flashsale::sale::Timestamp;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::api::NOW_S;
use super::{header_values, parts};

const KEY: &[u8] = b"a key of thirty-two bytes or so.";
const OTHER_KEY: &[u8] = b"another key, as long as the one.";

/// Parts: ids, timestamps, signatures, a body. No input could hold the right signature: `@` stands for it, and `#` for one that
/// was made with another key.
pub fn target(bytes: &[u8]) {
    let Some([ids, timestamps, signatures, body]) = parts(bytes) else {
        return;
    };
    let Ok(text) = [ids, timestamps, signatures]
        .map(std::str::from_utf8)
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
    else {
        return;
    };
    let (ids, timestamps) = (header_values(text[0]), header_values(text[1]));
    let made = |key| {
        let id = ids.first().unwrap_or(&"");
        let timestamp = timestamps.first().unwrap_or(&"");
        signature(key, id, timestamp, body)
    };
    let right = made(KEY);
    let signatures = text[2].replace('@', &right).replace('#', &made(OTHER_KEY));
    let signatures = header_values(&signatures);
    let mut request = Request::new(Method::Post, "/api/payments/webhook").with_body(body);
    for (name, values) in [
        ("webhook-id", &ids),
        ("webhook-timestamp", &timestamps),
        ("webhook-signature", &signatures),
    ] {
        for value in values {
            request = request.with_header(name, value);
        }
    }
    let secret = format!("whsec_{}", STANDARD.encode(KEY));
    let secrets = [WebhookSecret::parse(&secret).unwrap()];
    let now = Timestamp::from_micros(NOW_S * 1_000_000);
    let is_accepted = check_signature(&request, &secrets, now).is_ok();
    let is_right = match (&ids[..], &timestamps[..], &signatures[..]) {
        ([id], [timestamp], [signatures]) => {
            let seconds = timestamp
                .parse::<u64>()
                .ok()
                .filter(|_| !timestamp.starts_with('+'));
            let is_now =
                seconds.is_some_and(|seconds| seconds.abs_diff(NOW_S.unsigned_abs()) <= 300);
            let entry = format!("v1,{right}");
            !id.is_empty() && is_now && signatures.split(' ').any(|it| it == entry)
        }
        _ => false,
    };
    assert_eq!(is_accepted, is_right, "accepted, and made with the key");
}

fn signature(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}
