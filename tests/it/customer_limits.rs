//! `max_per_customer`: exact whoever asks at the same time, and free again when units come back.

use std::collections::BTreeMap;

use flashsale::config::Config;
use flashsale::sale::{
    Cause, Command, Customer, HoldId, HoldStatus, MovementKind, OrderId, OrderStatus, PaymentEvent,
    PaymentStatus, PaymentTarget, PlaceHold, ProductId, Quantity, Rejection, Report, Timestamp,
};
use flashsale::store::sqlite::{Access, Database, Durability};
use flashsale::store::{Contents, Reader, Store};
use serde_json::{Value, json};

use crate::crowd::at_once;
use crate::server::{Premises, Server};
use crate::shop::{HOLD_TTL, OPENING, ORDER_TTL, Shop, item, terms};

const CUSTOMERS: [&str; 4] = ["ada@shop.example", "eve", "山田 太郎", "Ada@shop.example"];
const LIMIT: i64 = 5;
/// How many ask at once for each customer.
const ASKING: usize = 12;

fn premises() -> Premises {
    Premises::selling(&format!(
        "sku,name,price,total_stock,max_per_customer\ntee,Tee,1.00,1000,{LIMIT}\n"
    ))
}

fn contents(premises: &Premises) -> Contents {
    let path = premises.path().join("flash_sale.db");
    let database = Database::open(&path, Access::Existing).unwrap();
    database.reader(1).unwrap().contents().unwrap()
}

fn ask(server: &Server, customer: &str, quantity: i64, key: Option<&str>) -> (u16, Value) {
    let request = server.agent.post(format!("{}/api/holds", server.base));
    let request = match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    };
    let wish = json!({"product_id": 1, "quantity": quantity, "customer": customer});
    let mut answer = request.send_json(wish).unwrap();
    (
        answer.status().as_u16(),
        answer.body_mut().read_json().unwrap(),
    )
}

/// Live holds, pending and paid units of each customer.
fn used(contents: &Contents) -> BTreeMap<String, i64> {
    let holds = contents.holds.iter();
    let live = holds.filter(|hold| hold.status == HoldStatus::Active);
    let live = live.map(|hold| (&hold.customer, hold.quantity.units()));
    let orders = contents.orders.iter();
    let kept =
        orders.filter(|order| matches!(order.status, OrderStatus::Pending | OrderStatus::Paid));
    let kept = kept.map(|order| (&order.customer, order.quantity.units()));
    let mut used = BTreeMap::new();
    for (customer, units) in live.chain(kept) {
        *used
            .entry(customer.as_ref().unwrap().as_str().to_owned())
            .or_default() += units;
    }
    used
}

#[track_caller]
fn each_got_as_many_as_fit(quantity: i64, key_of: impl Fn(usize) -> Option<String> + Sync) {
    let premises = premises();
    let server = premises.serve();
    let answers = at_once(CUSTOMERS.len() * ASKING, |client| {
        let customer = CUSTOMERS[client % CUSTOMERS.len()];
        (
            customer,
            ask(&server, customer, quantity, key_of(client).as_deref()),
        )
    });
    let fit = LIMIT / quantity;
    for customer in CUSTOMERS {
        let answers = answers.iter().filter(|(asked, _)| *asked == customer);
        let (given, refused): (Vec<_>, Vec<_>) = answers
            .map(|(_, answer)| answer)
            .partition(|answer| answer.0 == 201);
        let mut ids: Vec<_> = given
            .iter()
            .map(|(_, body)| body["hold_id"].as_i64())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(i64::try_from(ids.len()).unwrap(), fit, "{customer}");
        for (status, body) in refused {
            assert_eq!(
                (*status, &body["code"]),
                (400, &json!("limit_exceeded")),
                "{body}"
            );
            assert_eq!(
                (&body["limit"], &body["used"]),
                (&json!(LIMIT), &json!(fit * quantity))
            );
        }
    }
    let expected = CUSTOMERS.map(|customer| (customer.to_owned(), fit * quantity));
    assert_eq!(used(&contents(&premises)), BTreeMap::from(expected));
    server.stop();
    premises.books_are_right();
}

