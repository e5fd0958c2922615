//! A clock that moves when a test says so.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flashsale::clock::TimeSource;
use flashsale::sale::Timestamp;
use flashsale::store::ReadingTime;

/// 2024-01-01T12:00:00Z, when every shop opens.
pub const OPENING: i64 = 1_704_110_400_000_000;

/// A clock that moves when a test says so.
#[derive(Clone)]
pub struct Hands(Arc<Shared>);

struct Shared {
    micros: AtomicI64,
    /// Another clock that moves with this one.
    other: Mutex<Box<dyn FnMut(i64) + Send>>,
}

impl Hands {
    pub fn at_opening() -> Hands {
        Hands(Arc::new(Shared {
            micros: AtomicI64::new(OPENING),
            other: Mutex::new(Box::new(|_| {})),
        }))
    }

    /// From now on another clock is moved too, and shows its new time before this one does.
    #[cfg(feature = "postgres")]
    pub fn also_move(&self, mut other: impl FnMut(i64) + Send + 'static) {
        other(self.now().micros());
        *self.0.other.lock().unwrap() = Box::new(other);
    }

    pub fn advance(&self, time: Duration) {
        self.set(self.now().micros() + i64::try_from(time.as_micros()).unwrap());
    }

    /// To any time, an earlier one too.
    pub fn set(&self, micros: i64) {
        let mut other = self.0.other.lock().unwrap();
        (*other)(micros);
        self.0.micros.store(micros, Ordering::SeqCst);
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.micros.load(Ordering::SeqCst))
    }
}

impl TimeSource for Hands {
    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.now().micros().unsigned_abs())
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
