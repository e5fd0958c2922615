//! Whether the store can be written. A failure is logged while it is news, and once more when it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::store::StoreError;

pub struct Health {
    /// For readers of other threads.
    is_healthy: Arc<AtomicBool>,
    /// When the store last failed to write, if it has not written since.
    failed_at: Option<Instant>,
    /// Since when the store has been away, or a batch in doubt.
    waits_since: Option<Instant>,
    patience: Duration,
}

/// A store that is away for a moment, as while a standby is promoted, costs latency and is no failure. A store that
/// costs commands their deadline is one, and so is a store that is away for this long.
const PATIENCE_MAX: Duration = Duration::from_secs(2);
/// How often a store that failed is asked whether it can be written again. Commands of clients still try at once.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

impl Health {
    /// `wait_max`: how long a command may wait.
    pub fn new(is_healthy: Arc<AtomicBool>, wait_max: Duration) -> Health {
        Health {
            is_healthy,
            failed_at: None,
            waits_since: None,
            patience: wait_max.min(PATIENCE_MAX),
        }
    }

    pub fn has_failed(&self) -> bool {
        self.failed_at.is_some()
    }

    /// Until a store that has failed is asked again.
    pub fn until_probe(&self) -> Option<Duration> {
        let failed_at = self.failed_at?;
        Some(PROBE_INTERVAL.saturating_sub(failed_at.elapsed()))
    }

    /// Logged as long as it is news: the log may be on the same full disk.
    pub fn failed(&mut self, failure: &StoreError) {
        if self.failed_at.replace(Instant::now()).is_none() {
            log::error!("nothing can be written: {failure}");
        }
        self.is_healthy.store(false, Ordering::SeqCst);
    }

    /// The store could be written.
    pub fn recovered(&mut self) {
        if self.failed_at.take().is_some() {
            log::info!("the store can be written again");
        }
        self.is_healthy.store(true, Ordering::SeqCst);
    }

    /// The store is away, or does not tell yet what became of a batch: a failure if that lasts.
    pub fn waits_for_store(&mut self, failure: &StoreError) {
        let since = *self.waits_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.patience {
            self.failed(failure);
        }
    }

    pub fn is_reached(&mut self) {
        self.waits_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments add up to nothing, however many there are.
    #[test]
    fn a_store_that_was_reached_between_two_moments_away_has_not_failed() {
        let is_healthy = Arc::new(AtomicBool::new(true));
        let mut health = Health::new(is_healthy.clone(), PATIENCE_MAX);
        let away = StoreError::Away("no route".into());
        health.waits_since = Instant::now().checked_sub(PATIENCE_MAX);
        health.is_reached();
        health.waits_for_store(&away);
        assert!(!health.has_failed() && is_healthy.load(Ordering::SeqCst));
        health.waits_since = Instant::now().checked_sub(PATIENCE_MAX);
        health.waits_for_store(&away);
        assert!(health.has_failed() && !is_healthy.load(Ordering::SeqCst));
    }
}