#[test]
fn in_a_crowd_each_customer_gets_exactly_as_many_holds_as_fit() {
    for quantity in [1, 2, 3, 5] {
        each_got_as_many_as_fit(quantity, |_| None);
    }
}

#[test]
fn keys_let_nobody_past_the_limit() {
    each_got_as_many_as_fit(2, |client| Some(format!("key-of-{client}")));
    each_got_as_many_as_fit(2, |client| {
        let (customer, turn) = (client % CUSTOMERS.len(), client / CUSTOMERS.len());
        Some(format!("shared-by-three-of-{customer}-{}", turn / 3))
    });
}

#[test]
fn whatever_a_crowd_does_no_customer_ever_has_more_than_the_limit() {
    let premises = premises();
    let server = premises.serve();
    let post = |path: &str, body: &Value| server.post(path, body).1;
    let given = at_once(16, |client| {
        let mut given = 0;
        for round in 0..25 {
            let customer = CUSTOMERS[client % CUSTOMERS.len()];
            let quantity = i64::try_from(1 + (client / 4 + round) % 3).unwrap();
            let (status, hold) = ask(&server, customer, quantity, None);
            if status != 201 {
                assert_eq!(hold["code"], "limit_exceeded", "{hold}");
                let used = hold["used"].as_i64().unwrap();
                assert!(
                    (LIMIT - quantity + 1..=LIMIT).contains(&used),
                    "{quantity} more: {hold}"
                );
                continue;
            }
            given += 1;
            let hold = &hold["hold_id"];
            if round % 3 == 0 {
                let url = format!("{}/api/holds/{hold}", server.base);
                assert_eq!(server.agent.delete(url).call().unwrap().status(), 200);
                continue;
            }
            let order = post("/api/orders", &json!({"hold_id": hold}))["order_id"].clone();
            let status = if round % 3 == 1 || round < 12 {
                "failure"
            } else {
                "success"
            };
            let event =
                json!({"idempotency_key": format!("{order}"), "order_id": order, "status": status});
            assert_eq!(post("/api/payments/webhook", &event)["verdict"], "applied");
        }
        given
    });
    assert!(
        given.iter().sum::<i32>() > 40,
        "there was something to count: {given:?}"
    );
    let contents = contents(&premises);
    for (customer, most) in most_used(&contents) {
        assert!(most <= LIMIT, "{customer} had {most}");
        assert!(most > LIMIT - 3, "{customer} came near the limit: {most}");
    }
    for (customer, units) in used(&contents) {
        let (_, refused) = ask(&server, &customer, LIMIT + 1, None);
        assert_eq!(refused["used"], units, "{customer}: {refused}");
    }
    server.stop();
    premises.books_are_right();
}

/// The most that each customer ever had at once, by the ledger.
fn most_used(contents: &Contents) -> BTreeMap<String, i64> {
    let mut now_and_most: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for movement in &contents.movements {
        let customer = match &movement.cause {
            Cause::Hold(id) => contents
                .holds
                .iter()
                .find(|hold| hold.id == *id)
                .unwrap()
                .customer
                .as_ref(),
            Cause::Order(id) => contents
                .orders
                .iter()
                .find(|order| order.id == *id)
                .unwrap()
                .customer
                .as_ref(),
            Cause::Stock(_) => continue,
        };
        let taken = if movement.kind == MovementKind::OrderWrittenOff {
            movement.delta.sold
        } else {
            -movement.delta.available
        };
        let (now, most) = now_and_most
            .entry(customer.unwrap().as_str().to_owned())
            .or_default();
        *now += taken;
        *most = (*most).max(*now);
    }
    now_and_most
        .into_iter()
        .map(|(customer, (_, most))| (customer, most))
        .collect()
}

/// A shop where ada has as much as she may, and a way to ask how much of it is counted.
struct Limited(Shop);

impl Limited {
    fn shop() -> Limited {
        Limited(Shop::with(vec![item("tee", 100).max_per_customer(LIMIT)]))
    }

    fn hold(&self) -> i64 {
        self.0.hold_for("ada", "tee", LIMIT).created().id("hold_id")
    }

    fn order(&self) -> i64 {
        let hold = self.hold();
        self.0.order(hold).created().id("order_id")
    }

