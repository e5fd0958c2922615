//! Why the writer writes no more.

use std::time::Instant;

use super::Ended;

pub enum Halt {
    /// It was told to stop, and may try until then to empty the log.
    Stop(Instant),
    Ended(Ended),
}

impl From<Ended> for Halt {
    fn from(ended: Ended) -> Halt {
        Halt::Ended(ended)
    }
}
