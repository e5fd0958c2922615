//! However many ask at the same time, no customer gets more than the limit.

use std::collections::BTreeMap;

use flashsale::sale::{Cause, MovementKind};
use flashsale::store::Contents;
use serde_json::{Value, json};

use super::{CUSTOMERS, LIMIT, ask, premises, used};
use crate::crowd::at_once;
use crate::wire;

/// How many ask at once for each customer.
const ASKING: usize = 12;

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
    assert_eq!(used(&premises.contents()), BTreeMap::from(expected));
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
                wire::call(&server, &format!("DELETE /api/holds/{hold}"), &[], b"").is(200);
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
    let contents = premises.contents();
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
