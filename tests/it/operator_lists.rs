//! What the operator looks through: lists by the page and by the clock, refunds, the ledger, the figures.

use std::collections::BTreeSet;
use std::time::Duration;

use flashsale::config::Config;
use flashsale::http::{Method, Request};
use flashsale::sale::{Timestamp, Verdict};
use serde_json::{Value, json};

use crate::shop::{Answer, HOLD_TTL, MICROSECOND, OPENING, ORDER_TTL, Shop, item};

const LISTS: [(&str, &str); 5] = [
    ("/holds", "hold_id"),
    ("/orders", "order_id"),
    ("/payments", "webhook_id"),
    ("/refunds", "webhook_id"),
    ("/products/1/movements", "version"),
];

fn at(micros: i64) -> String {
    Timestamp::from_micros(micros).to_string()
}

fn rows(answer: &Answer) -> &Vec<Value> {
    answer.body["data"].as_array().unwrap()
}

fn numbers(answer: &Answer, name: &str) -> Vec<i64> {
    rows(answer)
        .iter()
        .map(|row| row[name].as_i64().unwrap())
        .collect()
}

/// The database's one write lock: until it is dropped no sweep can pass.
fn unswept(shop: &Shop) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(shop.database()).unwrap();
    connection.execute_batch("begin immediate").unwrap();
    connection
}

/// The numbers of a list that fits a page.
#[track_caller]
fn listed(shop: &Shop, target: &str) -> Vec<i64> {
    let name = LISTS
        .iter()
        .find(|(path, _)| target.split('?').next() == Some(path));
    let answer = shop.admin_get(target).ok();
    assert_eq!(answer.body["next_cursor"], json!(null), "{target}");
    numbers(&answer, name.unwrap().1)
}

/// A payment that came too late, and so a refund that is due.
fn late_payment(shop: &Shop, key: &str) -> i64 {
    let order = shop.ordered("tee", 1);
    shop.cancel(order).ok();
    shop.pay(key, order)
        .verdict("late_payment", "cancelled")
        .id("webhook_id")
}

/// Five rows of each list, or more.
fn five_of_each(shop: &Shop) {
    for index in 0..5 {
        late_payment(shop, &format!("late-{index}"));
    }
}

#[test]
fn pages_give_each_row_once_newest_first_whatever_happens_meanwhile() {
    let shop = Shop::operated(vec![item("tee", 1000)]);
    five_of_each(&shop);
    for (path, name) in LISTS {
        let all = || {
            let newest = numbers(&shop.admin_get(&format!("{path}?limit=1")).ok(), name);
            (1..=newest[0]).rev().collect::<Vec<_>>()
        };
        assert!(all().len() >= 5, "{path}");
        for limit in [1, 4, 100] {
            let expected = all();
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = shop
                    .admin_get(&format!("{path}?limit={limit}{cursor}"))
                    .ok();
                assert!(rows(&page).len() <= limit, "{path}");
                found.extend(numbers(&page, name));
                let Some(next) = page.body["next_cursor"].as_str() else {
                    break;
                };
                assert_eq!(rows(&page).len(), limit, "only the last page is short");
                cursor = format!("&cursor={next}");
                late_payment(&shop, &format!("{path}-{limit}-{cursor}").replace('/', "-"));
                shop.after(Duration::from_secs(1));
            }
            assert_eq!(found, expected, "{path}?limit={limit}");
        }
    }
}

#[test]
fn a_page_has_fifty_rows_or_as_many_as_are_asked_for_up_to_a_hundred() {
    let shop = Shop::operated(vec![item("tee", 1000)]);
    for _ in 0..100 {
        shop.hold("tee", 1).created();
    }
    let count = |target: &str| {
        let answer = shop.admin_get(target).ok();
        (rows(&answer).len(), answer.body["next_cursor"].is_null())
    };
    assert_eq!(count("/holds"), (50, false));
    assert_eq!(count("/holds?limit=1"), (1, false));
    assert_eq!(count("/holds?limit=99"), (99, false));
    assert_eq!(count("/holds?limit=100"), (100, true));
    shop.hold("tee", 1).created();
    assert_eq!(count("/holds?limit=100"), (100, false));
}

