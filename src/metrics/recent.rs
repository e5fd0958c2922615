//! Rates: by how much totals have grown lately.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Totals as they were when somebody asked for a rate.
pub struct Recent<const N: usize>(Mutex<VecDeque<(Instant, [u64; N])>>);

/// Rates are of this time, if they were asked for so long ago; else of the time since the question before.
const WINDOW: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_secs(1);

impl<const N: usize> Recent<N> {
    /// All totals are 0 now.
    pub fn since(began: Instant) -> Recent<N> {
        Recent(Mutex::new(VecDeque::from([(began, [0; N])])))
    }

    /// By how much each has grown, and over what time.
    pub fn growth(&self, now: Instant, totals: [u64; N]) -> (Duration, [u64; N]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is older than the window serves for as long as there is nothing within it that is a step old.
        while let [(first, _), (second, _), ..] = *kept.make_contiguous()
            && now.saturating_duration_since(first) > WINDOW
            && now.saturating_duration_since(second) >= STEP
        {
            kept.pop_front();
        }
        let (began, before) = kept.front().copied().unwrap_or((now, totals));
        let newest = kept.back().map_or(now, |(at, _)| *at);
        if now.saturating_duration_since(newest) >= STEP {
            kept.push_back((now, totals));
        }
        let growth = std::array::from_fn(|index| totals[index].saturating_sub(before[index]));
        (now.saturating_duration_since(began), growth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_the_last_seconds() {
        let began = Instant::now();
        let recent = Recent::since(began);
        let growth = |second: u64, total: u64| {
            let (over, [growth]) = recent.growth(began + Duration::from_secs(second), [total]);
            (over.as_secs(), growth)
        };
        assert_eq!(growth(1, 5), (1, 5));
        for second in 2..=10 {
            assert_eq!(growth(second, 5 * second), (second, 5 * second));
        }
        assert_eq!(growth(11, 100), (10, 95));
        assert_eq!(growth(12, 100), (10, 90));
        assert_eq!(growth(3600, 100), (3588, 0), "nobody has asked meanwhile");
        assert_eq!(growth(3601, 104), (1, 4));
        assert_eq!(growth(3601, 105), (1, 5));
    }
}
