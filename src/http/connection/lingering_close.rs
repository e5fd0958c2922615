//! Lingering close: after an answer that closes the connection, input is discarded for `LEAVING_MAX`, because closing with
//! unread bytes resets the connection and loses the answer (RFC 9112, section 9.6).

use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::{Connection, Refusal, Scratch, Stage};

/// How long a client may take to hang up after the last answer, or to send a head that will be refused.
pub const LEAVING_MAX: Duration = Duration::from_secs(1);
/// What a client may still send after an answer that closes.
const DISCARDED_BYTES_MAX: usize = 256 * 1024;
/// How much of a head that is refused is looked at.
const REFUSED_BYTES_MAX: usize = 32 * 1024;

impl Connection {
    /// Why the client is to be turned away, if it is. The answer leaves once a head has come, since it bears the id of its
    /// request and can be read by the page that sent it; where no head comes, it leaves after `LEAVING_MAX`.
    pub fn turned_away(&self) -> Option<Refusal> {
        if let Stage::TurnedAway(refusal) = self.stage {
            Some(refusal)
        } else {
            None
        }
    }

    /// Reads what has come of the head that is to be refused, and more of it than a head may have: what its answer must look
    /// like may stand anywhere in it.
    pub(super) fn read_what_came(&mut self, scratch: &mut Scratch, now: Instant) {
        if matches!(self.stage, Stage::Idle) {
            self.began = now;
            self.enter(Stage::Head, now);
        }
        let is_reading_head = matches!(self.stage, Stage::Head | Stage::TurnedAway(_));
        while is_reading_head
            && self.is_readable
            && !self.has_ended
            && self.buffer.len() < REFUSED_BYTES_MAX
        {
            self.read(scratch);
        }
    }

    /// Closes the sending side, and begins to discard what the client still sends. False if the client is gone already.
    pub fn begin_lingering_close(&mut self, now: Instant) -> bool {
        self.enter(Stage::Leaving { discarded: 0 }, now);
        self.buffer = Vec::new();
        self.socket.shutdown(Shutdown::Write).is_ok()
    }

    pub fn is_leaving(&self) -> bool {
        matches!(self.stage, Stage::Leaving { .. })
    }

    /// Discards what came; false once the client is gone, or has sent too much.
    pub fn discard_input(&mut self, scratch: &mut Scratch) -> bool {
        let Stage::Leaving { discarded } = &mut self.stage else {
            return false;
        };
        while *discarded < DISCARDED_BYTES_MAX {
            match (&self.socket).read(&mut scratch.input[..]) {
                Ok(0) => return false,
                Ok(read) => *discarded += read,
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        false
    }
}
