//! The writing connection: a batch is one transaction.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::{failed_commit, not_applied};
use super::file::{Fate, OpenFiles, OpenState, WalIndex, is_current, is_log_of};
use super::key_index::KeyChanges;
use super::rows::{self, SqliteRows};
use super::tables::counters;
use super::tables::kept_keys::Keys;
use super::write;
use crate::sale::{Command, Currency, KnownRows, Secret, Terms, Timestamp, WorkingSet};
use crate::store::{
    Checkpoint, Decision, Expired, More, Now, Rest, SetBack, Store, StoreError, Transacted,
    judge_in_turn, refused_deadlines,
};

/// The writing connection. A process has at most one.
pub struct SqliteStore {
    conn: Connection,
    secret: Secret,
    commits_since_checkpoint: u32,
    last: Transacted,
    /// What the last transaction knew at its end, and the `data_version` that it saw: as long as that is the same, no other
    /// connection has committed. `None` after any transaction but one of commands that ended well.
    known_rows: Option<(KnownRows, i64)>,
    files: OpenFiles,
    /// Let go of last, for the WAL index's sake: see there.
    wal_index: Arc<WalIndex>,
    state: Arc<OpenState>,
}

/// Other processes get SQLite's lock by asking for it again and again, and find it free for this long.
const GAP: Duration = Duration::from_millis(1);

/// Commits in the log before a checkpoint is worth its fsync.
const CHECKPOINT_COMMITS: u32 = 64;

/// A page and its header in the log.
const FRAME_BYTES: u64 = 4096 + 24;

impl SqliteStore {
    pub fn new(
        conn: Connection,
        secret: Secret,
        files: OpenFiles,
        state: Arc<OpenState>,
    ) -> SqliteStore {
        let shared = state.wal_index.clone();
        let wal_index = if shared.identity() == Some(files.index.identity) {
            shared
        } else {
            Arc::new(WalIndex::of(files.database.path()))
        };
        SqliteStore {
            conn,
            secret,
            commits_since_checkpoint: 1,
            last: Transacted::default(),
            known_rows: None,
            files,
            wal_index,
            state,
        }
    }

    /// Runs `work` in one transaction, which is committed if it has written something, and rolled back otherwise. Nothing is
    /// committed into files that the database's name does not mean any more.
    pub(super) fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &Log<'_>) -> Result<(T, Change), StoreError>,
    ) -> Result<T, StoreError> {
        self.state.ensure_is_undamaged()?;
        self.last = Transacted::default();
        self.known_rows = None;
        let log = Log(&self.wal_index);
        let ended = begin(&mut self.conn).and_then(|tx| {
            let (done, change) = work(&tx, &log)?;
            if change == Change::Written {
                ensure_in_place(&self.files)?;
                self.commits_since_checkpoint += 1;
                let began = Instant::now();
                commit(&tx, &self.files)?;
                self.last.commit = Some(began.elapsed());
            }
            Ok(done)
        });
        ended.map_err(|failure| {
            let failure = self.state.note(failure);
            self.leave_if_displaced();
            failure
        })
    }

    /// Has SQLite touch nothing any more where a name means another file than it did: what stands there now is not ours to
    /// play a log into, or to take a log away from.
    fn leave_if_displaced(&mut self) {
        if self.files.displacement().is_none() {
            return;
        }
        self.state.leave();
        let left = self
            .conn
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        if let Err(error) = left {
            log::error!("the log may be lost when the database is closed: {error}");
        }
        match (self.files.database.fate(), self.files.log.fate()) {
            (Fate::Replaced, _) => {
                if let Err(error) = self.files.put_log_aside() {
                    log::error!("the log could not be put aside: {error}");
                }
            }
            (Fate::InPlace, Fate::Gone) => self.save_log(),
            (Fate::InPlace | Fate::Gone, _) => {}
        }
    }

    /// What a log without a name holds is brought into the database, unless another process may have written that since.
    fn save_log(&mut self) {
        let database = self.files.database.path();
        let saved = match is_log_of(&self.conn, database) {
            Ok(true) if self.files.index.fate() != Fate::Replaced => self.checkpoint("passive"),
            Ok(_) => Err(StoreError::NotApplied(
                "others have written it since".into(),
            )),
            Err(error) => Err(StoreError::NotApplied(error.to_string())),
        };
        match saved {
            Ok(Checkpoint::Complete) => log::warn!("what the log held is saved into the database"),
            Ok(Checkpoint::Incomplete { .. }) => log::error!("a part of what the log held is lost"),
            Err(failure) => log::error!("what the log held is lost: {failure}"),
        }
    }

    fn checkpoint(&mut self, mode: &str) -> Result<Checkpoint, StoreError> {
        let sql = format!("pragma wal_checkpoint({mode})");
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        };
        let (is_busy, frames, frames_done): (bool, _, _) = self
            .conn
            .query_row(&sql, [], read)
            .map_err(|error| self.state.note(not_applied(error)))?;
        if is_busy || frames_done < frames {
            let log_bytes = u64::try_from(frames).unwrap_or(0) * FRAME_BYTES;
            return Ok(Checkpoint::Incomplete { log_bytes });
        }
        Ok(Checkpoint::Complete)
    }
}

