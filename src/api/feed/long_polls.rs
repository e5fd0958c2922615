//! Long polls: requests that wait for events. There is a bounded number of them, and one thread for all. It looks for new
//! events when this process has committed some, and every so often, since other processes commit too. A client that hangs
//! up is noticed at the next look.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, never, select, unbounded};

use crate::api::call::EventsWanted;
use crate::api::errors::Error;
use crate::http::{Awaited, Response};
use crate::sale::EventId;
use crate::store::Reader;

/// Further requests are answered at once.
const POLLS_MAX: usize = 16;
/// How often events of other processes are looked for while a request waits.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the thread may read on after the last handle is gone.
const END_MAX: Duration = Duration::from_secs(1);

/// A handle by which requests come in. The thread ends when the last one is dropped.
#[derive(Clone)]
pub struct LongPolls {
    arrivals: Sender<Arrival>,
    taken: Arc<AtomicUsize>,
    /// Disconnected once the thread has ended and let go of the reader.
    ended: Receiver<()>,
}

enum Arrival {
    Waiter(Waiter),
    /// From now on no request waits.
    Drain,
}

/// What is done with the answer.
type Finish = Box<dyn FnOnce(Result<Response, Error>) + Send>;

struct Waiter {
    wanted: EventsWanted,
    until: Instant,
    client: Awaited,
    finish: Finish,
    permit: Permit,
    /// The next event's id, when there was nothing after all: ids may have been skipped.
    found_nothing_at: Option<EventId>,
}

/// To wait: another request may, once this is dropped.
struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl LongPolls {
    /// `events_committed`: receives a message after this process has committed events.
    pub fn start(reader: Arc<dyn Reader>, events_committed: Receiver<()>) -> io::Result<LongPolls> {
        let (sender, arrivals) = unbounded();
        let (running, ended) = bounded(0);
        let poll_loop = PollLoop {
            reader,
            arrivals,
            events_committed,
            waiters: Vec::new(),
            is_draining: false,
        };
        let run = move || {
            poll_loop.run();
            drop(running);
        };
        thread::Builder::new().name("feed".into()).spawn(run)?;
        Ok(LongPolls {
            arrivals: sender,
            taken: Arc::default(),
            ended,
        })
    }

    /// Lets the request wait, or answers that there is nothing, where as many wait as may.
    pub fn wait(
        &self,
        wanted: EventsWanted,
        wait: Duration,
        client: Awaited,
        finish: impl FnOnce(Result<Response, Error>) + Send + 'static,
    ) {
        let Some(permit) = self.take_permit() else {
            return finish(Ok(wanted.nothing()));
        };
        let waiter = Waiter {
            wanted,
            until: Instant::now() + wait,
            client,
            finish: Box::new(finish),
            permit,
            found_nothing_at: None,
        };
        if let Err(error) = self.arrivals.send(Arrival::Waiter(waiter))
            && let Arrival::Waiter(waiter) = error.into_inner()
        {
            waiter.answer_nothing();
        }
    }

    /// Answers all requests that wait, and later ones, at once.
    pub fn drain(&self) {
        if self.arrivals.send(Arrival::Drain).is_err() {
            log::error!("the thread of long polls has ended");
        }
    }

    /// Gives up the last handle, and waits until nothing is read any more.
    pub fn end(self) {
        drop(self.arrivals);
        if self.ended.recv_timeout(END_MAX) == Err(RecvTimeoutError::Timeout) {
            log::warn!("the thread of long polls does not end");
        }
    }

    fn take_permit(&self) -> Option<Permit> {
        let more = |taken| (taken < POLLS_MAX).then_some(taken + 1);
        let taken = &self.taken;
        let was_free = taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        was_free.ok().map(|_| Permit(taken.clone()))
    }
}

impl Waiter {
    /// Another request may wait before the client can know.
    fn answer(self, answer: Result<Response, Error>) {
        drop(self.permit);
        (self.finish)(answer);
    }

    fn answer_nothing(self) {
        let nothing = self.wanted.nothing();
        self.answer(Ok(nothing));
    }

    fn may_have_events(&self, next: EventId) -> bool {
        next.get() - 1 > self.wanted.after && self.found_nothing_at != Some(next)
    }
}

/// What the thread owns.
struct PollLoop {
    reader: Arc<dyn Reader>,
    arrivals: Receiver<Arrival>,
    events_committed: Receiver<()>,
    waiters: Vec<Waiter>,
    is_draining: bool,
}

impl PollLoop {
    fn run(mut self) {
        while self.sleep() {
            let arrivals: Vec<Arrival> = self.arrivals.try_iter().collect();
            arrivals.into_iter().for_each(|arrival| self.note(arrival));
            self.look();
        }
        self.waiters.drain(..).for_each(Waiter::answer_nothing);
    }

    /// Until there may be something to do; false once no handle is left.
    fn sleep(&mut self) -> bool {
        let Some(first) = self.waiters.iter().map(|waiter| waiter.until).min() else {
            return self.arrivals.recv().map(|it| self.note(it)).is_ok();
        };
        let longest = first.saturating_duration_since(Instant::now());
        select! {
            recv(self.arrivals) -> arrival => return arrival.map(|it| self.note(it)).is_ok(),
            recv(self.events_committed) -> message => if message.is_err() {
                self.events_committed = never();
            },
            default(longest.min(LOOK_EVERY)) => {}
        }
        true
    }

    fn note(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Waiter(waiter) => self.waiters.push(waiter),
            Arrival::Drain => self.is_draining = true,
        }
    }

    /// Answers those for which there are events, and those that wait no longer.
    fn look(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let next = match self.reader.next_event() {
            Ok(next) => next,
            Err(failure) => {
                log::error!("whether there are new events cannot be read: {failure}");
                let waiters = self.waiters.drain(..);
                return waiters.for_each(|waiter| waiter.answer(Err(Error::ReadFailed)));
            }
        };
        let now = Instant::now();
        for waiter in std::mem::take(&mut self.waiters) {
            let Some(waiter) = self.answer_events(waiter, next) else {
                continue;
            };
            if self.is_draining || waiter.until <= now || waiter.client.has_ended() {
                waiter.answer_nothing();
            } else {
                self.waiters.push(waiter);
            }
        }
    }

    /// Gives the waiter back if there is nothing for it.
    fn answer_events(&self, mut waiter: Waiter, next: EventId) -> Option<Waiter> {
        if !waiter.may_have_events(next) {
            return Some(waiter);
        }
        let wanted = waiter.wanted;
        let found = match self.reader.events(wanted.after, wanted.events_max) {
            Ok(found) if found.is_nothing() => {
                waiter.found_nothing_at = Some(next);
                return Some(waiter);
            }
            Ok(found) => wanted.answer(&found),
            Err(failure) => Err(failure.into()),
        };
        waiter.answer(found);
        None
    }
}
