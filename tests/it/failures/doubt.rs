//! A store whose connection ends in a commit: until it tells what became of the batch, nothing is written and no client is
//! told what may not be so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, TryRecvError};
use std::time::{Duration, Instant};

use flashsale::sale::{Command, HoldId, Outcome, Terms, Timestamp};
use flashsale::store::{Decision, More, Now, Store, StoreError};
use flashsale::writer::{Answer, CommandError};

use super::{has_clients, hold};
use crate::log_lines;
use crate::shop::{HOLD_TTL, MICROSECOND, SECOND, Shop, config, item};
use crate::waiting::{receive, wait_until};
use crate::wrapped_store::delegates;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    InDoubt,
    Asked,
    Settled,
    Probed,
}

/// A store whose connection ends in the commit of a batch with a client's command, once each time that the test says so.
struct Doubtful {
    store: Box<dyn Store>,
    has_committed: bool,
    ends_next: Arc<AtomicBool>,
    /// Until then the store does not tell.
    is_known: Arc<AtomicBool>,
    in_doubt: Option<Vec<Decision>>,
    reason: &'static str,
    events: mpsc::Sender<Event>,
}

impl Doubtful {
    /// A test may look no more.
    fn happens(&self, event: Event) {
        self.events.send(event).ok();
    }
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
        if !has_clients(commands) || !self.ends_next.swap(false, Ordering::SeqCst) {
            return self.store.transact(terms, now, commands, more);
        }
        self.in_doubt = Some(if self.has_committed {
            self.store.transact(terms, now, commands, more)?
        } else {
            now(Timestamp::FIRST);
            Vec::new()
        });
        self.happens(Event::InDoubt);
        Err(StoreError::InDoubt("the connection has ended".into()))
    }

    fn settle(&mut self) -> Result<Option<Vec<Decision>>, StoreError> {
        self.happens(Event::Asked);
        if !self.is_known.load(Ordering::SeqCst) {
            return Err(StoreError::Away(self.reason.into()));
        }
        self.happens(Event::Settled);
        let decisions = self.in_doubt.take().expect("a batch is in doubt");
        Ok(self.has_committed.then_some(decisions))
    }

    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError> {
        self.happens(Event::Probed);
        self.store.probe(now)
    }

    delegates!(
        load,
        next_deadline,
        rest,
        gap,
        secret,
        keep_currency,
        set_back
    );
}

struct Doubt {
    shop: Shop,
    ends_next: Arc<AtomicBool>,
    is_known: Arc<AtomicBool>,
    events: mpsc::Receiver<Event>,
}

fn doubt(has_committed: bool, deadline_ms: u32) -> Doubt {
    doubt_because("no route", has_committed, deadline_ms)
}

fn doubt_because(reason: &'static str, has_committed: bool, deadline_ms: u32) -> Doubt {
    let config = config(|it| it.request_deadline_ms = deadline_ms);
    let is_known = Arc::new(AtomicBool::new(false));
    let ends_next = Arc::new(AtomicBool::new(true));
    let (known, ends) = (is_known.clone(), ends_next.clone());
    let (sender, events) = mpsc::channel();
    let shop = Shop::with_store(vec![item("tee", 5)], config, move |store| {
        Box::new(Doubtful {
            store,
            has_committed,
            ends_next: ends,
            is_known: known,
            in_doubt: None,
            reason,
            events: sender,
        })
    });
    Doubt {
        shop,
        ends_next,
        is_known,
        events,
    }
}

impl Doubt {
    fn is_known(&self) {
        self.is_known.store(true, Ordering::SeqCst);
    }

    fn submit(&self, command: Command) -> mpsc::Receiver<Answer> {
        let (sender, answer) = mpsc::channel();
        let then = move |decided| sender.send(decided).unwrap();
        self.shop.submit(command, then);
        answer
    }

