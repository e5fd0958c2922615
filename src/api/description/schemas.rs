//! The schemas of the description, written down in few words: `schemas.json`.

use serde_json::{Map, Value, json};

use super::components::reference;
use super::written::{WRITTEN, read};

/// `Name`, or `Name?` where it may be null.
pub fn schema(name: &str) -> Value {
    match name.strip_suffix('?') {
        Some(name) => json!({"anyOf": [reference("schemas", name), {"type": "null"}]}),
        None => reference("schemas", name),
    }
}

/// A schema that is a string is the name of one.
pub fn expanded(written: Value) -> Value {
    match written.as_str() {
        Some(name) => schema(name),
        None => written,
    }
}

/// The schemas, each object with all its fields required but those in `optional`, unless it says which, and no others.
pub fn schemas() -> Value {
    let written: Map<String, Value> = read(include_str!("schemas.json"));
    let schemas = written.iter().map(|(name, schema)| {
        let mut schema = schema.clone();
        if let Some(properties) = all_properties(&written, name) {
            let optional = all_optional(&written, name);
            let names = properties.keys();
            let names: Vec<&String> = names
                .filter(|name| !optional.contains(&name.as_str()))
                .collect();
            let required = json!(names);
            let object = schema.as_object_mut().expect(WRITTEN);
            object.remove("extends");
            object.remove("optional");
            object.entry("type").or_insert_with(|| "object".into());
            object.entry("required").or_insert(required);
            object.entry("additionalProperties").or_insert(false.into());
            object.insert("properties".to_owned(), expanded_within(properties.into()));
        }
        (name.clone(), schema)
    });
    Value::Object(schemas.collect())
}

/// With those of the schema that it extends.
fn all_properties(written: &Map<String, Value>, name: &str) -> Option<Map<String, Value>> {
    let schema = written.get(name).expect(WRITTEN);
    let own = schema.get("properties")?.as_object().expect(WRITTEN);
    let extended = schema.get("extends").and_then(Value::as_str);
    let mut all = extended
        .and_then(|name| all_properties(written, name))
        .unwrap_or_default();
    all.extend(own.clone());
    Some(all)
}

/// The fields that may be left out, with those of the schema that it extends.
fn all_optional<'a>(written: &'a Map<String, Value>, name: &str) -> Vec<&'a str> {
    let schema = written.get(name).expect(WRITTEN);
    let extended = schema.get("extends").and_then(Value::as_str);
    let mut all = extended.map_or(Vec::new(), |name| all_optional(written, name));
    let own = schema.get("optional").and_then(Value::as_array);
    all.extend(own.into_iter().flatten().filter_map(Value::as_str));
    all
}

/// Names of schemas stand for them among properties and as what an array has.
fn expanded_within(properties: Value) -> Value {
    let Value::Object(properties) = properties else {
        return properties;
    };
    let properties = properties.into_iter().map(|(name, mut property)| {
        if let Some(items) = property.get_mut("items") {
            *items = expanded(items.take());
        }
        if let Some(within) = property.get_mut("properties") {
            *within = expanded_within(within.take());
        }
        (name, expanded(property))
    });
    Value::Object(properties.collect())
}
