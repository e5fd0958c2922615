//! Crowds who do anything by a seed, and what must be true of all rows whatever they did.

mod books;
mod crowd;
mod events;

pub use books::{books_are_right, every_payment_has_one_fate, same};
pub use crowd::{Crowd, catalogue};

const CUSTOMERS: [&str; 3] = ["ada", "eve", "bob"];
const LIMIT: i64 = 6;
