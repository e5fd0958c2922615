//! Copies of a database: made while it is served, and made into a database to serve again.

mod backup;
mod restore;

pub use backup::back_up;
pub use restore::{make_servable, open_source};
