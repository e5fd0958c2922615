//! What the rows tell: narrowed by product, customer and status, and as they are by the clock.

use flashsale::sale::Verdict;
use serde_json::json;

use super::{event, listed, numbers, rows, unswept};
use crate::operator::at;
use crate::shop::{HOLD_TTL, MICROSECOND, OPENING, ORDER_TTL, Shop, item};

/// Of two products, by three customers: an active, a released and an expired hold, orders pending, paid and cancelled.
fn mixed() -> Shop {
    let shop = Shop::operated(vec![item("tee", 100), item("cap", 100)]);
    let hold = |customer, sku| shop.hold_for(customer, sku, 1).created().id("hold_id");
    let order = |hold| shop.order(hold).created().id("order_id");
    let released = hold("山田 太郎", "tee");
    shop.release(released).ok();
    shop.hold("tee", 1).created();
    let cancelled = order(hold("a+b@x", "tee"));
    shop.cancel(cancelled).ok();
    let paid = order(hold("山田 太郎", "cap"));
    shop.pay("paid", paid).ok();
    shop.pay("late", cancelled)
        .verdict("late_payment", "cancelled");
    order(hold("a b@x", "cap"));
    hold("a+b@x", "tee");
    shop.fail("ignored", paid).verdict("ignored", "paid");
    shop
}

#[test]
fn a_list_is_narrowed_by_product_customer_and_status() {
    let shop = mixed();
    let yamada = "%E5%B1%B1%E7%94%B0+%E5%A4%AA%E9%83%8E";
    for (target, expected) in [
        ("/holds", &[6, 5, 4, 3, 2, 1][..]),
        ("/holds?product_id=1", &[6, 3, 2, 1]),
        ("/holds?product_id=2", &[5, 4]),
        ("/holds?product_id=3", &[]),
        ("/holds?status=active", &[6, 2]),
        ("/holds?status=ordered", &[5, 4, 3]),
        ("/holds?status=released", &[1]),
        ("/holds?status=expired", &[]),
        (&format!("/holds?customer={yamada}"), &[4, 1]),
        (
            &format!("/holds?customer={}", yamada.replace('+', "%20")),
            &[4, 1],
        ),
        ("/holds?customer=a%2Bb@x", &[6, 3]),
        ("/holds?customer=a+b@x", &[5]),
        ("/holds?customer=A%2Bb@x", &[]),
        ("/holds?customer=a%2Bb%40x&product_id=1&status=active", &[6]),
        (
            &format!("/holds?customer={yamada}&product_id=1&status=ordered"),
            &[],
        ),
        ("/orders", &[3, 2, 1]),
        ("/orders?status=pending", &[3]),
        ("/orders?status=paid&product_id=2", &[2]),
        ("/orders?status=paid&product_id=1", &[]),
        ("/orders?status=refunded", &[]),
        ("/orders?customer=a%2Bb@x", &[1]),
        ("/payments", &[3, 2, 1]),
        ("/payments?product_id=2", &[3, 1]),
        ("/payments?customer=a%2Bb@x", &[2]),
        ("/payments?verdict=applied", &[1]),
        ("/payments?verdict=ignored&product_id=2", &[3]),
        ("/payments?verdict=late_payment&product_id=2", &[]),
        (
            &format!("/payments?customer={yamada}&verdict=ignored"),
            &[3],
        ),
        ("/refunds", &[2]),
    ] {
        assert_eq!(listed(&shop, target), expected, "{target}");
    }
    let first = shop.admin_get("/holds?product_id=1&limit=2").ok();
    assert_eq!(numbers(&first, "hold_id"), [6, 3]);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = format!("/holds?product_id=1&limit=2&cursor={cursor}");
    assert_eq!(listed(&shop, &second), [2, 1]);
}

