//! How the feed is asked: by whom, from where, how much of it.

use flashsale::config::Config;
use flashsale::http::{Method, Request};
use serde_json::{Value, json};

use super::ids;
use crate::server::Premises;
use crate::shop::{ADMIN_TOKEN, FEED_TOKEN, Shop, item};

fn shop_with_events() -> Shop {
    let shop = Shop::with_feed(vec![item("tee", 10)]);
    for key in ["a", "b", "c"] {
        let order = shop.ordered("tee", 1);
        shop.pay(key, order).ok();
    }
    shop
}

#[test]
fn a_page_goes_on_where_the_one_before_ended() {
    let shop = shop_with_events();
    for (query, expected, next_after, caught_up) in [
        ("", vec![1, 2, 3, 4, 5, 6], 6, true),
        ("?after=0&limit=4", vec![1, 2, 3, 4], 4, false),
        ("?after=4&limit=4", vec![5, 6], 6, true),
        ("?after=2&limit=4", vec![3, 4, 5, 6], 6, true),
        ("?after=6", vec![], 6, true),
        ("?after=7", vec![], 7, true),
        ("?after=9223372036854775807", vec![], i64::MAX, true),
    ] {
        let body = shop.feed(query).ok().body;
        assert_eq!(ids(&body["data"]), expected, "{query}");
        assert_eq!(
            (&body["next_after"], &body["caught_up"]),
            (&json!(next_after), &json!(caught_up)),
            "{query}"
        );
    }
}

#[test]
fn what_is_asked_wrongly_is_named() {
    let shop = shop_with_events();
    for (query, field) in [
        ("?after=-1", "after"),
        ("?after=", "after"),
        ("?after=1.5", "after"),
        ("?after=one", "after"),
        ("?after=9223372036854775808", "after"),
        ("?after=1&after=2", "after"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=-5", "limit"),
        ("?wait_s=31", "wait_s"),
        ("?wait_s=-1", "wait_s"),
        ("?wait_s=1.5", "wait_s"),
        ("?wait=1", "wait"),
        ("?cursor=1", "cursor"),
    ] {
        shop.feed(query).invalid(field);
    }
    let answer = shop.feed("?after=x&limit=x&wait_s=x").invalid("after");
    assert_eq!(answer.body["errors"].as_object().unwrap().len(), 3);
}

#[test]
fn without_a_feed_token_there_is_no_feed() {
    let shop = Shop::operated(vec![item("tee", 1)]);
    for token in [FEED_TOKEN, ADMIN_TOKEN] {
        let bearer = format!("Bearer {token}");
        let request =
            Request::new(Method::Get, "/api/events").with_header("Authorization", &bearer);
        shop.call(request).failed_with(404, "not_found");
    }
}

#[test]
fn the_feed_asks_for_its_own_token() {
    let shop = Shop::with_feed(vec![item("tee", 1)]);
    let ask = |authorization: &str| {
        let request = Request::new(Method::Get, "/api/events");
        shop.call(request.with_header("Authorization", authorization))
    };
    shop.get("/api/events").failed_with(401, "unauthorized");
    for wrong in [
        format!("Bearer {ADMIN_TOKEN}"),
        format!("Basic {FEED_TOKEN}"),
        format!("Bearer {FEED_TOKEN}x"),
        format!("Bearer {}", &FEED_TOKEN[1..]),
        "Bearer ".into(),
        FEED_TOKEN.into(),
    ] {
        let answer = ask(&wrong).failed_with(401, "unauthorized");
        assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"), "{wrong}");
    }
    // A wrong token learns nothing of what is asked wrongly, and a right one does.
    shop.get("/api/events?after=x")
        .failed_with(401, "unauthorized");
    shop.feed("?after=x").invalid("after");
    ask(&format!("bearer {FEED_TOKEN}")).ok();
    let post = Request::new(Method::Post, "/api/events");
    shop.call(post.with_header("Authorization", &format!("Bearer {FEED_TOKEN}")))
        .failed_with(405, "method_not_allowed");
    let admin = Request::new(Method::Get, "/admin/api/orders");
    shop.call(admin.with_header("Authorization", &format!("Bearer {FEED_TOKEN}")))
        .failed_with(401, "unauthorized");
}

#[test]
fn the_feeds_token_is_long_and_not_the_operators() {
    let premises = Premises::stocked(1);
    for (settings, complaint) in [
        ("feed_token = \"too-short\"\n".to_owned(), "16 to 255"),
        (
            format!("feed_token = \"{ADMIN_TOKEN}\"\nadmin_token = \"{ADMIN_TOKEN}\"\n"),
            "it is the operator's",
        ),
        ("events_ttl_s = 0\n".to_owned(), "1 to 31536000"),
    ] {
        let path = premises.file("flash_sale.toml", &settings);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let ran = premises.run(&["serve", "--listen", "127.0.0.1:0"]);
        let ran = ran.exited(78).complains(complaint);
        assert!(!ran.stderr().contains(ADMIN_TOKEN), "{}", ran.stderr());
    }
}

#[test]
fn an_export_has_every_field_of_every_event() {
    let shop = shop_with_events();
    if !shop.is_in_a_file() {
        return;
    }
    shop.admin_post(
        "/orders/1/refund",
        r#"{"refunded_quantity":1,"restock":true}"#,
    )
    .ok();
    shop.cancel(shop.ordered("tee", 1)).ok();
    let told = shop.told();
    let premises = Premises::new();
    let path = shop.database();
    let db = path.to_str().unwrap();
    let export = |format: &str| {
        let ran = premises.run(&["export", "events", "--format", format, "--db", db]);
        ran.succeeded().stdout()
    };
    let lines = export("json");
    let rows: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), told.len());
    for (row, event) in rows.iter().zip(&told) {
        for name in ["id", "type", "timestamp"] {
            assert_eq!(row[name], event[name]);
        }
        for (name, value) in event["data"].as_object().unwrap() {
            assert_eq!(row[name], *value, "{name} of {row}");
        }
    }
    let csv = export("csv");
    assert!(
        csv.starts_with("id,type,timestamp,order_id,hold_id,webhook_id,product_id,quantity,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 1 + told.len());
    assert!(Config::default().feed_token.is_none());
}
