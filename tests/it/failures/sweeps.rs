//! Sweeps beside commands, and one that breaks a constraint.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use flashsale::config::Config;
use flashsale::sale::{Command, HoldStatus};
use flashsale::store::{Store, StoreError};
use flashsale::writer::Writer;

use super::{Faulty, has_clients, hold};
use crate::log_lines;
use crate::shop::{HOLD_TTL, Shop, item};
use crate::waiting::{receive, wait_until};

#[test]
fn commands_wait_for_no_sweep_that_cannot_find_anything() {
    let (sender, batches) = mpsc::channel();
    let spy = move |commands: &[Command]| {
        if has_clients(commands) {
            let begins_with_sweep = matches!(commands[0], Command::Sweep { .. });
            sender.send(begins_with_sweep).unwrap();
        }
        None
    };
    let store = |store| Box::new(Faulty { store, fault: spy }) as Box<dyn Store>;
    let shop = Shop::with_store(vec![item("tee", 5)], Config::default(), store);
    let is_swept_beside_a_hold = || {
        shop.hold("tee", 1).created();
        receive(&batches)
    };
    is_swept_beside_a_hold();
    assert!(!is_swept_beside_a_hold(), "no time has passed since");
    shop.after(Duration::from_millis(5));
    assert!(is_swept_beside_a_hold());
    assert!(!is_swept_beside_a_hold());
}

#[test]
fn a_sweep_that_breaks_is_tried_ever_less_often_and_in_no_commands_way() {
    log_lines::keep();
    let reason = "a ledger that this sweep alone breaks";
    let is_broken = Arc::new(AtomicBool::new(false));
    let (broken, (sender, attempts)) = (is_broken.clone(), mpsc::channel());
    let fault = move |commands: &[Command]| {
        let is_sweep = |command: &Command| matches!(command, Command::Sweep { .. });
        if !broken.load(Ordering::SeqCst) || !commands.iter().any(is_sweep) {
            return None;
        }
        sender.send((Instant::now(), commands.len())).unwrap();
        Some(StoreError::Broken(reason.into()))
    };
    let shop = Shop::with_store(
        vec![item("tee", 1), item("cup", 5)],
        Config::default(),
        |store| Box::new(Faulty { store, fault }),
    );
    shop.hold("tee", 1).created();
    is_broken.store(true, Ordering::SeqCst);
    shop.after(HOLD_TTL);

    let mut pause_min = Duration::from_millis(20);
    let (mut before, _) = receive(&attempts);
    for _ in 0..5 {
        shop.hold("cup", 1).created();
        let (attempt, commands) = receive(&attempts);
        assert_eq!(commands, 1, "no command is tried with it again");
        assert!(attempt - before >= pause_min, "{:?}", attempt - before);
        (before, pause_min) = (attempt, 2 * pause_min);
    }
    assert_eq!(log_lines::with(reason), 1);
    shop.get("/readyz").ok();

    is_broken.store(false, Ordering::SeqCst);
    wait_until("the hold is swept", || {
        shop.contents().holds[0].status != HoldStatus::Active
    });
}

/// Each command submits the next one from within its transaction, so that the writer has no rest.
#[test]
fn a_sweep_that_broke_is_tried_again_though_commands_come_all_the_time() {
    let next = Arc::new(Mutex::new(None::<Writer>));
    let is_broken = Arc::new(AtomicBool::new(false));
    let (submits, broken, (sender, sweeps)) = (next.clone(), is_broken.clone(), mpsc::channel());
    let fault = move |commands: &[Command]| {
        if has_clients(commands)
            && let Some(writer) = &*submits.lock().unwrap()
        {
            writer.submit(hold(1), |_| {});
        }
        let is_sweep = |command: &Command| matches!(command, Command::Sweep { .. });
        if !commands.iter().any(is_sweep) {
            return None;
        }
        let is_alone = commands.len() == 1;
        let breaks = broken.load(Ordering::SeqCst);
        if is_alone || !breaks {
            sender.send((breaks, is_alone)).unwrap();
            broken.store(false, Ordering::SeqCst);
        }
        breaks.then(|| StoreError::Broken("a ledger that one sweep breaks".into()))
    };
    let shop = Shop::with_store(vec![item("tee", 1)], Config::default(), |store| {
        Box::new(Faulty { store, fault })
    });
    shop.hold("tee", 1).created();
    *next.lock().unwrap() = Some(shop.api().writer.clone());
    is_broken.store(true, Ordering::SeqCst);
    shop.after(Duration::from_millis(5));
    shop.submit(hold(1), |_| {});
    while !receive(&sweeps).0 {
        shop.after(Duration::from_millis(5));
    }
    let by = Instant::now() + Duration::from_secs(20);
    let mut after_it = Vec::new();
    while after_it.last().is_none_or(|(_, is_alone)| *is_alone) && Instant::now() < by {
        shop.after(Duration::from_millis(5));
        after_it.extend(sweeps.recv_timeout(Duration::from_millis(5)));
    }
    next.lock().unwrap().take();
    assert_eq!(
        after_it.first(),
        Some(&(false, true)),
        "it is tried again, alone"
    );
    assert_eq!(
        after_it.last(),
        Some(&(false, false)),
        "it is in no command's way any more"
    );
}
