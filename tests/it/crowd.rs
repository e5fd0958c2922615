//! A crowd at the real binary.

use std::collections::BTreeSet;
use std::sync::{Barrier, Mutex};
use std::thread::{self, ScopedJoinHandle};

use serde_json::{Value, json};

use crate::server::{Premises, Server};
use crate::wire::post_with_key;

/// What each of `clients` gets when all act at once.
pub fn at_once<T: Send>(clients: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(clients);
    thread::scope(|scope| {
        let one = |client| {
            let (barrier, act) = (&barrier, &act);
            scope.spawn(move || {
                barrier.wait();
                act(client)
            })
        };
        let threads: Vec<_> = (0..clients).map(one).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// While a crowd holds one unit after the other: looks again and again, each time told which holds were acknowledged before.
pub fn beside_buyers(server: &Server, look: impl Fn(usize, BTreeSet<i64>)) {
    let acknowledged = Mutex::new(BTreeSet::new());
    let buy = || {
        let (status, hold) = server.hold(1);
        assert_eq!(status, 201);
        let id = hold["hold_id"].as_i64().unwrap();
        acknowledged.lock().unwrap().insert(id);
    };
    thread::scope(|scope| {
        let crowd: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..150).for_each(|_| buy())))
            .collect();
        for number in 0.. {
            if number > 0 && crowd.iter().all(ScopedJoinHandle::is_finished) {
                break;
            }
            buy();
            let before = acknowledged.lock().unwrap().clone();
            look(number, before);
        }
    });
}

fn count(answers: &[(u16, Value)], status: u16) -> usize {
    answers.iter().filter(|(found, _)| *found == status).count()
}

fn stock(server: &Server) -> [i64; 3] {
    let (_, product) = server.get("/api/products/1");
    ["available_stock", "reserved_stock", "sold_stock"].map(|name| product[name].as_i64().unwrap())
}

#[test]
fn two_hundred_clients_at_ten_units_get_exactly_ten() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    let answers = at_once(200, |_| server.hold(1));
    assert_eq!((count(&answers, 201), count(&answers, 400)), (10, 190));
    assert!(
        answers
            .iter()
            .all(|(status, body)| *status == 201 || body["code"] == "insufficient_stock")
    );
    assert_eq!(stock(&server), [0, 10, 0]);
    server.stop();
    premises.books_are_right();
}

#[test]
fn fifty_clients_at_three_units_each_get_exactly_three() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    let answers = at_once(50, |_| server.hold(3));
    assert_eq!((count(&answers, 201), count(&answers, 400)), (3, 47));
    assert_eq!(stock(&server), [1, 9, 0]);
    server.stop();
    premises.books_are_right();
}

#[test]
fn a_crowd_is_served_to_the_last_unit() {
    for units in [1, 7, 100] {
        let premises = Premises::stocked(units);
        let server = premises.serve();
        let answers = at_once(150, |_| server.hold(1));
        assert_eq!(count(&answers, 201), usize::try_from(units).unwrap());
        server.stop();
        premises.books_are_right();
    }
}

#[test]
fn twenty_clients_order_one_hold_and_one_gets_it() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    server.hold(1);
    let answers = at_once(20, |_| server.post("/api/orders", &json!({"hold_id": 1})));
    assert_eq!((count(&answers, 201), count(&answers, 400)), (1, 19));
    let used = answers
        .iter()
        .filter(|(_, body)| body["code"] == "hold_used" && body["order_id"] == 1)
        .count();
    assert_eq!(used, 19);
    server.stop();
    premises.books_are_right();
}

#[test]
fn equal_webhooks_at_once_have_one_effect() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    server.hold(2);
    server.post("/api/orders", &json!({"hold_id": 1}));
    let event = json!({"idempotency_key": "k", "order_id": 1, "status": "success"});
    let answers = at_once(40, |_| server.post("/api/payments/webhook", &event));
    assert_eq!(count(&answers, 200), 40);
    let first = answers
        .iter()
        .filter(|(_, body)| body["already_processed"] == false)
        .count();
    assert_eq!(first, 1);
    assert!(
        answers
            .iter()
            .all(|(_, body)| body["webhook_id"] == 1 && body["order_status"] == "paid")
    );
    assert_eq!(stock(&server), [8, 0, 2]);
    server.stop();
    premises.books_are_right();
}

#[test]
fn a_customers_limit_holds_in_a_crowd() {
    let premises =
        Premises::selling("sku,name,price,total_stock,max_per_customer\ntee,Tee,1.00,1000,5\n");
    let server = premises.serve();
    let wish = json!({"product_id": 1, "quantity": 2, "customer": "ada"});
    let answers = at_once(30, |_| server.post("/api/holds", &wish));
    assert_eq!(count(&answers, 201), 2);
    assert!(
        answers
            .iter()
            .all(|(status, body)| *status == 201 || body["code"] == "limit_exceeded")
    );
    server.stop();
    premises.books_are_right();
}

#[test]
fn equal_requests_under_one_idempotency_key_have_one_effect() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    let answers = at_once(20, |_| {
        let wish = json!({"product_id": 1, "quantity": 3});
        let answer = post_with_key(&server, "/api/holds", "one", &wish);
        (answer.status, answer.text)
    });
    assert!(
        answers
            .iter()
            .all(|answer| answer == &answers[0] && answer.0 == 201)
    );
    assert_eq!(stock(&server), [97, 3, 0]);
    server.stop();
    premises.books_are_right();
}
