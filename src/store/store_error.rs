//! Why a store does not do what it is asked.

/// Why a whole batch failed. The text is for the log, not for clients.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the turn to write. Nothing was applied: worth asking again until the deadline.
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
    /// A row holds what the program never writes there. Nothing was applied, and other rows can be worked on.
    #[error("a row cannot be read: {0}; `flashsale verify` tells more")]
    Unreadable(String),
    /// The store went away during the commit of a batch. `Store::settle` will tell what became of it. Only
    /// `transact` and `load` leave one in doubt.
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
