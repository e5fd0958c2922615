//! What ends the writer's waiting.

use std::time::Instant;

use super::Job;

pub enum Wake {
    Job(Job),
    Deadline,
    Pinged,
    /// By `Writer::stop`, or as the last handle was dropped. The last checkpoint may be tried until then.
    Stop(Instant),
}
