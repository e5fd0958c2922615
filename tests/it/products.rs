//! What a shop window shows.

use flashsale::http::{Method, Request};
use serde_json::json;

use crate::shop::{HOLD_TTL, MILLISECOND, OPENING, Shop, item};

#[test]
fn a_product_shows_its_price_and_where_its_units_are() {
    let shop = Shop::with_stock("tee", 10);
    shop.hold("tee", 3).created();
    let order = shop.ordered("tee", 2);
    shop.pay("k", order).ok();
    let expected = json!({
        "id": 1, "name": "TEE", "price": 99.99, "available_stock": 5, "total_stock": 10, "reserved_stock": 3,
        "sold_stock": 2, "status": "live", "starts_at": null, "ends_at": null, "max_per_hold": null,
        "max_per_customer": null, "server_time": "2024-01-01T12:00:00.000000Z"
    });
    assert_eq!(shop.product("tee"), expected);
}

#[test]
fn money_is_printed_with_exactly_two_decimals() {
    let mut tee = item("tee", 1);
    tee.changes.price = Some(flashsale::sale::Cents::new(10_000));
    let shop = Shop::with(vec![tee]);
    let text = String::from_utf8(shop.get("/api/products/1").ok().bytes).unwrap();
    assert!(text.contains("\"price\":100.00,"), "{text}");
}

#[test]
fn what_names_no_product_is_not_found() {
    let shop = Shop::with_stock("tee", 1);
    for id in [
        "2",
        "0",
        "-1",
        "abc",
        "1.0",
        "1e0",
        "01",
        "+1",
        "9007199254740993",
        "99999999999999999999999",
    ] {
        let answer = shop
            .get(&format!("/api/products/{id}"))
            .failed_with(404, "product_not_found");
        answer.says("error", "Product not found");
    }
}

#[test]
fn a_product_tells_its_status() {
    let hour = 3_600_000_000;
    let shop = Shop::with(vec![
        item("early", 1).starts_at(OPENING + hour),
        item("late", 1).ends_at(OPENING),
        item("open", 1).starts_at(OPENING).ends_at(OPENING + 1),
        item("paused", 1),
        item("none", 0),
        item("held", 1),
        item("sold", 1),
    ]);
    shop.pause("paused");
    shop.hold("held", 1).created();
    let order = shop.ordered("sold", 1);
    shop.pay("k", order).ok();
    let status = |sku| shop.product(sku)["status"].clone();
    assert_eq!(status("early"), "upcoming");
    assert_eq!(status("late"), "ended");
    assert_eq!(status("open"), "live");
    assert_eq!(status("paused"), "paused");
    assert_eq!(status("none"), "sold_out");
    assert_eq!(status("held"), "all_reserved");
    assert_eq!(status("sold"), "sold_out");
    shop.after(HOLD_TTL);
    assert_eq!(status("held"), "live", "the hold is over by the clock");
    assert_eq!(status("open"), "ended");
}

#[test]
fn an_entity_tag_changes_with_what_the_body_shows_and_with_nothing_else() {
    let shop = Shop::with_stock("tee", 1);
    let tag = |target| shop.get(target).ok().header("ETag").unwrap().to_owned();
    for target in ["/api/products/1", "/api/products"] {
        let fresh = tag(target);
        assert!(fresh.starts_with("W/\""), "{fresh}");
        shop.after(MILLISECOND);
        assert_eq!(tag(target), fresh, "only the server's time has changed");
    }
    let fresh = tag("/api/products/1");
    shop.hold("tee", 1).created();
    let held = tag("/api/products/1");
    assert_ne!(held, fresh);
    shop.after(HOLD_TTL);
    assert_eq!(
        tag("/api/products/1"),
        fresh,
        "available again by the clock, before any write"
    );
}

#[test]
fn a_known_tag_gets_304_and_no_body() {
    let shop = Shop::with_stock("tee", 1);
    let tag = shop
        .get("/api/products/1")
        .ok()
        .header("ETag")
        .unwrap()
        .to_owned();
    let strong = tag.trim_start_matches("W/");
    for known in [tag.as_str(), strong, "*", &format!("\"other\", {tag}")] {
        let answer = shop
            .call(Request::new(Method::Get, "/api/products/1").with_header("If-None-Match", known));
        let answer = answer.has_status(304);
        assert_eq!(
            (answer.bytes.len(), answer.header("ETag")),
            (0, Some(tag.as_str()))
        );
        assert_eq!(answer.header("Cache-Control"), Some("no-cache"));
    }
    shop.call(
        Request::new(Method::Get, "/api/products/1").with_header("If-None-Match", "\"other\""),
    )
    .ok();
}

#[test]
fn a_list_is_paged_by_a_cursor_that_cannot_be_made_up() {
    let shop = Shop::with(vec![item("a", 1), item("b", 1), item("c", 1)]);
    let all = shop.get("/api/products").ok();
    assert_eq!(all.body["data"].as_array().unwrap().len(), 3);
    all.says("next_cursor", json!(null));

    let first = shop.get("/api/products?limit=2").ok();
    assert_eq!(first.body["data"][1]["name"], "B");
    let cursor = first.body["next_cursor"].as_str().unwrap().to_owned();
    let second = shop
        .get(&format!("/api/products?limit=2&cursor={cursor}"))
        .ok();
    assert_eq!(second.body["data"].as_array().unwrap().len(), 1);
    second.says("next_cursor", json!(null));

    let (_, proof) = cursor.split_once('.').unwrap();
    for bad in ["x", "", "1", &format!("1.{proof}"), &cursor[1..]] {
        shop.get(&format!("/api/products?cursor={bad}"))
            .invalid("cursor");
    }
    shop.get("/api/products?limit=0&cursor=x")
        .invalid("limit")
        .invalid("cursor");
    for bad in ["0", "101", "-1", "1.5", "ten", ""] {
        shop.get(&format!("/api/products?limit={bad}"))
            .invalid("limit");
    }
}

#[test]
fn answers_say_how_they_may_be_kept() {
    let shop = Shop::with_stock("tee", 1);
    assert_eq!(
        shop.get("/api/products/1").header("Cache-Control"),
        Some("no-cache")
    );
    assert_eq!(
        shop.get("/api/products/9").header("Cache-Control"),
        Some("no-store")
    );
    assert_eq!(
        shop.hold("tee", 1).created().header("Cache-Control"),
        Some("no-store")
    );
}
