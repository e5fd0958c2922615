//! Copies of a database: made while it is served, and made into a database to serve again.

mod backup;
mod restore;
mod rows;

pub use backup::back_up;
pub use restore::{make_servable, open_source};
pub use rows::{copy_source, copy_target};