    /// Has a hold's batch in doubt. Where the machine is busy, a command may be late before it is taken up, and another one
    /// is sent.
    fn begins(&self) -> mpsc::Receiver<Answer> {
        let mut hold_in_doubt = self.submit(hold(1));
        wait_until("a batch is in doubt", || {
            match hold_in_doubt.try_recv() {
                Ok(Err(CommandError::Overloaded)) => hold_in_doubt = self.submit(hold(1)),
                Ok(answer) => {
                    let (sender, told) = mpsc::channel();
                    sender.send(answer).unwrap();
                    hold_in_doubt = told;
                }
                Err(_) => {}
            }
            self.events.try_iter().any(|event| event == Event::InDoubt)
        });
        hold_in_doubt
    }

    fn waits_for(&self, event: Event) {
        wait_until("an event of the store", || receive(&self.events) == event);
    }
}

#[test]
fn a_batch_in_doubt_that_has_committed_is_answered_and_not_done_again() {
    let doubt = doubt(true, 3_000);
    doubt.is_known();
    doubt.shop.hold("tee", 1).created();
    doubt.shop.stock_is("tee", 4, 1, 0);
}

#[test]
fn a_batch_in_doubt_of_which_nothing_was_applied_is_done_again() {
    let doubt = doubt(false, 3_000);
    doubt.is_known();
    doubt.shop.hold("tee", 1).created();
    doubt.shop.stock_is("tee", 4, 1, 0);
}

#[test]
fn doubt_that_outlasts_the_deadline_is_told_and_settled_before_the_next_batch() {
    for has_committed in [true, false] {
        let doubt = doubt(has_committed, 20);
        let shop = &doubt.shop;
        wait_until("a hold is in doubt", || {
            let held = shop.hold("tee", 1);
            if held.body["code"] == "overloaded" {
                return false;
            }
            held.failed_with(503, "store_failed")
                .says("outcome", "unknown");
            true
        });
        doubt.is_known();
        wait_until("the doubt is settled", || {
            let held = shop.hold("tee", 1);
            if held.status == 503 {
                held.says("outcome", "not_applied");
                return false;
            }
            held.created();
            true
        });
        let reserved = 1 + i64::from(has_committed);
        shop.stock_is("tee", 5 - reserved, reserved, 0);
    }
}

#[test]
fn a_command_behind_a_batch_in_doubt_is_refused_at_its_deadline_and_not_executed() {
    let doubt = doubt(true, 20);
    let in_doubt = doubt.begins();
    let behind = [hold(1), hold(1)].map(|command| doubt.submit(command));
    for answer in behind {
        assert_eq!(receive(&answer), Err(CommandError::Overloaded));
    }
    assert_eq!(receive(&in_doubt), Err(CommandError::Unknown));
    doubt.is_known();
    doubt.waits_for(Event::Settled);
    doubt.shop.stock_is("tee", 4, 1, 0);
}

/// One alone, too: no other command has the writer look.
#[test]
fn a_command_behind_a_batch_in_doubt_is_executed_if_its_deadline_allows() {
    for commands in [1, 2] {
        let doubt = doubt(true, 60_000);
        let in_doubt = doubt.begins();
        let behind: Vec<_> = (0..commands).map(|_| doubt.submit(hold(1))).collect();
        for _ in 0..3 {
            doubt.waits_for(Event::Asked);
        }
        doubt.is_known();
        for answer in [in_doubt].into_iter().chain(behind) {
            assert!(receive(&answer).is_ok());
        }
        doubt.shop.stock_is("tee", 4 - commands, 1 + commands, 0);
    }
}

#[test]
fn the_writer_is_alive_while_a_batch_is_in_doubt() {
    let doubt = doubt(true, 60_000);
    let in_doubt = doubt.begins();
    let writer = &doubt.shop.api().writer;
    let before = writer.heartbeat();
    wait_until("the writer's heartbeat", || {
        doubt.waits_for(Event::Asked);
        writer.heartbeat() != before
    });
    doubt.is_known();
    assert!(receive(&in_doubt).is_ok());
}