    #[track_caller]
    fn counts(&self, used: i64) {
        let refused = self
            .0
            .hold_for("ada", "tee", LIMIT + 1 - used)
            .refused("limit_exceeded");
        refused.says("limit", LIMIT).says("used", used);
    }

    /// To the last unit.
    #[track_caller]
    fn is_free_again(&self) {
        self.counts(0);
        self.0.hold_for("ada", "tee", LIMIT).created();
        self.counts(LIMIT);
    }
}

#[test]
fn a_release_frees_a_customers_units() {
    let limited = Limited::shop();
    let hold = limited.hold();
    limited.counts(LIMIT);
    limited.0.release(hold).ok();
    limited.0.release(hold).ok();
    limited.is_free_again();
}

#[test]
fn an_expired_hold_frees_a_customers_units_swept_or_not() {
    for swept in [false, true] {
        let limited = Limited::shop();
        limited.hold();
        limited.0.after(HOLD_TTL - crate::shop::MILLISECOND);
        limited.counts(LIMIT);
        limited.0.after(crate::shop::MILLISECOND);
        if swept {
            limited.0.sweep();
        }
        limited.is_free_again();
    }
}

#[test]
fn an_expired_order_frees_a_customers_units_swept_or_not() {
    for swept in [false, true] {
        let limited = Limited::shop();
        limited.order();
        limited.0.after(ORDER_TTL - crate::shop::MILLISECOND);
        limited.counts(LIMIT);
        limited.0.after(crate::shop::MILLISECOND);
        if swept {
            limited.0.sweep();
        }
        limited.is_free_again();
    }
}

#[test]
fn a_cancellation_and_a_failed_payment_free_a_customers_units() {
    let limited = Limited::shop();
    let order = limited.order();
    limited.counts(LIMIT);
    limited.0.cancel(order).ok();
    limited.0.cancel(order).ok();
    limited.counts(0);
    let order = limited.order();
    limited
        .0
        .fail("k", order)
        .ok()
        .verdict("applied", "cancelled");
    limited.is_free_again();
}

#[test]
fn a_refund_frees_a_customers_units_and_only_a_refund_frees_paid_ones() {
    for (restock, wait) in [
        (false, HOLD_TTL / 2),
        (true, HOLD_TTL / 2),
        (false, 2 * ORDER_TTL),
        (true, 2 * ORDER_TTL),
    ] {
        let limited = Limited::shop();
        let order = limited.order();
        limited.0.pay("k", order).ok().verdict("applied", "paid");
        limited.0.after(wait);
        limited.0.sweep();
        limited.counts(LIMIT);
        let order = OrderId::new(order).unwrap();
        for _ in 0..2 {
            limited
                .0
                .command(Command::RefundOrder { order, restock })
                .unwrap();
        }
        limited.is_free_again();
    }
}

/// An accepted late payment is not stopped by the limit, but it counts.
#[test]
fn a_late_payment_that_is_accepted_counts_again() {
    let config = Config {
        accept_late_payments: true,
        ..Config::default()
    };
    let limited = Limited(Shop::on_terms(
        vec![item("tee", 100).max_per_customer(LIMIT)],
        config,
    ));
    let order = limited.order();
    limited.0.cancel(order).ok();
    limited.counts(0);
    limited.0.pay("k", order).ok().verdict("applied", "paid");
    limited.counts(LIMIT);
}

#[test]
fn a_limit_is_for_one_product_and_one_customer() {
    let shop = Shop::with(vec![
        item("tee", 100).max_per_customer(LIMIT),
        item("cup", 100).max_per_customer(LIMIT),
    ]);
    for customer in CUSTOMERS {
        for sku in ["tee", "cup"] {
            shop.hold_for(customer, sku, LIMIT).created();
            shop.hold_for(customer, sku, 1)
                .refused("limit_exceeded")
                .says("used", LIMIT);
        }
    }
}