#[test]
fn rows_tell_what_the_shop_window_tells_and_who() {
    let shop = mixed();
    for (path, name, count) in [("holds", "hold_id", 6), ("orders", "order_id", 3)] {
        let list = shop.admin_get(&format!("/{path}")).ok();
        assert_eq!(rows(&list).len(), count);
        for row in rows(&list) {
            let shown = shop.get(&format!("/api/{path}/{}", row[name])).ok().body;
            for (name, value) in shown.as_object().unwrap() {
                assert_eq!(&row[name], value, "{path} {name}");
            }
        }
    }
    let first = |path: &str| rows(&shop.admin_get(path).ok()).last().unwrap().clone();
    let hold = json!({"hold_id": 1, "product_id": 1, "quantity": 1, "unit_price": 99.99, "status": "released",
        "expires_at": at(OPENING + 120_000_000), "expires_in_s": 0, "order_id": null, "customer": "山田 太郎"});
    assert_eq!(first("/holds"), hold);
    let order = json!({"order_id": 1, "hold_id": 3, "product_id": 1, "quantity": 1, "unit_price": 99.99,
        "total_price": 99.99, "status": "cancelled", "pay_by": at(OPENING + 900_000_000), "created_at": at(OPENING),
        "paid_at": null, "refunded_quantity": 0, "refunded_amount": 0.00, "dispute": null,
        "customer": "a+b@x", "transaction_id": null});
    assert_eq!(first("/orders"), order);
    let payment = json!({"idempotency_key": "paid", "status": "success", "refund_due": false, "webhook_id": 1,
        "order_id": 2, "hold_id": null, "verdict": "applied", "amount": null, "transaction_id": null,
        "received_at": at(OPENING), "resolved_at": null, "note": null});
    assert_eq!(first("/payments"), payment);
    assert_eq!(
        rows(&shop.admin_get("/holds").ok())[4]["customer"],
        json!(null)
    );
}

#[test]
fn what_is_over_by_the_clock_is_listed_so_before_any_sweep() {
    let shop = Shop::operated(vec![item("tee", 100)]);
    shop.ordered("tee", 1);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let Some(_lock) = unswept(&shop) else {
        return;
    };
    shop.after(HOLD_TTL - MICROSECOND);
    assert_eq!(listed(&shop, "/holds?status=active"), [hold]);
    assert_eq!(listed(&shop, "/holds?status=expired"), [0; 0]);
    shop.after(MICROSECOND);
    assert_eq!(listed(&shop, "/holds?status=active"), [0; 0]);
    assert_eq!(listed(&shop, "/holds?status=expired"), [hold]);
    assert_eq!(rows(&shop.admin_get("/holds").ok())[0]["status"], "expired");
    shop.after(ORDER_TTL - HOLD_TTL - MICROSECOND);
    assert_eq!(listed(&shop, "/orders?status=pending"), [1]);
    assert_eq!(listed(&shop, "/orders?status=expired"), [0; 0]);
    shop.after(MICROSECOND);
    assert_eq!(listed(&shop, "/orders?status=pending"), [0; 0]);
    assert_eq!(listed(&shop, "/orders?status=expired"), [1]);
    assert_eq!(
        rows(&shop.admin_get("/orders").ok())[0]["status"],
        "expired"
    );
    let moved = shop.contents().movements;
    assert_eq!(moved.len(), 3, "nothing was swept: {moved:?}");
}

#[test]
fn events_that_waited_in_vain_are_listed_as_they_stand_before_any_sweep() {
    let shop = Shop::operated(vec![item("tee", 100)]);
    let hold = shop.hold_for("ada", "tee", 1).created().id("hold_id");
    let park = |key, status, transaction| {
        shop.webhook(&event(key, ("hold_id", hold), status, transaction))
            .has_status(202)
            .id("webhook_id")
    };
    let first = park("first", "success", Some("t"));
    let again = park("again", "success", Some("t"));
    let failure = park("failure", "failure", Some("u"));
    let nameless = park("nameless", "success", None);
    let all = [nameless, failure, again, first];
    let Some(lock) = unswept(&shop) else {
        return;
    };
    shop.after(HOLD_TTL - MICROSECOND);
    assert_eq!(listed(&shop, "/payments?verdict=parked"), all);
    assert_eq!(listed(&shop, "/refunds"), [0; 0]);
    shop.after(MICROSECOND);
    let late = [nameless, first];
    let lists = |shop: &Shop| {
        assert_eq!(listed(shop, "/payments?verdict=parked"), [0; 0]);
        assert_eq!(listed(shop, "/payments?verdict=late_payment"), late);
        let ignored = listed(shop, "/payments?verdict=ignored&customer=ada&product_id=1");
        assert_eq!(ignored, [failure, again]);
        assert_eq!(listed(shop, "/refunds"), late);
        ["/payments", "/refunds"].map(|path| shop.admin_get(path).ok().body)
    };
    let before = lists(&shop);
    let stored = shop.contents().payments;
    assert!(
        stored
            .iter()
            .all(|(payment, _)| payment.verdict == Verdict::Parked),
        "nothing was swept: {stored:?}"
    );
    drop(lock);
    shop.sweep();
    assert_eq!(lists(&shop), before, "a sweep changes nothing that is seen");
}
