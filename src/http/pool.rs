//! Threads for requests that may take long, so that no event loop waits for them: as many as are needed, up to a limit, and
//! one bounded first-come queue before them.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use super::context::Context;
use super::message::{Handler, Refusal, Reply, Request};

/// How long a thread is kept that has nothing to do.
const KEEP_THREAD: Duration = Duration::from_secs(10);

/// Dropped with the last event loop, which ends its threads.
pub struct Pool {
    queue: Sender<Job>,
    workers: Arc<Workers>,
}

struct Workers {
    context: Arc<Context>,
    jobs: Receiver<Job>,
    threads: AtomicUsize,
    threads_idle: AtomicUsize,
    /// Held by each thread for as long as it runs.
    running: Sender<()>,
}

struct Job {
    request: Request,
    reply: Reply,
    /// When the request was ready to be worked on.
    since: Instant,
}

impl Pool {
    pub fn new(context: Arc<Context>, running: Sender<()>) -> Pool {
        let (queue, jobs) = bounded(context.limits.queue_max);
        let workers = Arc::new(Workers {
            context,
            jobs,
            threads: AtomicUsize::new(0),
            threads_idle: AtomicUsize::new(0),
            running,
        });
        Pool { queue, workers }
    }

    pub fn submit(&self, request: Request, reply: Reply, since: Instant) {
        let job = Job {
            request,
            reply,
            since,
        };
        match self.queue.try_send(job) {
            Ok(()) => spawn_if_needed(&self.workers),
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                refuse(&*self.workers.context.handler, &job.request, job.reply);
            }
        }
    }
}

/// Starts a thread if more requests wait than threads, and there may be another.
fn spawn_if_needed(pool: &Arc<Workers>) {
    let is_needed = pool.jobs.len() > pool.threads_idle.load(Ordering::SeqCst);
    if !is_needed || pool.threads.load(Ordering::SeqCst) >= pool.context.limits.threads_max {
        return;
    }
    pool.threads.fetch_add(1, Ordering::SeqCst);
    let worker = pool.clone();
    let spawned = thread::Builder::new().name("pool".into()).spawn(move || {
        let running = worker.running.clone();
        work(&worker);
        drop(worker);
        drop(running);
    });
    if let Err(error) = spawned {
        pool.threads.fetch_sub(1, Ordering::SeqCst);
        log::warn!("no thread can be started: {error}");
    }
}

fn work(pool: &Arc<Workers>) {
    loop {
        pool.threads_idle.fetch_add(1, Ordering::SeqCst);
        let next = pool.jobs.recv_timeout(KEEP_THREAD);
        pool.threads_idle.fetch_sub(1, Ordering::SeqCst);
        match next {
            Ok(job) => {
                // This thread may have been counted as idle for a request that came just after this one.
                spawn_if_needed(pool);
                if job.since.elapsed() >= pool.context.limits.wait_max {
                    refuse(&*pool.context.handler, &job.request, job.reply);
                } else {
                    handle(&*pool.context.handler, job.request, job.reply);
                }
            }
            Err(RecvTimeoutError::Timeout) if !pool.jobs.is_empty() => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    pool.threads.fetch_sub(1, Ordering::SeqCst);
    // A request may have come that counted on this thread.
    spawn_if_needed(pool);
}

/// A panic in the handler is one failed request: the reply is dropped while it unwinds.
pub fn handle(handler: &dyn Handler, request: Request, reply: Reply) {
    let id = request.id.clone();
    let handled = panic::catch_unwind(AssertUnwindSafe(|| handler.handle(request, reply)));
    if handled.is_err() {
        log::error!("the handler of request {id} panicked");
    }
}

/// Of a request that waited too long, or would have to.
pub fn refuse(handler: &dyn Handler, request: &Request, reply: Reply) {
    reply.send(handler.refuse(Refusal::Overloaded, &request.info()));
}
