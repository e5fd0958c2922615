//! The refusals of the description: which an endpoint has, by its line in the table of endpoints, and how each is described.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::components::{headers_named, reference};
use super::schemas::schema;
use super::written::{Operation, Refusal, WRITTEN};
use crate::api::endpoints::{Access, Endpoint, Run};

/// What the front answers, whatever the request was to be.
const ALWAYS: [&str; 11] = [
    "400 bad_request",
    "408 request_timeout",
    "413 body_too_large",
    "414 uri_too_long",
    "417 expectation_failed",
    "431 headers_too_large",
    "500 internal",
    "501 transfer_encoding_not_supported",
    "503 overloaded",
    "503 too_many_connections",
    "505 http_version_not_supported",
];
const OF_COMMANDS: [&str; 6] = [
    "400 invalid_json",
    "403 origin_not_allowed",
    "415 unsupported_encoding",
    "422 validation_failed",
    "503 shutting_down",
    "503 store_failed",
];
const OF_KEYS: [&str; 2] = ["400 invalid_idempotency_key", "422 idempotency_key_reused"];
/// Where there is a token for what may not be there at all.
const OF_TOKENS: [&str; 2] = ["401 unauthorized", "404 not_found"];
/// Where there is nothing to describe: another path, another method.
const ELSEWHERE: [&str; 2] = ["404 not_found", "405 method_not_allowed"];

/// Its own, and those that its line in the table brings.
pub fn refusals_of<'a>(endpoint: &Endpoint, operation: &'a Operation) -> Vec<&'a str> {
    let mut names: Vec<&str> = operation.refusals.iter().map(String::as_str).collect();
    names.extend(ALWAYS);
    if matches!(endpoint.run, Run::Command(_) | Run::Event(_)) {
        names.extend(OF_COMMANDS);
    }
    if operation.body.as_ref().is_some_and(|body| body.required) {
        names.push("411 length_required");
    }
    if operation
        .parameters
        .iter()
        .any(|name| name == "Idempotency-Key")
    {
        names.extend(OF_KEYS);
    }
    match endpoint.access {
        Access::Open | Access::Token => {}
        Access::Signature => names.push("401 invalid_signature"),
        Access::Stripe => names.extend(["401 invalid_signature", "404 not_found"]),
        Access::Operator | Access::Feed => names.extend(OF_TOKENS),
    }
    names
}

/// By status. A status that has one code everywhere is described once for all.
pub fn refused(names: &[&str], refusals: &[Refusal]) -> BTreeMap<String, Value> {
    let mut by_status: BTreeMap<String, Vec<&Refusal>> = BTreeMap::new();
    for name in names {
        let refusal = refusals.iter().find(|refusal| refusal.is(name));
        let refusal = refusal.expect(WRITTEN);
        let status = refusal.status.to_string();
        by_status.entry(status).or_default().push(refusal);
    }
    let responses = by_status.into_iter().map(|(status, here)| {
        let response = match here[..] {
            [only] if is_shared(only, refusals) => reference("responses", &component(only)),
            _ => refusal_response(&here),
        };
        (status, response)
    });
    responses.collect()
}

fn is_shared(refusal: &Refusal, refusals: &[Refusal]) -> bool {
    let mut of_status = refusals.iter().filter(|it| it.status == refusal.status);
    of_status.all(|it| it.code == refusal.code) || ELSEWHERE.iter().any(|name| refusal.is(name))
}

pub fn shared_responses(refusals: &[Refusal]) -> Value {
    let shared = refusals.iter().filter(|it| is_shared(it, refusals));
    let shared = shared.map(|it| (component(it), refusal_response(&[it])));
    Value::Object(shared.collect())
}

/// `request_timeout` is `RequestTimeout`.
fn component(refusal: &Refusal) -> String {
    let words = refusal.code.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect()
}

fn refusal_response(refusals: &[&Refusal]) -> Value {
    let codes: Vec<&str> = refusals.iter().map(|it| it.code.as_str()).collect();
    let mut properties = json!({"error": {"type": "string"}, "code": {"enum": codes}});
    let mut required = vec!["error", "code"];
    for refusal in refusals {
        let extras = refusal.body.keys().filter(|name| *name != "error");
        for name in extras.chain(&refusal.may_have) {
            let is_everywhere = refusals.iter().all(|it| it.body.contains_key(name));
            if properties.get(name).is_none() && is_everywhere {
                required.push(name);
            }
            properties[name] = extra(name);
        }
    }
    let examples = refusals.iter().map(|refusal| {
        let mut body = refusal.body.clone();
        body.insert("code".to_owned(), refusal.code.as_str().into());
        (refusal.code.clone(), json!({"value": body}))
    });
    let examples: Map<_, _> = examples.collect();
    let whens = refusals
        .iter()
        .map(|it| format!("`{}`: {}", it.code, it.when));
    let whens: Vec<String> = whens.collect();
    let more = match refusals[0].status {
        401 => Some("WWW-Authenticate"),
        405 => Some("Allow"),
        415 => Some("Accept-Encoding"),
        503 => Some("Retry-After"),
        _ => None,
    };
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    json!({
        "description": whens.join("\n\n"),
        "headers": headers_named(more.into_iter()),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    })
}

/// What an error may carry beside its sentence and its code.
fn extra(name: &str) -> Value {
    schema(match name {
        "starts_at" => "Time",
        "limit" => "Quantity",
        "used" | "available_stock" => "Stock",
        "order_id" | "oldest" => "Id",
        "order_token" => "Token",
        "errors" => "FieldErrors",
        "outcome" => "Outcome",
        _ => unreachable!("no error has {name}"),
    })
}
