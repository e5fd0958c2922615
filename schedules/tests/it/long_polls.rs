//! Requests that wait for events, in one thread, and how many may. There is room for two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use flashsale::http::Reply;
use flashsale::sale::EventId;
use flashsale::store::StoreError;
use flashsale_schedules::channel::{bounded, unbounded};
use flashsale_schedules::program::api::call::EventsWanted;
use flashsale_schedules::program::store::{Found, Reader};
use flashsale_schedules::{as_it_is, gives_the_permit_back_last};
use shuttle::thread;

use crate::explored::{breaks, holds};

/// How many events there are.
#[derive(Default)]
struct Feed(AtomicI64);

impl Reader for Feed {
    fn next_event(&self) -> Result<EventId, StoreError> {
        thread::yield_now();
        Ok(EventId::new(self.0.load(Ordering::SeqCst) + 1).unwrap())
    }

    fn events(&self, after: i64, _: usize) -> Result<Found, StoreError> {
        let events = self.0.load(Ordering::SeqCst) - after;
        Ok(Found {
            events: usize::try_from(events).unwrap_or(0),
        })
    }
}

const LONG: Duration = Duration::from_secs(3600);

fn after(event: i64) -> EventsWanted {
    EventsWanted {
        after: event,
        events_max: 9,
    }
}

/// Three requests wait for the first event, of which two are let wait; none needs a time-out to be told of it.
#[test]
fn who_waits_is_told_of_the_event_and_nothing_is_read_after_the_end() {
    holds("long polls", || {
        let feed = Arc::new(Feed::default());
        let (committed, events_committed) = bounded(1);
        let polls = as_it_is::long_polls::LongPolls::start(feed.clone(), events_committed).unwrap();
        let (answered, answers) = unbounded();
        for _ in 0..3 {
            let (polls, answered) = (polls.clone(), answered.clone());
            thread::spawn(move || {
                let client = Reply::new(|_| {}).awaited();
                polls.wait(after(0), LONG, client, move |answer| {
                    answered.send(answer.unwrap().status.0).unwrap();
                });
            });
        }
        drop(answered);
        feed.0.fetch_add(1, Ordering::SeqCst);
        let _ = committed.try_send(());
        let mut answers: Vec<u16> = (&answers).collect();
        answers.sort_unstable();
        assert_eq!(answers.len(), 3, "each is answered once");
        assert!(answers[..2] == [200, 200], "{answers:?}");
        polls.end();
        assert_eq!(Arc::strong_count(&feed), 1, "the reader is let go");
    });
}

/// Two requests wait, as many as may. Whoever was answered may wait again.
macro_rules! who_was_answered_may_wait_again {
    ($room:ident) => {
        || {
            let feed = Arc::new(Feed::default());
            let (committed, events_committed) = bounded(1);
            let polls =
                $room::long_polls::LongPolls::start(feed.clone(), events_committed).unwrap();
            let clients: Vec<_> = (0..2)
                .map(|_| {
                    let polls = polls.clone();
                    thread::spawn(move || {
                        let (answered, answer) = bounded(1);
                        let client = Reply::new(|_| {}).awaited();
                        polls.wait(after(0), LONG, client, move |_| answered.send(()).unwrap());
                        answer.recv().unwrap();
                        let was_refused = Arc::new(AtomicBool::new(false));
                        let refused = was_refused.clone();
                        let client = Reply::new(|_| {}).awaited();
                        polls.wait(after(1), LONG, client, move |_| {
                            refused.store(true, Ordering::SeqCst)
                        });
                        assert!(!was_refused.load(Ordering::SeqCst), "there was room");
                    })
                })
                .collect();
            feed.0.fetch_add(1, Ordering::SeqCst);
            let _ = committed.try_send(());
            clients
                .into_iter()
                .for_each(|client| client.join().unwrap());
            polls.drain();
            polls.end();
        }
    };
}

#[test]
fn another_request_may_wait_before_the_client_can_know() {
    holds("permits", who_was_answered_may_wait_again!(as_it_is));
    breaks(
        "gives the permit back last",
        who_was_answered_may_wait_again!(gives_the_permit_back_last),
    );
}
