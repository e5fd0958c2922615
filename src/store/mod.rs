//! Where the rows of a sale are kept. A store opens one transaction for a batch of commands, lets the sale judge them on a
//! working set, writes what changed and commits once. Nothing is written in any other way.
//!
//! The traits name no engine; `open` alone knows which there are. `sqlite` is today's.

mod judge;
mod lists;
pub mod sqlite;

use std::time::Duration;

use crate::sale::{
    Command, Hold, HoldId, Order, OrderId, Outcome, PlaceHold, Product, ProductId, Rejection,
    Secret, Terms, Timestamp,
};
#[cfg(feature = "test-support")]
use crate::sale::{Counters, IdempotencyRecord, Movement, Payment};

pub use judge::{NoRows, RowSource, judge, judge_in_turn, judge_in_waves};
pub use lists::{Filter, Lists, Page, SalesRate, Seek, sales_rate};

/// What the sale said to one command.
pub type Decision = Result<Outcome, Rejection>;

/// Tells a transaction its time. Asked once, when nobody else can write any more, with the latest time that any
/// transaction before was judged at; the answer is never before it.
pub type Now<'a> = &'a dyn Fn(Timestamp) -> Timestamp;

/// Commands that came while the transaction waited for its turn. Asked at most once, when nobody else can write any more.
pub type More<'a> = &'a mut dyn FnMut() -> Vec<Command>;

/// For a transaction that takes no more commands than it was given.
pub fn no_more() -> Vec<Command> {
    Vec::new()
}

/// Why a whole batch failed. The text is for the log, not for clients.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else has the turn to write. Nothing was applied: worth asking again until the deadline.
    #[error("another process is writing")]
    Busy,
    /// The store cannot be reached. Nothing was applied: worth asking again until the deadline, less often.
    #[error("the store cannot be reached: {0}")]
    Away(String),
    #[error("nothing was applied: {0}")]
    NotApplied(String),
    /// A constraint fired: a command of the batch is judged wrongly. Nothing was applied.
    #[error("a command broke a constraint: {0}")]
    Broken(String),
    /// The store went away during the commit of a batch. `Store::settle` will tell what became of it. Only `transact` leaves
    /// one in doubt.
    #[error("whether the commit has happened is not known yet: {0}")]
    InDoubt(String),
    /// Whether the commit survives, only recovery can tell: this process writes no more.
    #[error("whether the commit survives is unknown: {0}")]
    Unknown(String),
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// What is written would go into a file that its path does not name. Nothing was applied.
    #[error("nothing is written any more: {0}")]
    Displaced(String),
    /// Nothing was applied, and this process writes no more.
    #[error(
        "another process has migrated the database to a version that this program does not know"
    )]
    Outdated,
}

/// What a writer may do with the time between two batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// A gap in which other processes can write, under load.
    Short,
    /// Nothing waits.
    Long,
}

/// How much of the log is in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// All that there was any need for.
    Complete,
    /// A reader, of whatever process, still needs an older state: the log grows until it has left. How large it is.
    Incomplete { log_bytes: u64 },
}

/// What writes. A process has one.
pub trait Store: Send {
    /// Judges `commands`, and then what `more` gives, in order in one transaction, and returns the decisions in that order.
    /// When it returns `Ok`, what they did is durable.
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError>;

    /// What became of the transaction that `StoreError::InDoubt` left behind: its decisions if it has committed, `None` if
    /// nothing of it was applied. `Busy` and `Away`: not known yet. Never called for a store that never is in doubt.
    fn settle(&mut self) -> Result<Option<Vec<Decision>>, StoreError>;

    /// Judges chunk after chunk in one transaction: all of it is committed, or, if any command is rejected, none. `each` is
    /// told every decision of this attempt, after a rejection too.
    fn load(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        chunks: &mut dyn Iterator<Item = Vec<Command>>,
        each: &mut dyn FnMut(&[Decision]),
    ) -> Result<(), StoreError>;

    /// Writes what changes nothing for anybody, to see whether the store can.
    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError>;

    /// The earliest deadline of anything that a sweep would end.
    fn next_deadline(&mut self) -> Result<Option<Timestamp>, StoreError>;

    /// Housekeeping between batches, which may take a few milliseconds.
    fn rest(&mut self, rest: Rest) -> Result<Checkpoint, StoreError>;

    /// How long the writer stands back now and then, so that other processes get their turn; zero where turns are a queue.
    fn gap(&self) -> Duration;

    /// What this database's tokens are made from.
    fn secret(&self) -> &Secret;
}

/// Reads of committed rows, beside the writer. Each call sees one moment of the store.
pub trait Reader: Lists + Send + Sync {
    /// The product with what is overdue at `now` counted as available.
    fn product(&self, id: ProductId, now: Timestamp) -> Result<Option<Product>, StoreError>;

    /// At most `limit` products with ids above `after`, by id, as `product` would show them.
    fn products(
        &self,
        after: Option<ProductId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Product>, StoreError>;

    /// Why the wish would be refused, judged by the sale's own rules on the rows as they stand. `None`: it would not be,
    /// and only a transaction can tell for sure.
    fn refusal(
        &self,
        wish: &PlaceHold,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Option<Rejection>, StoreError>;

    fn hold(&self, id: HoldId) -> Result<Option<Hold>, StoreError>;

    fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError>;

    /// Whether rows can be read, and stand where whoever looks for the database finds it.
    fn is_sound(&self) -> Result<(), StoreError>;

    /// Every row there is, in order, without any bound.
    #[cfg(feature = "test-support")]
    fn contents(&self) -> Result<Contents, StoreError>;
}

/// All rows of a store, to compare it with another.
#[cfg(feature = "test-support")]
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    pub counters: Counters,
    pub products: Vec<Product>,
    pub holds: Vec<Hold>,
    pub orders: Vec<Order>,
    pub payments: Vec<(Payment, Option<String>)>,
    pub movements: Vec<Movement>,
    pub idempotency_records: Vec<IdempotencyRecord>,
}