/// It may have become an order in the batch in doubt, and then it does not expire.
#[test]
fn a_hold_of_a_batch_in_doubt_is_not_shown_as_expired() {
    let doubt = doubt(false, 60_000);
    let shop = &doubt.shop;
    if !shop.is_in_a_file() {
        println!(
            "left out: on a server a batch in doubt has the turn, and this one is none of the server's"
        );
        return;
    }
    doubt.ends_next.store(false, Ordering::SeqCst);
    let held = shop.hold("tee", 1).created().id("hold_id");
    shop.after(HOLD_TTL - MICROSECOND);
    doubt.ends_next.store(true, Ordering::SeqCst);
    let hold = HoldId::new(held).unwrap();
    let ordered = doubt.submit(Command::PlaceOrder { hold, key: None });
    doubt.waits_for(Event::Asked);
    shop.after(SECOND);
    shop.show_hold(held).ok().says("status", "active");
    shop.stock_is("tee", 4, 1, 0);
    doubt.is_known();
    assert!(
        receive(&ordered).is_err(),
        "it is judged again, by the present"
    );
    shop.show_hold(held).ok().says("status", "expired");
}

/// The sale's time is ahead, and so the last thing that the writer writes is the time.
#[test]
fn a_stop_waits_for_a_batch_in_doubt_before_the_time_is_written() {
    for has_committed in [true, false] {
        let doubt = doubt(has_committed, 60_000);
        let shop = &doubt.shop;
        let in_doubt = doubt.begins();
        let before = shop.clock().now().micros() - 10_000_000;
        shop.clock().set(before);
        let behind = doubt.submit(hold(1));
        shop.api()
            .writer
            .stop(Instant::now() + Duration::from_secs(60));
        assert_eq!(receive(&behind), Err(CommandError::Stopped));
        doubt.is_known();
        let mut events = Vec::new();
        wait_until("the writer lets go of its store", || {
            let event = doubt.events.try_recv();
            events.extend(event.ok().filter(|event| *event != Event::Asked));
            event == Err(TryRecvError::Disconnected)
        });
        assert_eq!(events, [Event::Settled, Event::Probed]);
        match receive(&in_doubt) {
            Ok(Outcome::HoldPlaced(_)) => assert!(has_committed),
            stopped => assert_eq!(
                (stopped, has_committed),
                (Err(CommandError::Stopped), false)
            ),
        }
    }
}

#[test]
fn a_stop_that_cannot_wait_for_a_batch_in_doubt_leaves_it_unknown_and_writes_nothing() {
    let doubt = doubt(true, 60_000);
    let shop = &doubt.shop;
    let in_doubt = doubt.begins();
    shop.clock().set(shop.clock().now().micros() - 10_000_000);
    shop.api().writer.stop(Instant::now());
    assert_eq!(receive(&in_doubt), Err(CommandError::Unknown));
    let answer = receive(&doubt.submit(hold(1)));
    assert_eq!(answer, Err(CommandError::Stopped));
    assert!(doubt.events.try_iter().all(|event| event == Event::Asked));
}

#[test]
fn doubt_that_lasts_makes_the_server_unready_and_is_logged_once() {
    log_lines::keep();
    let reason = "no route to the one that is logged";
    let doubt = doubt_because(reason, true, 20);
    let shop = &doubt.shop;
    let in_doubt = doubt.begins();
    wait_until("the server is unready", || {
        doubt.waits_for(Event::Asked);
        shop.get("/readyz").status != 200
    });
    for _ in 0..5 {
        doubt.waits_for(Event::Asked);
    }
    let lines = log_lines::with(reason);
    assert_eq!(
        lines,
        [
            "what became of the batch in doubt is not known yet",
            "nothing can be written"
        ]
        .len()
    );
    doubt.is_known();
    assert_eq!(receive(&in_doubt), Err(CommandError::Unknown));
    wait_until("the server is ready", || shop.get("/readyz").status == 200);
}
