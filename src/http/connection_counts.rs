//! How many connections a server has, by what they are doing, for figures.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::deadlines::Wait;
use super::mailbox::Mailbox;

/// Tells the counts at any time, as of each event loop's last look at its connections.
pub struct ConnectionCounts(pub(super) Vec<Arc<Mailbox>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByState {
    /// Between two requests.
    pub idle: usize,
    /// With a part of a request.
    pub reading: usize,
    /// With a request that has no answer yet.
    pub working: usize,
    /// With a part of an answer that the client has not taken.
    pub writing: usize,
    pub closing: usize,
}

impl ConnectionCounts {
    pub fn by_state(&self) -> ByState {
        let mut counts = ByState::default();
        for mailbox in &self.0 {
            let mut waiting = 0;
            for (wait, count) in Wait::ALL.into_iter().zip(&mailbox.waiting) {
                let count = count.load(Ordering::Relaxed);
                waiting += count;
                *match wait {
                    Wait::Idle => &mut counts.idle,
                    Wait::Head | Wait::Body => &mut counts.reading,
                    Wait::Write => &mut counts.writing,
                    Wait::Leaving => &mut counts.closing,
                } += count;
            }
            let all = mailbox.connections.load(Ordering::Relaxed);
            counts.working += all.saturating_sub(waiting);
        }
        counts
    }
}
