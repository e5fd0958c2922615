//! How one part of the description names another.

use serde_json::{Value, json};

/// Headers of every answer.
const HEADERS: [&str; 6] = [
    "X-Request-Id",
    "Date",
    "Cache-Control",
    "Vary",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
];

pub fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

pub fn headers_named<'a>(more: impl Iterator<Item = &'a str>) -> Value {
    let headers = HEADERS.into_iter().chain(more);
    let headers = headers.map(|name| (name.to_owned(), reference("headers", name)));
    Value::Object(headers.collect())
}
