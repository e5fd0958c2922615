//! The value of `Date`, printed once a second.

use std::time::{Duration, Instant, SystemTime};

#[derive(Default)]
pub struct PrintedDate {
    until: Option<Instant>,
    text: String,
}

impl PrintedDate {
    /// Prints what `time` says, unless that was done within its second.
    pub fn refresh(&mut self, now: Instant, time: impl FnOnce() -> SystemTime) {
        if self.until.is_some_and(|until| now < until) {
            return;
        }
        let time = time();
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let micros = since.map_or(0, |since| since.subsec_micros());
        self.until = Some(now + Duration::from_micros((1_000_000 - micros).into()));
        self.text = httpdate::fmt_http_date(time);
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}
