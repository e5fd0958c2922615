//! What other threads hand to an event loop: answers, new connections. Many messages cost one wake-up, since only the first
//! finds the loop asleep.

use std::cell::RefCell;
use std::collections::HashSet;
use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::Waker;
use socket2::Socket;

use super::connection_limit::Permit;
use super::deadlines::Wait;
use super::message::{Recipient, Refusal, Response, Work};

pub enum Message {
    /// The answer to the request with this ticket; `None` where the handler has let it fall.
    Answer {
        ticket: u64,
        response: Option<Response>,
    },
    Accepted(Accepted),
    /// What makes an answer that another thread has had the news for.
    Work(Work),
    /// The connection that has done nothing for longest gives way to another.
    Evict,
}

/// A connection that is to be an event loop's.
pub struct Accepted {
    pub socket: Socket,
    pub peer: Option<SocketAddr>,
    pub permit: Permit,
    /// Why it is to be turned away, if it is.
    pub refusal: Option<Refusal>,
}

pub struct Mailbox {
    messages: Mutex<Vec<Message>>,
    waker: Waker,
    is_awake: AtomicBool,
    /// Connections that the loop has, or that are on their way to it.
    pub connections: AtomicUsize,
    /// How long ago, in its own time, the loop's oldest connection that could give way began to wait.
    pub oldest: AtomicU64,
    /// How many of them wait for what, in the order of `Wait::ALL`, as of the loop's last look.
    pub waiting: [AtomicUsize; Wait::ALL.len()],
    /// Tickets of requests whose clients have closed their sending sides, or are gone, before the answer came.
    ended: Mutex<HashSet<u64>>,
    /// The last beat that the loop has answered.
    pub heartbeat: AtomicUsize,
}

/// Of a loop none of whose connections could give way.
pub const NONE: u64 = u64::MAX;

impl Mailbox {
    pub fn new(waker: Waker) -> Mailbox {
        Mailbox {
            messages: Mutex::default(),
            waker,
            is_awake: AtomicBool::new(true),
            connections: AtomicUsize::new(0),
            oldest: AtomicU64::new(NONE),
            waiting: Default::default(),
            ended: Mutex::default(),
            heartbeat: AtomicUsize::new(0),
        }
    }

    pub fn send(&self, message: Message) {
        self.messages().push(message);
        self.wake();
    }

    pub fn wake(&self) {
        if !self.is_awake.swap(true, Ordering::SeqCst)
            && let Err(error) = self.waker.wake()
        {
            log::error!("an event loop cannot be woken: {error}");
        }
    }

    /// The loop is about to sleep; false if there are messages already. Whatever is sent from now on wakes it.
    pub fn falls_asleep(&self) -> bool {
        self.is_awake.store(false, Ordering::SeqCst);
        self.messages().is_empty()
    }

    pub fn wakes_up(&self) {
        self.is_awake.store(true, Ordering::SeqCst);
    }

    /// All messages, in exchange for an empty list.
    pub fn take(&self, into: &mut Vec<Message>) {
        mem::swap(&mut *self.messages(), into);
    }

    pub fn note_ended(&self, ticket: u64) {
        self.ended().insert(ticket);
    }

    /// The request was answered, or its connection is closed.
    pub fn forget_ended(&self, ticket: u64) {
        self.ended().remove(&ticket);
    }

    fn ended(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn messages(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    /// The mailboxes that this thread will wake, if it does that later.
    static HELD: RefCell<Option<Vec<Arc<Mailbox>>>> = const { RefCell::new(None) };
}

/// Sends many answers from this thread: each event loop is woken once, when all are sent.
pub fn with_one_wake_up(send: &mut dyn FnMut()) {
    HELD.set(Some(Vec::new()));
    send();
    for mailbox in HELD.take().into_iter().flatten() {
        mailbox.wake();
    }
}

impl Recipient for Mailbox {
    fn receive(self: Arc<Self>, ticket: u64, response: Option<Response>) {
        self.post(Message::Answer { ticket, response });
    }

    fn run(self: Arc<Self>, work: Work) {
        self.post(Message::Work(work));
    }

    fn has_ended(&self, ticket: u64) -> bool {
        self.ended().contains(&ticket)
    }
}

impl Mailbox {
    /// Sends, and wakes the loop now or later.
    fn post(self: Arc<Self>, message: Message) {
        self.messages().push(message);
        let wakes_now = HELD.with_borrow_mut(|held| match held {
            Some(held) if held.iter().any(|other| Arc::ptr_eq(other, &self)) => false,
            Some(held) => {
                held.push(self.clone());
                false
            }
            None => true,
        });
        if wakes_now {
            self.wake();
        }
    }
}
