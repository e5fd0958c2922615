//! The trait of a database that was found to be ours, whichever engine keeps it: what writes it, what reads it, and how its
//! books are proven.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::{Decision, Now, OpenError, Reader, ReadingTime, Store, StoreError};
use crate::sale::{Command, Terms, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every commit is on the disk before it is answered.
    Full,
    /// A power loss may take the last commits back, never consistency.
    Normal,
}

/// What opening a database may do to it. `open` enforces this, before it returns the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A database that is missing is created, and an older one is migrated: not while another process serves it
    /// (`OpenError::Served`).
    CreateOrMigrate,
    /// A database that is missing or older is refused.
    Existing,
    /// The same for a user who may not write: nothing is left beside the database. That no store is asked of a database
    /// which was opened so is its opener's duty.
    Read,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    Quick,
    /// With the engine's own check, which reads all that there is.
    Full,
}

/// One invariant, how many things it was asked of, and how many of them break it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub checked: i64,
    pub broken: i64,
}

/// What a restored database knows, and which ids it will never give.
#[derive(Debug, Serialize)]
pub struct Restored {
    /// The latest time that any transaction was judged at; what happened later is lost.
    pub knows_until: Timestamp,
    pub products: i64,
    pub holds: i64,
    pub orders: i64,
    pub payments: i64,
    pub skip_ids: i64,
    pub skipped: Vec<Gap>,
}

/// From the first to the last id, both included.
#[derive(Debug, Serialize)]
pub struct Gap {
    pub ids: &'static str,
    pub first: i64,
    pub last: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("its next id of {ids} is {next}, and ids end below 2^53: fewer can be skipped")]
    OutOfIds { ids: &'static str, next: i64 },
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// A database that was found to be of the newest version.
pub trait Database: Send + Sync {
    /// What writes. This method refuses a copy, and a schema that is not the one of its version. It does not ask who serves
    /// the database: stores of several processes take turns, and only `serve` keeps a second server away.
    fn store(&self, durability: Durability) -> Result<Box<dyn Store>, OpenError>;

    /// At most `connections_max` reads at once, beside a store of this process whose batches are judged by this clock.
    fn reader(
        &self,
        time: Arc<dyn ReadingTime>,
        connections_max: u32,
    ) -> Result<Box<dyn Reader>, OpenError>;

    /// One read at a time, beside a store of another process, at times that begin with `began_at`, later on at that of the
    /// newest batch. The caller has `began_at` from `time_between_batches`; the reader does not check it.
    fn reader_beside(&self, began_at: Timestamp) -> Result<Box<dyn Reader>, OpenError>;

    /// The latest time that any transaction was judged at.
    fn last_now(&self) -> Result<Timestamp, OpenError>;

    /// A time that no batch which commits later is judged before: what it calls expired, none of them calls alive. Taken
    /// while no other process can write; the newest committed one where this user may not write, and so cannot keep others
    /// from it. `None` while another process writes.
    fn time_between_batches(&self, now: Now<'_>) -> Result<Option<Timestamp>, OpenError>;

    fn books(&self) -> Result<Box<dyn Books>, OpenError>;

    /// Makes a database to serve of this copy, with `skip_ids` ids of each kind skipped. That no other process knows the file
    /// yet is the caller's duty, and so is to sync it.
    fn make_servable(&self, skip_ids: i64) -> Result<Restored, RestoreError>;

    /// Tells the process that serves the database, if one does, that a copy was made.
    fn note_backup(&self, at: Timestamp) -> io::Result<()>;

    /// Fails for a copy that `back_up` made. `store` asks this too; a command asks it that would tell what it would write.
    fn ensure_is_no_copy(&self) -> Result<(), OpenError>;

    /// Fails if a file was written that can only be read while it is not. Readers and books do not ask: a command does after
    /// its last read, before it believes what it read.
    fn ensure_was_still(&self) -> Result<(), OpenError>;
}

/// What looks through a whole database, which may be served meanwhile, and writes nothing into it.
pub trait Books {
    /// Asks every check. Drift is a finding and no error: it stands in `broken`.
    fn audit(&self, depth: Depth) -> Result<Vec<Check>, StoreError>;

    /// Judges chunk after chunk on rows of one moment, as if the chunks before had not been.
    fn rehearse(
        &self,
        terms: &Terms,
        now: Now<'_>,
        chunks: &mut dyn Iterator<Item = Vec<Command>>,
        each: &mut dyn FnMut(&[Decision]),
    ) -> Result<(), StoreError>;

    /// Whether `back_up` makes copies of it.
    fn ensure_can_be_copied(&self) -> Result<(), OpenError>;

    /// Copies the database into the empty file at `to`, an absolute path, and marks it as a copy. After an error the file is
    /// good for nothing but another attempt. It is not on the disk before its caller syncs it.
    fn back_up(&self, to: &Path) -> Result<(), StoreError>;
}

/// The right to serve a database, which ends when this is dropped or its process ends.
pub trait Serving {
    /// Creates or migrates the database, and opens it.
    fn open(&self) -> Result<Box<dyn Database>, OpenError>;

    /// Tells other processes what the wall clock says here, if they judge by their own: in a line as long as the first.
    fn publish_clock(&self, line: &str) -> io::Result<()>;
}
