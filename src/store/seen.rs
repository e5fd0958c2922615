//! A read tells at which time it was judged.

use crate::sale::Timestamp;

/// What was seen, and the time that it was judged at.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen<T> {
    pub what: T,
    pub at: Timestamp,
}
