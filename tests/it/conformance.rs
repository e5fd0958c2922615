//! The API's own description, as a judge of answers: every answer that a test receives must be one that it describes.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

/// The description, as it is served.
pub static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(flashsale::api::openapi()).unwrap());

/// An answer, as much of it as a description speaks of.
pub struct Described<'a> {
    pub status: u16,
    pub headers: Vec<(&'a str, &'a str)>,
    pub body: &'a [u8],
    /// Whether it came through the front, which adds what every answer has.
    pub is_whole: bool,
}

/// Headers that are HTTP's own: a description says nothing of them.
const FRAMING: [&str; 3] = ["content-type", "content-length", "connection"];
/// Headers that the front adds.
const OF_THE_FRONT: [&str; 2] = ["X-Request-Id", "Date"];

/// Panics unless the description has this answer to this request.
#[track_caller]
pub fn assert_described(method: &str, target: &str, answer: &Described<'_>) {
    if let Err(why) = check(method, target, answer) {
        let body = String::from_utf8_lossy(answer.body);
        let (status, headers) = (answer.status, &answer.headers);
        panic!(
            "{method} {target} is answered {status} {headers:?} {body}, not as described: {why}"
        );
    }
}

/// The same, where the test does not know which of its requests was answered: some request is answered so.
#[track_caller]
pub fn assert_described_somewhere(answer: &Described<'_>) {
    if answer.status == 204 && header(answer, "Access-Control-Allow-Methods").is_some() {
        return;
    }
    let operations = operations().map(|(_, _, operation)| operation);
    let mut fits = operations.filter_map(|operation| response_of(operation, answer.status));
    let is_elsewhere = || elsewhere(answer.status).is_some_and(|it| fit(it, answer).is_ok());
    let is_described = fits.any(|it| fit(it, answer).is_ok()) || is_elsewhere();
    assert!(
        is_described,
        "nothing is described to be answered so: {} {:?}",
        answer.status, answer.headers
    );
}

/// What an error would tell of the program's insides: its statements, its engines, its files, where it failed, its version.
const INSIDES: [&str; 12] = [
    "sqlite",
    "postgres",
    "sql",
    "select ",
    "insert ",
    "constraint",
    "panicked",
    ".rs:",
    ".db",
    "/tmp/",
    "/src/",
    env!("CARGO_PKG_VERSION"),
];

/// No error tells of the program's insides.
fn ensure_tells_nothing(answer: &Described<'_>) -> Result<(), String> {
    let body = String::from_utf8_lossy(answer.body).to_lowercase();
    let told = INSIDES.iter().find(|inside| body.contains(*inside));
    match told.filter(|_| answer.status >= 400) {
        Some(told) => Err(format!("it tells of {told}")),
        None => Ok(()),
    }
}

pub fn check(method: &str, target: &str, answer: &Described<'_>) -> Result<(), String> {
    ensure_tells_nothing(answer)?;
    if method == "OPTIONS" && answer.status == 204 {
        return Ok(());
    }
    let is_head = method == "HEAD";
    let method = if is_head { "get" } else { method };
    let found = path_item(target).map(|item| &item[method.to_lowercase()]);
    let operation = found.filter(|operation| operation.is_object());
    let front = || response_of(&DESCRIPTION["paths"]["/healthz"]["get"], answer.status);
    let operators = || {
        response_of(
            &DESCRIPTION["paths"]["/admin/api/stats"]["get"],
            answer.status,
        )
    };
    let response = match operation {
        Some(operation) => response_of(operation, answer.status),
        // Below the operator's path, the token is looked at before what the path names.
        None if target.contains("/admin/api/") => elsewhere(answer.status).or_else(operators),
        None => elsewhere(answer.status).or_else(front),
    };
    let response = response.ok_or_else(|| format!("its status {} is not there", answer.status))?;
    if is_head && answer.body.is_empty() {
        return fit_headers(response, answer);
    }
    fit(response, answer)
}

/// Every path, method and operation.
pub fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DESCRIPTION["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        let methods = methods.filter(|(method, _)| *method != "parameters");
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// What a path that is not there, or does not take the method, is answered.
fn elsewhere(status: u16) -> Option<&'static Value> {
    let responses = &DESCRIPTION["components"]["responses"];
    match status {
        404 => Some(&responses["NotFound"]),
        405 => Some(&responses["MethodNotAllowed"]),
        _ => None,
    }
}

