//! What a request must be before anybody asks what it wants.

use flashsale::http::{Method, Request};
use serde_json::json;

use crate::conformance::operations;
use crate::server::Premises;
use crate::shop::{ADMIN_TOKEN, Shop, config, item};
use crate::wire::call;

#[test]
fn a_body_is_one_json_object() {
    let shop = Shop::with_stock("tee", 5);
    let deep = |levels: usize| {
        format!(
            "{{\"product_id\":{}1{}}}",
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    for body in [
        "",
        " ",
        "{",
        "{}}",
        "{} x",
        "[]",
        "1",
        "\"x\"",
        "null",
        "\u{feff}{}",
        "{'product_id':1}",
        "{\"product_id\":01}",
        "{\"product_id\":1,}",
        "{\"x\":\"\\ud83d\"}",
        "{\"x\":{\"y\":\"\\udc00\"}}",
        "{\"\\ud83d\":1}",
        &deep(16),
    ] {
        shop.post_text("/api/holds", body).refused("invalid_json");
        shop.post_text("/api/orders", body).refused("invalid_json");
        shop.post_text("/api/payments/webhook", body)
            .refused("invalid_json");
    }
    shop.post_text("/api/holds", &deep(15))
        .invalid("product_id");
    let invalid_utf8 =
        Request::new(Method::Post, "/api/holds").with_body(b"{\"product_id\":\"\xff\"}");
    shop.call(invalid_utf8).refused("invalid_json");
}

#[test]
fn a_field_name_may_be_written_with_escapes() {
    let shop = Shop::with_stock("tee", 5);
    shop.post_text("/api/holds", r#"{"product\u005fid":1,"quantity":1}"#)
        .created();
}

#[test]
fn a_length_is_required_where_a_body_is() {
    let shop = Shop::with_stock("tee", 5);
    for path in ["/api/holds", "/api/orders", "/api/payments/webhook"] {
        shop.call(Request::new(Method::Post, path))
            .failed_with(411, "length_required");
    }
}

#[test]
fn an_unknown_path_is_not_found_and_a_wrong_method_is_told_the_right_ones() {
    let shop = Shop::with_stock("tee", 5);
    for path in [
        "//",
        "/api",
        "/api/product/1",
        "/api/holds/1/x",
        "/admin",
        "/metrics.php",
    ] {
        shop.get(path).failed_with(404, "not_found");
    }
    for (method, path, allow) in [
        (Method::Delete, "/api/products/1", "GET, HEAD"),
        (Method::Get, "/api/holds", "POST"),
        (Method::Put, "/api/holds/1", "GET, HEAD, DELETE"),
        (Method::Get, "/api/orders/1/cancel", "POST"),
        (Method::Get, "/api/payments/webhook", "POST"),
        (Method::Options, "/api/holds", "POST"),
        (Method::Post, "/healthz", "GET, HEAD"),
    ] {
        let answer = shop
            .call(Request::new(method, path))
            .failed_with(405, "method_not_allowed");
        assert_eq!(answer.header("Allow"), Some(allow));
    }
}

#[test]
fn one_slash_at_the_end_of_a_path_is_ignored() {
    let shop = Shop::with_stock("tee", 5);
    shop.post_text("/api/holds/", r#"{"product_id":1,"quantity":1}"#)
        .created();
    shop.get("/api/holds/1/").ok();
    shop.post_text("/api/orders/", r#"{"hold_id":1}"#).created();
    shop.call(Request::new(Method::Post, "/api/orders/1/cancel/"))
        .ok();
    shop.get("/api/products/1//").failed_with(404, "not_found");
}

#[test]
fn whoever_opens_the_address_is_told_where_the_docs_are() {
    let premises = Premises::stocked(1);
    let server = premises.serve();
    let page = call(&server, "GET /", &[("Accept", "application/json")], b"").is(200);
    let page = page
        .has_line("Content-Type: text/html; charset=utf-8")
        .has_line("Cache-Control: no-store")
        .has_line("Content-Security-Policy: default-src 'none'");
    for said in ["docs/api.md", "docs/operations.md", "/api/products"] {
        assert!(page.text.contains(said), "{}", page.text);
    }
    assert!(page.text.len() < 2000, "it is small");
    let head = call(&server, "HEAD /", &[], b"").is(200);
    assert!(head.text.is_empty());
    head.has_line(&format!("Content-Length: {}", page.text.len()));
    call(&server, "POST /", &[], b"{}")
        .is(405)
        .has_line("Allow: GET, HEAD")
        .has_line("Content-Type: application/json");
    server.stop();
}

#[test]
fn pages_of_other_origins_may_not_write() {
    let shop = Shop::with_stock("tee", 5);
    let from = |origin: &str| {
        let request = Request::new(Method::Post, "/api/holds").with_header("Host", "shop.example");
        shop.call(
            request
                .with_header("Origin", origin)
                .with_body(br#"{"product_id":1,"quantity":1}"#),
        )
    };
    from("https://evil.example").failed_with(403, "origin_not_allowed");
    from("null").failed_with(403, "origin_not_allowed");
    from("https://shop.example").created();
    from("http://shop.example").created();
    shop.call(
        Request::new(Method::Get, "/api/products/1").with_header("Origin", "https://evil.example"),
    )
    .ok();
}

#[test]
fn pages_of_listed_origins_may_read_and_write() {
    let shop = Shop::on_terms(
        vec![item("tee", 5)],
        config(|it| it.cors_origins = vec!["https://shop.example".parse().unwrap()]),
    );
    let preflight = |origin| {
        shop.call(Request::new(Method::Options, "/api/holds").with_header("Origin", origin))
    };
    let answer = preflight("https://shop.example").has_status(204);
    assert_eq!(
        answer.header("Access-Control-Allow-Origin"),
        Some("https://shop.example")
    );
    assert_eq!(answer.header("Access-Control-Allow-Methods"), Some("POST"));
    preflight("https://evil.example").failed_with(405, "method_not_allowed");
    let hold =
        Request::new(Method::Post, "/api/holds").with_header("Origin", "https://shop.example");
    let answer = shop
        .call(hold.with_body(br#"{"product_id":1,"quantity":1}"#))
        .created();
    assert_eq!(
        answer.header("Access-Control-Allow-Origin"),
        Some("https://shop.example")
    );
    assert_eq!(answer.header("Vary"), Some("Origin"));
}

#[test]
fn the_server_tells_its_health() {
    let shop = Shop::with_stock("tee", 5);
    assert_eq!(shop.get("/healthz").ok().bytes, br#"{"status":"ok"}"#);
    shop.get("/readyz").ok();
}

/// A provider that cuts a text to so many UTF-16 units may cut a character in half.
#[test]
fn half_a_character_inside_a_payload_is_stored_as_it_came() {
    let shop = Shop::with_stock("tee", 5);
    shop.ordered("tee", 1);
    let payloads = [
        r#"{"transaction_id":"y","description":"Signed vinyl \ud83c"}"#,
        r#"{"\udf9f":1, "a\ud83d":{"\ud83d":["\udc00"]},"transaction\u005fid":"y"}"#,
        r#"{"amount":99.99,"x":"\ud83d\u0041\ud83d\ud83d\ude00"}"#,
    ];
    for (number, payload) in payloads.iter().enumerate() {
        let body = format!(
            r#"{{"idempotency_key":"k{number}","order_id":1,"status":"success","p\u0061yload":{payload}}}"#
        );
        shop.post_text("/api/payments/webhook", &body).ok();
    }
    let payments = shop.contents().payments;
    let stored: Vec<_> = payments
        .iter()
        .map(|(_, payload)| payload.as_deref())
        .collect();
    assert_eq!(stored, payloads.map(Some));
    let transactions = payments
        .iter()
        .map(|(payment, _)| payment.report.transaction_id.clone());
    let transactions: Vec<_> = transactions.take(2).collect();
    assert_eq!(transactions, [Some("y".to_owned()), Some("y".to_owned())]);
    for payload in [
        r#"{"transaction_id":"\ud83d"}"#,
        r#"{"\ud83d":1,"transaction_id":"y\ud83d"}"#,
    ] {
        let body = format!(
            r#"{{"idempotency_key":"k","order_id":1,"status":"success","payload":{payload}}}"#
        );
        shop.post_text("/api/payments/webhook", &body)
            .invalid("payload.transaction_id");
    }
}

#[test]
fn a_payment_may_bring_all_that_was_bought() {
    let premises = Premises::stocked(5);
    let server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    assert_eq!(server.post("/api/orders", &json!({"hold_id": 1})).0, 201);
    let line = json!({"title": "Signed vinyl, limited", "sku": "V1", "price": "35.00"});
    let lines = |count: usize| json!({"transaction_id": "big", "lines": vec![line.clone(); count]});
    let event = |count| json!({"idempotency_key": "big", "order_id": 1, "status": "success", "payload": lines(count)});
    let (status, answer) = server.post("/api/payments/webhook", &event(400));
    assert_eq!((status, answer["verdict"].as_str()), (200, Some("applied")));
    assert_eq!(server.post("/api/payments/webhook", &event(1000)).0, 413);
    server.stop();
    premises.books_are_right();
}

/// A typing error never becomes a default. Stripe's events have fields of Stripe's.
#[test]
fn no_body_has_a_field_that_is_not_known() {
    let shop = Shop::operated(vec![item("tee", 9)]);
    let order = shop.ordered("tee", 1);
    shop.pay("first", order).ok();
    let mut tried = 0;
    for (path, method, operation) in operations() {
        if operation["requestBody"].is_null() || path == "/api/payments/stripe" {
            continue;
        }
        let path = path.replace("{webhook_id}", "1").replace("{id}", "1");
        let request = Request::new(method.to_uppercase().parse().unwrap(), &path);
        let request = request.with_header("Authorization", &format!("Bearer {ADMIN_TOKEN}"));
        let answer = shop.call(request.with_body(br#"{"qty": 1}"#));
        let refused = answer.failed_with(422, "validation_failed");
        assert!(refused.body["errors"]["qty"].is_array(), "{method} {path}");
        tried += 1;
    }
    assert!(tried >= 10, "{tried}");
}
