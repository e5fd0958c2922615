//! How an answer becomes JSON.

use serde::Serialize;

use crate::http::Response;

pub fn ok(body: &impl Serialize) -> Response {
    with_status(200, body)
}

pub fn with_status(status: u16, body: &impl Serialize) -> Response {
    let mut response = Response::new(status);
    response.body = bytes(body);
    response
}

pub fn bytes(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("an answer's strings and numbers are JSON")
}

/// An object that is printed already, with one field more. The value is text that needs no escapes.
pub fn with_last_field(object: &[u8], name: &str, value: &str) -> Response {
    let fields = object.strip_suffix(b"}");
    let fields = fields.expect("an object ends with its brace");
    let mut response = Response::new(200);
    response.body = [
        fields,
        b",\"",
        name.as_bytes(),
        b"\":\"",
        value.as_bytes(),
        b"\"}",
    ]
    .concat();
    response
}
