//! The operator's hand on the sale: who is let in, products, restocks and refunds of orders.

use std::time::Duration;

use flashsale::config::Config;
use flashsale::http::{Method, Request};
use flashsale::sale::Timestamp;
use serde_json::{Value, json};

use crate::server::Premises;
use crate::shop::{ADMIN_TOKEN, Answer, HOLD_TTL, MICROSECOND, OPENING, ORDER_TTL, Shop, item};
use crate::wire;

const SECOND: Duration = Duration::from_secs(1);

/// Every call that there is, with a body that would do.
fn every_call() -> Vec<(Method, &'static str, Option<&'static str>)> {
    vec![
        (
            Method::Post,
            "/admin/api/products",
            Some(r#"{"name":"Cap","price":1,"total_stock":1}"#),
        ),
        (
            Method::Patch,
            "/admin/api/products/1",
            Some(r#"{"paused":true}"#),
        ),
        (
            Method::Post,
            "/admin/api/products/1/restock",
            Some(r#"{"quantity":1}"#),
        ),
        (Method::Get, "/admin/api/products/1/movements", None),
        (Method::Get, "/admin/api/holds", None),
        (Method::Get, "/admin/api/orders", None),
        (
            Method::Post,
            "/admin/api/orders/1/refund",
            Some(r#"{"restock":true}"#),
        ),
        (Method::Get, "/admin/api/payments", None),
        (Method::Get, "/admin/api/refunds", None),
        (Method::Post, "/admin/api/refunds/2/resolve", None),
        (Method::Get, "/admin/api/stats", None),
    ]
}

const METHODS: [Method; 7] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
    Method::Options,
];

/// A paid order and a refund that is due, so that every call of `every_call` could do something.
fn busy() -> Shop {
    let shop = Shop::operated(vec![item("tee", 10)]);
    pay_twice(&shop);
    shop
}

fn pay_twice(shop: &Shop) {
    let order = shop.ordered("tee", 2);
    shop.pay_by_transaction("first", order, "t1").ok();
    shop.pay_by_transaction("second", order, "t2")
        .verdict("duplicate_payment", "paid");
}

fn request(method: &Method, target: &str, body: Option<&str>) -> Request {
    let request = Request::new(method.clone(), target);
    match body {
        Some(body) => request.with_body(body.as_bytes()),
        None => request,
    }
}

fn bearing(request: Request, token: &str) -> Request {
    request.with_header("Authorization", &format!("Bearer {token}"))
}

fn whole(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    (answer.status, answer.headers.clone(), text)
}

fn at(micros: i64) -> String {
    Timestamp::from_micros(micros).to_string()
}

#[test]
fn where_there_is_no_operator_there_is_nothing_for_one() {
    let shop = Shop::with_stock("tee", 10);
    pay_twice(&shop);
    let before = shop.contents();
    let calls = every_call();
    let paths = calls.iter().map(|(_, path, _)| *path);
    let others = [
        "/admin",
        "/admin/",
        "/admin/api",
        "/admin/api/",
        "/admin/api/nothing",
        "/admin/api/holds?limit=0",
    ];
    for path in paths.chain(others) {
        for method in METHODS {
            let nothing = shop
                .call(request(&method, "/nothing", None))
                .failed_with(404, "not_found");
            for shown in ["", ADMIN_TOKEN] {
                let answer = shop.call(bearing(request(&method, path, Some("{}")), shown));
                assert_eq!(whole(&answer), whole(&nothing), "{method} {path}");
            }
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
}

#[test]
fn whoever_does_not_show_the_operators_token_is_let_in_nowhere() {
    let shop = busy();
    let hold = shop.hold("tee", 1).created();
    let holders = hold.body["token"].as_str().unwrap();
    let before = shop.contents();
    let right = format!("Bearer {ADMIN_TOKEN}");
    let wrong: Vec<Vec<String>> = vec![
        vec![],
        vec![String::new()],
        vec!["Bearer".into()],
        vec!["Bearer ".into()],
        vec!["Bearer wrong".into()],
        vec![format!("Bearer {}", &ADMIN_TOKEN[1..])],
        vec![format!("Bearer {ADMIN_TOKEN}x")],
        vec![format!("Bearer {}", ADMIN_TOKEN.to_uppercase())],
        vec![format!("Basic {ADMIN_TOKEN}")],
        vec![ADMIN_TOKEN.into()],
        vec![format!("Bearer {holders}")],
        vec![right.clone(), right.clone()],
        vec![right.clone(), "Bearer wrong".into()],
        vec!["Bearer wrong".into(), right.clone()],
    ];
    let mut calls = every_call();
    calls.push((Method::Get, "/admin/api/nothing", None));
    calls.push((Method::Delete, "/admin/api/holds", None));
    calls.push((Method::Get, "/admin/api/holds?limit=0&x=y", None));
    calls.push((Method::Get, "/admin/api/products/nine/movements", None));
    for (method, path, body) in calls {
        for bearers in &wrong {
            for body in [body, Some("{"), Some(r#"{"unknown":1}"#)] {
                let bare = request(&method, path, body);
                let request = bearers.iter().fold(bare, |request, bearer| {
                    request.with_header("Authorization", bearer)
                });
                let answer = shop.call(request).failed_with(401, "unauthorized");
                assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"));
                assert_eq!(answer.header("Cache-Control"), Some("no-store"));
            }
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
    for scheme in ["bearer", "BEARER"] {
        let shown = format!("{scheme} {ADMIN_TOKEN}");
        let request = Request::new(Method::Get, "/admin/api/stats");
        shop.call(request.with_header("Authorization", &shown)).ok();
    }
}

#[test]
fn the_operators_token_is_no_holders() {
    let config = Config {
        require_tokens: true,
        ..Config::default()
    };
    let shop = Shop::operated_on_terms(vec![item("tee", 1)], config);
    shop.hold("tee", 1).created();
    shop.call(bearing(
        Request::new(Method::Get, "/api/holds/1"),
        ADMIN_TOKEN,
    ))
    .failed_with(404, "hold_not_found");
}

#[test]
fn over_a_socket_too_the_operator_alone_is_let_in() {
    let premises = Premises::stocked(9);
    let server = wire::serve(&premises, &[]);
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let shown: &[(&str, &str)] = &[("Authorization", &bearer)];
    for (method, path, body) in every_call() {
        let line = format!("{method} {path}");
        let body = body.unwrap_or_default().as_bytes();
        wire::call(&server, &line, shown, body)
            .is(404)
            .says("code", "not_found");
    }
    server.stop();

    let server = wire::serve(&premises, &[("admin_token", ADMIN_TOKEN)]);
    for (method, path, _) in every_call() {
        let line = format!("{method} {path}");
        for headers in [&[][..], &[shown, shown].concat()] {
            wire::call(&server, &line, headers, b"{")
                .is(401)
                .has_line("WWW-Authenticate: Bearer")
                .has_line("Content-Type: application/json")
                .has_line("Cache-Control: no-store")
                .says("code", "unauthorized");
        }
    }
    let product = br#"{"name":"Cap","price":1.5,"total_stock":3}"#;
    wire::call(&server, "POST /admin/api/products", shown, product)
        .is(201)
        .has_line("Location: /api/products/2");
    let changed = wire::call(
        &server,
        "PATCH /admin/api/products/2",
        shown,
        br#"{"paused":true}"#,
    );
    assert_eq!(changed.is(200).body["paused"], true);
    let list = wire::call(&server, "GET /admin/api/holds", shown, b"").is(200);
    let head = wire::call(&server, "HEAD /admin/api/holds", shown, b"").is(200);
    assert_eq!(
        (head.text.as_str(), list.text.as_str()),
        ("", r#"{"data":[],"next_cursor":null}"#)
    );
    server.stop();
    premises.books_are_right();
}

#[test]
fn a_path_takes_its_methods_and_no_others() {
    let config = Config {
        cors_origins: vec!["https://shop.example".parse().unwrap()],
        ..Config::default()
    };
    let shop = Shop::operated_on_terms(vec![item("tee", 1)], config);
    let before = shop.contents();
    for (method, path, _) in every_call() {
        let path = path.strip_prefix("/admin/api").unwrap();
        let allow = if method == Method::Get {
            "GET, HEAD"
        } else if method == Method::Patch {
            "PATCH"
        } else {
            "POST"
        };
        let taken = |other: &Method| allow.split(", ").any(|name| name == other.to_string());
        for other in METHODS.into_iter().filter(|other| !taken(other)) {
            let answer = shop
                .operate(Request::new(other, path))
                .failed_with(405, "method_not_allowed");
            assert_eq!(answer.header("Allow"), Some(allow), "{path}");
        }
        let preflight = Request::new(Method::Options, &format!("/admin/api{path}"))
            .with_header("Origin", "https://shop.example");
        let answer = shop.call(preflight).has_status(204);
        assert_eq!(answer.header("Access-Control-Allow-Methods"), Some(allow));
        if method == Method::Get {
            shop.operate(Request::new(Method::Head, path)).ok();
        }
    }
    for path in [
        "",
        "/",
        "/nothing",
        "/holds//",
        "/holds/1",
        "/refunds/1",
        "/products/1/restock//",
    ] {
        shop.admin_get(path).failed_with(404, "not_found");
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
}

/// A body of these fields, each given as it stands in JSON.
fn object(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(name, raw)| format!("\"{name}\":{raw}"));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// A product to create, with one field set or added.
fn product_with(name: &str, raw: &str) -> String {
    let needed = [
        ("name", "\"Cap\""),
        ("price", "12.50"),
        ("total_stock", "3"),
    ];
    let mut fields: Vec<_> = needed.into_iter().filter(|(n, _)| *n != name).collect();
    fields.push((name, raw));
    object(&fields)
}

#[test]
fn a_product_that_is_created_is_on_sale_at_once() {
    let shop = Shop::operated(vec![item("tee", 1)]);
    let (starts_at, ends_at) = (at(OPENING - 1), at(OPENING + 1_000_000));
    let body = json!({"name": "Cap ✓", "price": 12.5, "total_stock": 7, "sku": "cap", "starts_at": starts_at,
        "ends_at": ends_at, "max_per_hold": 4, "max_per_customer": 5});
    let created = shop.admin_post("/products", &body.to_string()).created();
    assert_eq!(created.header("Location"), Some("/api/products/2"));
    let expected = json!({"id": 2, "name": "Cap ✓", "price": 12.5, "available_stock": 7, "total_stock": 7,
        "reserved_stock": 0, "sold_stock": 0, "status": "live", "starts_at": starts_at, "ends_at": ends_at,
        "max_per_hold": 4, "max_per_customer": 5, "server_time": at(OPENING), "sku": "cap", "paused": false});
    assert_eq!(created.body, expected);
    let text = String::from_utf8(created.bytes).unwrap();
    assert!(text.contains("\"price\":12.50,"), "{text}");

    let order = |quantity| json!({"product_id": 2, "quantity": quantity, "customer": "ada"});
    shop.post("/api/holds", &order(5)).refused("limit_exceeded");
    let hold = shop
        .post("/api/holds", &order(4))
        .created()
        .says("unit_price", 12.5);
    let order = shop.order(hold.id("hold_id")).created().id("order_id");
    shop.pay("k", order).verdict("applied", "paid");
    let shown = shop.get("/api/products/2").ok();
    shown.says("sold_stock", 4).says("available_stock", 3);
    shop.after(SECOND);
    let late = json!({"product_id": 2, "quantity": 1, "customer": "eve"});
    shop.post("/api/holds", &late).refused("sale_ended");
    let ledger = shop.admin_get("/products/2/movements").ok().body["data"].clone();
    let first = json!({"product_id": 2, "version": 1, "at": at(OPENING), "kind": "stocked", "available": 7,
        "reserved": 0, "sold": 0, "hold_id": null, "order_id": null, "reason": null});
    assert_eq!(ledger.as_array().unwrap().last().unwrap(), &first);
}

#[test]
fn a_product_needs_a_name_a_price_and_a_stock_and_nothing_else() {
    let shop = Shop::operated(vec![]);
    let text = r#"{"name":"Cap","price":0,"total_stock":0}"#;
    let body = shop.admin_post("/products", text).created().body;
    for name in [
        "sku",
        "starts_at",
        "ends_at",
        "max_per_hold",
        "max_per_customer",
    ] {
        assert_eq!(body[name], json!(null), "{name}");
    }
    assert_eq!(
        (&body["status"], &body["paused"]),
        (&json!("sold_out"), &json!(false))
    );
    shop.admin_post("/products", "{}")
        .invalid("name")
        .invalid("price")
        .invalid("total_stock");
    for body in ["", "[]", "{", "null"] {
        shop.admin_post("/products", body).refused("invalid_json");
    }
    shop.operate(Request::new(Method::Post, "/products"))
        .failed_with(411, "length_required");
}

/// Values at the bounds of each property, and how they are shown.
fn right_values() -> Vec<(&'static str, String, Value)> {
    let long = "é".repeat(255);
    vec![
        ("name", json!(long).to_string(), json!(long)),
        ("name", "\"x\"".into(), json!("x")),
        ("price", "0".into(), json!(0.0)),
        ("price", "10000000.00".into(), json!(10_000_000.0)),
        ("price", "9.999e1".into(), json!(99.99)),
        (
            "starts_at",
            "\"2024-01-01T13:00:00+02:00\"".into(),
            json!("2024-01-01T11:00:00.000000Z"),
        ),
        (
            "ends_at",
            "\"2024-01-01T12:00:00.000001Z\"".into(),
            json!("2024-01-01T12:00:00.000001Z"),
        ),
        ("max_per_hold", "1".into(), json!(1)),
        ("max_per_hold", "2147483647".into(), json!(2_147_483_647)),
        ("max_per_customer", "1".into(), json!(1)),
        (
            "max_per_customer",
            "2147483647".into(),
            json!(2_147_483_647),
        ),
    ]
}

/// Values that the property cannot have.
fn wrong_values() -> Vec<(&'static str, String)> {
    let long = json!("é".repeat(256)).to_string();
    let of = |name: &'static str, raws: &[&str]| -> Vec<(&'static str, String)> {
        raws.iter().map(|raw| (name, (*raw).to_owned())).collect()
    };
    let label = ["\"\"", "\"  \"", "5", "true", r#""a\u0000""#, r#""a\n""#];
    let times = [
        "\"\"",
        "\"yesterday\"",
        "\"2024-01-01\"",
        "1704110400",
        "true",
    ];
    let limits = ["0", "-1", "2147483648", "1.5", "1e2", "\"1\"", "true"];
    [
        of("name", &label),
        of("name", &["null", &long]),
        of("price", &["null", "\"99.99\"", "-1", "-0.01", "true"]),
        of("price", &["10000000.01", "99.999", "1e400", "1e10"]),
        of("starts_at", &times),
        of("ends_at", &times),
        of("max_per_hold", &limits),
        of("max_per_customer", &limits),
    ]
    .concat()
}

#[test]
fn a_product_is_created_with_what_lies_within_the_bounds_only() {
    let shop = Shop::operated(vec![]);
    let sku = json!("s".repeat(255));
    let mut right = right_values();
    right.push(("total_stock", "0".into(), json!(0)));
    right.push(("total_stock", "2147483647".into(), json!(2_147_483_647)));
    right.push(("sku", sku.to_string(), sku));
    for cleared in [
        "sku",
        "starts_at",
        "ends_at",
        "max_per_hold",
        "max_per_customer",
    ] {
        right.push((cleared, "null".into(), json!(null)));
    }
    for (name, raw, shown) in &right {
        shop.admin_post("/products", &product_with(name, raw))
            .created()
            .says(name, shown.clone());
    }
    let before = shop.contents();
    let mut wrong = wrong_values();
    for raw in ["null", "-1", "2147483648", "1.5", "1e2", "\"5\"", "true"] {
        wrong.push(("total_stock", raw.into()));
    }
    let too_long = json!("s".repeat(256)).to_string();
    for raw in [
        "\"\"",
        "5",
        r#""a\n""#,
        r#""a\u200b""#,
        r#""\u202ea""#,
        &too_long,
    ] {
        wrong.push(("sku", raw.into()));
    }
    for unknown in ["paused", "quantity", "id", "Name", "available_stock"] {
        wrong.push((unknown, "1".into()));
    }
    for (name, raw) in &wrong {
        shop.admin_post("/products", &product_with(name, raw))
            .invalid(name);
    }
    for (name, raw) in [("name", "\"Cap\""), ("sku", "\"x\""), ("total_stock", "3")] {
        let twice = product_with("max_per_hold", "1").replacen(
            '{',
            &format!("{{\"{name}\":{raw},\"{name}\":{raw},"),
            1,
        );
        shop.admin_post("/products", &twice).invalid(name);
    }
    for (starts_at, ends_at) in [(5, 5), (6, 5)] {
        let (starts_at, ends_at) = (at(OPENING + starts_at), at(OPENING + ends_at));
        let body = json!({"name": "Cap", "price": 1, "total_stock": 1, "starts_at": starts_at, "ends_at": ends_at});
        shop.admin_post("/products", &body.to_string())
            .invalid("ends_at");
    }
    assert!(shop.contents() == before, "a refusal changes nothing");
}

#[test]
fn a_sku_is_one_products_and_seed_finds_it_again() {
    let shop = Shop::operated(vec![item("tee", 1)]);
    let with_sku = |sku| product_with("sku", sku);
    shop.admin_post("/products", &with_sku("\"tee\""))
        .invalid("sku");
    shop.admin_post("/products", &with_sku("\"cap\"")).created();
    shop.admin_post("/products", &with_sku("\"cap\""))
        .invalid("sku");
    shop.admin_post("/products", &with_sku("\"Cap\"")).created();
    shop.admin_post("/products", &with_sku("null")).created();
    shop.admin_post("/products", &with_sku("null")).created();
    shop.admin_post("/products", &with_sku(r#""caf\u00e9""#))
        .created()
        .says("sku", "caf\u{e9}");
    shop.admin_post("/products", &with_sku(r#""cafe\u0301""#))
        .invalid("sku");
    shop.command(item("cap", 40).load()).unwrap();
    shop.get("/api/products/2")
        .ok()
        .says("total_stock", 40)
        .says("name", "CAP")
        .says("price", 99.99);
    assert_eq!(shop.contents().products.len(), 6);
}

#[test]
fn a_change_sets_what_it_names_and_keeps_the_rest() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    shop.hold("tee", 2).created();
    let others = |shop: &Shop| {
        let mut contents = shop.contents();
        contents.products.clear();
        contents
    };
    let (before, mut shown) = (
        others(&shop),
        shop.admin_patch("/products/1", "{}").ok().body,
    );
    assert_eq!(shown["paused"], false);
    for (name, raw, value) in right_values() {
        let answer = shop
            .admin_patch("/products/1", &object(&[(name, &raw)]))
            .ok();
        shown[name] = value;
        assert_eq!(answer.body, shown, "{name}");
        assert_eq!(shop.product("tee")[name], shown[name]);
    }
    for name in ["starts_at", "ends_at", "max_per_hold", "max_per_customer"] {
        let cleared = shop.admin_patch("/products/1", &object(&[(name, "null")]));
        shown[name] = json!(null);
        assert_eq!(cleared.ok().body, shown, "{name}");
    }
    for (raw, paused, status) in [("true", true, "paused"), ("false", false, "live")] {
        let body = object(&[("paused", raw)]);
        let answer = shop.admin_patch("/products/1", &body).ok();
        shown["paused"] = json!(paused);
        shown["status"] = json!(status);
        assert_eq!(answer.body, shown);
    }
    let many =
        json!({"name": "New", "price": 1.5, "max_per_hold": 3, "starts_at": null, "paused": false});
    let answer = shop.admin_patch("/products/1", &many.to_string()).ok();
    for name in ["name", "price", "max_per_hold"] {
        shown[name] = many[name].clone();
    }
    assert_eq!(answer.body, shown);
    assert!(others(&shop) == before, "nothing else changes");
}

#[test]
fn a_change_that_is_wrong_in_anything_changes_nothing() {
    let shop = Shop::operated(vec![
        item("tee", 10).starts_at(OPENING).ends_at(OPENING + 9),
    ]);
    let before = shop.contents();
    let mut wrong = wrong_values();
    for raw in ["null", "0", "\"true\"", "1"] {
        wrong.push(("paused", raw.into()));
    }
    for unknown in ["total_stock", "sku", "id", "available_stock", "status"] {
        wrong.push((unknown, "5".into()));
    }
    for (name, raw) in &wrong {
        let body = object(&[("max_per_hold", "3"), ("name", "\"New\""), (name, raw)]);
        shop.admin_patch("/products/1", &body).invalid(name);
    }
    for (name, micros) in [
        ("starts_at", OPENING + 9),
        ("starts_at", OPENING + 10),
        ("ends_at", OPENING),
        ("ends_at", OPENING - 1),
    ] {
        let empty = json!({name: at(micros), "name": "New"});
        shop.admin_patch("/products/1", &empty.to_string())
            .invalid("ends_at");
    }
    shop.operate(Request::new(Method::Patch, "/products/1"))
        .failed_with(411, "length_required");
    for id in ["2", "0", "-1", "abc", "01", "9007199254740993"] {
        let path = format!("/products/{id}");
        shop.admin_patch(&path, r#"{"paused":true}"#)
            .failed_with(404, "product_not_found");
        shop.admin_post(&format!("{path}/restock"), r#"{"quantity":1}"#)
            .failed_with(404, "product_not_found");
        shop.admin_get(&format!("{path}/movements"))
            .failed_with(404, "product_not_found");
    }
    assert!(shop.contents() == before, "a refusal changes nothing");
}

#[test]
fn a_new_price_is_for_new_holds() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let held = shop.hold("tee", 2).created().id("hold_id");
    let ordered = shop.ordered("tee", 1);
    shop.admin_patch("/products/1", r#"{"price":50.01}"#).ok();
    shop.order(held).created().says("total_price", 199.98);
    shop.show_order(ordered).ok().says("unit_price", 99.99);
    let paid = json!({"idempotency_key": "k", "order_id": ordered, "status": "success", "payload": {"amount": 99.99}});
    shop.webhook(&paid).verdict("applied", "paid");
    shop.hold("tee", 1).created().says("unit_price", 50.01);
}

#[test]
fn a_pause_stops_holds_and_nothing_that_was_begun() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let held = shop.hold("tee", 2).created().id("hold_id");
    shop.admin_patch("/products/1", r#"{"paused":true}"#).ok();
    shop.hold("tee", 1).refused("sale_paused");
    let order = shop.order(held).created().id("order_id");
    shop.pay("k", order).verdict("applied", "paid");
    shop.admin_patch("/products/1", r#"{"paused":false}"#).ok();
    shop.hold("tee", 1).created();
}

#[test]
fn a_new_window_acts_at_once_and_to_the_microsecond() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let window = json!({"starts_at": at(OPENING + 1_000_000), "ends_at": at(OPENING + 2_000_000)});
    shop.admin_patch("/products/1", &window.to_string())
        .ok()
        .says("status", "upcoming");
    shop.hold("tee", 1)
        .refused("sale_not_started")
        .says("starts_at", at(OPENING + 1_000_000));
    shop.after(SECOND - MICROSECOND);
    shop.hold("tee", 1).refused("sale_not_started");
    shop.after(MICROSECOND);
    shop.hold("tee", 1).created();
    shop.after(SECOND - MICROSECOND);
    shop.hold("tee", 1).created();
    shop.after(MICROSECOND);
    shop.hold("tee", 1).refused("sale_ended");
    shop.admin_patch("/products/1", r#"{"ends_at":null}"#)
        .ok()
        .says("status", "live");
    shop.hold("tee", 1).created();
}

#[test]
fn new_limits_act_at_once_and_count_what_was_before() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    shop.hold_for("ada", "tee", 3).created();
    shop.admin_patch("/products/1", r#"{"max_per_hold":2,"max_per_customer":4}"#)
        .ok();
    shop.hold_for("ada", "tee", 3)
        .refused("limit_exceeded")
        .says("limit", 2);
    shop.hold_for("ada", "tee", 2)
        .refused("limit_exceeded")
        .says("used", 3);
    shop.hold("tee", 1).invalid("customer");
    shop.hold_for("ada", "tee", 1).created();
    shop.admin_patch(
        "/products/1",
        r#"{"max_per_hold":null,"max_per_customer":null}"#,
    )
    .ok();
    shop.hold("tee", 6).created();
}

fn restock(shop: &Shop, quantity: i64) -> Answer {
    shop.admin_post(
        "/products/1/restock",
        &json!({"quantity": quantity}).to_string(),
    )
}

#[test]
fn a_restock_adds_or_takes_and_says_why() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let body = r#"{"quantity":5,"reason":"from the van"}"#;
    let answer = shop.admin_post("/products/1/restock", body).ok();
    answer.says("available_stock", 15).says("total_stock", 15);
    shop.after(SECOND);
    let answer = restock(&shop, -3).ok();
    let answer = answer
        .says("available_stock", 12)
        .says("server_time", at(OPENING + 1_000_000));
    let mut stored = shop.product("tee");
    stored["sku"] = "tee".into();
    stored["paused"] = false.into();
    assert_eq!(answer.body, stored);
    let ledger = shop.admin_get("/products/1/movements").ok().body["data"].clone();
    let moved = |index: usize, name: &str| ledger[index][name].clone();
    assert_eq!(
        (moved(0, "kind"), moved(0, "available"), moved(0, "reason")),
        (json!("stocked"), json!(-3), json!(null))
    );
    assert_eq!(
        (moved(1, "kind"), moved(1, "available"), moved(1, "reason")),
        (json!("stocked"), json!(5), json!("from the van"))
    );
    assert_eq!(moved(0, "at"), at(OPENING + 1_000_000));
}

#[test]
fn a_restock_never_takes_what_is_reserved_or_sold() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    shop.hold("tee", 3).created();
    shop.ordered("tee", 1);
    let paid = shop.ordered("tee", 2);
    shop.pay("k", paid).ok();
    let before = shop.contents();
    let text = restock(&shop, -5).invalid("quantity").body["errors"]["quantity"][0].to_string();
    assert!(text.contains("6 units"), "{text}");
    assert!(shop.contents() == before, "a refusal changes nothing");
    restock(&shop, -4)
        .ok()
        .says("total_stock", 6)
        .says("available_stock", 0)
        .says("status", "all_reserved");
    restock(&shop, -1).invalid("quantity");
    shop.after(HOLD_TTL - MICROSECOND);
    restock(&shop, -1).invalid("quantity");
    shop.after(MICROSECOND);
    restock(&shop, -4).invalid("quantity");
    restock(&shop, -3).ok().says("total_stock", 3);
    shop.after(ORDER_TTL - HOLD_TTL - MICROSECOND);
    restock(&shop, -1).invalid("quantity");
    shop.after(MICROSECOND);
    restock(&shop, -1)
        .ok()
        .says("total_stock", 2)
        .says("status", "sold_out");
    shop.stock_is("tee", 0, 0, 2);
    restock(&shop, -1).invalid("quantity");
}

/// More than the sweep that goes before every command ends.
#[test]
fn overdue_units_are_available_to_the_operator_however_many() {
    let (shop, other) = (
        Shop::operated(vec![item("tee", 600)]),
        Shop::operated(vec![item("tee", 600)]),
    );
    for shop in [&shop, &other] {
        for _ in 0..600 {
            shop.hold("tee", 1).created();
        }
        shop.after(HOLD_TTL);
    }
    restock(&shop, -600)
        .ok()
        .says("total_stock", 0)
        .says("available_stock", 0);
    shop.stock_is("tee", 0, 0, 0);
    other
        .admin_patch("/products/1", r#"{"name":"New"}"#)
        .ok()
        .says("available_stock", 600)
        .says("reserved_stock", 0)
        .says("status", "live");
}

#[test]
fn a_restock_adds_overdue_units_to_its_answer() {
    let shop = Shop::operated(vec![item("tee", 600)]);
    for _ in 0..600 {
        shop.hold("tee", 1).created();
    }
    shop.after(HOLD_TTL);
    restock(&shop, 1)
        .ok()
        .says("available_stock", 601)
        .says("reserved_stock", 0);
    restock(&shop, -602).invalid("quantity");
}

#[test]
fn a_restock_stays_within_the_bounds() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let before = shop.contents();
    for raw in [
        "0",
        "-0",
        "1.5",
        "1e2",
        "+1",
        "\"5\"",
        "null",
        "true",
        "2147483648",
        "-2147483648",
        "99999999999999999999",
    ] {
        let body = object(&[("quantity", raw)]);
        let answer = shop.admin_post("/products/1/restock", &body);
        if raw == "+1" {
            answer.refused("invalid_json");
        } else {
            answer.invalid("quantity");
        }
    }
    shop.admin_post("/products/1/restock", "{}")
        .invalid("quantity");
    shop.admin_post("/products/1/restock", r#"{"quantity":1,"quantity":1}"#)
        .invalid("quantity");
    shop.admin_post("/products/1/restock", r#"{"quantity":1,"why":"x"}"#)
        .invalid("why");
    let long = json!({"quantity": 1, "reason": "é".repeat(256)}).to_string();
    shop.admin_post("/products/1/restock", &long)
        .invalid("reason");
    restock(&shop, 2_147_483_638).invalid("quantity");
    restock(&shop, -11).invalid("quantity");
    restock(&shop, -2_147_483_647).invalid("quantity");
    assert!(shop.contents() == before, "a refusal changes nothing");
    restock(&shop, 2_147_483_637)
        .ok()
        .says("total_stock", 2_147_483_647);
    restock(&shop, 1).invalid("quantity");
    restock(&shop, -2_147_483_647).ok().says("total_stock", 0);
}

fn refund(shop: &Shop, order: i64, body: &str) -> Answer {
    shop.admin_post(&format!("/orders/{order}/refund"), body)
}

#[test]
fn a_refund_with_restock_puts_the_units_back_once() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let order = shop.ordered("tee", 3);
    shop.pay("k", order).ok();
    let paid = shop.show_order(order).ok().body;
    let refunded = refund(&shop, order, r#"{"restock":true}"#).ok();
    let mut expected = paid;
    expected["status"] = "refunded".into();
    assert_eq!(shop.show_order(order).ok().body, expected);
    expected["customer"] = json!(null);
    expected["transaction_id"] = json!(null);
    assert_eq!(refunded.body, expected);
    shop.stock_is("tee", 10, 0, 0);
    let before = shop.contents();
    for body in [r#"{"restock":true}"#, r#"{"restock":false}"#, "{}", ""] {
        assert_eq!(refund(&shop, order, body).ok().body, expected);
    }
    assert!(shop.contents() == before, "nothing moves twice");
    shop.hold("tee", 10).created();
}

#[test]
fn units_refunded_without_restock_leave_the_sale() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    for body in [None, Some(""), Some("{}"), Some(r#"{"restock":false}"#)] {
        let order = shop.ordered("tee", 1);
        shop.pay(&format!("k{order}"), order).ok();
        let path = format!("/orders/{order}/refund");
        let answer = shop.operate(request(&Method::Post, &path, body));
        answer.ok().says("status", "refunded");
        shop.stock_is("tee", 10 - order, 0, 0);
        assert_eq!(shop.product("tee")["total_stock"], 10 - order);
    }
    refund(&shop, 1, r#"{"restock":true}"#).ok();
    shop.stock_is("tee", 6, 0, 0);
}

#[test]
fn only_a_paid_order_is_refunded() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let overdue = shop.ordered("tee", 1);
    shop.after(ORDER_TTL - MICROSECOND);
    let (pending, cancelled, failed) = (
        shop.ordered("tee", 1),
        shop.ordered("tee", 1),
        shop.ordered("tee", 1),
    );
    shop.cancel(cancelled).ok();
    shop.fail("f", failed).ok();
    shop.after(MICROSECOND);
    shop.sweep();
    let before = shop.contents();
    for order in [overdue, pending, cancelled, failed] {
        refund(&shop, order, r#"{"restock":true}"#).refused("order_not_paid");
    }
    for path in [
        "/orders/99/refund",
        "/orders/0/refund",
        "/orders/abc/refund",
    ] {
        shop.admin_post(path, "")
            .failed_with(404, "order_not_found");
    }
    for body in [r#"{"restock":1}"#, r#"{"restock":null}"#] {
        refund(&shop, pending, body).invalid("restock");
    }
    refund(&shop, pending, r#"{"restok":true}"#).invalid("restok");
    refund(&shop, pending, "[]").refused("invalid_json");
    assert!(shop.contents() == before, "a refusal changes nothing");
}

#[test]
fn a_refund_frees_the_customers_limit() {
    let shop = Shop::operated(vec![item("tee", 10).max_per_customer(2)]);
    let hold = shop.hold_for("ada", "tee", 2).created().id("hold_id");
    let order = shop.order(hold).created().id("order_id");
    shop.pay("k", order).ok();
    shop.hold_for("ada", "tee", 1).refused("limit_exceeded");
    refund(&shop, order, "").ok();
    shop.hold_for("ada", "tee", 2).created();
}
