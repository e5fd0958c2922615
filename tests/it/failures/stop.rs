//! What a writer does for its store when no command comes, and when it was told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::TryRecvError;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use flashsale::config::Config;
use flashsale::sale::{Command, Terms};
use flashsale::store::{Checkpoint, Now, Rest, Store, StoreError};

use crate::log_lines;
use crate::shop::{Shop, item};
use crate::waiting::{receive, wait_until};
use crate::wrapped_store::delegates;

/// A store whose log a reader of another process needs.
struct Pinned {
    store: Box<dyn Store>,
    is_pinned: Arc<AtomicBool>,
    log_bytes: u64,
    tried: mpsc::Sender<Event>,
}

#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// The log was not emptied, for the reader.
    Pinned,
    Emptied,
    /// The time was written.
    Probed,
}

impl Store for Pinned {
    fn rest(&mut self, rest: Rest) -> Result<Checkpoint, StoreError> {
        let is_pinned = self.is_pinned.load(Ordering::SeqCst);
        if is_pinned {
            self.tried.send(Event::Pinned).unwrap();
            return Ok(Checkpoint::Incomplete {
                log_bytes: self.log_bytes,
            });
        }
        self.tried.send(Event::Emptied).unwrap();
        self.store.rest(rest)
    }

    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError> {
        self.tried.send(Event::Probed).unwrap();
        self.store.probe(now)
    }

    delegates!(
        transact,
        settle,
        load,
        next_deadline,
        gap,
        secret,
        keep_currency,
        set_back
    );
}

/// It looks each second whether there is something to do, and writes nothing where there is not.
#[test]
fn a_writer_at_rest_writes_nothing_and_says_once_what_is_in_its_way() {
    log_lines::keep();
    let (tried, tries) = mpsc::channel();
    let shop = Shop::with_store(vec![item("tee", 5)], Config::default(), |store| {
        Box::new(Pinned {
            store,
            is_pinned: Arc::new(AtomicBool::new(true)),
            log_bytes: 71_234_567,
            tried,
        })
    });
    for _ in 0..4 {
        assert_eq!(receive(&tries), Event::Pinned);
    }
    assert_eq!(log_lines::with("it has 71.2 MB"), 1);
    drop(shop);
}

/// A store whose log cannot be checkpointed.
struct Unemptied {
    store: Box<dyn Store>,
    reason: &'static str,
}

impl Store for Unemptied {
    fn rest(&mut self, _: Rest) -> Result<Checkpoint, StoreError> {
        Err(StoreError::NotApplied(self.reason.into()))
    }

    delegates!(
        transact,
        settle,
        load,
        probe,
        next_deadline,
        gap,
        secret,
        keep_currency,
        set_back
    );
}

/// Which is tried after each batch; the log may be on the same full disk.
#[test]
fn a_log_that_cannot_be_checkpointed_is_told_once_and_is_in_no_commands_way() {
    log_lines::keep();
    let reason = "no room for what this log holds";
    let shop = Shop::with_store(vec![item("tee", 5)], Config::default(), |store| {
        Box::new(Unemptied { store, reason })
    });
    for _ in 0..5 {
        shop.hold("tee", 1).created();
    }
    assert_eq!(log_lines::with(reason), 1);
}

#[test]
fn a_writer_that_stops_empties_its_log_once_the_reader_has_left() {
    let is_pinned = Arc::new(AtomicBool::new(true));
    let (pinned, (tried, tries)) = (is_pinned.clone(), mpsc::channel());
    let shop = Shop::with_store(vec![item("tee", 5)], Config::default(), |store| {
        Box::new(Pinned {
            store,
            is_pinned: pinned,
            log_bytes: 1,
            tried,
        })
    });
    let by = Instant::now() + Duration::from_secs(100);
    shop.api().writer.stop(by);
    for _ in 0..5 {
        assert_eq!(receive(&tries), Event::Pinned);
    }
    is_pinned.store(false, Ordering::SeqCst);
    let mut last = None;
    wait_until("the writer lets go of its store", || {
        match tries.try_recv() {
            Ok(event) => last = Some(event),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return true,
        }
        false
    });
    assert_eq!(last, Some(Event::Emptied));
}

#[test]
fn a_writer_that_has_waited_long_enough_for_a_reader_ends() {
    let (tried, tries) = mpsc::channel();
    let shop = Shop::with_store(vec![item("tee", 5)], Config::default(), |store| {
        Box::new(Pinned {
            store,
            is_pinned: Arc::new(AtomicBool::new(true)),
            log_bytes: 1,
            tried,
        })
    });
    shop.api().writer.stop(Instant::now());
    wait_until("the writer lets go of its store", || {
        tries.try_recv() == Err(TryRecvError::Disconnected)
    });
}
