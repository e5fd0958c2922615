//! How long recent requests took.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// The latencies of recent requests that went through the writer.
pub struct Latency(Mutex<Windows>);

struct Windows {
    previous: Window,
    current: Window,
}

struct Window {
    began: Instant,
    micros: Histogram<u64>,
}

/// A window this old is followed by the next one at the next summary.
const WINDOW: Duration = Duration::from_secs(10);
const MICROS_MAX: u64 = 60_000_000;
/// The significant digits of a latency.
const DIGITS: u8 = 2;

/// Over `over_s` seconds; the latencies are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct LatencySummary {
    pub over_s: f64,
    pub count: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Default for Latency {
    fn default() -> Latency {
        Latency(Mutex::new(Windows {
            previous: Window::new(),
            current: Window::new(),
        }))
    }
}

impl Latency {
    pub fn record(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.windows().current.micros.saturating_record(micros);
    }

    /// Of the last 10 to 20 seconds, or of all since the summary before if that is longer ago.
    pub fn summary(&self) -> LatencySummary {
        let mut windows = self.windows();
        if windows.current.began.elapsed() >= WINDOW {
            windows.previous = std::mem::replace(&mut windows.current, Window::new());
        }
        let mut micros = windows.previous.micros.clone();
        micros += &windows.current.micros;
        let over_s = windows.previous.began.elapsed().as_secs_f64();
        drop(windows);
        let ms = |micros: u64| micros as f64 / 1e3;
        LatencySummary {
            over_s: (over_s * 1e3).round() / 1e3,
            count: micros.len(),
            p50_ms: ms(micros.value_at_quantile(0.5)),
            p99_ms: ms(micros.value_at_quantile(0.99)),
            max_ms: ms(micros.max()),
        }
    }

    fn windows(&self) -> MutexGuard<'_, Windows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn new() -> Window {
        Window {
            began: Instant::now(),
            micros: Histogram::new_with_bounds(1, MICROS_MAX, DIGITS)
                .expect("the bounds are in order"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_right_to_two_digits() {
        let latency = Latency::default();
        for ms in 1..=100 {
            latency.record(Duration::from_millis(ms));
        }
        latency.record(Duration::from_secs(3600));
        let summary = latency.summary();
        assert_eq!(summary.count, 101);
        assert!((50.0..52.0).contains(&summary.p50_ms), "{summary:?}");
        assert!((99.0..102.0).contains(&summary.p99_ms), "{summary:?}");
        assert!(summary.max_ms > 59_000.0, "{summary:?}");
    }
}
