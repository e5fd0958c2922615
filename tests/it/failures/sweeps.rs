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
use crate::shop::{HOLD_TTL, Shop, config, item};
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

/// A shop whose store tells the test of each batch with a client's command, and goes on with the first batch when it is told to.
fn stopped_shop(
    config: Config,
) -> (
    Shop,
    mpsc::Receiver<Vec<Command>>,
    Arc<AtomicBool>,
    mpsc::Sender<()>,
) {
    let (seen, batches) = mpsc::channel();
    let (go_on, gate) = mpsc::channel();
    let stops = Arc::new(AtomicBool::new(false));
    let is_stopped = stops.clone();
    let fault = move |commands: &[Command]| {
        if has_clients(commands) {
            seen.send(commands.to_vec()).unwrap();
            if is_stopped.swap(false, Ordering::SeqCst) {
                receive(&gate);
            }
        }
        None
    };
    let shop = Shop::with_store(vec![item("tee", 100)], config, |store| {
        Box::new(Faulty { store, fault })
    });
    (shop, batches, stops, go_on)
}

/// How many rows a batch may end before its commands.
fn rows_max_of(batch: &[Command]) -> Option<usize> {
    if let Command::Sweep { rows_max, .. } = batch[0] {
        Some(rows_max)
    } else {
        None
    }
}

#[test]
fn a_sweep_beside_commands_may_end_twice_as_many_rows_as_they_are() {
    let (shop, batches, stops, go_on) = stopped_shop(Config::default());
    shop.hold("tee", 1).created();
    receive(&batches);
    stops.store(true, Ordering::SeqCst);
    shop.submit(hold(1), |_| {});
    assert_eq!(rows_max_of(&receive(&batches)), None);
    shop.after(Duration::from_millis(5));
    for _ in 0..40 {
        shop.submit(hold(1), |_| {});
    }
    go_on.send(()).unwrap();
    assert_eq!(rows_max_of(&receive(&batches)), Some(80));
}

/// However fast commands come, and though no time has passed.
#[test]
fn a_sweep_that_has_left_something_is_followed_by_another() {
    let config = config(|it| it.batch_max = 1);
    let (shop, batches, stops, go_on) = stopped_shop(config);
    for _ in 0..40 {
        shop.hold("tee", 1).created();
        receive(&batches);
    }
    stops.store(true, Ordering::SeqCst);
    for _ in 0..4 {
        shop.submit(hold(1), |_| {});
    }
    let mut rows_max = vec![rows_max_of(&receive(&batches))];
    shop.after(HOLD_TTL);
    go_on.send(()).unwrap();
    rows_max.extend((0..3).map(|_| rows_max_of(&receive(&batches))));
    assert_eq!(rows_max, [None, Some(32), Some(32), None]);
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
    *next.lock().unwrap() = Some(Writer::clone(&shop.api().writer));
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
