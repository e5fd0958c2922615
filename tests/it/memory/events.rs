//! The feed, by walking over everything.

use flashsale::sale::WorkingSet;
use flashsale::store::{EventsAfter, Gone};

use super::Tables;

impl Tables {
    pub fn events_after(&self, after: i64, events_max: usize) -> EventsAfter {
        let newer = self.events.values();
        let newer = newer.filter(|event| event.id.get() > after).cloned();
        let oldest = self.events.keys().next().copied();
        let oldest = oldest.unwrap_or(self.counters.next_event);
        let gone = Gone::after(after, oldest, &self.events_skipped);
        let page = || EventsAfter::page(newer.take(events_max + 1).collect(), events_max);
        gone.map_or_else(page, EventsAfter::Gone)
    }

    pub fn flush_events(&mut self, set: &WorkingSet) {
        if let Some(last) = set.events_forgotten() {
            self.events.retain(|id, _| *id > last);
        }
        for event in set.events() {
            self.events.insert(event.id, event.clone());
        }
    }
}
