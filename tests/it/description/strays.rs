//! Answers that are not as described are found: what holds all other tests to the description can fail.

use serde_json::{Value, json};

use crate::conformance::{Described, check};

const OF_THE_FRONT: [(&str, &str); 4] = [
    ("Date", "Mon, 01 Jan 2024 12:00:00 GMT"),
    ("Content-Type", "application/json"),
    ("X-Request-Id", "a"),
    ("Cache-Control", "no-store"),
];

fn hold() -> Value {
    json!({
        "hold_id": 1, "product_id": 1, "quantity": 2, "unit_price": 99.99, "status": "active",
        "expires_at": "2024-01-01T12:02:00.000000Z", "expires_in_s": 120, "order_id": null
    })
}

fn answer(call: &str, status: u16, more: &[(&str, &str)], body: &Value) -> Result<(), String> {
    let (method, target) = call.split_once(' ').unwrap();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let described = Described {
        status,
        headers: OF_THE_FRONT.iter().chain(more).copied().collect(),
        body: body.as_bytes(),
        is_whole: true,
    };
    check(method, target, &described)
}

fn with(name: &str, value: Value) -> Value {
    let mut hold = hold();
    hold[name] = value;
    hold
}

#[test]
fn a_field_that_is_not_described_is_found() {
    assert_eq!(answer("GET /api/holds/1", 200, &[], &hold()), Ok(()));
    assert_eq!(
        answer("HEAD /api/holds/1/?a", 200, &[], &Value::Null),
        Ok(())
    );
    let mut short = hold();
    short.as_object_mut().unwrap().remove("order_id");
    for doctored in [
        with("customer", json!("ada")),
        with("quantity", json!("2")),
        with("quantity", json!(0)),
        with("status", json!("kept")),
        with("expires_at", json!("2024-01-01T12:02:00Z")),
        with("order_id", json!(1_u64 << 53)),
        short,
        json!([hold()]),
        Value::Null,
    ] {
        let found = answer("GET /api/holds/1", 200, &[], &doctored);
        assert!(found.is_err(), "{doctored}");
    }
}

#[test]
fn an_error_that_tells_of_the_insides_is_found() {
    let told = |sentence| {
        let missing = json!({"error": sentence, "code": "hold_not_found"});
        answer("GET /api/holds/1", 404, &[], &missing)
    };
    assert_eq!(told("Hold not found"), Ok(()));
    for sentence in [
        "no such column: SELECT id FROM holds",
        "UNIQUE constraint failed: orders.hold_id",
        "unable to open /var/lib/flash_sale.db",
        "panicked at src/writer/batch.rs:12",
        concat!("flashsale ", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(told(sentence).is_err(), "{sentence}");
    }
}

#[test]
fn a_status_or_a_code_that_is_not_described_is_found() {
    let missing = json!({"error": "Hold not found", "code": "hold_not_found"});
    assert_eq!(answer("GET /api/holds/1", 404, &[], &missing), Ok(()));
    assert!(answer("GET /api/holds/1", 201, &[], &hold()).is_err());
    assert!(answer("GET /api/orders/1", 404, &[], &missing).is_err());
    assert!(answer("GET /api/nothing", 404, &[], &missing).is_err());
    assert!(answer("GET /api/nothing", 200, &[], &hold()).is_err());
    let full = json!({"error": "Insufficient stock available", "code": "insufficient_stock", "available_stock": 0});
    assert_eq!(answer("POST /api/holds", 400, &[], &full), Ok(()));
    assert!(answer("POST /api/orders", 400, &[], &full).is_err());
}

#[test]
fn a_header_that_is_not_described_is_found() {
    assert!(answer("GET /api/holds/1", 200, &[("Server", "a")], &hold()).is_err());
    assert!(
        answer(
            "GET /api/holds/1",
            200,
            &[("Location", "/api/holds/1")],
            &hold()
        )
        .is_err()
    );
    let busy = json!({"error": "Too many", "code": "overloaded", "outcome": "not_applied"});
    let later = [("Retry-After", "1")];
    assert_eq!(answer("GET /api/holds/1", 503, &later, &busy), Ok(()));
    assert!(
        answer("GET /api/holds/1", 503, &[], &busy).is_err(),
        "it is missing"
    );
    assert!(answer("GET /api/holds/1", 503, &[("Retry-After", "soon")], &busy).is_err());
    let wrong = json!({"error": "This path takes POST", "code": "method_not_allowed"});
    assert_eq!(
        answer("PUT /api/holds", 405, &[("Allow", "POST")], &wrong),
        Ok(())
    );
    assert!(answer("PUT /api/holds", 405, &[], &wrong).is_err());
}
