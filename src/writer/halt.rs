//! Why the writer writes no more.

use std::time::Instant;

use super::WriterExit;

pub enum Halt {
    /// The writer was told to stop, and may try until then to empty the log.
    Stop(Instant),
    Exit(WriterExit),
}

impl From<WriterExit> for Halt {
    fn from(ended: WriterExit) -> Halt {
        Halt::Exit(ended)
    }
}
