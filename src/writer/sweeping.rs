//! When sweeps are due: at once where the last one left something, seldom where not, and ever less often where one broke a
//! constraint, as the next will most likely break it again. Commands do not rely on sweeps: they look at deadlines themselves.

use std::time::{Duration, Instant};

use crate::sale::Timestamp;

#[derive(Default)]
pub struct Sweeping {
    last: Option<Timestamp>,
    has_more: bool,
    /// While a sweep is broken, sweeps run alone, so that commands go on at full speed.
    broken: Option<Pause>,
}

struct Pause {
    began: Instant,
    length: Duration,
}

/// A batch of clients' commands begins with a sweep if the last one was so long ago, or left something.
const EVERY_MICROS: i64 = 5_000;
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

impl Sweeping {
    /// Whether the last sweep ended as much as it may, so that there may be more.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether a batch of clients' commands is to begin with a sweep.
    pub fn is_due_beside_commands(&self, now: Timestamp) -> bool {
        let is_long_ago = |last: Timestamp| now.micros() - last.micros() >= EVERY_MICROS;
        self.broken.is_none() && (self.has_more || self.last.is_none_or(is_long_ago))
    }

    pub fn begins(&mut self, now: Timestamp) {
        self.last = Some(now);
    }

    /// Until a broken sweep is tried again; zero if none was broken.
    pub fn until_tried_again(&self) -> Duration {
        self.broken.as_ref().map_or(Duration::ZERO, |pause| {
            pause.length.saturating_sub(pause.began.elapsed())
        })
    }

    /// Whether a broken sweep is to be tried again.
    pub fn is_broken_and_due(&self) -> bool {
        self.broken.is_some() && self.until_tried_again().is_zero()
    }

    pub fn broke(&mut self, why: &str) {
        if self.broken.is_none() {
            log::error!(
                "what is due cannot be swept, which is tried each second from now on: {why}"
            );
        }
        let length = self
            .broken
            .take()
            .map_or(PAUSE_MIN, |pause| 2 * pause.length);
        self.broken = Some(Pause {
            began: Instant::now(),
            length: length.min(PAUSE_MAX),
        });
    }

    pub fn succeeded(&mut self, has_more: bool) {
        self.has_more = has_more;
        if self.broken.take().is_some() {
            log::info!("what is due is swept again");
        }
    }
}
