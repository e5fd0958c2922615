//! The description, put together from the table of endpoints and the files beside this one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::components::{headers_named, reference};
use super::refusals::{refusals_of, refused, shared_responses};
use super::schemas::{expanded, schema, schemas};
use super::written::{Answer, Media, Operation, Refusal, WRITTEN, read};
use crate::api::endpoints::{Access, ENDPOINTS, Endpoint, Run};

pub fn description() -> Value {
    let mut description: Value = read(include_str!("openapi.json"));
    let refusals: Vec<Refusal> = read(include_str!("errors.json"));
    let operations = [
        include_str!("storefront.json"),
        include_str!("feed.json"),
        include_str!("operator.json"),
        include_str!("service.json"),
    ];
    let operations = operations.map(read::<BTreeMap<String, Operation>>);
    let mut operations: BTreeMap<_, _> = operations.into_iter().flatten().collect();
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let path = paths
            .entry(endpoint.pattern)
            .or_insert_with(|| json!({"parameters": [reference("parameters", "X-Request-Id")]}));
        let name = format!("{} {}", endpoint.method, endpoint.pattern);
        let operation = operations.remove(&name).expect(WRITTEN);
        path[endpoint.method.as_str().to_lowercase()] = described(endpoint, &operation, &refusals);
    }
    assert!(
        operations.is_empty(),
        "every operation that is written down is answered"
    );
    description["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    description["paths"] = paths.into();
    let components = &mut description["components"];
    for kind in ["parameters", "headers"] {
        let named = components[kind].as_object_mut().expect(WRITTEN);
        for schema in named.values_mut().map(|it| &mut it["schema"]) {
            *schema = expanded(schema.take());
        }
    }
    components["responses"] = shared_responses(&refusals);
    components["schemas"] = schemas();
    description
}

fn described(endpoint: &Endpoint, operation: &Operation, refusals: &[Refusal]) -> Value {
    let mut described = json!({
        "tags": [operation.tag],
        "operationId": operation.operation_id,
        "summary": operation.summary,
    });
    if let Some(description) = &operation.description {
        described["description"] = description.as_str().into();
    }
    described["security"] = match endpoint.access {
        Access::Open => json!([]),
        Access::Token => json!([{}, {"customerToken": []}]),
        Access::Signature => json!([{}, {"webhookSignature": []}]),
        Access::Stripe => json!([{"stripeSignature": []}]),
        Access::Feed => json!([{"feedToken": []}]),
        Access::Operator => json!([{"operatorToken": []}]),
    };
    let in_path = endpoint.pattern.split(['{', '}']).skip(1).step_by(2);
    // Pages ask again for what the operator reads.
    let is_asked_again =
        endpoint.access == Access::Operator && matches!(endpoint.run, Run::Read(_));
    let parameters = in_path.chain(operation.parameters.iter().map(String::as_str));
    let parameters = parameters.chain(is_asked_again.then_some("If-None-Match"));
    let parameters = parameters.map(|name| reference("parameters", name));
    described["parameters"] = parameters.collect();
    if let Some(body) = &operation.body {
        let content = json!({"schema": schema(&body.schema), "example": body.example});
        described["requestBody"] =
            json!({"required": body.required, "content": {"application/json": content}});
    }
    let mut responses = Map::new();
    for (status, answer) in &operation.answers {
        responses.insert(status.clone(), answered(answer));
    }
    if is_asked_again {
        responses["200"]["headers"]["ETag"] = reference("headers", "ETag");
        let headers = headers_named(["ETag"].into_iter());
        let unchanged = json!({"description": "The client has it as it is.", "headers": headers});
        responses.insert("304".to_owned(), unchanged);
    }
    responses.extend(refused(&refusals_of(endpoint, operation), refusals));
    described["responses"] = responses.into();
    described
}

fn answered(answer: &Answer) -> Value {
    let headers = answer.headers.iter().map(String::as_str);
    let mut answered =
        json!({"description": answer.description, "headers": headers_named(headers)});
    if let Some(name) = &answer.schema {
        let content = json!({"schema": schema(name), "example": answer.example});
        let media = match &answer.media {
            Media::One(media) => std::slice::from_ref(media),
            Media::Either(media) => media,
        };
        let content = media.iter().map(|media| (media.clone(), content.clone()));
        answered["content"] = Value::Object(content.collect());
    }
    answered
}
