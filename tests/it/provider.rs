//! A payment provider that signs what it reports, as Standard Webhooks 1.0.0 asks. Written anew here, so that it cannot
//! share a mistake with the server.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

pub const SECRET: &str = "whsec_FmPmDHTVyEtOjE5SKBkUpRqHgZXbwn8O4sTuaLYf";
pub const OTHER_SECRET: &str = "whsec_7xKzQdGvB3nWc9RhYeJ5tMfLpU2aSiVo8qXyEkNw";

/// The headers of a webhook, in the order id, timestamp, signature.
pub type Signed = Vec<(&'static str, String)>;

pub fn signed_with(secret: &str, sent_s: i64, body: &[u8]) -> Signed {
    let id = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{sent_s}.").as_bytes());
    mac.update(body);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", sent_s.to_string()),
        ("webhook-signature", format!("v1,{signature}")),
    ]
}

/// As Stripe shows it.
pub const STRIPE_SECRET: &str = "whsec_qhQzLdXBd0PaNQ3BvhYPmn2sXGgQmOQ8";
pub const OTHER_STRIPE_SECRET: &str = "whsec_7kR2mHnY0v8cWbTqUe5xGzLpAiSd4fJo";

/// The `v1` of Stripe's scheme: the secret is used as the text that it is.
pub fn stripe_v1(secret: &str, sent_s: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{sent_s}.").as_bytes());
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The header `Stripe-Signature`.
pub fn stripe_signature(secret: &str, sent_s: i64, body: &[u8]) -> String {
    format!("t={sent_s},v1={}", stripe_v1(secret, sent_s, body))
}

pub fn borrowed(signed: &Signed) -> Vec<(&str, &str)> {
    let pairs = signed.iter();
    pairs.map(|(name, value)| (*name, value.as_str())).collect()
}

/// For the real binary, whose clock is the world's.
pub fn present_s() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
