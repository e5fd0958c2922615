//! A store that must be waited for: it is away, or what became of a commit is in doubt; and what joins a batch meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use flashsale::config::Config;
use flashsale::sale::{Command, Terms};
use flashsale::store::{Decision, More, Now, Store, StoreError, no_more};

use super::{Faulty, has_clients, hold};
use crate::shop::{Shop, config, item};
use crate::wrapped_store::delegates;

/// A store whose connection ends in the commit of its first batch with a client's command.
struct Doubtful {
    store: Box<dyn Store>,
    has_committed: bool,
    /// Until then nobody knows.
    is_known: Arc<AtomicBool>,
    in_doubt: Option<Vec<Decision>>,
    was_in_doubt: bool,
}

impl Store for Doubtful {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        assert!(
            self.in_doubt.is_none(),
            "nothing is written while it is in doubt"
        );
        if !has_clients(commands) || std::mem::replace(&mut self.was_in_doubt, true) {
            return self.store.transact(terms, now, commands, more);
        }
        self.in_doubt = Some(if self.has_committed {
            self.store.transact(terms, now, commands, more)?
        } else {
            Vec::new()
        });
        Err(StoreError::InDoubt("the connection has ended".into()))
    }

    fn settle(&mut self) -> Result<Option<Vec<Decision>>, StoreError> {
        if !self.is_known.load(Ordering::SeqCst) {
            return Err(StoreError::Away("no route".into()));
        }
        let decisions = self.in_doubt.take().expect("a batch is in doubt");
        Ok(self.has_committed.then_some(decisions))
    }

    delegates!(load, probe, next_deadline, rest, gap, secret, set_back);
}

fn doubtful(has_committed: bool, is_known: bool, deadline_ms: u32) -> (Shop, Arc<AtomicBool>) {
    let config = config(|it| it.request_deadline_ms = deadline_ms);
    let is_known = Arc::new(AtomicBool::new(is_known));
    let known = is_known.clone();
    let shop = Shop::with_store(vec![item("tee", 5)], config, move |store| {
        Box::new(Doubtful {
            store,
            has_committed,
            is_known: known,
            in_doubt: None,
            was_in_doubt: false,
        })
    });
    (shop, is_known)
}

#[test]
fn a_batch_in_doubt_that_has_committed_is_answered_and_not_done_again() {
    let (shop, _) = doubtful(true, true, 3_000);
    shop.hold("tee", 1).created();
    shop.stock_is("tee", 4, 1, 0);
}

#[test]
fn a_batch_in_doubt_of_which_nothing_was_applied_is_done_again() {
    let (shop, _) = doubtful(false, true, 3_000);
    shop.hold("tee", 1).created();
    shop.stock_is("tee", 4, 1, 0);
}

#[test]
fn doubt_that_outlasts_the_deadline_is_told_and_settled_before_the_next_batch() {
    for has_committed in [true, false] {
        let (shop, is_known) = doubtful(has_committed, false, 20);
        shop.hold("tee", 1)
            .failed_with(503, "store_failed")
            .says("outcome", "unknown");
        is_known.store(true, Ordering::SeqCst);
        let mut held = shop.hold("tee", 1);
        while held.status == 503 {
            held.says("outcome", "not_applied");
            held = shop.hold("tee", 1);
        }
        held.created();
        let reserved = 1 + i64::from(has_committed);
        shop.stock_is("tee", 5 - reserved, reserved, 0);
    }
}

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
        self.turns.recv().unwrap();
        let commands = [commands, &more()].concat();
        self.batches.lock().unwrap().push(commands.len());
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
    entries.recv().unwrap();
    submit(5);
    turns.send(()).unwrap();
    entries.recv().unwrap();
    turns.send(()).unwrap();
    for answer in answers.iter().take(6) {
        assert!(answer.is_ok(), "{answer:?}");
    }
    let sweep = 1;
    assert_eq!(*batches.lock().unwrap(), [sweep + BATCH_MAX, sweep + 2]);
    shop.stock_is("tee", 4, 6, 0);
}
