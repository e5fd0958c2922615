//! How far anybody has read the events, so that the operator is told when whoever ships has stopped reading.

use std::sync::{Mutex, PoisonError};

use crate::api::Api;
use crate::sale::{Event, EventId, Timestamp};
use crate::store::{EventsAfter, Gone, Reader, StoreError};

/// What this server was asked for since it began.
#[derive(Default)]
pub struct Readership(Mutex<Option<LastRead>>);

#[derive(Clone, Copy)]
struct LastRead {
    /// The event after which somebody asked that reads further than all others.
    after: i64,
    at: Timestamp,
}

/// What there is to read, and what was.
pub struct Backlog {
    /// The id of the newest event; 0 before the first.
    pub newest: i64,
    /// Nobody has asked for what comes after a later one.
    pub read_to: i64,
    pub asked_at: Option<Timestamp>,
    /// When the first event happened that is after `read_to` and not forgotten.
    pub unread_since: Option<Timestamp>,
}

impl Readership {
    fn note(&self, after: i64, at: Timestamp) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let furthest = last.map_or(after, |before| before.after.max(after));
        *last = Some(LastRead {
            after: furthest,
            at,
        });
    }

    fn last(&self) -> Option<LastRead> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Api {
    /// Somebody has read up to this event, or says so of one that has not happened yet.
    pub fn note_reader(&self, after: i64) -> Result<(), StoreError> {
        let newest = self.newest_event()?;
        self.readership.note(after.min(newest), self.clock.now());
        Ok(())
    }

    fn newest_event(&self) -> Result<i64, StoreError> {
        Ok(self.reader.next_event()?.get() - 1)
    }

    /// `None` where there is no feed.
    pub fn backlog(&self) -> Result<Option<Backlog>, StoreError> {
        if !self.guard.has_feed() {
            return Ok(None);
        }
        let last = self.readership.last();
        let newest = self.newest_event()?;
        let read_to = last.map_or(0, |last| last.after);
        let unread = first_after(&*self.reader, read_to)?;
        Ok(Some(Backlog {
            newest,
            read_to,
            asked_at: last.map(|last| last.at),
            unread_since: unread.map(|event| event.at),
        }))
    }
}

fn first_after(reader: &dyn Reader, id: i64) -> Result<Option<Event>, StoreError> {
    let first = |after: i64| reader.events(after, 1);
    let before = |oldest: EventId| oldest.get() - 1;
    let found = match first(id)? {
        EventsAfter::Gone(Gone::Forgotten { oldest } | Gone::Restored { oldest }) => {
            first(before(oldest))?
        }
        page @ EventsAfter::Page { .. } => page,
    };
    Ok(match found {
        EventsAfter::Page { events, .. } => events.into_iter().next(),
        // Forgotten in between.
        EventsAfter::Gone(_) => None,
    })
}
