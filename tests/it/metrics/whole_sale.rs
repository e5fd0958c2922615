//! Counters agree with what happened: a whole sale, and what its clients were answered.

use std::collections::BTreeMap;

use flashsale::http::{Method, Request};
use serde_json::json;

use super::scrape;
use crate::shop::{Answer, HOLD_TTL, OPENING, ORDER_TTL, SECOND, Shop, config, item};

/// What answers came to, as a client counts them.
#[derive(Default)]
struct Told(BTreeMap<String, f64>);

impl Told {
    fn note(&mut self, answer: Answer) -> Answer {
        let result = match answer.body["code"].as_str() {
            Some(code) => code,
            None if answer.header("Idempotent-Replayed").is_some() => "replayed",
            None => "placed",
        };
        *self.0.entry(result.to_owned()).or_insert(0.0) += 1.0;
        answer
    }

    fn note_payment(&mut self, answer: Answer) {
        let repeated = answer.body["already_processed"] == true;
        let verdict = answer.body["verdict"].as_str().unwrap();
        let verdict = if repeated {
            "already_processed"
        } else {
            verdict
        };
        *self.0.entry(verdict.to_owned()).or_insert(0.0) += 1.0;
    }

    #[track_caller]
    fn is_counted(&self, counted: &BTreeMap<&str, f64>) {
        let told: BTreeMap<&str, f64> = self.0.iter().map(|(word, n)| (&**word, *n)).collect();
        assert_eq!(*counted, told);
    }
}

fn holds(shop: &Shop) -> Told {
    let mut told = Told::default();
    let wish = json!({"product_id": 1, "quantity": 2});
    for key in ["one", "one", "two"] {
        told.note(shop.post_with_key("/api/holds", key, &wish));
    }
    let other = json!({"product_id": 1, "quantity": 1});
    told.note(shop.post_with_key("/api/holds", "one", &other))
        .failed_with(422, "idempotency_key_reused");
    told.note(shop.post_with_key("/api/holds", "", &other))
        .failed_with(400, "invalid_idempotency_key");
    told.note(shop.hold("tee", 99)).refused("limit_exceeded");
    told.note(shop.hold("tee", 9)).refused("insufficient_stock");
    told.note(shop.hold("cap", 1))
        .failed_with(422, "validation_failed");
    told.note(shop.hold("bag", 1)).refused("sale_not_started");
    told.note(shop.hold("mug", 1)).refused("sale_ended");
    shop.pause("pin");
    told.note(shop.hold("pin", 1)).refused("sale_paused");
    told.note(shop.post_text("/api/holds", "{"))
        .failed_with(400, "invalid_json");
    told.note(shop.post("/api/holds", &json!({"product_id": 7, "quantity": 1})))
        .invalid("product_id");
    // Answered by a reader, since the product was sold out before.
    told.note(shop.hold("tee", 4)).created();
    for _ in 0..3 {
        told.note(shop.hold("tee", 1)).refused("insufficient_stock");
    }
    told
}

fn orders(shop: &Shop) -> Told {
    let mut told = Told::default();
    let order = json!({"hold_id": 1});
    for _ in 0..2 {
        told.note(shop.post_with_key("/api/orders", "order", &order));
    }
    told.note(shop.order(1)).refused("hold_used");
    told.note(shop.order(3)).created();
    told.note(shop.order(99)).invalid("hold_id");
    shop.release(2).ok();
    told.note(shop.order(2)).refused("hold_released");
    told
}

fn payments(shop: &Shop) -> Told {
    let mut told = Told::default();
    let amount = |key: &str, amount: &str| {
        let payload = json!({"amount": amount, "transaction_id": key});
        shop.webhook(&json!({"idempotency_key": key, "order_id": 1, "status": "success", "payload": payload}))
    };
    told.note_payment(amount("wrong", "1.00"));
    told.note_payment(amount("right", "199.98"));
    told.note_payment(amount("right", "199.98"));
    told.note_payment(amount("second", "199.98"));
    told.note_payment(shop.fail("after", 1));
    told.note_payment(shop.fail("failed", 2));
    told.note_payment(shop.pay_by_transaction("late", 2, "t"));
    told.note_payment(shop.pay("early", 3));
    told.note_payment(shop.pay("early", 3));
    told
}

fn shop() -> Shop {
    let items = vec![
        item("tee", 8).max_per_hold(50),
        item("cap", 5).max_per_customer(1),
        item("bag", 5).starts_at(OPENING + 60_000_000),
        item("mug", 5).ends_at(OPENING),
        item("pin", 5),
    ];
    Shop::operated_on_terms(items, config(|it| it.parked_ttl_s = 60))
}

