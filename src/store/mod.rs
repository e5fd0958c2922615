//! Where the rows of a sale are kept. A store opens one transaction for a batch of commands, lets the sale judge them on a
//! working set, writes what changed and commits once. Nothing is written in any other way.
//!
//! The traits name no engine; `open` alone knows which there are: `sqlite`, and with its feature `postgres`.

mod answered_product;
mod copying;
mod database;
mod events;
mod figures;
mod judge;
mod lists;
mod open;
mod open_error;
#[cfg(feature = "postgres")]
pub mod postgres;
mod reading;
mod recorded_columns;
mod refused_deadlines;
mod rehearse;
mod seen;
mod sqlite;
mod store_error;
mod transacted;
mod writing;

pub use copying::{Cell, Copied, CopiedRow, CopiedTable, CopySource, CopyTarget, Kind, copy};
pub use database::{
    Access, Books, Check, Database, Depth, Durability, Gap, RestoreError, Restored, Serving,
};
pub use events::{EventsAfter, Gone};
pub use figures::{Figures, RefundsDue, Stock, StockBooks, Storage};
pub use judge::{NoRows, RowSource, judge, judge_in_turn, judge_in_waves};
#[cfg(feature = "postgres")]
pub use judge::{first_needs, judge_apart};
pub use lists::{
    Filter, Lists, MoneyFilter, OrderFilter, Page, ReversalFilter, SALES_RATE_MOVEMENTS_MAX,
    SalesRate, Seek, sales_rate,
};
#[cfg(feature = "postgres")]
pub use open::TemporarySchema;
pub use open::{
    Place, copy_source, copy_target, ensure_can_be_made, names_beside, open, open_source,
    published_clock, serve,
};
pub use open_error::OpenError;
#[cfg(feature = "test-support")]
pub use reading::Contents;
pub use reading::{Reader, ReadingTime, Then};
pub use rehearse::rehearse;
pub use seen::Seen;
pub use store_error::StoreError;
pub use transacted::{Expired, Transacted};
pub use writing::{Checkpoint, Decision, More, Now, Rest, SetBack, Store, no_more};
