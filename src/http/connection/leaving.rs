//! How a connection ends that is told to go: so that its client gets to read why.

use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::{Connection, READ_BYTES, Refusal, Stage};

/// How long a client may take to go, once it was told to, or to say what it wants where that will be refused.
const LEAVING_MAX: Duration = Duration::from_secs(1);
/// What a client may still send after an answer that closes, so that it gets to read the answer.
const DRAIN_BYTES_MAX: usize = 256 * 1024;
/// How much of a head that is refused is looked at.
const REFUSED_BYTES_MAX: usize = 32 * 1024;

impl Connection {
    /// There is no room for this client. It will be told so once it has said something: its answer bears the id of its
    /// request, and can be read by the page that sent it. A client that says nothing is told a little later.
    pub fn turn_away_soon(&mut self, refusal: Refusal) {
        self.enter(Stage::TurnedAway(refusal), Instant::now(), LEAVING_MAX);
    }

    /// Why it is to be told to go, if it is.
    pub fn turned_away(&self) -> Option<Refusal> {
        if let Stage::TurnedAway(refusal) = self.stage {
            Some(refusal)
        } else {
            None
        }
    }

    /// Reads what has come of the head that is to be refused, without waiting, and more of it than a head may have: what its
    /// answer must look like may stand anywhere in it.
    pub(super) fn read_what_came(&mut self) {
        if self.is_idle() {
            let now = Instant::now();
            self.began = now;
            self.enter(Stage::Head, now, self.timeouts.head);
        }
        let is_reading_head = matches!(self.stage, Stage::Head | Stage::TurnedAway(_));
        while is_reading_head && self.buffer.len() < REFUSED_BYTES_MAX {
            if !matches!(self.read(), Ok(1..)) {
                return;
            }
        }
    }

    /// Closing with unread bytes would reset the connection and might take the answer with it: says goodbye, and from now
    /// on reads and drops what the client still sends, a bounded lot for a bounded time. False if it is gone already.
    pub fn start_to_leave(&mut self) -> bool {
        let has_said_goodbye = self.stream.shutdown(Shutdown::Write).is_ok()
            && self.stream.set_nonblocking(true).is_ok();
        self.enter(Stage::Leaving { dropped: 0 }, Instant::now(), LEAVING_MAX);
        has_said_goodbye && self.drop_what_it_sends()
    }

    pub fn is_leaving(&self) -> bool {
        matches!(self.stage, Stage::Leaving { .. })
    }

    /// Reads and drops what came; false once the client is gone, or has sent too much.
    pub fn drop_what_it_sends(&mut self) -> bool {
        let Stage::Leaving { dropped } = &mut self.stage else {
            return false;
        };
        let mut scrap = [0; READ_BYTES];
        while *dropped < DRAIN_BYTES_MAX {
            match (&*self.stream).read(&mut scrap) {
                Ok(0) => return false,
                Ok(read) => *dropped += read,
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        false
    }
}
