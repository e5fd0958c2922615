//! A payment provider that counts in minor units reports a hundred times each total: a bridge that was built wrong, which the
//! log says before the sale is over.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::sale::{PaymentId, Timestamp};

#[derive(Default)]
pub struct MinorUnits {
    /// In microseconds since 1970.
    last_warned: AtomicI64,
}

/// One line tells it; a whole sale would repeat it.
const INTERVAL_MICROS: i64 = 60_000_000;

impl MinorUnits {
    pub fn warn(&self, payment: PaymentId, now: Timestamp) {
        let is_time = |last: i64| (now.micros() - last >= INTERVAL_MICROS).then_some(now.micros());
        let turn = self
            .last_warned
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, is_time);
        if turn.is_ok() {
            log::warn!(
                "the amount of webhook {payment} is exactly a hundred times its order's total: it looks like minor units \
                 (cents), and amounts are read in major units; told at most once a minute"
            );
        }
    }
}
