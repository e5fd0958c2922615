//! The queue of commands, its replies, and how the writer ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flashsale::clock::Clock;
use flashsale::config::Config;
use flashsale::sale::{Command, Currency, HoldId, Rejection, Secret, Terms, Timestamp};
use flashsale::store::{
    Checkpoint, Decision, More, Now, Rest, SetBack, Store, StoreError, Transacted,
};
use flashsale_schedules::{as_it_is, forgets_what_waits, tells_before_the_commit};
use shuttle::thread;

use crate::explored::{breaks, holds};

/// Refuses every command, which is how it says that it has executed it; and each of its transactions tells an event.
#[derive(Clone, Default)]
struct Till {
    executed: Arc<Mutex<Vec<i64>>>,
    events: Arc<AtomicUsize>,
}

impl Till {
    fn has_executed(&self, id: i64) -> bool {
        self.executed.lock().unwrap().contains(&id)
    }
}

impl Store for Till {
    fn transact(
        &mut self,
        _: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        now(Timestamp::FIRST);
        let mut commands = commands.to_vec();
        commands.extend(more());
        thread::yield_now();
        let ids = commands.iter().filter_map(|command| match command {
            Command::ReleaseHold { hold } => Some(hold.get()),
            _ => None,
        });
        self.executed.lock().unwrap().extend(ids);
        self.events.fetch_add(1, Ordering::SeqCst);
        Ok(commands
            .iter()
            .map(|_| Err(Rejection::SalePaused))
            .collect())
    }

    fn last_transaction(&self) -> Transacted {
        Transacted {
            events: 1,
            ..Transacted::default()
        }
    }

    fn next_deadline(&mut self, _: &Terms) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    fn rest(&mut self, _: Rest) -> Result<Checkpoint, StoreError> {
        Ok(Checkpoint::Complete)
    }

    fn gap(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn probe(&mut self, _: Now<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn settle(&mut self) -> Result<Option<Vec<Decision>>, StoreError> {
        unreachable!("it is never in doubt")
    }

    fn load(
        &mut self,
        _: &Terms,
        _: Now<'_>,
        _: &mut dyn Iterator<Item = Vec<Command>>,
        _: &mut dyn FnMut(&[Decision]),
    ) -> Result<(), StoreError> {
        unreachable!("nothing is loaded")
    }

    fn secret(&self) -> &Secret {
        unreachable!("no token is made")
    }

    fn keep_currency(&mut self, _: Currency) -> Result<Currency, StoreError> {
        unreachable!("there is no currency")
    }

    fn set_back(&mut self, _: Timestamp, _: &Terms) -> Result<Option<SetBack>, StoreError> {
        unreachable!("the time is right")
    }
}

macro_rules! started {
    ($room:ident, $till:expr) => {{
        let limits = $room::writer::Limits {
            queue_max: 2,
            batch_max: 2,
            wait_max: Duration::from_secs(3600),
        };
        let (clock, terms) = (Arc::new(Clock::system()), Config::default().terms());
        let store = Box::new($till.clone());
        $room::writer::Writer::start(store, clock, terms, limits, |send| send()).unwrap()
    }};
}

fn in_an_hour() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

/// Two threads submit two commands each; each is answered once, and what the answer says of it is so.
macro_rules! every_command_is_answered {
    ($room:ident, $end:expr) => {
        || {
            use $room::writer::{CommandError, WriterExit};
            let till = Till::default();
            let (writer, ended) = started!($room, till);
            let answers = Arc::new(Mutex::new(Vec::new()));
            let clients: Vec<_> = [1, 3]
                .into_iter()
                .map(|first| {
                    let (writer, till, answers) = (writer.clone(), till.clone(), answers.clone());
                    thread::spawn(move || {
                        for id in [first, first + 1] {
                            let (till, answers) = (till.clone(), answers.clone());
                            let hold = HoldId::new(id).unwrap();
                            writer.submit(Command::ReleaseHold { hold }, move |answer| {
                                let was_executed = till.has_executed(id);
                                answers.lock().unwrap().push((
                                    id,
                                    answer.unwrap_err(),
                                    was_executed,
                                ));
                            });
                        }
                    })
                })
                .collect();
            let end: fn($room::writer::Writer) = $end;
            end(writer);
            assert_eq!(ended.recv(), Ok(WriterExit::Drained));
            clients
                .into_iter()
                .for_each(|client| client.join().unwrap());
            let mut answers = std::mem::take(&mut *answers.lock().unwrap());
            answers.sort_by_key(|(id, ..)| *id);
            let ids: Vec<i64> = answers.iter().map(|(id, ..)| *id).collect();
            assert_eq!(ids, [1, 2, 3, 4], "each is answered once");
            for (id, answer, was_executed) in answers {
                match answer {
                    CommandError::Refused(_) => assert!(was_executed, "answered before the commit"),
                    CommandError::Overloaded | CommandError::Stopped => {
                        assert!(!till.has_executed(id), "{answer:?}, and executed");
                    }
                    other => panic!("the store was well, and {id} is answered {other:?}"),
                }
            }
        }
    };
}

#[test]
fn every_command_is_answered_once_when_the_writer_is_told_to_stop() {
    holds(
        "stop",
        every_command_is_answered!(as_it_is, |writer| writer.stop(in_an_hour())),
    );
    breaks(
        "forgets what waits",
        every_command_is_answered!(forgets_what_waits, |writer| writer.stop(in_an_hour())),
    );
}

#[test]
fn every_command_is_answered_once_when_the_last_handle_goes() {
    holds("last handle", every_command_is_answered!(as_it_is, drop));
}

/// A reader looks for events, and then waits for the message that there are more.
macro_rules! no_event_is_missed {
    ($room:ident) => {
        || {
            let till = Till::default();
            let (writer, ended) = started!($room, till);
            let committed = writer.events_committed();
            let seen = till.clone();
            let reader = thread::spawn(move || {
                while !seen.has_executed(1) || !seen.has_executed(2) {
                    committed.recv().unwrap();
                }
            });
            for id in [1, 2] {
                let hold = HoldId::new(id).unwrap();
                writer.submit(Command::ReleaseHold { hold }, |_| {});
            }
            reader.join().unwrap();
            drop(writer);
            ended.recv().unwrap();
        }
    };
}

#[test]
fn who_waits_for_events_is_told_of_the_last_commit() {
    holds("events", no_event_is_missed!(as_it_is));
    breaks(
        "tells before the commit",
        no_event_is_missed!(tells_before_the_commit),
    );
}
