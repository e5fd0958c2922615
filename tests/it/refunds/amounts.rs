//! What an amount is, and what an order of nothing costs.

use serde_json::json;

use super::{accept, due, shop, success};
use crate::server::Premises;
use crate::shop::{DAY, ORDER_TTL, Shop, item};

#[test]
fn what_is_no_amount_is_refused_and_the_shapes_are_named() {
    let shop = shop();
    let order = shop.ordered("tee", 1);
    for amount in [
        json!("199,98"),
        json!("199.98 EUR"),
        json!("+199.98"),
        json!(" 99.99"),
        json!("99.999"),
        json!("1e2"),
        json!(""),
        json!({"value": 99.99}),
        json!([99.99]),
        json!(true),
        json!(99.999),
        json!(-99.99),
        json!("-99.99"),
        json!(3e16),
    ] {
        let answer = success(&shop, "k", ("order_id", order), "t", amount.clone());
        let answer = answer.invalid("payload.amount");
        let sentence = answer.body["errors"]["payload.amount"][0].as_str().unwrap();
        assert!(sentence.contains("199.98"), "{amount}: {sentence}");
    }
    assert!(shop.contents().payments.is_empty(), "nothing was stored");
    success(&shop, "k", ("order_id", order), "t", 99.99).verdict("applied", "paid");
}

#[test]
fn an_order_of_nothing_is_paid_at_once() {
    let shop = Shop::operated(vec![item("gift", 10).price(0)]);
    let hold = shop.hold("gift", 2).created().id("hold_id");
    let placed = shop
        .order(hold)
        .created()
        .says("status", "paid")
        .says("pay_by", json!(null));
    let order = placed.id("order_id");
    shop.stock_is("gift", 8, 0, 2);
    let shown = shop.show_order(order).ok();
    assert_eq!(shown.body["paid_at"], shown.body["created_at"]);
    shop.cancel(order).refused("order_paid");
    let about = ("order_id", order);
    success(&shop, "a", about, "t", json!(null)).verdict("ignored", "paid");
    success(&shop, "b", about, "u", 0).verdict("ignored", "paid");
    success(&shop, "c", about, "v", "0.01").verdict("amount_mismatch", "paid");
    success(&shop, "d", about, "v", "0.01").verdict("ignored", "paid");
    shop.fail("e", order).verdict("ignored", "paid");
    assert_eq!(due(&shop), [3]);
    accept(&shop, 3).refused("order_paid");
    shop.after(ORDER_TTL + DAY);
    shop.show_order(order).ok().says("status", "paid");
    shop.admin_post(&format!("/orders/{order}/refund"), r#"{"restock":true}"#)
        .ok();
    success(&shop, "f", about, "w", 5).verdict("amount_mismatch", "refunded");
    shop.stock_is("gift", 10, 0, 0);
}

/// Events that wait are judged by what the order turns out to be.
#[test]
fn money_that_waits_for_an_order_of_nothing_is_owed() {
    let shop = Shop::operated(vec![item("gift", 10).price(0)]);
    let hold = shop.hold("gift", 1).created().id("hold_id");
    success(&shop, "a", ("hold_id", hold), "t", 5).has_status(202);
    success(&shop, "b", ("hold_id", hold), "u", 0).has_status(202);
    shop.order(hold).created().says("status", "paid");
    assert_eq!(due(&shop), [1]);
}

/// A bridge that counts in cents is told by the log before the sale is over, and once.
#[test]
fn an_amount_of_a_hundred_times_the_total_is_logged_as_what_it_looks_like() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    let pay = |key: &str, about: &str, id: i64, amount: i64| {
        let payload = json!({"amount": amount});
        let event =
            json!({"idempotency_key": key, about: id, "status": "success", "payload": payload});
        server.post("/api/payments/webhook", &event)
    };
    let price = server.get("/api/products/1").1["price"].as_f64().unwrap();
    let cents = (price * 100.0).round() as i64;
    for _ in 0..3 {
        server.hold(1);
    }
    server.post("/api/orders", &json!({"hold_id": 2}));
    assert_eq!(
        pay("other", "order_id", 1, cents + 1).1["verdict"],
        "amount_mismatch"
    );
    assert_eq!(pay("early", "hold_id", 1, cents).1["verdict"], "parked");
    assert_eq!(
        pay("late", "order_id", 1, cents).1["verdict"],
        "amount_mismatch"
    );
    let log = server.stop_and_read_log();
    let told: Vec<_> = log
        .lines()
        .filter(|line| line.contains("minor units"))
        .collect();
    assert!(
        matches!(told[..], [line] if line.contains("webhook 2 is exactly")),
        "{log}"
    );
}
