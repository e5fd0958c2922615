//! A clock that moves when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use flashsale::clock::TimeSource;
use flashsale::sale::Timestamp;
use flashsale::store::ReadingTime;

/// 2024-01-01T12:00:00Z, when every shop opens.
pub const OPENING: i64 = 1_704_110_400_000_000;

/// A clock that moves when a test says so.
#[derive(Clone)]
pub struct Hands(Arc<AtomicI64>);

impl Hands {
    pub fn at_opening() -> Hands {
        Hands(Arc::new(AtomicI64::new(OPENING)))
    }

    pub fn advance(&self, time: Duration) {
        self.0
            .fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// To any time, an earlier one too.
    pub fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

impl TimeSource for Hands {
    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

impl ReadingTime for Hands {
    fn reading(&self) -> Timestamp {
        self.now()
    }

    fn present(&self) -> Timestamp {
        self.now()
    }
}
