//! A product is created and changed: each property within its bounds, and nothing else.

use flashsale::http::{Method, Request};
use serde_json::{Value, json};

use super::{at, object};
use crate::shop::{OPENING, SECOND, Shop, item};

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
