//! `Idempotency-Key`: 1 to 255 visible ASCII characters, once; at least 16 of them where tokens are required.

use flashsale::http::{Method, Request};
use flashsale::sale::Command;

use super::api::{Front, GUARDED, Meaning, OPEN};
use super::header_values;

pub fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let values = header_values(text);
    let is_key = |value: &&str| {
        (1..=255).contains(&value.len()) && value.bytes().all(|byte| matches!(byte, b'!'..=b'~'))
    };
    let key = match &values[..] {
        [] => Ok(None),
        [value] if is_key(value) => Ok(Some(*value)),
        _ => Err("invalid_idempotency_key"),
    };
    assert_eq!(read(&OPEN, &values), key.map(|key| key.map(str::to_owned)));
    let key = match key {
        Ok(Some(key)) if key.len() < 16 => Err("invalid_idempotency_key"),
        key => key,
    };
    assert_eq!(
        read(&GUARDED, &values),
        key.map(|key| key.map(str::to_owned))
    );
}

fn read(front: &Front, values: &[&str]) -> Result<Option<String>, &'static str> {
    let mut request =
        Request::new(Method::Post, "/api/holds").with_body(br#"{"product_id":1,"quantity":1}"#);
    for value in values {
        request = request.with_header("idempotency-KEY", value);
    }
    match front.meaning_of(request) {
        Meaning::Command(Command::PlaceHold(hold)) => {
            Ok(hold.key.map(|key| key.as_str().to_owned()))
        }
        Meaning::Refused(code) => Err(code),
        other @ (Meaning::Command(_) | Meaning::Waits | Meaning::Answered) => panic!("{other:?}"),
    }
}
