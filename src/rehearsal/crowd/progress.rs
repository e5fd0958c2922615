//! How far the crowd is, for eyes that watch it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::rehearsal::tally::Kind;

/// Counted by all threads; waits in powers of two of a microsecond, since the last glance.
#[derive(Default)]
pub struct Progress {
    requests: AtomicU64,
    served: AtomicU64,
    held: AtomicI64,
    sold: AtomicI64,
    waits: [AtomicU64; WAITS],
}

const WAITS: usize = 32;

#[derive(Default)]
pub struct Glance {
    pub elapsed: Duration,
    pub requests: u64,
    pub served: u64,
    pub held: i64,
    pub sold: i64,
    /// Of the requests since the glance before: no more than this, and more than half of it.
    pub p99_ms: f64,
}

impl Progress {
    pub fn answered(&self, wanted_us: u64, now_us: u64, kind: Kind) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if kind != Kind::Storm {
            let wait = now_us.saturating_sub(wanted_us).max(1);
            let power = wait.ilog2() as usize;
            self.waits[power.min(WAITS - 1)].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn served(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    pub fn held(&self, units: i64) {
        self.held.fetch_add(units, Ordering::Relaxed);
    }

    pub fn sold(&self, units: i64) {
        self.sold.fetch_add(units, Ordering::Relaxed);
    }

    pub fn glance(&self, elapsed: Duration) -> Glance {
        let waits = self.waits.each_ref();
        let waits = waits.map(|count| count.swap(0, Ordering::Relaxed));
        let longest = waits.iter().sum::<u64>() / 100;
        let mut slower = 0;
        let p99 = waits.iter().rposition(|count| {
            slower += count;
            slower > longest
        });
        Glance {
            elapsed,
            requests: self.requests.load(Ordering::Relaxed),
            served: self.served.load(Ordering::Relaxed),
            held: self.held.load(Ordering::Relaxed),
            sold: self.sold.load(Ordering::Relaxed),
            p99_ms: p99.map_or(0.0, |power| 2f64.powi(power as i32 + 1) / 1e3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_is_of_the_requests_since_the_one_before() {
        let progress = Progress::default();
        for wait in 0..1_000 {
            progress.answered(0, wait, Kind::Look);
        }
        let glance = progress.glance(Duration::ZERO);
        assert_eq!((glance.requests, glance.p99_ms), (1_000, 1.024));
        assert_eq!(progress.glance(Duration::ZERO).p99_ms, 0.0);
    }
}
