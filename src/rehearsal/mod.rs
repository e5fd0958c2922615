//! The rehearsal: a crowd that behaves like one comes to a real server, and afterwards the database is compared with what it
//! was told. This room talks to a server over HTTP and reads its database; it starts none and prints nothing.

mod choices;
mod comparison;
mod crowd;
mod ledger;
mod machine;
mod outcome;
mod plan;
mod rows;
mod sentence;
mod tally;
mod told;

pub use comparison::Comparison;
pub use crowd::{Buying, Counted, Glance};
pub use ledger::{Ledger, StockWindow};
pub use machine::{Machine, Usage};
pub use outcome::{LimitedBy, Outcome};
pub use plan::{Arrivals, Good, Plan, Sale};
pub use sentence::{bytes, counted, milliseconds, percent, seconds, sentence};
pub use tally::{Course, Kind, Tally, Window};
pub use told::{Told, ToldHold, ToldOrder};
