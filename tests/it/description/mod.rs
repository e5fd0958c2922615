//! The API's description of itself: it has what the code has, a person can read it, and no answer strays from it.

mod bounds;
mod page;
mod strays;

use std::collections::BTreeSet;

use flashsale::api::ENDPOINTS;
use flashsale::config::Config;
use serde_json::Value;

use crate::conformance::{DESCRIPTION, fit_schema, operations};
use crate::shop::{Shop, config, item};

/// The codes of a response, each with its status.
fn codes(status: &str, response: &Value) -> Vec<(u16, String)> {
    let code = "/content/application~1json/schema/properties/code/enum";
    let codes = response.pointer(code).and_then(Value::as_array);
    let codes = codes.into_iter().flatten();
    codes
        .map(|code| (status.parse().unwrap(), code.as_str().unwrap().to_owned()))
        .collect()
}

/// Every code that the description has.
fn codes_described() -> BTreeSet<(u16, String)> {
    let responses = operations().flat_map(|(_, _, it)| it["responses"].as_object().unwrap());
    let mut codes: BTreeSet<_> = responses
        .flat_map(|(status, response)| codes(status, resolved(response)))
        .collect();
    let shared = &DESCRIPTION["components"]["responses"];
    codes.extend(self::codes("405", &shared["MethodNotAllowed"]));
    codes
}

fn resolved(value: &'static Value) -> &'static Value {
    let target = value["$ref"].as_str();
    target.map_or(value, |target| DESCRIPTION.pointer(&target[1..]).unwrap())
}

/// Every value within, with where it stands.
fn walk(value: &'static Value, path: &str, see: &mut impl FnMut(&str, &'static Value)) {
    see(path, value);
    let named = value.as_object().into_iter().flatten();
    for (name, within) in named {
        walk(within, &format!("{path}/{name}"), see);
    }
    for within in value.as_array().into_iter().flatten() {
        walk(within, path, see);
    }
}

#[test]
fn it_has_every_path_and_method_and_no_other() {
    let described: BTreeSet<_> = operations()
        .map(|(path, method, _)| format!("{} {path}", method.to_uppercase()))
        .collect();
    let answered = ENDPOINTS.iter();
    let answered = answered.map(|it| format!("{} {}", it.method, it.pattern));
    assert_eq!(described, answered.collect());
}

/// The rows of `src/api/errors.rs`, read from its text.
fn codes_answered() -> BTreeSet<(u16, String)> {
    let source = include_str!("../../../src/api/errors.rs");
    let mut codes = BTreeSet::new();
    for (call, status) in [
        ("row(", None),
        ("no(", Some(400)),
        ("not_applied(", Some(503)),
    ] {
        for (at, _) in source.match_indices(call) {
            let is_whole =
                !source[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
            let arguments = source[at + call.len()..].trim_start();
            let (status, rest) = match status {
                Some(status) => (status, arguments),
                None => match arguments.split_once(',') {
                    Some((status, rest)) => (status.parse().unwrap_or(0), rest.trim_start()),
                    None => continue,
                },
            };
            if let Some(code) = rest.strip_prefix('"').filter(|_| is_whole && status > 0) {
                codes.insert((status, code.split('"').next().unwrap().to_owned()));
            }
        }
    }
    codes
}

#[test]
fn it_has_every_error_and_no_other() {
    let answered = codes_answered();
    assert!(answered.len() > 40, "there is something to look for");
    assert!(answered.contains(&(503, "overloaded".to_owned())));
    assert_eq!(codes_described(), answered);
}

#[test]
fn an_operation_is_a_verb_and_answers_by_number() {
    const VERBS: [&str; 17] = [
        "accept", "cancel", "change", "check", "create", "describe", "list", "load", "open",
        "place", "read", "record", "refund", "release", "resolve", "restock", "show",
    ];
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        let verb = id.split(char::is_uppercase).next().unwrap();
        assert!(VERBS.contains(&verb), "{id} is no verb");
        assert!(ids.insert(id), "{id} is there twice");
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses {
            let number: u16 = status.parse().expect("a status is a number");
            let response = resolved(response);
            let has_codes = !codes(status, response).is_empty();
            assert_eq!(has_codes, number >= 400, "{method} {path} {status}");
            assert!(response["headers"]["X-Request-Id"].is_object());
        }
        assert!(responses.keys().any(|status| status.starts_with('2')));
    }
}

#[test]
fn every_request_and_every_answer_has_an_example_that_fits() {
    let mut seen = 0;
    for (path, method, operation) in operations() {
        let request = operation.get("requestBody");
        assert_eq!(
            request.is_some(),
            ["post", "patch", "delete"].contains(&method),
            "{path}"
        );
        let responses = operation["responses"].as_object().unwrap().values();
        let contents = request.into_iter().chain(responses.map(resolved));
        let contents = contents.filter_map(|it| it.get("content")?.as_object()?.values().next());
        for content in contents {
            let examples = content.get("examples").and_then(Value::as_object);
            let examples = examples
                .into_iter()
                .flatten()
                .map(|(_, example)| &example["value"]);
            let examples: Vec<_> = examples.chain(content.get("example")).collect();
            assert!(
                !examples.is_empty(),
                "{method} {path} has no example of {content}"
            );
            for example in examples {
                fit_schema(&content["schema"], example)
                    .unwrap_or_else(|why| panic!("{method} {path}: {example}: {why}"));
                seen += 1;
            }
        }
    }
    assert!(seen > 200, "{seen}");
}

/// What is open, on purpose: payment providers' own fields, and the description's description.
#[test]
fn an_object_has_the_fields_that_are_described_and_no_others() {
    let mut open = BTreeSet::new();
    walk(&DESCRIPTION, "", &mut |path, value| {
        let is_schema =
            path.contains("/schema/") || path.contains("/schemas/") || path.ends_with("/schema");
        let is_object = value["type"] == "object"
            || value
                .get("properties")
                .is_some_and(|it| it["type"].is_null());
        if is_schema
            && is_object
            && !path.ends_with("/properties")
            && value["additionalProperties"] != false
        {
            open.insert(path.to_owned());
        }
    });
    let schemas = "/components/schemas";
    let mut known: BTreeSet<_> = ["info", "servers/items", "tags/items", "paths", "components"]
        .map(|name| format!("{schemas}/Description/properties/{name}"))
        .into();
    known.insert(format!("{schemas}/FieldErrors"));
    known.insert(format!("{schemas}/PaymentEvent/properties/payload"));
    for within in ["", "/properties/data", "/properties/data/properties/object"] {
        known.insert(format!("{schemas}/StripeEvent{within}"));
    }
    // What a status asks for, besides what every event has.
    for condition in ["if", "else", "else/properties/payload"] {
        known.insert(format!("{schemas}/PaymentEvent/{condition}"));
    }
    assert_eq!(open, known);
}

#[test]
fn it_is_the_same_whatever_is_configured() {
    let plain = Shop::with_stock("tee", 1).get("/openapi.json").ok();
    assert_eq!(plain.bytes, flashsale::api::openapi().as_bytes());
    assert_eq!(plain.header("Cache-Control"), Some("no-cache"));
    let strict: Config = config(|it| {
        it.require_tokens = true;
        it.hold_ttl_s = 7;
        it.parked_max = 1;
    });
    let operated = Shop::operated_on_terms(vec![item("cap", 2)], strict);
    assert_eq!(operated.get("/openapi.json").ok().bytes, plain.bytes);
    let page = operated.get("/docs").ok();
    assert_eq!(
        page.bytes,
        Shop::with_stock("tee", 1).get("/docs").ok().bytes
    );
}
