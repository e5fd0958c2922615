//! The sale itself under a seeded crowd: what must hold whatever anybody does, in whatever order.
//!
//! `PROPTEST_CASES` sets the number of crowds (default 256).

mod books;
mod crowd;

use flashsale::sale::{
    Command, LatePayment, Outcome, Payment, PlaceHold, ProductChanges, ProductId, Quantity,
    Rejection, Resolution, Terms, Timestamp,
};
use flashsale::store::{Decision, Filter, Lists, Page, Reader, Seek, Store, no_more};
use proptest::prelude::*;

use books::{books_are_right, recounted_use};

use crate::memory::MemoryStore;
use crate::shop::{OPENING, terms};

pub use books::every_payment_has_one_fate;
pub use crowd::{Crowd, catalogue};

const CUSTOMERS: [&str; 3] = ["ada", "eve", "bob"];
const LIMIT: i64 = 6;

fn transact(store: &mut MemoryStore, terms: &Terms, now: i64, batch: &[Command]) -> Vec<Decision> {
    store
        .transact(terms, &|_| Timestamp::from_micros(now), batch, &mut no_more)
        .unwrap()
}

/// Every hold, order, payment and refund with its status by the clock.
fn lists(store: &MemoryStore, now: i64) -> String {
    store.hands.set(now);
    let all = Page {
        seek: Seek::After(0),
        limit: usize::MAX,
    };
    let holds = store.holds(&Filter::ALL, all).unwrap();
    let orders = store.orders(&Filter::ALL, all).unwrap();
    let statuses = (
        holds.what.iter().map(|h| (h.id, h.status_at(holds.at))),
        orders.what.iter().map(|o| (o.id, o.status_at(orders.at))),
    );
    let (holds, orders): (Vec<_>, Vec<_>) = (statuses.0.collect(), statuses.1.collect());
    let payments = store.payments(&Filter::ALL, all).unwrap();
    let refunds = store.refunds(None, all).unwrap();
    format!("{holds:?} {orders:?} {payments:?} {refunds:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stock_is_conserved_and_the_ledger_tells_why(seed in any::<u64>(), rounds in 1..60_usize, accept in any::<bool>()) {
        let mut terms = terms();
        terms.late_payment = if accept { LatePayment::Accept } else { LatePayment::Refund };
        let (mut store, mut crowd, mut now) = (MemoryStore::default(), Crowd::new(seed), OPENING);
        transact(&mut store, &terms, now, &catalogue());
        for _ in 0..rounds {
            now += crowd.pause_micros();
            let batch = crowd.batch();
            crowd.learn(&transact(&mut store, &terms, now, &batch));
            books_are_right(&store.contents().unwrap());
        }
    }

    #[test]
    fn a_batch_decides_as_its_commands_would_one_by_one(seed in any::<u64>(), rounds in 1..60_usize, accept in any::<bool>()) {
        let mut terms = terms();
        terms.late_payment = if accept { LatePayment::Accept } else { LatePayment::Refund };
        terms.parked_max = 5;
        let (mut together, mut alone) = (MemoryStore::default(), MemoryStore::default());
        let (mut crowd, mut now) = (Crowd::new(seed), OPENING);
        transact(&mut together, &terms, now, &catalogue());
        transact(&mut alone, &terms, now, &catalogue());
        for _ in 0..rounds {
            now += crowd.pause_micros();
            let batch = crowd.batch();
            let decisions = transact(&mut together, &terms, now, &batch);
            let one_by_one: Vec<Decision> =
                batch.chunks(1).flat_map(|command| transact(&mut alone, &terms, now, command)).collect();
            prop_assert_eq!(&decisions, &one_by_one);
            prop_assert_eq!(together.contents().unwrap(), alone.contents().unwrap());
            crowd.learn(&decisions);
        }
    }

    /// A customer's use is told in every refusal; here it is counted from the rows, and never passes the limit.
    #[test]
    fn a_customers_use_is_what_the_rows_say_and_within_the_limit(seed in any::<u64>(), rounds in 1..60_usize) {
        let limited = ProductId::new(3).unwrap();
        let (mut store, mut crowd, mut now) = (MemoryStore::default(), Crowd::new(seed), OPENING);
        transact(&mut store, &terms(), now, &catalogue());
        for _ in 0..rounds {
            now += crowd.pause_micros();
            let mut batch = crowd.batch();
            let unpaused = ProductChanges { paused: Some(false), ..ProductChanges::default() };
            batch.push(Command::ChangeProduct { product: limited, changes: unpaused });
            batch.extend(CUSTOMERS.map(|name| Command::PlaceHold(PlaceHold {
                product: limited,
                quantity: Quantity::new(4).unwrap(),
                customer: flashsale::sale::Customer::new(name.into()),
                key: None,
            })));
            let decisions = transact(&mut store, &terms(), now, &batch);
            crowd.learn(&decisions);
            let contents = store.contents().unwrap();
            let probes = &decisions[decisions.len() - CUSTOMERS.len()..];
            for (name, decision) in CUSTOMERS.iter().zip(probes) {
                let used = recounted_use(&contents, limited, name, Timestamp::from_micros(now));
                // Money that is accepted buys its units whatever the limit.
                let accepts = |payment: &Payment| payment.resolution == Some(Resolution::Accepted);
                let is_accepted = contents.payments.iter().any(|(payment, _)| accepts(payment));
                prop_assert!(used <= LIMIT || is_accepted);
                match decision {
                    Err(Rejection::CustomerLimitExceeded { used: told, .. }) => prop_assert_eq!(*told, used),
                    Ok(Outcome::HoldPlaced(_)) => prop_assert!(used >= 4),
                    other => prop_assert!(matches!(other, Err(Rejection::InsufficientStock { .. })), "{:?}", other),
                }
            }
        }
    }

    /// The rows as a reader shows them, whatever is overdue, are the rows after a sweep that ends it.
    #[test]
    fn lists_show_what_a_sweep_would_make(seed in any::<u64>(), rounds in 1..60_usize) {
        let (mut store, mut crowd, mut now) = (MemoryStore::default(), Crowd::new(seed), OPENING);
        let mut terms = terms();
        transact(&mut store, &terms, now, &catalogue());
        for round in 0..rounds {
            now += crowd.pause_micros();
            terms.parked_ttl_s = if round % 2 == 0 { 10 } else { 86_400 };
            let before = lists(&store, now);
            transact(&mut store, &terms, now, &[Command::Sweep { rows_max: 100_000, keys_max: 100_000 }]);
            prop_assert_eq!(before, lists(&store, now));
            now += crowd.pause_micros();
            let batch = crowd.batch();
            crowd.learn(&transact(&mut store, &terms, now, &batch));
        }
    }

    #[test]
    fn a_refusal_changes_nothing(seed in any::<u64>(), rounds in 1..40_usize) {
        let (mut store, mut crowd, mut now) = (MemoryStore::default(), Crowd::new(seed), OPENING);
        transact(&mut store, &terms(), now, &catalogue());
        for _ in 0..rounds {
            now += crowd.pause_micros();
            for command in crowd.batch() {
                let before = store.contents().unwrap();
                let decisions = transact(&mut store, &terms(), now, std::slice::from_ref(&command));
                if decisions[0].is_err() {
                    prop_assert_eq!(before, store.contents().unwrap(), "{:?}", command);
                }
                crowd.learn(&decisions);
            }
        }
    }
}
