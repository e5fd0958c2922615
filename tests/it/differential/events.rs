//! The feed of two stores.

use flashsale::store::{Lists, Reader};

use crate::memory::MemoryStore;
use crate::properties::Crowd;

/// What a shop reads: from the beginning, from what is forgotten or was lost, and from what is still to come.
pub fn events_are_alike(memory: &MemoryStore, engine: &dyn Reader, crowd: &mut Crowd) {
    let next = memory.next_event().unwrap();
    assert_eq!(next, engine.next_event().unwrap());
    let page = crowd.page();
    for after in [
        0,
        next.get() - 2,
        next.get() - 1,
        next.get() - 40,
        crowd.product().get(),
    ] {
        let after = after.max(0);
        assert_eq!(
            memory.events(after, page.limit).unwrap(),
            engine.events(after, page.limit).unwrap(),
            "events after {after} {page:?}"
        );
    }
    assert_eq!(
        memory.feed(page).unwrap().what,
        engine.feed(page).unwrap().what,
        "events {page:?}"
    );
}
