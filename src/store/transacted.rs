//! What a transaction came to, beside its decisions: for figures.

use std::time::Duration;

use crate::sale::{MovementKind, WorkingSet, Written};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transacted {
    /// How long the commit took; `None` where there was nothing to commit.
    pub commit: Option<Duration>,
    pub expired: Expired,
    /// How many events it has in the feed.
    pub events: usize,
}

/// What was ended because its deadline had passed, be it by a sweep or by a command that needed its units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub holds: u64,
    pub orders: u64,
    /// Payment events that waited for an order.
    pub payments: u64,
}

impl Expired {
    pub fn of(set: &WorkingSet) -> Expired {
        let movements = set.movements();
        let ended = |kind| movements.iter().filter(|it| it.kind == kind).count() as u64;
        let payments = set.payments.written().filter(|payment| match payment {
            Written::Changed { from, to } => from.has_lapsed(set.now) && !to.is_parked(),
            Written::New(_) => false,
        });
        Expired {
            holds: ended(MovementKind::HoldExpired),
            orders: ended(MovementKind::OrderExpired),
            payments: payments.count() as u64,
        }
    }
}
