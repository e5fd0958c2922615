//! Whether anybody reads the feed: what the operator is told.

use std::time::Duration;

use flashsale::config::Config;
use serde_json::{Value, json};

use crate::metrics::scrape;
use crate::shop::{DAY, SECOND, Shop, config, item, with_feed};

const HOUR: Duration = Duration::from_secs(3600);
const FIGURE: &str = "flashsale_feed_unread_oldest_seconds";

fn shop(config: Config) -> Shop {
    Shop::operated_on_terms(vec![item("tee", 10)], with_feed(config))
}

/// Two events.
fn sell(shop: &Shop, key: &str) {
    let order = shop.ordered("tee", 1);
    shop.pay(key, order).ok();
}

#[track_caller]
fn is_told(shop: &Shop, expected: &Value, unread_oldest_s: f64) {
    let stats = shop.admin_get("/stats").ok().body;
    assert_eq!(&stats["feed"], expected);
    scrape(shop).has(FIGURE, unread_oldest_s);
}

#[test]
fn the_operator_sees_how_far_the_feed_was_read_and_since_when_it_is_not() {
    let shop = shop(Config::default());
    let nobody = |newest: i64, since: &Value| json!({"newest": newest, "read_to": 0, "asked_at": null, "unread_since": since});
    is_told(&shop, &nobody(0, &json!(null)), 0.0);
    let first = shop.clock().now();
    sell(&shop, "a");
    shop.after(HOUR);
    is_told(&shop, &nobody(2, &json!(first)), 3600.0);

    // What was sent may have been lost on its way: it is read when the reader asks for what comes after it.
    let asked = shop.clock().now();
    assert_eq!(shop.told().len(), 2);
    let read_to = |read_to: i64, since: &Value| json!({"newest": 2, "read_to": read_to, "asked_at": asked, "unread_since": since});
    is_told(&shop, &read_to(0, &json!(first)), 3600.0);
    shop.feed("?after=2").ok();
    is_told(&shop, &read_to(2, &json!(null)), 0.0);

    shop.after(HOUR);
    let second = shop.clock().now();
    sell(&shop, "b");
    shop.after(HOUR);
    shop.feed("?after=1").ok();
    let expected =
        json!({"newest": 4, "read_to": 2, "asked_at": shop.clock().now(), "unread_since": second});
    is_told(&shop, &expected, 3600.0);
}

/// A mistyped number hides nothing that happens later.
#[test]
fn who_asks_for_the_future_has_read_the_past() {
    let shop = shop(Config::default());
    sell(&shop, "a");
    shop.feed("?after=9223372036854775807").ok();
    let asked = shop.clock().now();
    sell(&shop, "b");
    let expected = json!({"newest": 4, "read_to": 2, "asked_at": asked, "unread_since": asked});
    is_told(&shop, &expected, 0.0);
}

#[test]
fn what_was_forgotten_is_not_waited_for() {
    let shop = shop(config(|it| it.events_ttl_s = 86_400));
    sell(&shop, "a");
    shop.after(HOUR);
    let second = shop.clock().now();
    let order = shop.ordered("tee", 1);
    shop.after(SECOND);
    shop.pay("b", order).ok();
    shop.after(DAY - HOUR - SECOND);
    shop.sweep();
    shop.feed("?after=1").failed_with(410, "events_forgotten");
    let expected = json!({"newest": 4, "read_to": 0, "asked_at": null, "unread_since": second});
    is_told(&shop, &expected, (DAY - HOUR).as_secs_f64());
    shop.after(HOUR + SECOND);
    shop.sweep();
    let expected = json!({"newest": 4, "read_to": 0, "asked_at": null, "unread_since": null});
    is_told(&shop, &expected, 0.0);
}

#[test]
fn without_a_feed_nothing_is_told_of_it() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    sell(&shop, "a");
    assert_eq!(shop.admin_get("/stats").ok().body["feed"], json!(null));
    assert!(!scrape(&shop).names().any(|name| name.starts_with(FIGURE)));
}
