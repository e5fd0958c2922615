//! Bytes that are not what was written.

mod rows;
