//! A store that must be waited for, as it is away or busy; and what joins a batch meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use flashsale::config::Config;
use flashsale::sale::{Command, Terms, Timestamp};
use flashsale::store::{Checkpoint, Decision, More, Now, Rest, Store, StoreError, no_more};
use flashsale::writer::CommandError;

use super::{Faulty, has_clients, hold, of_clients};
use crate::log_lines;
use crate::shop::{Shop, config, item};
use crate::waiting::{receive, wait_until};
use crate::wrapped_store::delegates;

fn away(config: Config, mut is_away: impl FnMut() -> bool + Send + 'static) -> Shop {
    Shop::with_store(vec![item("tee", 5)], config, |store| {
        Box::new(Faulty {
            store,
            fault: move |commands: &[Command]| {
                let is_away = has_clients(commands) && is_away();
                is_away.then(|| StoreError::Away("connection refused".into()))
            },
        })
    })
}

#[test]
fn a_store_that_is_away_for_a_moment_is_waited_for() {
    let mut misses = 2;
    let shop = away(Config::default(), move || {
        misses -= 1;
        misses >= 0
    });
    shop.hold("tee", 1).created();
    shop.stock_is("tee", 4, 1, 0);
}

#[test]
fn a_store_that_stays_away_is_an_overload_and_nothing_was_executed() {
    let config = config(|it| it.request_deadline_ms = 20);
    let shop = away(config, || true);
    shop.hold("tee", 1)
        .failed_with(503, "overloaded")
        .says("outcome", "not_applied");
    shop.stock_is("tee", 5, 0, 0);
}

/// What waits behind a batch that waits for the store is refused in time as well.
#[test]
fn a_store_that_is_away_costs_no_client_more_than_its_deadline() {
    let config = config(|it| {
        it.request_deadline_ms = 20;
        it.batch_max = 1;
    });
    let shop = away(config, || true);
    let (sender, answers) = mpsc::channel();
    for _ in 0..5 {
        let sender = sender.clone();
        shop.submit(hold(1), move |answer| sender.send(answer).unwrap());
    }
    for _ in 0..5 {
        assert_eq!(receive(&answers), Err(CommandError::Overloaded));
    }
    shop.stock_is("tee", 5, 0, 0);
}

#[test]
fn a_store_that_stays_away_makes_the_server_unready_until_it_is_back_and_is_logged_once() {
    log_lines::keep();
    let reason = "no route to the busy shop";
    let (shop, is_away) = remote(reason);
    is_away.store(true, Ordering::SeqCst);
    wait_until("the server is unready", || {
        shop.hold("tee", 1).failed_with(503, "overloaded");
        shop.get("/readyz").status != 200
    });
    for _ in 0..3 {
        shop.hold("tee", 1).failed_with(503, "overloaded");
    }
    assert_eq!(log_lines::with(reason), 1);
    is_away.store(false, Ordering::SeqCst);
    wait_until("a hold is placed", || shop.hold("tee", 1).status == 201);
    wait_until("the server is ready", || shop.get("/readyz").status == 200);
    assert_eq!(log_lines::with(reason), 1);
}

#[test]
fn an_idle_writer_finds_out_that_its_store_is_away_and_that_it_is_back() {
    log_lines::keep();
    let reason = "no route to the idle shop";
    let (shop, is_away) = remote(reason);
    is_away.store(true, Ordering::SeqCst);
    wait_until("the server is unready", || {
        shop.get("/readyz").status != 200
    });
    is_away.store(false, Ordering::SeqCst);
    wait_until("the server is ready", || shop.get("/readyz").status == 200);
    assert_eq!(log_lines::with(reason), 1);
}

fn remote(reason: &'static str) -> (Shop, Arc<AtomicBool>) {
    let is_away = Arc::new(AtomicBool::new(false));
    let away = is_away.clone();
    let config = config(|it| it.request_deadline_ms = 20);
    let shop = Shop::with_store(vec![item("tee", 5)], config, |store| {
        Box::new(Remote {
            store,
            is_away: away,
            reason,
        })
    });
    (shop, is_away)
}

/// A store that no call reaches while it is away.
struct Remote {
    store: Box<dyn Store>,
    is_away: Arc<AtomicBool>,
    reason: &'static str,
}

impl Remote {
    fn reach(&self) -> Result<(), StoreError> {
        let is_away = self.is_away.load(Ordering::SeqCst);
        let away = || Err(StoreError::Away(self.reason.into()));
        if is_away { away() } else { Ok(()) }
    }
}

impl Store for Remote {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        self.reach()?;
        self.store.transact(terms, now, commands, more)
    }

    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError> {
        self.reach()?;
        self.store.probe(now)
    }

    fn next_deadline(&mut self, terms: &Terms) -> Result<Option<Timestamp>, StoreError> {
        self.reach()?;
        self.store.next_deadline(terms)
    }

    fn rest(&mut self, rest: Rest) -> Result<Checkpoint, StoreError> {
        self.reach()?;
        self.store.rest(rest)
    }

    delegates!(settle, load, gap, secret, keep_currency, set_back);
}

/// A store that waits for its turn until the test gives it.
struct Queued {
    store: Box<dyn Store>,
    entered: mpsc::Sender<()>,
    turns: mpsc::Receiver<()>,
    batches: Arc<Mutex<Vec<usize>>>,
}

impl Store for Queued {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        if !has_clients(commands) {
            return self.store.transact(terms, now, commands, more);
        }
        self.entered.send(()).unwrap();
        receive(&self.turns);
        let commands = [commands, &more()].concat();
        self.batches.lock().unwrap().push(of_clients(&commands));
        self.store.transact(terms, now, &commands, &mut no_more)
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

#[test]
fn what_comes_while_a_batch_waits_for_its_turn_joins_it_up_to_its_bound() {
    const BATCH_MAX: usize = 4;
    let config = config(|it| it.batch_max = BATCH_MAX);
    let (entered, entries) = mpsc::channel();
    let (turns, turn) = mpsc::channel();
    let batches = Arc::new(Mutex::new(Vec::new()));
    let seen = batches.clone();
    let shop = Shop::with_store(vec![item("tee", 10)], config, move |store| {
        Box::new(Queued {
            store,
            entered,
            turns: turn,
            batches: seen,
        })
    });
    let (sender, answers) = mpsc::channel();
    let submit = |holds: usize| {
        for _ in 0..holds {
            let sender = sender.clone();
            shop.submit(hold(1), move |answer| sender.send(answer).unwrap());
        }
    };
    submit(1);
    receive(&entries);
    submit(5);
    turns.send(()).unwrap();
    receive(&entries);
    turns.send(()).unwrap();
    for _ in 0..6 {
        assert!(receive(&answers).is_ok());
    }
    assert_eq!(*batches.lock().unwrap(), [BATCH_MAX, 2]);
    shop.stock_is("tee", 4, 6, 0);
}
