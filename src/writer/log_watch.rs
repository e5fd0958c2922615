//! What is said about a log that is not emptied: once, and once more when it is.

use std::mem;
use std::time::{Duration, Instant};

use crate::store::StoreError;

#[derive(Default)]
pub struct LogWatch {
    /// Since when it could not be checkpointed to its end, if it could not.
    kept_since: Option<Instant>,
    has_warned: bool,
}

/// A log that readers keep from being emptied for this long, or that has grown to this size, is worth a warning.
const KEPT_MAX: Duration = Duration::from_secs(2);
const BYTES_MAX: u64 = 64 * 1024 * 1024;

impl LogWatch {
    pub fn emptied(&mut self) {
        if mem::take(&mut self.has_warned) {
            log::info!("the log is checkpointed again");
        }
        self.kept_since = None;
    }

    pub fn kept(&mut self, log_bytes: u64) {
        let since = *self.kept_since.get_or_insert_with(Instant::now);
        let is_worth_a_line = since.elapsed() >= KEPT_MAX || log_bytes >= BYTES_MAX;
        if is_worth_a_line && !mem::replace(&mut self.has_warned, true) {
            log::warn!(
                "a reader of another process keeps the log from being emptied: it has {:.1} MB and grows until that reader \
                 has left",
                log_bytes as f64 / 1e6
            );
        }
    }

    pub fn failed(&mut self, failure: &StoreError) {
        if !mem::replace(&mut self.has_warned, true) {
            log::error!("the log cannot be checkpointed, and grows: {failure}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_worth_a_line_that_is_kept_for_long_or_is_large_once_until_it_is_emptied() {
        let mut watch = LogWatch::default();
        watch.kept(1);
        assert!(!watch.has_warned);
        watch.kept_since = Instant::now().checked_sub(KEPT_MAX);
        watch.kept(1);
        assert!(watch.has_warned);
        watch.emptied();
        watch.kept(BYTES_MAX - 1);
        assert!(!watch.has_warned);
        watch.kept(BYTES_MAX);
        assert!(watch.has_warned);
    }
}
