//! Expiry: exact by the clock for those who write and those who read, whether a sweep has passed or not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use flashsale::config::Config;
use flashsale::http::{Method, Request};
use flashsale::sale::{
    Amount, Command, HoldId, PaymentEvent, PaymentStatus, PaymentTarget, PlaceHold, ProductId,
    Quantity, Rejection, Report, Reporter, Terms, Timestamp,
};
use flashsale::store::{Access, Decision, Durability, More, Now, Store, StoreError, no_more};
use serde_json::json;

use crate::database;
use crate::shop::{
    Answer, HOLD_TTL, Hands, MILLISECOND, ORDER_TTL, Shop, call, config, item, terms,
};
use crate::wrapped_store::delegates;

#[test]
fn an_expired_hold_frees_its_stock() {
    let shop = Shop::with_stock("tee", 1);
    shop.hold("tee", 1).created();
    shop.hold("tee", 1).refused("insufficient_stock");
    shop.after(HOLD_TTL);
    shop.hold("tee", 1).created();
}

#[test]
fn a_hold_lasts_to_the_last_microsecond_and_not_one_longer() {
    let shop = Shop::with_stock("tee", 3);
    let (early, edge, late) = (
        shop.hold("tee", 1).id("hold_id"),
        shop.hold("tee", 1).id("hold_id"),
        3,
    );
    shop.hold("tee", 1).created();
    shop.after(HOLD_TTL - Duration::from_micros(1));
    shop.show_hold(early)
        .ok()
        .says("status", "active")
        .says("expires_in_s", 1);
    shop.order(early).created();
    assert_eq!(shop.available("tee"), 0);
    shop.after(Duration::from_micros(1));
    shop.show_hold(edge)
        .ok()
        .says("status", "expired")
        .says("expires_in_s", 0);
    shop.stock_is("tee", 2, 1, 0);
    shop.order(edge).refused("hold_expired");
    shop.after(MILLISECOND);
    shop.order(late).refused("hold_expired");
}

#[test]
fn only_as_many_overdue_holds_are_ended_as_are_needed() {
    let shop = Shop::with_stock("tee", 1000);
    for _ in 0..3 {
        shop.hold("tee", 300).created();
    }
    shop.after(HOLD_TTL);
    shop.stock_is("tee", 1000, 0, 0);
    shop.hold("tee", 1001)
        .refused("insufficient_stock")
        .says("available_stock", 1000);
    shop.hold("tee", 1000).created();
    shop.stock_is("tee", 0, 1000, 0);
}

#[test]
fn holds_and_orders_past_their_deadlines_make_room_together() {
    let shop = Shop::with_stock("tee", 3);
    shop.ordered("tee", 1);
    shop.after(ORDER_TTL - HOLD_TTL);
    shop.hold("tee", 2).created();
    shop.after(HOLD_TTL);
    shop.hold("tee", 3).created();
    shop.show_order(1).ok().says("status", "expired");
    shop.show_hold(2).ok().says("status", "expired");
    shop.stock_is("tee", 0, 3, 0);
}

#[test]
fn a_sweep_ends_what_is_due_and_nothing_else() {
    let shop = Shop::with_stock("tee", 10);
    shop.hold("tee", 1).created();
    shop.after(MILLISECOND);
    shop.hold("tee", 2).created();
    shop.after(HOLD_TTL - MILLISECOND);
    shop.sweep();
    let statuses: Vec<_> = shop
        .contents()
        .holds
        .iter()
        .map(|hold| hold.status.as_str())
        .collect();
    assert_eq!(statuses, ["expired", "active"]);
    shop.stock_is("tee", 8, 2, 0);
}

#[test]
fn a_backlog_larger_than_a_batch_ends_is_still_exact() {
    let shop = Shop::on_terms(
        vec![item("tee", 2000), item("cap", 1)],
        config(|it| it.batch_max = 1),
    );
    for _ in 0..1000 {
        shop.hold("tee", 2).created();
    }
    shop.after(HOLD_TTL);
    shop.stock_is("tee", 2000, 0, 0);
    shop.hold("tee", 2000).created();
    shop.stock_is("tee", 0, 2000, 0);
    let expired = shop
        .contents()
        .holds
        .iter()
        .filter(|hold| hold.status.as_str() == "expired")
        .count();
    assert_eq!(expired, 1000);
}

#[test]
fn success_and_expiry_race_to_one_winner() {
    for (micros, verdict, status) in [
        (-1, "applied", "paid"),
        (0, "late_payment", "expired"),
        (1, "late_payment", "expired"),
    ] {
        let shop = Shop::with_stock("tee", 1);
        let order = shop.ordered("tee", 1);
        shop.after(Duration::from_micros(
            u64::try_from(900_000_000 + micros).unwrap(),
        ));
        shop.pay("k", order).verdict(verdict, status);
        let sold = i64::from(status == "paid");
        shop.stock_is("tee", 1 - sold, 0, sold);
    }
}

/// A store that lets the test look while a batch has its time and is not committed yet.
struct Watched {
    store: Box<dyn Store>,
    between: Arc<Mutex<Box<dyn FnMut() + Send>>>,
}

impl Store for Watched {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        let now_and_look = |last_now: Timestamp| {
            let time = now(last_now);
            if commands.len() > 1 {
                (self.between.lock().unwrap())();
            }
            time
        };
        self.store.transact(terms, &now_and_look, commands, more)
    }

    delegates!(
        settle,
        load,
        probe,
        next_deadline,
        rest,
        gap,
        secret,
        keep_currency,
        set_back
    );
}

