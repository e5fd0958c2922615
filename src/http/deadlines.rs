//! What the connections of one event loop wait for, and since when. Each kind of wait has one time-out, so the connections
//! that wait for the same thing stand in a list, oldest first: beginning and ending a wait takes a few writes, and the first
//! of each list says when the next time-out passes, and which connection has done nothing for longest.

use std::time::Instant;

/// What a connection waits for. The order is that in which connections give way to others, where two waited equally long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The client to hang up, or to send a head before it is turned away.
    Leaving,
    /// The next request.
    Idle,
    Head,
    Body,
    /// The client to take its answer.
    Write,
}

impl Wait {
    pub const ALL: [Wait; 5] = [
        Wait::Leaving,
        Wait::Idle,
        Wait::Head,
        Wait::Body,
        Wait::Write,
    ];
}

/// Connections are named by their slots.
#[derive(Default)]
pub struct Deadlines {
    lists: [List; Wait::ALL.len()],
    links: Vec<Option<Link>>,
}

#[derive(Default)]
struct List {
    first: Option<usize>,
    last: Option<usize>,
    len: usize,
}

#[derive(Clone, Copy)]
struct Link {
    wait: Wait,
    since: Instant,
    before: Option<usize>,
    after: Option<usize>,
}

impl Deadlines {
    /// The connection waits for this, and for nothing else any more. No other connection began to wait for the same later.
    pub fn begin(&mut self, slot: usize, wait: Wait, since: Instant) {
        if self.links.len() <= slot {
            self.links.resize(slot + 1, None);
        }
        if self.links[slot].is_some_and(|link| link.wait == wait && link.since == since) {
            return;
        }
        self.end(slot);
        let list = &mut self.lists[wait as usize];
        list.len += 1;
        let before = list.last.replace(slot);
        match before {
            Some(before) => self.link(before).after = Some(slot),
            None => list.first = Some(slot),
        }
        self.links[slot] = Some(Link {
            wait,
            since,
            before,
            after: None,
        });
    }

    /// The connection waits for nothing any more.
    pub fn end(&mut self, slot: usize) {
        let Some(link) = self.links.get_mut(slot).and_then(Option::take) else {
            return;
        };
        self.lists[link.wait as usize].len -= 1;
        match link.before {
            Some(before) => self.link(before).after = link.after,
            None => self.lists[link.wait as usize].first = link.after,
        }
        match link.after {
            Some(after) => self.link(after).before = link.before,
            None => self.lists[link.wait as usize].last = link.before,
        }
    }

    /// The connection that waits for this for longest, and since when.
    pub fn first(&self, wait: Wait) -> Option<(usize, Instant)> {
        let slot = self.lists[wait as usize].first?;
        self.links[slot].map(|link| (slot, link.since))
    }

    /// How many wait for each, in the order of `Wait::ALL`.
    pub fn lens(&self) -> [usize; Wait::ALL.len()] {
        Wait::ALL.map(|wait| self.lists[wait as usize].len)
    }

    fn link(&mut self, slot: usize) -> &mut Link {
        let link = self.links[slot].as_mut();
        link.expect("what is in a list has its link")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_is_whichever_has_waited_longest() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut deadlines = Deadlines::default();
        for slot in 0..4 {
            deadlines.begin(slot, Wait::Idle, at(slot as u64));
        }
        deadlines.begin(0, Wait::Head, at(10));
        deadlines.begin(2, Wait::Idle, at(11));
        deadlines.end(1);
        deadlines.end(1);
        let mut order = Vec::new();
        while let Some((slot, since)) = deadlines.first(Wait::Idle) {
            order.push((slot, since));
            deadlines.end(slot);
        }
        assert_eq!(order, [(3, at(3)), (2, at(11))]);
        assert_eq!(deadlines.first(Wait::Head), Some((0, at(10))));
        deadlines.begin(5, Wait::Head, at(12));
        deadlines.end(0);
        assert_eq!(deadlines.first(Wait::Head), Some((5, at(12))));
        assert_eq!(deadlines.first(Wait::Write), None);
        assert_eq!(deadlines.lens(), [0, 0, 1, 0, 0]);
    }
}