#[test]
fn what_a_list_is_not_asked_by_is_refused() {
    let shop = Shop::operated(vec![item("tee", 1000)]);
    five_of_each(&shop);
    let cursor_of = |path: &str| {
        let page = shop.admin_get(&format!("{path}?limit=2")).ok();
        page.body["next_cursor"].as_str().unwrap().to_owned()
    };
    let products = {
        shop.admin_post("/products", r#"{"name":"Cap","price":1,"total_stock":1}"#)
            .created();
        let page = shop.get("/api/products?limit=1").ok();
        page.body["next_cursor"].as_str().unwrap().to_owned()
    };
    let cursors = LISTS.map(|(path, _)| (path, cursor_of(path)));
    shop.admin_get(&format!("/products/2/movements?cursor={}", cursors[4].1))
        .invalid("cursor");
    for (path, _) in LISTS {
        let own = cursor_of(path);
        shop.admin_get(&format!("{path}?cursor={own}")).ok();
        for limit in ["0", "101", "abc", "-1", "1.5", "", "1e1", "%31%30%31"] {
            shop.admin_get(&format!("{path}?limit={limit}"))
                .invalid("limit");
        }
        let (number, proof) = own.split_once('.').unwrap();
        let made_up = format!("{}.{proof}", number.parse::<i64>().unwrap() + 1);
        let others = cursors.iter().filter(|(other, _)| *other != path);
        let others = others.map(|(_, cursor)| cursor.as_str());
        let wrong = ["", "x", number, &made_up, &own[1..], &own[..own.len() - 1]];
        for cursor in others.chain(wrong).chain([products.as_str()]) {
            shop.admin_get(&format!("{path}?cursor={cursor}"))
                .invalid("cursor");
        }
        for unknown in ["x=1", "Limit=1", "statu=active", "%78=1"] {
            let name = unknown.replace("%78", "x");
            shop.admin_get(&format!("{path}?limit=1&{unknown}"))
                .invalid(name.split('=').next().unwrap());
        }
        shop.admin_get(&format!("{path}?limit=1&limit=1"))
            .invalid("limit");
        shop.admin_get(&format!("{path}?cursor={own}&cursor={own}"))
            .invalid("cursor");
        shop.admin_get(&format!("{path}?limit=0&cursor=x&y=z"))
            .invalid("limit")
            .invalid("cursor")
            .invalid("y");
    }
    for (path, known, unknown) in [
        ("/holds", "status", "verdict"),
        ("/orders", "status", "verdict"),
        ("/payments", "verdict", "status"),
    ] {
        for value in ["sold", "Active", "", "%20active"] {
            shop.admin_get(&format!("{path}?{known}={value}"))
                .invalid(known);
        }
        for (name, value) in [
            ("product_id", "0"),
            ("product_id", "abc"),
            ("product_id", ""),
            ("product_id", "9007199254740993"),
            ("customer", ""),
            ("customer", "%20ada"),
            ("customer", "%00"),
            (unknown, "active"),
        ] {
            shop.admin_get(&format!("{path}?{name}={value}"))
                .invalid(name);
        }
        for twice in ["product_id=1", "customer=ada", &format!("{known}=x")] {
            shop.admin_get(&format!("{path}?{twice}&{twice}"))
                .invalid(twice.split('=').next().unwrap());
        }
    }
    for path in ["/refunds", "/products/1/movements", "/stats"] {
        for filter in ["product_id", "status", "verdict", "customer"] {
            shop.admin_get(&format!("{path}?{filter}=1"))
                .invalid(filter);
        }
    }
}

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
        "paid_at": null, "customer": "a+b@x", "transaction_id": null});
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
    let _lock = unswept(&shop);
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