/// The order is judged a millisecond before its hold's deadline and commits a millisecond after it; who reads in between
/// must not see an expired hold, or free units, that nobody will ever see again.
#[test]
fn what_a_reader_calls_expired_is_never_ordered_by_a_batch_in_flight() {
    let between: Arc<Mutex<Box<dyn FnMut() + Send>>> = Arc::new(Mutex::new(Box::new(|| {})));
    let watched = between.clone();
    let shop = Shop::with_store(vec![item("tee", 1)], Config::default(), move |store| {
        Box::new(Watched {
            store,
            between: watched,
        })
    });
    let hold = shop.hold("tee", 1).created().id("hold_id");
    shop.after(HOLD_TTL - MILLISECOND);

    let seen: Arc<Mutex<Vec<Answer>>> = Arc::default();
    let window = shop.api();
    let (clock, looks) = (shop.clock(), seen.clone());
    *between.lock().unwrap() = Box::new(move || {
        clock.advance(2 * MILLISECOND);
        looks.lock().unwrap().extend(
            ["/api/holds/1", "/api/products/1"]
                .map(|path| call(&window, Request::new(Method::Get, path))),
        );
    });
    shop.order(hold).created();

    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].body["status"], "active", "{}", seen[0].body);
    assert_eq!(seen[1].body["available_stock"], 0, "{}", seen[1].body);
    shop.show_hold(hold).ok().says("status", "ordered");
}

#[test]
fn nothing_returns_from_a_final_state() {
    let shop = Shop::with_stock("tee", 1);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    shop.after(HOLD_TTL);
    shop.sweep();
    let request = json!({"idempotency_key": "k", "hold_id": hold, "status": "success"});
    shop.webhook(&request).verdict("late_payment", json!(null));
    shop.order(hold).refused("hold_expired");
    shop.release(hold).refused("hold_expired");
    shop.show_hold(hold).ok().says("status", "expired");
}

/// As if the wall clock had been set back while the process was down.
#[test]
fn what_was_called_over_stays_over_after_a_crash_and_a_clock_that_was_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let opening = Hands::at_opening().now().micros();
    let at = |seconds: i64| Timestamp::from_micros(opening + seconds * 1_000_000);
    let product = ProductId::FIRST;
    let wish = Command::PlaceHold(PlaceHold {
        product,
        quantity: Quantity::new(1).unwrap(),
        customer: None,
        key: None,
    });
    let order = Command::PlaceOrder {
        hold: HoldId::FIRST,
        key: None,
    };
    let load = item("tee", 9).ends_at(opening + 60_000_000).load();
    let database = database::open(&path, Access::CreateOrMigrate).unwrap();
    let mut store = database.store(Durability::Normal).unwrap();
    let transact = |store: &mut dyn Store, seconds, command: &Command| {
        let now = at(seconds);
        let decided = store.transact(
            &terms(),
            &|last_now| last_now.max(now),
            std::slice::from_ref(command),
            &mut no_more,
        );
        decided.unwrap().pop().unwrap()
    };
    transact(&mut *store, 0, &load).unwrap();
    transact(&mut *store, 1, &wish).unwrap();
    for (seconds, command, rejection) in [
        (61, &wish, Rejection::SaleEnded),
        (122, &order, Rejection::HoldExpired),
    ] {
        assert_eq!(
            transact(&mut *store, seconds, command),
            Err(rejection.clone())
        );
        let kept = database.last_now().unwrap();
        assert_eq!(kept, at(seconds), "{rejection:?} is kept");
        assert_eq!(
            transact(&mut *store, seconds + 9, command),
            Err(rejection.clone())
        );
        assert_eq!(database.last_now().unwrap(), kept, "and costs no more");
        let mut again = database.store(Durability::Normal).unwrap();
        assert_eq!(transact(&mut *again, 2, command), Err(rejection));
    }
}

/// A repeated event changes nothing, and tells that its order has expired.
#[test]
fn an_order_that_a_repeated_event_was_told_has_expired_stays_so_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let database = database::open(&folder.path().join("shop.db"), Access::CreateOrMigrate).unwrap();
    let mut store = database.store(Durability::Normal).unwrap();
    let opening = Hands::at_opening().now();
    let mut transact = |seconds, command: &Command| {
        let now = opening.plus_seconds(seconds);
        let time = |last_now: Timestamp| last_now.max(now);
        let command = std::slice::from_ref(command);
        let decided = store.transact(&terms(), &time, command, &mut no_more);
        decided.unwrap().pop().unwrap().unwrap()
    };
    transact(0, &item("tee", 9).load());
    let product = ProductId::FIRST;
    transact(
        0,
        &Command::PlaceHold(PlaceHold {
            product,
            quantity: Quantity::new(1).unwrap(),
            customer: None,
            key: None,
        }),
    );
    let hold = HoldId::FIRST;
    transact(0, &Command::PlaceOrder { hold, key: None });
    let event = Command::RecordPayment(PaymentEvent {
        reporter: Reporter::Bridge,
        key: "event".into(),
        target: PaymentTarget::Hold(hold),
        report: Report {
            status: PaymentStatus::Success,
            amount: Some(Amount::new("1".into())),
            transaction_id: None,
        },
        payload: None,
    });
    transact(1, &event);
    for (seconds, kept) in [(899, 1), (900, 900), (950, 900)] {
        transact(seconds, &event);
        assert_eq!(
            database.last_now().unwrap(),
            opening.plus_seconds(kept),
            "{seconds}"
        );
    }
}
