//! The feed of events: what happened after an event that the client has. A request may wait for what is still to happen,
//! which takes no thread.

mod bodies;
mod long_polls;
mod readership;

use std::time::Duration;

use super::Api;
use super::call::{Call, EventsWanted, Work};
use super::errors::Error;
use super::json;
use super::query::Query;
use crate::http::Response;
use crate::input::formats::whole_number;
use crate::store::{EventsAfter, Gone};

pub use long_polls::LongPolls;
pub use readership::{Backlog, Readership};

use bodies::FeedBody;

const EVENTS_DEFAULT: usize = 100;
const EVENTS_MAX: usize = 1000;
const WAIT_S_MAX: u64 = 30;

impl Api {
    pub fn read_feed(&self, call: &Call<'_>) -> Result<Work, Error> {
        let mut query = Query::of(call.request);
        let after = query.read("after", "0 or an event's id", whole_number);
        let events_max = query.read("limit", "a whole number from 1 to 1000", |text| {
            let limit = usize::try_from(whole_number(text)?).ok()?;
            (1..=EVENTS_MAX).contains(&limit).then_some(limit)
        });
        let wait_s = query.read("wait_s", "a whole number from 0 to 30", |text| {
            let wait_s = u64::try_from(whole_number(text)?).ok()?;
            (wait_s <= WAIT_S_MAX).then_some(wait_s)
        });
        query.finish()?;
        let wanted = EventsWanted {
            after: after.unwrap_or(0),
            events_max: events_max.unwrap_or(EVENTS_DEFAULT),
        };
        let wait = Duration::from_secs(wait_s.unwrap_or(0));
        let found = self.reader.events(wanted.after, wanted.events_max)?;
        if let EventsAfter::Page { .. } = found {
            self.note_reader(wanted.after)?;
        }
        if found.is_nothing() && !wait.is_zero() {
            return Ok(Work::Waits(wanted, wait));
        }
        wanted.answer(&found).map(Work::Answered)
    }
}

impl EventsWanted {
    fn answer(self, found: &EventsAfter) -> Result<Response, Error> {
        match found {
            EventsAfter::Page { events, is_last } => {
                Ok(json::ok(&FeedBody::new(events, self.after, *is_last)))
            }
            EventsAfter::Gone(Gone::Forgotten { oldest }) => Err(Error::EventsForgotten(*oldest)),
            EventsAfter::Gone(Gone::Restored { oldest }) => Err(Error::EventsRestored(*oldest)),
        }
    }

    /// That nothing newer is there.
    fn nothing(self) -> Response {
        json::ok(&FeedBody::new(&[], self.after, true))
    }
}
