//! Where the rows of a sale are kept. A store opens one transaction for a batch of commands, lets the sale judge them on a
//! working set, writes what changed and commits once. Nothing is written in any other way.
//!
//! The traits name no engine: `sqlite` is today's, `memory` is the tests' oracle.

mod lists;
pub mod memory;
pub mod sqlite;

use crate::sale::{
    Command, Counters, Hold, HoldId, IdempotencyRecord, Movement, Need, Order, OrderId, Outcome,
    Payment, PlaceHold, Product, ProductId, Rejection, Stop, Terms, Timestamp, WorkingSet, decide,
};

pub use lists::{Filter, Lists, Page, SalesRate, Seek};

/// What the sale said to one command.
pub type Decision = Result<Outcome, Rejection>;

/// Tells a transaction its time. Asked once, when nobody else can write any more, with the latest time that any
/// transaction before was judged at; the answer is never before it.
pub type Now<'a> = &'a dyn Fn(Timestamp) -> Timestamp;

/// Why a whole batch failed. The text is for the log, not for clients.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("another process is writing")]
    Busy,
    #[error("nothing was applied: {0}")]
    NotApplied(String),
    /// A constraint fired: a command of the batch is judged wrongly. Nothing was applied.
    #[error("a command broke a constraint: {0}")]
    Broken(String),
    #[error("whether the commit survives is unknown: {0}")]
    Unknown(String),
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// What is written would go into a file that its path does not name. Nothing was applied.
    #[error("nothing is written any more: {0}")]
    Displaced(String),
    #[error(
        "another process has migrated the database to a version that this program does not know"
    )]
    Migrated,
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

pub trait Store: Send {
    /// Judges the commands in order in one transaction. When it returns `Ok`, what they did is durable.
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
    ) -> Result<Vec<Decision>, StoreError>;

    /// Writes what changes nothing for anybody, to see whether the store can.
    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError>;

    /// The earliest deadline of anything that a sweep would end.
    fn next_deadline(&mut self) -> Result<Option<Timestamp>, StoreError>;

    /// Housekeeping between batches, which may take a few milliseconds.
    fn rest(&mut self, rest: Rest) -> Result<Checkpoint, StoreError>;
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

    /// Every row there is, in order. For tests: it has no bound.
    fn contents(&self) -> Result<Contents, StoreError>;
}

/// All rows of a store, to compare it with another.
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

/// What fetches into a working set the rows that a rule needs to see.
trait RowSource {
    fn fetch(&mut self, set: &mut WorkingSet, need: Need) -> Result<(), StoreError>;
}

/// Judges commands in order on one working set, fetching what each needs until it can be judged.
fn judge_all(
    source: &mut impl RowSource,
    set: &mut WorkingSet,
    commands: &[Command],
) -> Result<Vec<Decision>, StoreError> {
    commands
        .iter()
        .map(|command| judge(source, set, command))
        .collect()
}

fn judge(
    source: &mut impl RowSource,
    set: &mut WorkingSet,
    command: &Command,
) -> Result<Decision, StoreError> {
    const LOOKS_MAX: usize = 100_000;
    for _ in 0..LOOKS_MAX {
        match decide(set, command) {
            Ok(outcome) => return Ok(Ok(outcome)),
            Err(Stop::Refused(rejection)) => return Ok(Err(rejection)),
            Err(Stop::Needs(needs)) => {
                for need in needs {
                    source.fetch(set, need)?;
                }
            }
        }
    }
    panic!("what a rule needs is there once it was fetched");
}
