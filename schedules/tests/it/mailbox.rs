//! What other threads hand to an event loop that sleeps without a time-out.

use std::sync::Arc;

use flashsale_schedules::waker::Waker;
use flashsale_schedules::{as_it_is, sleeps_without_a_look, wakes_before_it_pushes};
use shuttle::thread;

use crate::explored::{breaks, holds};

/// A loop that takes its mail as `http/event_loop.rs` does, until so many messages have come.
macro_rules! take_all {
    ($mailbox:expr, $waker:expr, $count:expr) => {{
        let (mut taken, mut mail) = (0, Vec::new());
        while taken < $count {
            let waits = $mailbox.falls_asleep();
            $waker.poll(waits);
            $mailbox.wakes_up();
            $mailbox.take(&mut mail);
            taken += mail.drain(..).count();
        }
        assert_eq!(taken, $count);
    }};
}

/// One thread hands over connections, two hand over answers of batches.
macro_rules! everything_arrives {
    ($room:ident) => {
        || {
            use $room::mailbox::{Mailbox, Message, with_one_wake_up};
            let waker = Waker::default();
            let mailbox = Arc::new(Mailbox::new(waker.clone()));
            let acceptor = mailbox.clone();
            thread::spawn(move || {
                acceptor.send(Message::Evict);
                acceptor.send(Message::Evict);
            });
            for _ in 0..2 {
                let recipient: Arc<dyn flashsale::http::Recipient> = mailbox.clone();
                thread::spawn(move || {
                    with_one_wake_up(&mut || {
                        recipient.clone().receive(1, None);
                        recipient.clone().run(Box::new(|| {}));
                    });
                });
            }
            take_all!(mailbox, waker, 6);
        }
    };
}

#[test]
fn no_message_is_slept_over() {
    holds("mailbox", everything_arrives!(as_it_is));
    breaks(
        "wakes before it pushes",
        everything_arrives!(wakes_before_it_pushes),
    );
    breaks(
        "sleeps without a look",
        everything_arrives!(sleeps_without_a_look),
    );
}

#[test]
fn a_batch_of_answers_costs_one_wake_up() {
    holds("wake-ups", || {
        use as_it_is::mailbox::{Mailbox, with_one_wake_up};
        let waker = Waker::default();
        let mailbox = Arc::new(Mailbox::new(waker.clone()));
        let recipient: Arc<dyn flashsale::http::Recipient> = mailbox.clone();
        let writer = thread::spawn(move || {
            with_one_wake_up(&mut || {
                for ticket in 0..3 {
                    recipient.clone().receive(ticket, None);
                }
            });
        });
        take_all!(mailbox, waker, 3);
        writer.join().unwrap();
        assert!(waker.wakes() <= 1);
    });
}