/// Commands of one transaction see each other's effects on rows in memory, and not the store's sums.
#[test]
fn within_a_transaction_units_count_and_come_back_as_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let database = Database::open(&path, Access::CreateOrMigrate).unwrap();
    let mut store = database.writer(Durability::Normal).unwrap();
    let hold = |units: i64| {
        Command::PlaceHold(PlaceHold {
            product: ProductId::FIRST,
            quantity: Quantity::new(units).unwrap(),
            customer: Customer::new("ada".into()),
            key: None,
        })
    };
    let all = || hold(LIMIT);
    let order = |hold: i64| Command::PlaceOrder {
        hold: HoldId::new(hold).unwrap(),
        key: None,
    };
    let id = |order: i64| OrderId::new(order).unwrap();
    let report = |order: i64, status: PaymentStatus| {
        Command::RecordPayment(PaymentEvent {
            key: format!("payment of {order}"),
            target: PaymentTarget::Order(id(order)),
            report: Report {
                status,
                amount: None,
                transaction_id: None,
            },
            payload: None,
        })
    };
    let release = Command::ReleaseHold {
        hold: HoldId::FIRST,
    };
    let cancel = Command::CancelOrder {
        order: id(1),
        key: None,
    };
    let refund = |order: i64, restock: bool| Command::RefundOrder {
        order: id(order),
        restock,
    };
    let one_more = || hold(1);
    let commands = [
        item("tee", 100).max_per_customer(LIMIT).load(),
        all(),
        one_more(),
        release,
        all(),
        one_more(),
        order(2),
        one_more(),
        cancel,
        all(),
        order(3),
        report(2, PaymentStatus::Failure),
        all(),
        order(4),
        report(3, PaymentStatus::Success),
        one_more(),
        refund(3, true),
        all(),
        order(5),
        report(4, PaymentStatus::Success),
        refund(4, false),
        all(),
        one_more(),
    ];
    let now = |_| Timestamp::from_micros(OPENING);
    let decisions = store.transact(&terms(), &now, &commands).unwrap();
    let limit = Quantity::new(LIMIT).unwrap();
    let used = LIMIT;
    for (command, decision) in commands.iter().zip(decisions) {
        let is_too_much = matches!(command, Command::PlaceHold(wish) if wish.quantity != limit);
        let refusal = Rejection::CustomerLimitExceeded { limit, used };
        assert_eq!(
            decision.err(),
            is_too_much.then_some(refusal),
            "{command:?}"
        );
    }
}

/// One name that a Mac and a Windows keyboard spell with different bytes.
const COMPOSED: &str = "Zo\u{eb} O\u{308}zil";
const DECOMPOSED: &str = "Zoe\u{308} \u{d6}zil";

#[test]
fn a_name_that_looks_the_same_is_the_same_customer() {
    let premises = premises();
    let server = premises.serve();
    assert_eq!(ask(&server, COMPOSED, 3, None).0, 201);
    let (status, refused) = ask(&server, DECOMPOSED, 3, None);
    assert_eq!((status, &refused["code"]), (400, &json!("limit_exceeded")));
    assert_eq!(refused["used"], 3);
    let key = Some("0d9c1a52-8f61-4b0e-9a3e-5d2f7c1b6e44");
    let (_, first) = ask(&server, DECOMPOSED, 1, key);
    assert_eq!(
        ask(&server, COMPOSED, 1, key),
        (201, first),
        "the same request, however its name was typed"
    );
    server.stop();
    let normalized = "Zo\u{eb} \u{d6}zil".to_owned();
    assert_eq!(used(&contents(&premises)), [(normalized, 4)].into());
}

#[test]
fn a_customer_has_no_character_that_nobody_sees() {
    let premises = premises();
    let server = premises.serve();
    for unseen in [
        "\u{0}",
        "\n",
        "\u{7f}",
        "\u{ad}",
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{200e}",
        "\u{202e}",
        "\u{2066}",
        "\u{2060}",
        "\u{feff}",
        "\u{e0061}",
    ] {
        for customer in [
            format!("a{unseen}da"),
            format!("ada{unseen}"),
            format!("{unseen}ada"),
        ] {
            let (status, refused) = ask(&server, &customer, 1, None);
            assert_eq!(status, 422, "{customer:?}");
            assert!(refused["errors"]["customer"].is_array(), "{refused}");
        }
    }
    assert_eq!(ask(&server, &"e\u{301}".repeat(128), 1, None).0, 201);
    assert_eq!(ask(&server, &"e\u{301}".repeat(129), 1, None).0, 422);
    server.stop();
}
