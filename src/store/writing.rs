//! The trait of what writes: one transaction a batch.

use std::time::Duration;

use serde::Serialize;

use super::{StoreError, Transacted};
use crate::sale::{Command, Currency, Outcome, Rejection, Secret, Terms, Timestamp};

/// What the sale said to one command.
pub type Decision = Result<Outcome, Rejection>;

/// Tells a transaction its time. Asked once, when no other process can write any more, with the latest time that any
/// transaction before was judged at; the answer is never before it.
pub type Now<'a> = &'a dyn Fn(Timestamp) -> Timestamp;

/// Commands that came while the transaction waited for its turn. Asked at most once, when no other process can write any
/// more.
pub type More<'a> = &'a mut dyn FnMut() -> Vec<Command>;

/// For a transaction that takes no more commands than it was given.
pub fn no_more() -> Vec<Command> {
    Vec::new()
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

/// How many deadlines lay further off than those of fresh rows, and were pulled in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SetBack {
    pub holds: usize,
    pub orders: usize,
    pub payments: usize,
    pub keys: usize,
}

/// What writes. A process has one.
pub trait Store: Send {
    /// Judges `commands`, and then what `more` gives, in order in one transaction, and returns the decisions in that order,
    /// one for each. When it returns `Ok`, what they did is durable.
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError>;

    /// What became of the transaction that `StoreError::InDoubt` left behind: its decisions if it has committed, `None` if
    /// nothing of it was applied. After a `load` they may be left out: `each` was told them. `Busy` and `Away`: not known
    /// yet. Called until it tells, and nothing else is before; never for a store that never is in doubt.
    fn settle(&mut self) -> Result<Option<Vec<Decision>>, StoreError>;

    /// What the transaction came to that `transact` or `settle` last answered the decisions of.
    fn last_transaction(&self) -> Transacted {
        Transacted::default()
    }

    /// Judges chunk after chunk in one transaction: all of it is committed, or, if any command is rejected, none. `each` is
    /// told every decision of this attempt, after a rejection too.
    fn load(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        chunks: &mut dyn Iterator<Item = Vec<Command>>,
        each: &mut dyn FnMut(&[Decision]),
    ) -> Result<(), StoreError>;

    /// Writes the time alone, to see whether the store can be written.
    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError>;

    /// The earliest deadline of anything that a sweep would end or forget.
    fn next_deadline(&mut self, terms: &Terms) -> Result<Option<Timestamp>, StoreError>;

    /// Housekeeping between batches, which may take a few milliseconds.
    fn rest(&mut self, rest: Rest) -> Result<Checkpoint, StoreError>;

    /// How long the writer stands back now and then, so that other processes get their turn; zero where turns are a queue.
    fn gap(&self) -> Duration;

    /// What this database's tokens are made from.
    fn secret(&self) -> &Secret;

    /// Keeps the currency of all prices, unless one is kept already. Returns the one that is kept.
    fn keep_currency(&mut self, currency: Currency) -> Result<Currency, StoreError>;

    /// Takes the sale's time back to `wall`, after it was wrongly ahead, and pulls in deadlines that lie further off than
    /// those of fresh rows. `None`: the sale is not ahead, and nothing was changed. The database is not served meanwhile.
    fn set_back(&mut self, wall: Timestamp, terms: &Terms) -> Result<Option<SetBack>, StoreError>;
}
