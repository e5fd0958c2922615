//! The feed as it is read: the events after one that the client has; and whether events between are gone.

use crate::sale::{Event, EventId};

/// The events after one.
#[derive(Clone, Debug, PartialEq)]
pub enum EventsAfter {
    Page {
        events: Vec<Event>,
        /// Whether nothing newer is there.
        is_last: bool,
    },
    Gone(Gone),
}

/// Why events after one are there no more, and the oldest that is; where none is kept, the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Its time to be kept was over.
    Forgotten { oldest: EventId },
    /// The one was perhaps lost with a disk: the database was restored from a backup that was older. The client has what is
    /// kept of before, and `oldest` is the first of after.
    Restored { oldest: EventId },
}

impl EventsAfter {
    /// A page of at most `limit` events; `events` holds one more if there are more.
    pub fn page(mut events: Vec<Event>, limit: usize) -> EventsAfter {
        let is_last = events.len() <= limit;
        events.truncate(limit);
        EventsAfter::Page { events, is_last }
    }

    /// Whether there is no such event yet.
    pub fn is_nothing(&self) -> bool {
        matches!(self, EventsAfter::Page { events, .. } if events.is_empty())
    }

    /// Whether nothing can be missing between `after` and the first of the events; where there is none, before `next`.
    pub fn is_whole(after: i64, events: &[Event], next: EventId) -> bool {
        let first = events.first().map_or(next, |event| event.id);
        first.get() <= after.saturating_add(1)
    }
}

impl Gone {
    /// What is gone of the events after `after`, if anything is. `gaps`: the first and last ids that a restore skipped, each.
    ///
    /// The last id of a gap is where a client reads on that knows of the gap.
    pub fn after(after: i64, oldest: EventId, gaps: &[(i64, i64)]) -> Option<Gone> {
        let is_inside = |(first, last): &&(i64, i64)| *first <= after && after < *last;
        if let Some((_, last)) = gaps.iter().find(is_inside) {
            let after_gap = EventId::new(last + 1).unwrap_or(oldest);
            let oldest = oldest.max(after_gap);
            return Some(Gone::Restored { oldest });
        }
        let skipped = gaps.iter().map(|(first, last)| {
            let (first, last) = (
                *first.max(&after.saturating_add(1)),
                *last.min(&(oldest.get() - 1)),
            );
            (last - first + 1).max(0)
        });
        let missing = (oldest.get() - 1).saturating_sub(after) - skipped.sum::<i64>();
        (missing > 0).then_some(Gone::Forgotten { oldest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_told_from_what_never_was() {
        let oldest = |id| EventId::new(id).unwrap();
        let forgotten = |id| Some(Gone::Forgotten { oldest: oldest(id) });
        let restored = |id| Some(Gone::Restored { oldest: oldest(id) });
        for (after, first_kept, gaps, expected) in [
            (0, 1, &[][..], None),
            (0, 2, &[], forgotten(2)),
            (1, 2, &[], None),
            (7, 2, &[], None),
            (0, 11, &[(1, 10)], None),
            (1, 11, &[(1, 10)], restored(11)),
            (9, 11, &[(1, 10)], restored(11)),
            (10, 11, &[(1, 10)], None),
            (3, 11, &[(4, 10)], None),
            (2, 11, &[(4, 10)], forgotten(11)),
            (0, 13, &[(1, 10)], forgotten(13)),
            (5, 13, &[(1, 10)], restored(13)),
            (2, 4, &[(5, 10)], forgotten(4)),
            (3, 1, &[(4, 10)], None),
            (4, 1, &[(4, 10)], restored(11)),
            (3, 21, &[(4, 10), (11, 20)], None),
            (10, 21, &[(4, 10), (12, 20)], forgotten(21)),
        ] {
            let found = Gone::after(after, oldest(first_kept), gaps);
            assert_eq!(found, expected, "{after} {first_kept} {gaps:?}");
        }
    }
}
