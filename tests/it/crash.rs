//! SIGKILL at random points under load: what was acknowledged is there, and the books are right.
//!
//! `FLASHSALE_TEST_KILLS` sets the number of rounds (default 20).

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use flashsale::sale::{EventKind, HoldStatus, OrderId, OrderStatus, Timestamp};
use flashsale::store::{Access, Contents};
use serde_json::json;

use crate::database;
use crate::server::{Premises, Server, read};
use crate::waiting::wait_until;

/// What clients were told is so.
#[derive(Default)]
struct Acknowledged {
    holds: BTreeSet<i64>,
    orders: BTreeSet<i64>,
    paid: BTreeSet<i64>,
    /// Requests that got no answer: they may have taken effect or not.
    unknown: usize,
}

const CLIENTS: usize = 8;

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    let rounds = std::env::var("FLASHSALE_TEST_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20);
    let premises = Premises::stocked(2_000_000_000);
    let acknowledged = Mutex::new(Acknowledged::default());
    let mut ready_in = Duration::ZERO;
    for round in 0..rounds {
        let began = Instant::now();
        let server = premises.serve();
        ready_in = ready_in.max(began.elapsed());
        under_load_until(server, &acknowledged, round, Server::kill);
    }
    let acknowledged = acknowledged.into_inner().unwrap();
    println!(
        "rounds {rounds}, acknowledged holds {}, orders {}, payments {}, unknown {}, lost 0, ready in at most {ready_in:?}",
        acknowledged.holds.len(),
        acknowledged.orders.len(),
        acknowledged.paid.len(),
        acknowledged.unknown,
    );
    assert!(acknowledged.paid.len() > rounds, "the load did pay orders");
    premises.books_are_right();
    everything_acknowledged_is_stored(&premises, &acknowledged);
}

/// SIGTERM in place of SIGKILL: the same, and an orderly end.
#[test]
fn nothing_acknowledged_is_lost_by_a_stop_and_the_end_is_orderly() {
    let premises = Premises::stocked(2_000_000_000);
    let acknowledged = Mutex::new(Acknowledged::default());
    for round in 0..5 {
        under_load_until(premises.serve(), &acknowledged, round, Server::stop);
    }
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.paid.len() > 5, "the load did pay orders");
    premises.books_are_right();
    everything_acknowledged_is_stored(&premises, &acknowledged);
}

/// Ends the server when some number of requests has been answered, another one each round.
fn under_load_until(
    server: Server,
    acknowledged: &Mutex<Acknowledged>,
    round: usize,
    end: fn(Server),
) {
    let base = server.base.clone();
    let agent = server.agent.clone();
    let before = acknowledged.lock().unwrap().holds.len();
    let kill_after = 1 + (round * 7919) % 97;
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (base, agent) = (&base, &agent);
            scope.spawn(move || while buy(base, agent, acknowledged, round, client) {});
        }
        wait_until("holds are acknowledged", || {
            acknowledged.lock().unwrap().holds.len() >= before + kill_after
        });
        end(server);
    });
}

/// One customer's way; false when the server is gone.
fn buy(
    base: &str,
    agent: &ureq::Agent,
    acknowledged: &Mutex<Acknowledged>,
    round: usize,
    client: usize,
) -> bool {
    let post = |path: &str, body| {
        let answer = agent.post(format!("{base}{path}")).send_json(body);
        let answer = read("POST", path, answer).ok();
        if answer.is_none() {
            acknowledged.lock().unwrap().unknown += 1;
        }
        answer
    };
    let Some((201, hold)) = post("/api/holds", json!({"product_id": 1, "quantity": 1})) else {
        return false;
    };
    let hold = hold["hold_id"].as_i64().unwrap();
    acknowledged.lock().unwrap().holds.insert(hold);
    let Some((201, order)) = post("/api/orders", json!({"hold_id": hold})) else {
        return false;
    };
    let order = order["order_id"].as_i64().unwrap();
    acknowledged.lock().unwrap().orders.insert(order);
    let key = format!("{round}-{client}-{order}");
    let event = json!({"idempotency_key": key, "order_id": order, "status": "success"});
    let Some((200, _)) = post("/api/payments/webhook", event) else {
        return false;
    };
    acknowledged.lock().unwrap().paid.insert(order);
    true
}

fn everything_acknowledged_is_stored(premises: &Premises, acknowledged: &Acknowledged) {
    let database =
        database::open(&premises.path().join("flash_sale.db"), Access::Existing).unwrap();
    let contents = database
        .reader_beside(Timestamp::FIRST)
        .unwrap()
        .contents()
        .unwrap();
    let holds: BTreeSet<i64> = contents.holds.iter().map(|hold| hold.id.get()).collect();
    assert_eq!(
        acknowledged.holds.difference(&holds).count(),
        0,
        "no hold is lost"
    );
    let orders: BTreeSet<i64> = contents.orders.iter().map(|order| order.id.get()).collect();
    assert_eq!(
        acknowledged.orders.difference(&orders).count(),
        0,
        "no order is lost"
    );
    let paid: BTreeSet<i64> = contents
        .orders
        .iter()
        .filter(|order| order.status == OrderStatus::Paid)
        .map(|order| order.id.get())
        .collect();
    assert_eq!(
        acknowledged.paid.difference(&paid).count(),
        0,
        "no payment is lost"
    );
    everything_stored_is_told(&contents);
    let ordered = contents
        .holds
        .iter()
        .filter(|hold| hold.status == HoldStatus::Ordered)
        .count();
    assert_eq!(ordered, orders.len());
    let more = holds.len() - acknowledged.holds.len() + orders.len() - acknowledged.orders.len()
        + paid.len()
        - acknowledged.paid.len();
    assert!(
        more <= acknowledged.unknown,
        "what is stored beyond the acknowledged was on its way when a kill came"
    );
}

/// Each order that was placed, and each that was paid, has its event, once; and no event is missing.
fn everything_stored_is_told(contents: &Contents) {
    let ids: Vec<i64> = contents.events.iter().map(|event| event.id.get()).collect();
    let all = 1..contents.counters.next_event.get();
    assert_eq!(ids, all.collect::<Vec<_>>(), "no event is missing");
    let mut told: HashMap<(EventKind, OrderId), usize> = HashMap::new();
    for event in &contents.events {
        let order = event.data.order.expect("the load is about orders");
        *told.entry((event.kind, order)).or_default() += 1;
    }
    let orders = contents.orders.iter();
    let expected = orders.flat_map(|order| {
        let is_paid = order.status == OrderStatus::Paid;
        let paid = is_paid.then_some((EventKind::OrderPaid, order.id));
        [Some((EventKind::OrderPlaced, order.id)), paid]
    });
    let expected: HashMap<_, usize> = expected.flatten().map(|told| (told, 1)).collect();
    assert_eq!(told, expected);
}