/// What a transaction did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Written,
}

/// The log that a transaction will be written to.
pub(super) struct Log<'a>(&'a WalIndex);

impl Log<'_> {
    /// Notes from which state of the file the log goes on, so that it can be told from the log of another. To be called
    /// before anything is written, in a transaction that will write.
    pub(super) fn begins_from(
        &self,
        tx: &Transaction<'_>,
        last_now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.0.is_log_in_database() == Some(true) {
            counters::write_log_base(tx, last_now).map_err(not_applied)?;
        }
        Ok(())
    }
}

impl Store for SqliteStore {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        let state = self.state.clone();
        let key_index = &state.key_index;
        let mut key_changes = KeyChanges::default();
        let mut last = Transacted::default();
        let known_rows = self.known_rows.take();
        let mut known_now = None;
        let decisions = self.in_transaction(|tx, log| {
            let (counters, last_now) = counters::read(tx).map_err(not_applied)?;
            let version = counters::data_version(tx).map_err(not_applied)?;
            let mut set = WorkingSet::new(now(last_now), *terms, counters);
            if let Some((rows, _)) = known_rows.filter(|(_, of)| *of == version) {
                set.begin_with(rows);
            }
            let more = more();
            let commands = || commands.iter().chain(&more);
            let mut rows = SqliteRows::of(tx, Keys::by(key_index));
            let decisions = judge_in_turn(&mut rows, &mut set, commands())?;
            let mut keys = rows.into_keys();
            last.expired = Expired::of(&set);
            last.events = set.events().len();
            let change = if set.is_changed() || keys.has_superseded() {
                log.begins_from(tx, last_now)?;
                key_changes = write::write(tx, &set, &mut keys).map_err(not_applied)?;
                Change::Written
            } else if refused_deadlines::are_later_than(last_now, &set, commands(), &decisions) {
                log.begins_from(tx, last_now)?;
                counters::write_time(tx, set.now).map_err(not_applied)?;
                Change::Written
            } else {
                Change::None
            };
            known_now = Some((set.into_known_rows(), version));
            Ok((decisions, change))
        })?;
        self.known_rows = known_now;
        key_index.note(&key_changes);
        self.last = Transacted {
            commit: self.last.commit,
            ..last
        };
        Ok(decisions)
    }

    fn last_transaction(&self) -> Transacted {
        self.last
    }

    /// A transaction on a file ends before this process goes on, or this process ends.
    fn settle(&mut self) -> Result<Option<Vec<Decision>>, StoreError> {
        unreachable!("no transaction on a file is in doubt")
    }

    fn load(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        chunks: &mut dyn Iterator<Item = Vec<Command>>,
        each: &mut dyn FnMut(&[Decision]),
    ) -> Result<(), StoreError> {
        self.in_transaction(|tx, log| {
            let (mut counters, last_now) = counters::read(tx).map_err(not_applied)?;
            let now = now(last_now);
            log.begins_from(tx, last_now)?;
            let mut is_refused = false;
            for commands in chunks {
                let mut set = WorkingSet::new(now, *terms, counters);
                let mut rows = SqliteRows::of(tx, Keys::without_index());
                let decisions = judge_in_turn(&mut rows, &mut set, &commands)?;
                each(&decisions);
                is_refused |= decisions.iter().any(Result::is_err);
                if !is_refused {
                    write::write(tx, &set, &mut rows.into_keys()).map_err(not_applied)?;
                    counters = set.counters;
                }
            }
            let change = if is_refused {
                Change::None
            } else {
                Change::Written
            };
            Ok(((), change))
        })
    }

    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError> {
        self.in_transaction(|tx, log| {
            let (_, last_now) = counters::read(tx).map_err(not_applied)?;
            log.begins_from(tx, last_now)?;
            counters::write_time(tx, now(last_now)).map_err(not_applied)?;
            Ok(((), Change::Written))
        })
    }

    fn next_deadline(&mut self, terms: &Terms) -> Result<Option<Timestamp>, StoreError> {
        self.state.ensure_is_undamaged()?;
        rows::next_deadline(&self.conn, terms).map_err(|error| self.state.note(not_applied(error)))
    }

    fn rest(&mut self, rest: Rest) -> Result<Checkpoint, StoreError> {
        let mode = match rest {
            Rest::Short if self.commits_since_checkpoint >= CHECKPOINT_COMMITS => "passive",
            // Other processes leave commits in the log too.
            Rest::Long => {
                if let Err(failure) = ensure_in_place(&self.files) {
                    self.leave_if_displaced();
                    return Err(failure);
                }
                if self.files.log_bytes() == 0 {
                    return Ok(Checkpoint::Complete);
                }
                "truncate"
            }
            Rest::Short => return Ok(Checkpoint::Complete),
        };
        let checkpoint = self.checkpoint(mode)?;
        self.commits_since_checkpoint = 0;
        Ok(checkpoint)
    }

    fn gap(&self) -> Duration {
        GAP
    }

    fn secret(&self) -> &Secret {
        &self.secret
    }

    fn keep_currency(&mut self, currency: Currency) -> Result<Currency, StoreError> {
        self.in_transaction(|tx, log| {
            if let Some(kept) = counters::currency(tx).map_err(not_applied)? {
                return Ok((kept, Change::None));
            }
            let (_, last_now) = counters::read(tx).map_err(not_applied)?;
            log.begins_from(tx, last_now)?;
            counters::write_currency(tx, currency).map_err(not_applied)?;
            Ok((currency, Change::Written))
        })
    }

    fn set_back(&mut self, wall: Timestamp, terms: &Terms) -> Result<Option<SetBack>, StoreError> {
        self.take_time_back(wall, terms)
    }
}

fn begin(conn: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    let tx = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(not_applied)?;
    if is_current(&tx).map_err(not_applied)? {
        Ok(tx)
    } else {
        Err(StoreError::Outdated)
    }
}

/// A file may lose its name at any time: what is acknowledged was in its place before the commit and after it. (A log that
/// loses its name is found out before the next commit, and saved.)
fn commit(tx: &Transaction<'_>, files: &OpenFiles) -> Result<(), StoreError> {
    tx.execute_batch("commit")
        .map_err(|error| failed_commit(tx, &error))?;
    match files.database.displacement() {
        None => Ok(()),
        Some(displacement) => Err(StoreError::Unknown(displacement)),
    }
}

fn ensure_in_place(files: &OpenFiles) -> Result<(), StoreError> {
    match files.displacement() {
        None => Ok(()),
        Some(displacement) => Err(StoreError::Displaced(displacement)),
    }
}
