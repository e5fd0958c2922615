//! One command of a batch fails, or the writer itself: the others get their answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use crossbeam_channel::RecvTimeoutError;
use flashsale::clock::Clock;
use flashsale::config::Config;
use flashsale::sale::{Command, HoldId, Outcome, Rejection, Terms};
use flashsale::store::{Checkpoint, Decision, More, Now, Reader, Rest, Store, StoreError, no_more};
use flashsale::writer::{Answer, CommandError, Limits, Writer, WriterExit};

use super::{Faulty, has_clients, hold, of_clients};
use crate::memory::MemoryStore;
use crate::shop::{Hands, item};
use crate::waiting::{WAITING_MAX, receive};
use crate::wrapped_store::delegates;

#[test]
fn only_the_culprit_of_a_broken_batch_fails() {
    let batches = Arc::new(Mutex::new(Vec::new()));
    let seen = batches.clone();
    let poison = HoldId::new(666).unwrap();
    let has_culprit = move |commands: &[Command]| {
        commands
            .iter()
            .any(|command| matches!(command, Command::ReleaseHold { hold } if *hold == poison))
    };
    let fault = move |commands: &[Command]| {
        seen.lock().unwrap().push(of_clients(commands));
        has_culprit(commands).then(|| StoreError::Broken("stock_is_never_negative".into()))
    };
    let mut commands = vec![hold(1); 20];
    commands.insert(7, Command::ReleaseHold { hold: poison });
    let (answers, store) = all_at_once(fault, commands);
    for (index, answer) in answers.iter().enumerate() {
        match index {
            7 => assert_eq!(answer, &Err(CommandError::Broken)),
            _ => assert!(matches!(answer, Ok(Outcome::HoldPlaced(_))), "{answer:?}"),
        }
    }
    assert_eq!(
        store.contents().unwrap().holds.len(),
        20,
        "each took effect once"
    );
    assert!(
        batches.lock().unwrap().contains(&21),
        "they were one batch first"
    );
}

/// Also where commands are tried alone, another process's lock is waited for.
#[test]
fn a_busy_store_is_asked_again_for_each_of_a_broken_batch() {
    let busy = AtomicUsize::new(0);
    let fault = move |commands: &[Command]| match commands {
        [] | [Command::Sweep { .. }] => None,
        [_] if busy.fetch_add(1, Ordering::SeqCst) % 4 < 3 => Some(StoreError::Busy),
        [_] => None,
        [..] => Some(StoreError::Broken("the_ledger_has_no_gap".into())),
    };
    let (answers, _) = all_at_once(fault, vec![hold(1), hold(1), hold(1)]);
    for answer in answers {
        assert!(matches!(answer, Ok(Outcome::HoldPlaced(_))), "{answer:?}");
    }
}

#[test]
fn a_rule_that_panics_harms_no_other_command() {
    let fault = |commands: &[Command]| {
        let panics = commands
            .iter()
            .any(|command| matches!(command, Command::ReleaseHold { .. }));
        assert!(!panics, "a test's panic");
        None
    };
    let release = Command::ReleaseHold {
        hold: HoldId::new(1).unwrap(),
    };
    let (answers, _) = all_at_once(fault, vec![hold(1), release, hold(1)]);
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!(answers[1], Err(CommandError::Broken));
}

#[test]
fn refusals_and_successes_of_one_batch_go_to_their_clients() {
    let (answers, _) = all_at_once(
        |_: &[Command]| None,
        vec![hold(3), hold(3), hold(2), hold(1)],
    );
    assert!(matches!(answers[0], Ok(Outcome::HoldPlaced(_))));
    assert_eq!(
        answers[1],
        Err(CommandError::Refused(Rejection::InsufficientStock {
            available: 2
        }))
    );
    assert!(matches!(answers[2], Ok(Outcome::HoldPlaced(_))));
    assert_eq!(
        answers[3],
        Err(CommandError::Refused(Rejection::InsufficientStock {
            available: 0
        }))
    );
}

#[test]
fn a_full_queue_is_an_overload_at_once() {
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let mut first = true;
    let fault = move |commands: &[Command]| {
        if has_clients(commands) && std::mem::take(&mut first) {
            entered.send(()).unwrap();
            receive(&released);
        }
        None
    };
    let (writer, _) = start(MemoryStore::default(), fault, 2);
    let (sender, answers) = mpsc::channel();
    let submit = || {
        let sender = sender.clone();
        writer.submit(hold(1), move |answer| sender.send(answer).unwrap());
    };
    submit();
    receive(&inside);
    (0..3).for_each(|_| submit());
    assert_eq!(
        receive(&answers),
        Err(CommandError::Overloaded),
        "the third found two waiting"
    );
    release.send(()).unwrap();
    for _ in 0..3 {
        assert_eq!(
            receive(&answers),
            Err(CommandError::Refused(Rejection::ProductUnknown))
        );
    }
}

