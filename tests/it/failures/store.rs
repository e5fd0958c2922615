//! A store that fails, as a client sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flashsale::config::Config;
use flashsale::sale::Command;
use flashsale::store::StoreError;
use serde_json::json;

use super::{Faulty, has_clients};
use crate::shop::{HOLD_TTL, Shop, config, item};

fn shop_with(fault: impl FnMut(&[Command]) -> Option<StoreError> + Send + 'static) -> Shop {
    Shop::with_store(vec![item("tee", 5)], Config::default(), |store| {
        Box::new(Faulty { store, fault })
    })
}

#[test]
fn a_store_that_cannot_write_applies_nothing_and_says_so() {
    let mut fails = 1;
    let shop = shop_with(move |commands| {
        if has_clients(commands) && fails > 0 {
            fails -= 1;
            return Some(StoreError::NotApplied("no space left".into()));
        }
        None
    });
    let answer = shop
        .hold("tee", 1)
        .failed_with(503, "store_failed")
        .says("outcome", "not_applied");
    assert!(answer.header("Retry-After").is_some());
    assert!(
        !String::from_utf8(answer.bytes).unwrap().contains("space"),
        "no reason leaks"
    );
    shop.stock_is("tee", 5, 0, 0);
    shop.hold("tee", 1).created();
}

#[test]
fn a_busy_store_is_asked_again_until_the_lock_is_free() {
    let mut busy = 3;
    let shop = shop_with(move |commands| {
        if has_clients(commands) && busy > 0 {
            busy -= 1;
            return Some(StoreError::Busy);
        }
        None
    });
    shop.hold("tee", 1).created();
}

#[test]
fn a_store_that_stays_busy_is_an_overload_and_nothing_was_executed() {
    let config = config(|it| it.request_deadline_ms = 20);
    let shop = Shop::with_store(vec![item("tee", 5)], config, |store| {
        Box::new(Faulty {
            store,
            fault: |_: &[Command]| Some(StoreError::Busy),
        })
    });
    shop.hold("tee", 1)
        .failed_with(503, "overloaded")
        .says("outcome", "not_applied");
    shop.stock_is("tee", 5, 0, 0);
}

/// Who waits for a lock, or for a server that is away, does not keep a core busy meanwhile.
#[test]
fn a_store_that_must_be_waited_for_is_asked_again_at_intervals() {
    let busy = || StoreError::Busy;
    let away = || StoreError::Away("connection refused".into());
    is_asked_at_most_each(Duration::from_millis(1), busy);
    is_asked_at_most_each(Duration::from_millis(50), away);
}

fn is_asked_at_most_each(interval: Duration, failure: fn() -> StoreError) {
    let asked = Arc::new(AtomicUsize::new(0));
    let asks = asked.clone();
    let config = config(|it| it.request_deadline_ms = 120);
    let shop = Shop::with_store(vec![item("tee", 5)], config, |store| {
        let fault = move |commands: &[Command]| {
            has_clients(commands).then(|| {
                asks.fetch_add(1, Ordering::SeqCst);
                failure()
            })
        };
        Box::new(Faulty { store, fault })
    });
    let began = Instant::now();
    shop.hold("tee", 1).failed_with(503, "overloaded");
    let intervals = began.elapsed().as_micros() / interval.as_micros();
    let asked = asked.load(Ordering::SeqCst);
    assert!(
        asked as u128 <= intervals + 1,
        "{asked} times in {intervals} intervals"
    );
}

#[test]
fn a_commit_that_no_process_can_know_of_is_unknown_and_the_writer_stops() {
    let shop = shop_with(|commands| {
        has_clients(commands).then(|| StoreError::Unknown("I/O error".into()))
    });
    shop.hold("tee", 1)
        .failed_with(503, "store_failed")
        .says("outcome", "unknown");
    shop.hold("tee", 1)
        .failed_with(503, "shutting_down")
        .says("outcome", "not_applied");
}

/// The store is well: what broke is a rule of ours.
#[test]
fn a_command_that_breaks_does_not_make_the_server_unready() {
    let shop = shop_with(|commands| {
        let breaks = |command: &Command| matches!(command, Command::ReleaseHold { .. });
        commands
            .iter()
            .any(breaks)
            .then(|| StoreError::Broken("stock_is_never_negative".into()))
    });
    let hold = shop.hold("tee", 1).created().id("hold_id");
    shop.release(hold).failed_with(500, "internal");
    shop.get("/readyz").ok();
    shop.hold("tee", 1).created();
    shop.get("/readyz").ok();
}

#[test]
fn a_sold_out_product_is_refused_without_the_writer() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let fault = is_broken.clone();
    let shop = shop_with(move |_| {
        let is_broken = fault.load(Ordering::SeqCst);
        is_broken.then(|| StoreError::NotApplied("no space left".into()))
    });
    let hold = shop.hold("tee", 5).created().id("hold_id");
    shop.hold("tee", 1).refused("insufficient_stock");

    is_broken.store(true, Ordering::SeqCst);
    shop.hold("tee", 1)
        .refused("insufficient_stock")
        .says("available_stock", 0);
    let wish = json!({"product_id": 1, "quantity": 1});
    shop.post_with_key("/api/holds", "new", &wish)
        .refused("insufficient_stock");
    shop.hold("tee", 0).invalid("quantity");
    shop.after(HOLD_TTL);
    shop.hold("tee", 1)
        .failed_with(503, "store_failed")
        .says("outcome", "not_applied");

    is_broken.store(false, Ordering::SeqCst);
    shop.hold("tee", 1).created();
    shop.show_hold(hold).ok().says("status", "expired");
}