fn event(key: &str, named: (&str, i64), status: &str, transaction: Option<&str>) -> Value {
    json!({"idempotency_key": key, named.0: named.1, "status": status, "payload": {"transaction_id": transaction}})
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
    let lock = unswept(&shop);
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

#[test]
fn a_refund_that_is_due_by_the_clock_can_be_resolved() {
    let shop = Shop::operated(vec![item("tee", 100)]);
    let named = shop.webhook(&event("k", ("order_id", 7), "success", Some("t")));
    let id = named.has_status(202).id("webhook_id");
    let path = format!("/refunds/{id}/resolve");
    shop.after(Duration::from_secs(86_400) - MICROSECOND);
    shop.admin_post(&path, "")
        .failed_with(404, "refund_not_found");
    shop.after(MICROSECOND);
    let resolved = shop.admin_post(&path, r#"{"note":"by bank"}"#).ok();
    let expected = json!({"webhook_id": id, "order_id": null, "hold_id": null, "verdict": "late_payment", "amount": null,
        "transaction_id": "t", "received_at": at(OPENING), "resolved_at": at(OPENING + 86_400_000_000_i64),
        "note": "by bank"});
    assert_eq!(resolved.body, expected);
    assert_eq!(rows(&shop.admin_get("/refunds").ok()), &[expected]);
}

#[test]
fn what_is_owed_is_listed_and_nothing_else() {
    let shop = Shop::operated(vec![item("tee", 100)]);
    let pay = |key: &str, order: i64, payload: &str| {
        let body = format!(
            r#"{{"idempotency_key":"{key}","order_id":{order},"status":"success","payload":{payload}}}"#
        );
        shop.post_text("/api/payments/webhook", &body).ok()
    };
    let order = shop.ordered("tee", 1);
    let sent = ["1.10", "99.98000000000000001", "-0.0", "\"12.500\"", "1e2"];
    for (index, raw) in sent.into_iter().enumerate() {
        pay(
            &format!("k{index}"),
            order,
            &format!(r#"{{"amount":{raw}}}"#),
        )
        .says("verdict", "amount_mismatch");
        let newest = shop.admin_get("/refunds?limit=1").ok();
        let text = String::from_utf8(newest.bytes).unwrap();
        assert!(text.contains(&format!(r#""amount":{raw},"#)), "{text}");
    }
    pay("paid", order, r#"{"amount":"99.99","transaction_id":"t1"}"#).says("verdict", "applied");
    pay("same", order, r#"{"transaction_id":"t1"}"#).says("verdict", "ignored");
    let duplicate = pay("twice", order, r#"{"amount":null,"transaction_id":"t2"}"#)
        .says("verdict", "duplicate_payment")
        .id("webhook_id");
    pay("thrice", order, r#"{"transaction_id":"t2"}"#).says("verdict", "ignored");
    let hold = shop.hold("tee", 1).created().id("hold_id");
    shop.release(hold).ok();
    let named = shop.webhook(&event("late", ("hold_id", hold), "success", None));
    let late = named.verdict("late_payment", json!(null)).id("webhook_id");
    shop.webhook(&event("failed", ("hold_id", hold), "failure", None))
        .verdict("ignored", json!(null));
    shop.webhook(&event("ahead", ("order_id", 2), "success", None))
        .has_status(202);

    let refunds = shop.admin_get("/refunds").ok();
    let row = |id: i64, order: Value, hold: Value, verdict: &str, transaction: Value| {
        json!({"webhook_id": id, "order_id": order, "hold_id": hold, "verdict": verdict, "amount": null,
            "transaction_id": transaction, "received_at": at(OPENING), "resolved_at": null, "note": null})
    };
    let expected = [
        row(late, json!(null), json!(hold), "late_payment", json!(null)),
        row(
            duplicate,
            json!(order),
            json!(null),
            "duplicate_payment",
            json!("t2"),
        ),
    ];
    assert_eq!(rows(&refunds)[..2], expected);
    assert_eq!(rows(&refunds).len(), 2 + sent.len());
    let due: BTreeSet<i64> = shop.refunds_due().into_iter().collect();
    assert_eq!(
        numbers(&refunds, "webhook_id")
            .into_iter()
            .collect::<BTreeSet<_>>(),
        due
    );
    for row in rows(&shop.admin_get("/payments").ok()) {
        let id = row["webhook_id"].as_i64().unwrap();
        assert_eq!(row["refund_due"], due.contains(&id), "{row}");
    }
}

#[test]
fn an_event_that_named_a_hold_is_owed_for_its_order_too() {
    let shop = Shop::operated(vec![item("tee", 100)]);
    let order = shop.ordered("tee", 1);
    shop.cancel(order).ok();
    shop.webhook(&event("k", ("hold_id", 1), "success", None))
        .verdict("late_payment", "cancelled");
    let owed = rows(&shop.admin_get("/refunds").ok())[0].clone();
    assert_eq!(
        (&owed["order_id"], &owed["hold_id"]),
        (&json!(order), &json!(1))
    );
}

#[test]
fn a_refund_is_resolved_once() {
    let shop = Shop::operated(vec![item("tee", 100)]);
    let [first, second] = ["a", "b"].map(|key| late_payment(&shop, key));
    let paid = shop.ordered("tee", 1);
    let applied = shop.pay("applied", paid).ok().id("webhook_id");
    let resolve = |id: &str, body: &str| shop.admin_post(&format!("/refunds/{id}/resolve"), body);
    let text = |answer: Answer| String::from_utf8(answer.bytes).unwrap();

    let before = shop.contents();
    let unknown = text(resolve("999", "").failed_with(404, "refund_not_found"));
    for id in [&applied.to_string(), "0", "abc", "", "-1"] {
        let refused = resolve(id, "").failed_with(404, "refund_not_found");
        assert_eq!(text(refused), unknown, "{id}");
    }
    for body in [
        r#"{"note":""}"#,
        r#"{"note":5}"#,
        r#"{"note":"a","note":"b"}"#,
        &json!({"note": "é".repeat(256)}).to_string(),
    ] {
        resolve(&first.to_string(), body).invalid("note");
    }
    resolve(&first.to_string(), r#"{"nota":"x"}"#).invalid("nota");
    resolve(&first.to_string(), "5").refused("invalid_json");
    assert!(shop.contents() == before, "a refusal changes nothing");

    shop.after(Duration::from_secs(1));
    let longest = json!({"note": "é".repeat(255)}).to_string();
    let resolved = resolve(&first.to_string(), &longest).ok();
    let resolved = resolved
        .says("note", "é".repeat(255))
        .says("resolved_at", at(OPENING + 1_000_000));
    let after_first = shop.contents();
    shop.after(Duration::from_secs(1));
    for body in ["", "{}", r#"{"note":"other"}"#] {
        assert_eq!(resolve(&first.to_string(), body).ok().body, resolved.body);
    }
    let mut now = shop.contents();
    now.counters = after_first.counters;
    assert!(now == after_first, "again, nothing changes");
    let bodiless = Request::new(Method::Post, &format!("/refunds/{second}/resolve"));
    shop.operate(bodiless).ok().says("note", json!(null));
    assert_eq!(rows(&shop.admin_get("/refunds").ok())[1], resolved.body);
    assert_eq!(listed(&shop, "/refunds"), [second, first]);
}

#[test]
fn the_ledger_tells_every_movement_and_adds_up_to_the_counters() {
    let config = Config {
        accept_late_payments: true,
        ..Config::default()
    };
    let shop = Shop::operated_on_terms(vec![item("tee", 20), item("cap", 5)], config);
    let released = shop.hold("tee", 1).created().id("hold_id");
    shop.release(released).ok();
    shop.hold("tee", 2).created();
    shop.hold("cap", 1).created();
    let expired = shop.ordered("tee", 3);
    shop.after(ORDER_TTL);
    shop.sweep();
    let paid = shop.ordered("tee", 4);
    shop.pay("paid", paid).verdict("applied", "paid");
    let cancelled = shop.ordered("tee", 1);
    shop.cancel(cancelled).ok();
    shop.pay("late", cancelled).verdict("applied", "paid");
    shop.admin_post(
        &format!("/orders/{cancelled}/refund"),
        r#"{"restock":true}"#,
    )
    .ok();
    shop.admin_post(&format!("/orders/{paid}/refund"), "").ok();
    shop.admin_post("/products/1/restock", r#"{"quantity":-2,"reason":"torn"}"#)
        .ok();
    let last = shop.ordered("tee", 5);
    shop.pay("last", last).ok();
    shop.hold("tee", 1).created();

    let list = shop.admin_get("/products/1/movements?limit=100").ok();
    let ledger: Vec<&Value> = rows(&list).iter().rev().collect();
    let told: Vec<_> = ledger
        .iter()
        .map(|row| {
            let name = |name: &str| row[name].as_i64();
            (
                row["kind"].as_str().unwrap(),
                [name("available"), name("reserved"), name("sold")].map(Option::unwrap),
                name("hold_id"),
                name("order_id"),
            )
        })
        .collect();
    let expected = [
        ("stocked", [20, 0, 0], None, None),
        ("hold_placed", [-1, 1, 0], Some(1), None),
        ("hold_released", [1, -1, 0], Some(1), None),
        ("hold_placed", [-2, 2, 0], Some(2), None),
        ("hold_placed", [-3, 3, 0], Some(4), None),
        ("hold_expired", [2, -2, 0], Some(2), None),
        ("order_expired", [3, -3, 0], None, Some(expired)),
        ("hold_placed", [-4, 4, 0], Some(5), None),
        ("order_paid", [0, -4, 4], None, Some(paid)),
        ("hold_placed", [-1, 1, 0], Some(6), None),
        ("order_cancelled", [1, -1, 0], None, Some(cancelled)),
        ("order_paid_late", [-1, 0, 1], None, Some(cancelled)),
        ("order_restocked", [1, 0, -1], None, Some(cancelled)),
        ("order_written_off", [0, 0, -4], None, Some(paid)),
        ("stocked", [-2, 0, 0], None, None),
        ("hold_placed", [-5, 5, 0], Some(7), None),
        ("order_paid", [0, -5, 5], None, Some(last)),
        ("hold_placed", [-1, 1, 0], Some(8), None),
    ];
    assert_eq!(told, expected);
    assert_eq!(ledger[14]["reason"], "torn");
    for (row, version) in ledger.iter().zip(1_i64..) {
        assert_eq!(
            (&row["version"], &row["product_id"]),
            (&json!(version), &json!(1))
        );
    }
    assert_eq!(ledger[5]["at"], at(OPENING + 900_000_000));
    let sums = [0, 1, 2].map(|counter| told.iter().map(|row| row.1[counter]).sum::<i64>());
    let product = shop.product("tee");
    let counters = ["available_stock", "reserved_stock", "sold_stock"];
    assert_eq!(
        counters.map(|name| product[name].clone()),
        sums.map(Value::from)
    );
    assert_eq!(product["total_stock"], sums.iter().sum::<i64>());
    assert_eq!(rows(&shop.admin_get("/products/2/movements").ok()).len(), 3);
}

#[test]
fn the_figures_tell_what_happened_lately() {
    let shop = Shop::operated(vec![item("tee", 20).max_per_hold(9), item("cap", 5)]);
    shop.hold("tee", 3).created();
    let paid = shop.ordered("tee", 2);
    shop.hold("cap", 1).created();
    shop.after(Duration::from_secs(30));
    shop.pay("k", paid).ok();
    shop.hold("tee", 4).created();
    shop.hold("tee", 10).refused("limit_exceeded");
    shop.after(Duration::from_secs(30) - MICROSECOND);
    let stats = shop.admin_get("/stats").ok();
    let now = at(OPENING + 59_999_999);
    let tee = json!({"id": 1, "name": "TEE", "price": 99.99, "available_stock": 11, "total_stock": 20,
        "reserved_stock": 7, "sold_stock": 2, "status": "live", "starts_at": null, "ends_at": null, "max_per_hold": 9,
        "max_per_customer": null, "server_time": now, "sku": "tee", "paused": false,
        "lately": {"over_s": 60.0, "units_held": 9, "units_sold": 2}});
    assert_eq!(stats.body["products"][0], tee);
    let lately = |answer: &Answer, index: usize| answer.body["products"][index]["lately"].clone();
    let pace =
        |held: i64, sold: i64| json!({"over_s": 60.0, "units_held": held, "units_sold": sold});
    assert_eq!(lately(&stats, 1), pace(1, 0));
    assert_eq!(stats.body["server_time"], now);
    assert_eq!(stats.body["next_cursor"], json!(null));
    let queue_max = Config::default().queue_max;
    assert_eq!(stats.body["queue"], json!({"waiting": 0, "max": queue_max}));
    let names: Vec<_> = stats.body.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["server_time", "products", "next_cursor", "queue", "latency"]
    );
    let latency = stats.body["latency"].as_object().unwrap();
    let names: Vec<_> = latency.keys().collect();
    assert_eq!(names, ["over_s", "count", "p50_ms", "p99_ms", "max_ms"]);
    assert_eq!(latency["count"], 7, "reads are not counted");
    let ms = ["p50_ms", "p99_ms", "max_ms"].map(|name| latency[name].as_f64().unwrap());
    assert!(0.0 < ms[0] && ms.is_sorted(), "{ms:?}");

    shop.after(MICROSECOND);
    let stats = shop.admin_get("/stats").ok();
    assert_eq!(
        (lately(&stats, 0), lately(&stats, 1)),
        (pace(4, 2), pace(0, 0))
    );
    shop.after(Duration::from_secs(30));
    assert_eq!(lately(&shop.admin_get("/stats").ok(), 0), pace(0, 0));
    shop.after(Duration::from_secs(30));
    let stats = shop.admin_get("/stats").ok();
    assert_eq!(
        stats.body["products"][0]["available_stock"], 14,
        "what is overdue is available"
    );
}

#[test]
fn the_figures_come_by_the_page() {
    let shop = Shop::operated(vec![item("a", 1), item("b", 1), item("c", 1)]);
    let ids = |answer: &Answer| {
        let products = answer.body["products"].as_array().unwrap();
        products
            .iter()
            .map(|product| product["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    let first = shop.admin_get("/stats?limit=2").ok();
    assert_eq!(ids(&first), [1, 2]);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = shop
        .admin_get(&format!("/stats?limit=2&cursor={cursor}"))
        .ok();
    assert_eq!(ids(&second), [3]);
    second.says("next_cursor", json!(null));
    shop.admin_get("/stats?limit=0&cursor=x&y=1")
        .invalid("limit")
        .invalid("cursor")
        .invalid("y");
}
