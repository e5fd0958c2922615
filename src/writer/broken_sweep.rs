//! A sweep that broke a constraint: what is due stays due, and the next sweep will most likely break it again.

use std::time::{Duration, Instant};

/// While a sweep is broken, sweeps run alone and ever less often, so that commands go on at full speed. Commands do not rely
/// on sweeps: they look at deadlines themselves.
#[derive(Default)]
pub struct BrokenSweep(Option<Pause>);

struct Pause {
    began: Instant,
    length: Duration,
}

const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

impl BrokenSweep {
    pub fn is_broken(&self) -> bool {
        self.0.is_some()
    }

    /// Until a sweep is tried again; zero if none was broken.
    pub fn remaining(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |pause| {
            pause.length.saturating_sub(pause.began.elapsed())
        })
    }

    /// Whether a broken sweep is to be tried again.
    pub fn is_due(&self) -> bool {
        self.is_broken() && self.remaining().is_zero()
    }

    pub fn broke(&mut self, why: &str) {
        if !self.is_broken() {
            log::error!(
                "what is due cannot be swept, which is tried each second from now on: {why}"
            );
        }
        let length = self.0.take().map_or(PAUSE_MIN, |pause| 2 * pause.length);
        self.0 = Some(Pause {
            began: Instant::now(),
            length: length.min(PAUSE_MAX),
        });
    }

    pub fn succeeded(&mut self) {
        if self.0.take().is_some() {
            log::info!("what is due is swept again");
        }
    }
}
