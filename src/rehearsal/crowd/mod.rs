//! The crowd: buyers and hostile clients on a few threads, which talk HTTP to a server and know nothing else of it.

mod answers;
mod buyer;
mod errand;
mod progress;
mod requests;
mod thread;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::choices::arrivals;
use super::plan::{Plan, Sale};
use super::tally::Tally;
use super::told::Told;
use crate::sale::Timestamp;
use progress::Progress;
use thread::{CrowdThread, Share};

pub use progress::Glance;

/// What all threads of the crowd share.
pub struct Crowd {
    plan: Plan,
    sale: Sale,
    arrivals: Vec<u64>,
    storm: Vec<u64>,
    opening: Instant,
    opened_at: Timestamp,
    stop: AtomicBool,
    progress: Progress,
}

/// What the crowd has counted, and what it was told.
pub struct Counted {
    pub tally: Tally,
    pub told: Told,
    pub paid: u64,
    pub abandoned: u64,
    pub empty_handed: u64,
    pub failed: u64,
    /// Time in which its threads had something to do.
    pub busy: Duration,
}

/// A crowd that is buying.
pub struct Buying {
    crowd: Arc<Crowd>,
    threads: Vec<JoinHandle<Counted>>,
}

/// A hostile request for so many buyers, at least and at most so many.
const BUYERS_A_STORM: u32 = 10;
const STORM_MIN: u32 = 400;
const STORM_MAX: u32 = 20_000;
/// The storm lasts as long as buyers arrive, at least so long.
const STORM_US_MIN: f64 = 250_000.0;

impl Buying {
    /// Opens the sale, at the wall clock's `opened_at`.
    pub fn begin(
        plan: &Plan,
        sale: &Sale,
        server: SocketAddr,
        threads: usize,
        opened_at: Timestamp,
    ) -> io::Result<Buying> {
        let crowd = Arc::new(Crowd {
            plan: plan.clone(),
            sale: sale.clone(),
            arrivals: arrivals(plan),
            storm: storm(plan),
            opening: Instant::now(),
            opened_at,
            stop: AtomicBool::new(false),
            progress: Progress::default(),
        });
        let begin = |thread| {
            let (crowd, share) = (
                crowd.clone(),
                Share {
                    thread,
                    of: threads,
                },
            );
            std::thread::Builder::new()
                .name(format!("crowd-{thread}"))
                .spawn(move || match CrowdThread::new(&crowd, server, share) {
                    Ok(thread) => thread.run(),
                    Err(error) => Counted::failed(&error),
                })
        };
        let threads = (0..threads).map(begin).collect::<io::Result<_>>()?;
        Ok(Buying { crowd, threads })
    }

    pub fn glance(&self) -> Glance {
        self.crowd.progress.glance(self.crowd.opening.elapsed())
    }

    pub fn is_over(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// The buyers leave at once.
    pub fn stop(&self) {
        self.crowd.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for the last buyer. `None` if a thread has panicked.
    pub fn end(self) -> Option<Counted> {
        let mut threads = self.threads.into_iter().map(JoinHandle::join);
        let mut sum = threads.next()?.ok()?;
        for counted in threads {
            sum.add(counted.ok()?);
        }
        Some(sum)
    }
}

impl Crowd {
    fn now_us(&self) -> u64 {
        u64::try_from(self.opening.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Counted {
    fn failed(error: &io::Error) -> Counted {
        let mut tally = Tally::default();
        tally.unexpected.insert(0, format!("the poller: {error}"));
        Counted {
            tally,
            told: Told::default(),
            paid: 0,
            abandoned: 0,
            empty_handed: 0,
            failed: 0,
            busy: Duration::ZERO,
        }
    }

    fn add(&mut self, other: Counted) {
        self.tally.add(other.tally);
        self.told.add(other.told);
        self.paid += other.paid;
        self.abandoned += other.abandoned;
        self.empty_handed += other.empty_handed;
        self.failed += other.failed;
        self.busy += other.busy;
    }
}

/// When hostile clients ask, in microseconds after the opening.
fn storm(plan: &Plan) -> Vec<u64> {
    let requests = (plan.buyers / BUYERS_A_STORM).clamp(STORM_MIN, STORM_MAX);
    let over_us = (plan.over_s * 1e6).max(STORM_US_MIN);
    let at = |number| over_us * f64::from(number) / f64::from(requests);
    (0..requests).map(|number| at(number) as u64).collect()
}
