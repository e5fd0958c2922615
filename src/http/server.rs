//! The front as a whole: its threads start, show that they are alive, and stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::acceptor::Acceptor;
use super::connection_counts::ConnectionCounts;
use super::context::{Context, Limits, Phase};
use super::event_loop::EventLoop;
use super::listener::Listener;
use super::mailbox::Mailbox;
use super::message::Handler;
use super::poller::Poller;
use super::pool::Pool;

pub struct Server {
    stopper: Stopper,
    drained: Receiver<()>,
    closed: Receiver<()>,
}

/// What the threads may take to write the last answers and to end.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// Ends a server's life from any thread.
#[derive(Clone)]
pub struct Stopper(Arc<Context>);

impl Stopper {
    /// Accepts no more connections, and lets requests that have begun end.
    pub fn stop(&self) {
        self.0.enter(Phase::Stopping);
    }

    /// Closes connections without waiting for their requests.
    pub fn stop_now(&self) {
        self.0.enter(Phase::StoppingNow);
    }

    /// A figure that is another one soon after, as long as every event loop is alive.
    pub fn heartbeat(&self) -> usize {
        let beat = self.0.beat.load(Ordering::SeqCst);
        let answers = |mailbox: &Arc<Mailbox>| mailbox.heartbeat.load(Ordering::SeqCst) == beat;
        if !self.0.mailboxes.iter().all(answers) {
            return beat;
        }
        self.0.beat.store(beat.wrapping_add(1), Ordering::SeqCst);
        self.0.wake_all();
        beat.wrapping_add(1)
    }
}

impl Server {
    pub fn start(
        listener: Listener,
        handler: Arc<dyn Handler>,
        limits: Limits,
        drain: Duration,
    ) -> io::Result<Server> {
        let pollers = (0..limits.event_loops.max(1)).map(|_| Poller::new());
        let pollers = pollers.collect::<io::Result<Vec<Poller>>>()?;
        pollers[0].add_listener(&listener)?;
        let mailbox = |poller: &Poller| Ok(Arc::new(Mailbox::new(poller.waker()?)));
        let mailboxes = pollers
            .iter()
            .map(mailbox)
            .collect::<io::Result<Vec<_>>>()?;
        let context = Arc::new(Context::new(handler, limits, mailboxes.clone()));
        let mut acceptor = Some(Acceptor::new(context.clone(), listener));
        let (serving, drained) = bounded(1);
        let (running, closed) = bounded::<()>(0);
        let pool = Arc::new(Pool::new(context.clone(), running.clone()));
        for (poller, mailbox) in pollers.into_iter().zip(mailboxes) {
            let (context, pool) = (context.clone(), pool.clone());
            let event_loop = EventLoop::new(context, pool, mailbox, acceptor.take(), poller);
            let serving = TellsItsEnd(serving.clone());
            let running = running.clone();
            thread::Builder::new().name("http".into()).spawn(move || {
                if let Err(error) = event_loop.run(drain, serving) {
                    log::error!("connections cannot be watched: {error}");
                }
                drop(running);
            })?;
        }
        Ok(Server {
            stopper: Stopper(context),
            drained,
            closed,
        })
    }

    pub fn connections(&self) -> ConnectionCounts {
        ConnectionCounts(self.stopper.0.mailboxes.clone())
    }

    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Receives a message once the server was stopped and has drained, or once an event loop has died. Answers that come later
    /// are written all the same.
    pub fn drained(&self) -> &Receiver<()> {
        &self.drained
    }

    /// Writes the answers that have come, and ends.
    pub fn close(self) {
        self.stopper.0.enter(Phase::Closing);
        if self.closed.recv_timeout(CLOSE_MAX) == Err(RecvTimeoutError::Timeout) {
            log::warn!("a thread that serves connections does not end");
        }
    }
}

/// Sends a message when it is dropped; the first of all is enough.
struct TellsItsEnd(Sender<()>);

impl Drop for TellsItsEnd {
    fn drop(&mut self) {
        self.0.try_send(()).ok();
    }
}