#[test]
fn counters_agree_with_what_clients_were_told() {
    let shop = shop();
    let (holds, orders, payments) = (holds(&shop), orders(&shop), payments(&shop));
    let told = scrape(&shop);
    holds.is_counted(&told.by_label("flashsale_holds_total"));
    orders.is_counted(&told.by_label("flashsale_orders_total"));
    payments.is_counted(&told.by_label("flashsale_payments_total"));
    let verdicts = payments.0.keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(
        verdicts,
        [
            "already_processed",
            "amount_mismatch",
            "applied",
            "duplicate_payment",
            "ignored",
            "late_payment",
            "parked"
        ]
    );
    told.times_each_request();
    assert_eq!(shop.contents().holds.len(), 3);
    told.has("flashsale_refunds_due", 3.0);
    let batches = told.figure("flashsale_writer_batch_commands_sum");
    assert!(batches > 20.0, "{batches}");
    assert!(told.figure("flashsale_commit_duration_seconds_count") > 8.0);
}

#[test]
fn a_batch_is_as_large_as_its_clients_commands_are_many() {
    let shop = shop();
    let hold = shop.hold("tee", 3).created().id("hold_id");
    shop.release(hold).ok();
    let told = scrape(&shop);
    told.has("flashsale_writer_batch_commands_sum", 2.0);
}

#[test]
fn what_expires_is_counted_however_it_ends() {
    let shop = shop();
    shop.hold("tee", 3).created();
    shop.hold("tee", 5).created();
    shop.after(HOLD_TTL);
    // Needs the units of one of them, and a sweep ends the rest.
    let order = shop.ordered("tee", 8);
    shop.pay("early", order + 1)
        .verdict("parked", None::<String>);
    shop.after(ORDER_TTL);
    shop.sweep();
    let told = scrape(&shop);
    told.has("flashsale_expired_total{kind=\"hold\"}", 2.0);
    told.has("flashsale_expired_total{kind=\"order\"}", 1.0);
    told.has("flashsale_expired_total{kind=\"payment\"}", 1.0);
    told.has("flashsale_refunds_due", 1.0);
    let oldest = told.figure("flashsale_refunds_due_oldest_seconds");
    assert_eq!(oldest, ORDER_TTL.as_secs_f64());
}

#[test]
fn stock_is_told_as_readers_show_it_and_beyond_200_products_together() {
    let names: Vec<&'static str> = (0..203).map(|n| &*format!("sku-{n}").leak()).collect();
    let shop = Shop::with(names.iter().map(|name| item(name, 10)).collect());
    shop.hold(names[0], 4).created();
    shop.after(SECOND);
    let kept = shop.ordered(names[201], 3);
    shop.pay("k", kept).ok();
    shop.hold(names[202], 2).created();
    let stock = |product: &str| {
        let told = scrape(&shop);
        ["available", "reserved", "sold"].map(|state| {
            let labels = format!("product=\"{product}\",state=\"{state}\"");
            told.figure(&format!("flashsale_stock_units{{{labels}}}"))
        })
    };
    assert_eq!(stock("1"), [6.0, 4.0, 0.0]);
    assert_eq!(stock("200"), [10.0, 0.0, 0.0]);
    assert_eq!(stock("other"), [25.0, 2.0, 3.0]);
    let products = scrape(&shop);
    let products = products
        .names()
        .filter(|name| name.contains("state=\"sold\""));
    assert_eq!(products.count(), 201);
    shop.after(HOLD_TTL - SECOND);
    assert_eq!(stock("1"), [10.0, 0.0, 0.0], "overdue, swept or not");
    assert_eq!(stock("other"), [25.0, 2.0, 3.0]);
    shop.after(SECOND);
    assert_eq!(stock("other"), [27.0, 0.0, 3.0]);
}

#[test]
fn requests_are_counted_by_route_and_never_by_path() {
    let shop = shop();
    for (method, target) in [
        (Method::Get, "/api/products/1"),
        (Method::Get, "/api/products/2/"),
        (Method::Head, "/api/products/1?a=b"),
        (Method::Put, "/api/products/1"),
        (Method::Get, "/secret/path"),
        (Method::NonStandard("BREW".parse().unwrap()), "/coffee"),
    ] {
        shop.call(Request::new(method, target));
    }
    let told = scrape(&shop);
    let route = "route=\"/api/products/{id}\"";
    let requests = |method: &str, route: &str, status: u16| {
        let labels = format!("method=\"{method}\",{route},status=\"{status}\"");
        format!("flashsale_http_requests_total{{{labels}}}")
    };
    told.has(&requests("GET", route, 200), 2.0);
    told.has(&requests("HEAD", route, 200), 1.0);
    told.has(&requests("PUT", route, 405), 1.0);
    told.has(&requests("GET", "route=\"unmatched\"", 404), 1.0);
    told.has(&requests("other", "route=\"unmatched\"", 404), 1.0);
    let duration = format!("flashsale_http_request_duration_seconds_count{{{route}}}");
    told.has(&duration, 4.0);
    assert!(told.names().all(|name| !name.contains("secret")));
}