fn start(
    store: MemoryStore,
    fault: impl FnMut(&[Command]) -> Option<StoreError> + Send + 'static,
    queue_max: usize,
) -> (Writer, crossbeam_channel::Receiver<WriterExit>) {
    let config = Config::default();
    let limits = Limits {
        queue_max,
        batch_max: config.batch_max,
        wait_max: config.wait_max(),
    };
    let clock = Arc::new(Clock::new(Hands::at_opening()));
    Writer::start(
        Box::new(Faulty {
            store: Box::new(store),
            fault,
        }),
        clock,
        config.terms(),
        limits,
        |send| send(),
    )
    .unwrap()
}

/// What each command of one batch is answered: the writer is kept in the batch before until all of them wait.
fn all_at_once(
    mut fault: impl FnMut(&[Command]) -> Option<StoreError> + Send + 'static,
    commands: Vec<Command>,
) -> (Vec<Answer>, MemoryStore) {
    let mut store = MemoryStore::default();
    let stock = item("tee", if commands.len() > 10 { 20 } else { 5 }).load();
    store
        .transact(
            &Config::default().terms(),
            &|_| Hands::at_opening().now(),
            &[stock],
            &mut no_more,
        )
        .unwrap();
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let calls = AtomicUsize::new(0);
    let gate = move |batch: &[Command]| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            entered.send(()).unwrap();
            receive(&released);
        }
        fault(batch)
    };
    let (writer, ended) = start(store.clone(), gate, 100);
    let (sender, answers) = mpsc::channel();
    writer.submit(
        Command::Sweep {
            rows_max: 1,
            keys_max: 1,
        },
        |_| {},
    );
    receive(&inside);
    let asked = commands.len();
    for (index, command) in commands.into_iter().enumerate() {
        let sender = sender.clone();
        writer.submit(command, move |answer| sender.send((index, answer)).unwrap());
    }
    release.send(()).unwrap();
    let mut answers: Vec<(usize, Answer)> = (0..asked).map(|_| receive(&answers)).collect();
    answers.sort_by_key(|(index, _)| *index);
    drop(writer);
    assert_eq!(
        ended.recv_timeout(WAITING_MAX).unwrap(),
        WriterExit::Drained
    );
    (
        answers.into_iter().map(|(_, answer)| answer).collect(),
        store,
    )
}

/// A store that takes the writer's thread with it.
struct Deadly {
    store: Box<dyn Store>,
    /// By deciding on one command less than it was given; else between two batches.
    by_miscounting: bool,
}

impl Store for Deadly {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        let mut decisions = self.store.transact(terms, now, commands, more)?;
        if self.by_miscounting {
            decisions.pop();
        }
        Ok(decisions)
    }

    delegates!(
        settle,
        load,
        probe,
        next_deadline,
        gap,
        secret,
        keep_currency,
        set_back
    );

    fn rest(&mut self, rest: Rest) -> Result<Checkpoint, StoreError> {
        assert!(self.by_miscounting, "a test's panic");
        self.store.rest(rest)
    }
}

/// Its process is told, which is what it ends with 70 for, and no client waits for ever.
#[test]
fn a_writer_that_dies_is_missed() {
    let (first, others) = answers_of_one_that_dies(false);
    assert_eq!(first, Err(CommandError::Refused(Rejection::ProductUnknown)));
    let expected =
        |answer: &Answer| matches!(answer, Err(CommandError::Unknown | CommandError::Stopped));
    assert!(others.iter().all(expected), "{others:?}");
}

/// No client is told what another's command came to.
#[test]
fn a_store_that_miscounts_its_decisions_ends_the_writer() {
    let (first, others) = answers_of_one_that_dies(true);
    assert_eq!(first, Err(CommandError::Unknown));
    let expected =
        |answer: &Answer| matches!(answer, Err(CommandError::Unknown | CommandError::Stopped));
    assert!(others.iter().all(expected), "{others:?}");
}

fn answers_of_one_that_dies(by_miscounting: bool) -> (Answer, Vec<Answer>) {
    let store = Deadly {
        store: Box::new(MemoryStore::default()),
        by_miscounting,
    };
    let config = Config::default();
    let limits = Limits {
        queue_max: 10,
        batch_max: 1,
        wait_max: config.wait_max(),
    };
    let clock = Arc::new(Clock::new(Hands::at_opening()));
    let (writer, ended) = Writer::start(Box::new(store), clock, config.terms(), limits, |give| {
        give()
    })
    .unwrap();
    let (sender, answers) = mpsc::channel();
    for _ in 0..5 {
        let sender = sender.clone();
        writer.submit(hold(1), move |answer| sender.send(answer).unwrap());
    }
    drop(writer);
    assert_eq!(
        ended.recv_timeout(WAITING_MAX),
        Err(RecvTimeoutError::Disconnected),
        "it says nothing any more"
    );
    let first = receive(&answers);
    (first, (0..4).map(|_| receive(&answers)).collect())
}
