//! A bound on log lines that clients can cause many times a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most `lines` in each stretch of time.
pub struct Throttle {
    lines: u32,
    stretch: Duration,
    /// When the present stretch began, and how often something was worth a line in it.
    present: Mutex<Option<(Instant, u32)>>,
}

impl Throttle {
    pub const fn new(lines: u32, stretch: Duration) -> Throttle {
        Throttle {
            lines,
            stretch,
            present: Mutex::new(None),
        }
    }

    /// Whether what just happened is worth a line.
    pub fn admits(&self) -> bool {
        self.admits_at(Instant::now())
    }

    fn admits_at(&self, now: Instant) -> bool {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        let count = match *present {
            Some((began, count)) if now.duration_since(began) < self.stretch => {
                *present = Some((began, count.saturating_add(1)));
                count
            }
            Some(_) | None => {
                *present = Some((now, 1));
                0
            }
        };
        count < self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_has_so_many_lines_and_the_next_as_many() {
        let throttle = Throttle::new(3, Duration::from_secs(1));
        let began = Instant::now();
        let lines = |after_ms: u64| {
            let now = began + Duration::from_millis(after_ms);
            (0..10).filter(|_| throttle.admits_at(now)).count()
        };
        assert_eq!([0, 999, 1000, 1001, 5000].map(lines), [3, 0, 3, 0, 3]);
    }
}
