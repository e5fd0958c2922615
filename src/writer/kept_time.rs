//! The sale's time while it is ahead of the wall clock: then the store alone remembers it, and what readers were told by it
//! would be taken back by a restart, were it not kept each second.

use std::time::{Duration, Instant};

use crate::clock::Clock;

pub struct KeptTime {
    kept_at: Instant,
}

const INTERVAL: Duration = Duration::from_secs(1);

impl Default for KeptTime {
    fn default() -> KeptTime {
        KeptTime {
            kept_at: Instant::now(),
        }
    }
}

impl KeptTime {
    pub fn is_due(&self, clock: &Clock) -> bool {
        self.kept_at.elapsed() >= INTERVAL && clock.is_ahead()
    }

    pub fn was_kept(&mut self) {
        self.kept_at = Instant::now();
    }
}
