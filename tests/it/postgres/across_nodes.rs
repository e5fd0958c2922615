//! What one process shows, and what another one does at the same moment.

use flashsale::sale::{Command, HoldId, Outcome, Rejection};
use flashsale::store::Durability;

use super::Schema;
use super::nodes::{holds, placed, stocked};
use super::processes::premises;
use crate::shop::{HOLD_TTL, Hands, terms};

const MILLISECOND: i64 = 1_000;

fn order(hold: i64) -> Command {
    Command::PlaceOrder {
        hold: HoldId::new(hold).unwrap(),
        key: None,
    }
}

/// A batch of one process is held open around a hold's deadline, and a reader of another process looks at the hold: before the
/// batch has its time, while it is held open, and after. What a look calls expired, no batch sells.
#[test]
fn what_a_reader_of_another_process_calls_expired_is_never_ordered() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let hands = Hands::at_opening();
    schema.set_clock_by(&hands);
    let database = stocked(&schema, 1_000);
    let mut store = database.store(Durability::Normal).unwrap();
    let server = premises(&schema).serve();
    let shown = |hold: i64| {
        let (status, shown) = server.get(&format!("/api/holds/{hold}"));
        assert_eq!(status, 200, "{shown}");
        shown["status"].as_str().unwrap().to_owned()
    };
    let (mut sold, mut expired) = (0, 0);
    let around = [-MILLISECOND, 0, MILLISECOND];
    for (begins, goes_on) in around.iter().flat_map(|at| around.map(|then| (*at, then))) {
        let now = |last_now| last_now;
        let mut nothing = Vec::new;
        let held = store.transact(&terms(), &now, &holds(1), &mut nothing);
        let hold = placed(&held.unwrap()).next().unwrap();
        let deadline = hands.now().micros() + i64::try_from(HOLD_TTL.as_micros()).unwrap();
        hands.set(deadline + begins);
        let before = shown(hold);
        let mut during = String::new();
        let mut look = || {
            hands.set((deadline + goes_on).max(hands.now().micros()));
            during = shown(hold);
            Vec::new()
        };
        let ended = store.transact(&terms(), &now, &[order(hold)], &mut look);
        match &ended.unwrap()[0] {
            Ok(Outcome::OrderPlaced(_)) => {
                sold += 1;
                assert_eq!((before.as_str(), during.as_str()), ("active", "active"));
                assert_eq!(shown(hold), "ordered");
            }
            Err(Rejection::HoldExpired) => {
                expired += 1;
                assert_eq!(shown(hold), "expired");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        (sold, expired),
        (3, 6),
        "alive before its deadline, and not at it"
    );
    server.stop();
}