fn path_item(target: &str) -> Option<&'static Value> {
    let path = match target.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/').unwrap_or(rest.len())..],
        None => target,
    };
    let path = path.split('?').next().unwrap();
    let shorter = path.strip_suffix('/').filter(|path| path.len() > 1);
    let path = shorter.unwrap_or(path);
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let is_pattern_of = |pattern: &str| {
        let (pattern, path) = (pattern.split('/'), path.split('/'));
        pattern.clone().count() == path.clone().count()
            && pattern
                .zip(path)
                .all(|(pattern, part)| pattern.starts_with('{') || pattern == part)
    };
    paths.get(path).or_else(|| {
        let mut patterns = paths.iter();
        patterns.find_map(|(pattern, item)| is_pattern_of(pattern).then_some(item))
    })
}

fn response_of(operation: &'static Value, status: u16) -> Option<&'static Value> {
    operation["responses"].get(status.to_string()).map(resolved)
}

fn resolved(value: &'static Value) -> &'static Value {
    let target = value["$ref"].as_str();
    target.map_or(value, |target| DESCRIPTION.pointer(&target[1..]).unwrap())
}

fn fit(response: &'static Value, answer: &Described<'_>) -> Result<(), String> {
    fit_headers(response, answer)?;
    let Some(content) = response.get("content") else {
        return if answer.body.is_empty() {
            Ok(())
        } else {
            Err("it has a body".to_owned())
        };
    };
    let kind = header(answer, "content-type").unwrap_or_default();
    let media = content
        .get(kind)
        .ok_or_else(|| format!("its type {kind} is not there"))?;
    let body = if kind == "application/json" {
        serde_json::from_slice(answer.body).map_err(|error| error.to_string())?
    } else {
        String::from_utf8_lossy(answer.body).into()
    };
    fit_schema(&media["schema"], &body)
}

fn header<'a>(answer: &Described<'a>, name: &str) -> Option<&'a str> {
    let mut headers = answer.headers.iter();
    headers.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(*value))
}

fn fit_headers(response: &'static Value, answer: &Described<'_>) -> Result<(), String> {
    let described = response["headers"].as_object().unwrap();
    let described = described
        .iter()
        .map(|(name, header)| (name, resolved(header)));
    for (name, value) in &answer.headers {
        let is_framing = FRAMING
            .iter()
            .any(|framing| framing.eq_ignore_ascii_case(name));
        if is_framing {
            continue;
        }
        let mut described = described.clone();
        let found = described.find(|(found, _)| found.eq_ignore_ascii_case(name));
        let (_, header) = found.ok_or_else(|| format!("its header {name} is not there"))?;
        fit_schema(&header["schema"], &json!(value))?;
    }
    for (name, header_described) in described {
        let is_due = answer.is_whole || !OF_THE_FRONT.contains(&name.as_str());
        if is_due && header_described["required"] == true && header(answer, name).is_none() {
            return Err(format!("its header {name} is missing"));
        }
    }
    Ok(())
}

/// Whether the value fits. Each schema is compiled once.
pub fn fit_schema(schema: &'static Value, value: &Value) -> Result<(), String> {
    static COMPILED: LazyLock<Mutex<HashMap<usize, Arc<Validator>>>> =
        LazyLock::new(Mutex::default);
    let address = std::ptr::from_ref(schema).addr();
    let known = COMPILED.lock().unwrap().get(&address).cloned();
    let validator = known.unwrap_or_else(|| {
        let schemas = &DESCRIPTION["components"]["schemas"];
        let root = json!({"allOf": [schema], "components": {"schemas": schemas}});
        let compiled = Arc::new(compiled(&root));
        COMPILED.lock().unwrap().insert(address, compiled.clone());
        compiled
    });
    let error = validator.iter_errors(value).next();
    error.map_or(Ok(()), |error| {
        Err(format!("{error} at {}", error.instance_path()))
    })
}

fn compiled(schema: &Value) -> Validator {
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(schema).unwrap()
}
