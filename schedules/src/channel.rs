//! Channels as `crossbeam-channel` has them, on shuttle's primitives. What is done to a channel is done at once, as there: by
//! one lock for all channels of an execution.
//!
//! There is no time. A wait with a time-out lasts until there is something to receive, unless `let_time_pass` was called:
//! then it may end at any moment, as chance will have it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as Unseen};
use std::time::Duration;

pub use crossbeam_channel::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Condvar, Mutex};

shuttle::lazy_static! {
    static ref TURN: Turn = Turn::default();
}

#[derive(Default)]
struct Turn {
    lock: Mutex<()>,
    changed: Condvar,
    time_passes: AtomicBool,
}

/// In this execution, from now on.
pub fn let_time_pass() {
    TURN.time_passes.store(true, Ordering::SeqCst);
}

/// Does what it says once it says something, and no other thread meanwhile.
fn once<R>(mut step: impl FnMut() -> Option<R>) -> R {
    let mut guard = TURN.lock.lock().unwrap();
    loop {
        if let Some(done) = step() {
            TURN.changed.notify_all();
            return done;
        }
        guard = TURN.changed.wait(guard).unwrap();
    }
}

struct Channel<T> {
    /// Only touched by who has the turn.
    queue: Unseen<VecDeque<T>>,
    capacity: Option<usize>,
    senders: AtomicUsize,
    receivers: AtomicUsize,
}

pub struct Sender<T>(Arc<Channel<T>>);
pub struct Receiver<T>(Arc<Channel<T>>);

pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    channel(Some(capacity))
}

pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    channel(None)
}

/// Nothing is ever received, and its sender never goes.
pub fn never<T>() -> Receiver<T> {
    let (sender, receiver) = channel(None);
    std::mem::forget(sender);
    receiver
}

fn channel<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel {
        queue: Unseen::default(),
        capacity,
        senders: AtomicUsize::new(1),
        receivers: AtomicUsize::new(1),
    });
    (Sender(channel.clone()), Receiver(channel))
}

impl<T> Channel<T> {
    fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let mut queue = self.queue.lock().unwrap();
        if self.receivers.load(Ordering::SeqCst) == 0 {
            Err(TrySendError::Disconnected(message))
        } else if self
            .capacity
            .is_some_and(|capacity| queue.len() >= capacity)
        {
            Err(TrySendError::Full(message))
        } else {
            queue.push_back(message);
            Ok(())
        }
    }

    fn try_recv(&self) -> Result<T, TryRecvError> {
        let first = self.queue.lock().unwrap().pop_front();
        let is_over = self.senders.load(Ordering::SeqCst) == 0;
        first.ok_or(if is_over {
            TryRecvError::Disconnected
        } else {
            TryRecvError::Empty
        })
    }

    /// `None`: there is nothing yet.
    fn received(&self) -> Option<Result<T, RecvError>> {
        match self.try_recv() {
            Ok(message) => Some(Ok(message)),
            Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
            Err(TryRecvError::Empty) => None,
        }
    }
}

impl<T> Sender<T> {
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let mut message = Some(message);
        once(|| Some(self.0.try_send(message.take().expect("it is sent once"))))
    }

    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let mut left = Some(message);
        once(
            || match self.0.try_send(left.take().expect("it comes back")) {
                Ok(()) => Some(Ok(())),
                Err(TrySendError::Disconnected(message)) => Some(Err(SendError(message))),
                Err(TrySendError::Full(message)) => {
                    left = Some(message);
                    None
                }
            },
        )
    }

    pub fn len(&self) -> usize {
        once(|| Some(self.0.queue.lock().unwrap().len()))
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn capacity(&self) -> Option<usize> {
        self.0.capacity
    }
}

impl<T> Receiver<T> {
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        once(|| Some(self.0.try_recv()))
    }

    pub fn recv(&self) -> Result<T, RecvError> {
        once(|| self.0.received())
    }

    pub fn recv_timeout(&self, _: Duration) -> Result<T, RecvTimeoutError> {
        let received = once(|| match self.0.received() {
            Some(received) => Some(Some(received)),
            None => has_passed().then_some(None),
        });
        match received {
            Some(received) => received.map_err(|_| RecvTimeoutError::Disconnected),
            None => Err(RecvTimeoutError::Timeout),
        }
    }

    pub fn try_iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.try_recv().ok())
    }

    pub fn len(&self) -> usize {
        once(|| Some(self.0.queue.lock().unwrap().len()))
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Iterator for &Receiver<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.recv().ok()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.0.senders.fetch_add(1, Ordering::SeqCst);
        Sender(self.0.clone())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        self.0.receivers.fetch_add(1, Ordering::SeqCst);
        Receiver(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            once(|| Some(self.0.senders.fetch_sub(1, Ordering::SeqCst)));
        }
    }
}

/// With the last receiver the messages go that are left.
impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let left = once(|| {
            let is_last = self.0.receivers.fetch_sub(1, Ordering::SeqCst) == 1;
            let mut queue = self.0.queue.lock().unwrap();
            Some(is_last.then(|| std::mem::take(&mut *queue)))
        });
        // A message that is dropped may use channels.
        drop(left);
    }
}

fn has_passed() -> bool {
    TURN.time_passes.load(Ordering::SeqCst) && thread_rng().gen_bool(0.3)
}

/// What `select!` came to.
pub enum Selected<A, B> {
    First(Result<A, RecvError>),
    Second(Result<B, RecvError>),
    TimedOut,
}

/// Of two that are ready, chance picks one.
pub fn either<A, B>(first: &Receiver<A>, second: &Receiver<B>, _: Duration) -> Selected<A, B> {
    let is_second_first = thread_rng().gen_bool(0.5);
    let of_first = || first.0.received().map(Selected::First);
    let of_second = || second.0.received().map(Selected::Second);
    once(|| {
        let received = if is_second_first {
            of_second().or_else(of_first)
        } else {
            of_first().or_else(of_second)
        };
        received.or_else(|| has_passed().then_some(Selected::TimedOut))
    })
}

/// Of two receivers and a time-out, as the program has it.
#[macro_export]
macro_rules! select {
    (
        recv($first:expr) -> $a:pat => $with_a:expr,
        recv($second:expr) -> $b:pat => $with_b:expr,
        default($longest:expr) => $otherwise:expr $(,)?
    ) => {
        match $crate::channel::either(&$first, &$second, $longest) {
            $crate::channel::Selected::First($a) => $with_a,
            $crate::channel::Selected::Second($b) => $with_b,
            $crate::channel::Selected::TimedOut => $otherwise,
        }
    };
    (
        recv($first:expr) -> $a:pat => $with_a:expr,
        recv($second:expr) -> $b:pat => $with_b:block
        default($longest:expr) => $otherwise:expr $(,)?
    ) => {
        $crate::select!(recv($first) -> $a => $with_a, recv($second) -> $b => $with_b, default($longest) => $otherwise)
    };
}

pub use crate::select;
