//! The one place that reads the time. Time never runs back and never stands still: a wall clock that was set back is left
//! behind, one that was set forward counts as time passed.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sale::Timestamp;

/// Where the time comes from: the system, or a test's hand.
pub trait TimeSource: Send + Sync {
    fn wall(&self) -> Timestamp;

    /// Time since some fixed moment; never runs back.
    fn monotonic(&self) -> Duration;
}

pub struct SystemTime {
    started: Instant,
}

impl Default for SystemTime {
    fn default() -> SystemTime {
        SystemTime {
            started: Instant::now(),
        }
    }
}

impl TimeSource for SystemTime {
    fn wall(&self) -> Timestamp {
        Timestamp::from_micros(chrono::Utc::now().timestamp_micros())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The sale's time: `max(wall clock, last answer + monotonic time since it)`.
pub struct Clock {
    source: Box<dyn TimeSource>,
    last: Mutex<Last>,
    /// A time no later than the one at which the batch in flight is judged; 0 when none is.
    in_flight: AtomicI64,
}

struct Last {
    now: Timestamp,
    monotonic: Duration,
    wall_lags: bool,
}

/// A wall clock that is this far behind is worth a line in the log.
const LAG_WORTH_LOGGING_MICROS: i64 = 1_000_000;

impl Clock {
    pub fn new(source: impl TimeSource + 'static) -> Clock {
        let last = Last {
            now: source.wall(),
            monotonic: source.monotonic(),
            wall_lags: false,
        };
        Clock {
            source: Box::new(source),
            last: Mutex::new(last),
            in_flight: AtomicI64::new(0),
        }
    }

    pub fn system() -> Clock {
        Clock::new(SystemTime::default())
    }

    pub fn now(&self) -> Timestamp {
        self.now_from(Timestamp::from_micros(i64::MIN))
    }

    /// What others call the time. The sale's may be ahead of it for good, if it was once set back.
    pub fn wall(&self) -> Timestamp {
        self.source.wall()
    }

    /// The time to judge a batch at, for whoever holds the write lock; `last_now` is the latest that was judged at before.
    ///
    /// What readers see is published first and the time taken second: a reader that finds nothing in flight took its own
    /// time before the batch's, and one that finds something judges by a time no later than the batch's.
    pub fn begin_batch(&self, last_now: Timestamp) -> Timestamp {
        self.in_flight.store(self.now().micros(), Ordering::SeqCst);
        self.now_from(last_now)
    }

    /// The batch is committed, or was given up.
    pub fn end_batch(&self) {
        self.in_flight.store(0, Ordering::SeqCst);
    }

    /// The time to read at, taken before the read begins: what it calls expired, no batch still to commit calls alive.
    pub fn reading(&self) -> Timestamp {
        let now = self.now();
        match self.in_flight.load(Ordering::SeqCst) {
            0 => now,
            in_flight => now.min(Timestamp::from_micros(in_flight)),
        }
    }

    fn now_from(&self, floor: Timestamp) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, monotonic) = (self.source.wall(), self.source.monotonic());
        let passed = monotonic.saturating_sub(last.monotonic);
        let passed_micros = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
        let by_monotonic = Timestamp::from_micros(last.now.micros().saturating_add(passed_micros));
        let now = wall.max(by_monotonic).max(floor);
        let lag_micros = now.micros().saturating_sub(wall.micros());
        let wall_lags = lag_micros > LAG_WORTH_LOGGING_MICROS;
        if wall_lags && !last.wall_lags {
            log::warn!(
                "the wall clock is {:.1} s behind the sale's time, which never runs back",
                lag_micros as f64 / 1e6
            );
        }
        *last = Last {
            now,
            monotonic,
            wall_lags,
        };
        now
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Default)]
    struct Hands {
        wall: AtomicI64,
        monotonic: AtomicI64,
    }

    impl TimeSource for Arc<Hands> {
        fn wall(&self) -> Timestamp {
            Timestamp::from_micros(self.wall.load(Ordering::SeqCst))
        }

        fn monotonic(&self) -> Duration {
            Duration::from_micros(self.monotonic.load(Ordering::SeqCst).unsigned_abs())
        }
    }

    #[test]
    fn time_never_runs_back_and_never_stands_still() {
        let hands = Arc::new(Hands::default());
        hands.wall.store(1_000, Ordering::SeqCst);
        let clock = Clock::new(hands.clone());
        assert_eq!(clock.now().micros(), 1_000);

        hands.wall.store(400, Ordering::SeqCst);
        assert_eq!(clock.now().micros(), 1_000, "the wall clock was set back");
        hands.monotonic.fetch_add(50, Ordering::SeqCst);
        assert_eq!(clock.now().micros(), 1_050, "time goes on all the same");

        hands.wall.store(9_000, Ordering::SeqCst);
        assert_eq!(
            clock.now().micros(),
            9_000,
            "a forward step counts as time passed"
        );
        assert_eq!(
            clock.begin_batch(Timestamp::from_micros(20_000)).micros(),
            20_000
        );
        hands.monotonic.fetch_add(5, Ordering::SeqCst);
        assert_eq!(clock.now().micros(), 20_005);
    }

    #[test]
    fn a_reader_beside_a_batch_judges_no_later_than_the_batch() {
        let hands = Arc::new(Hands::default());
        hands.wall.store(1_000, Ordering::SeqCst);
        let clock = Clock::new(hands.clone());
        let batch = clock.begin_batch(Timestamp::from_micros(0));
        hands.wall.store(2_000, Ordering::SeqCst);
        assert!(clock.reading() <= batch);
        clock.end_batch();
        assert_eq!(clock.reading().micros(), 2_000);
    }
}
