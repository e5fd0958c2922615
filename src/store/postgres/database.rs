//! What a PostgreSQL server is to the rest of the program.

use std::cell::RefCell;
use std::fmt::Write;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::questions::Waves;
use super::reader::PostgresReader;
use super::rows::PostgresRows;
use super::server::{Role, Server};
use super::server_error::ServerError;
use super::session::Session;
use super::store::PostgresStore;
use super::tables::counters::{self, Figures};
use super::url::Url;
use super::{audit, durability, schema};
use crate::sale::{Command, Terms, Timestamp, WorkingSet};
use crate::store::{
    Access, Books, Check, Database, Decision, Depth, Durability, Now, OpenError, Reader,
    ReadingTime, RestoreError, Restored, Serving, Store, StoreError, judge_in_waves,
};

pub struct PostgresDatabase {
    server: Server,
    access: Access,
}

/// Two processes that make the schema at the same moment: the second one finds it made.
const ATTEMPTS: usize = 3;

impl PostgresDatabase {
    pub fn open(url: &Url, access: Access) -> Result<PostgresDatabase, OpenError> {
        let server = Server::new(url).map_err(OpenError::Unsuitable)?;
        PostgresDatabase::on(server, access)
    }

    fn on(server: Server, access: Access) -> Result<PostgresDatabase, OpenError> {
        let database = PostgresDatabase { server, access };
        let mut session = database.session()?;
        let mut made = schema::ensure_is_ours(&mut session, access);
        for _ in 1..ATTEMPTS {
            if matches!(made, Err(OpenError::Busy)) {
                made = schema::ensure_is_ours(&mut session, access);
            }
        }
        made.map(|()| database)
    }

    fn role(&self) -> Role {
        match self.access {
            Access::CreateOrMigrate | Access::Existing => Role::Read,
            Access::Read => Role::Report,
        }
    }

    fn session(&self) -> Result<Session, ServerError> {
        Session::connect(&self.server, self.role())
    }

    fn figures(&self) -> Result<Figures, ServerError> {
        figures_of(&mut self.session()?)
    }
}

fn figures_of(session: &mut Session) -> Result<Figures, ServerError> {
    let answers = session.run(&[counters::figures()])?;
    counters::only(answers.into_iter().next())
}

impl Database for PostgresDatabase {
    fn store(&self, durability: Durability) -> Result<Box<dyn Store>, OpenError> {
        let role = match durability {
            Durability::Full => {
                durability::ensure_is_full(&mut self.session()?)?;
                Role::Write
            }
            Durability::Normal => Role::WriteUnsynced,
        };
        let store = PostgresStore::open(&self.server, role, drawn_name()?);
        Ok(Box::new(store.map_err(failed_to_open)?))
    }

    /// Judged by the server's clock: see `reader`.
    fn reader(
        &self,
        _: Arc<dyn ReadingTime>,
        connections_max: u32,
    ) -> Result<Box<dyn Reader>, OpenError> {
        let reader = PostgresReader::open(&self.server, Role::Read, connections_max)?;
        Ok(Box::new(reader))
    }

    fn reader_beside(&self, _: Timestamp) -> Result<Box<dyn Reader>, OpenError> {
        let reader = PostgresReader::open(&self.server, self.role(), 1)?;
        Ok(Box::new(reader))
    }

    fn last_now(&self) -> Result<Timestamp, OpenError> {
        Ok(self.figures()?.last_now)
    }

    /// Every batch to come is judged at the latest time that is committed, or later: there is nothing to wait for.
    fn time_between_batches(&self, _: Now<'_>) -> Result<Option<Timestamp>, OpenError> {
        Ok(Some(self.figures()?.last_now))
    }

    fn books(&self) -> Result<Box<dyn Books>, OpenError> {
        let session = Session::connect(&self.server, Role::Report)?;
        Ok(Box::new(PostgresBooks(RefCell::new(session))))
    }

    fn make_servable(&self, _: i64) -> Result<Restored, RestoreError> {
        Err(StoreError::NotApplied("a server is not restored from a file".into()).into())
    }

    /// The server is backed up by its own tools.
    fn note_backup(&self, _: Timestamp) -> io::Result<()> {
        Ok(())
    }

    fn ensure_is_no_copy(&self) -> Result<(), OpenError> {
        Ok(())
    }

    fn ensure_was_still(&self) -> Result<(), OpenError> {
        Ok(())
    }
}

/// What reports read by.
struct PostgresBooks(RefCell<Session>);

impl Books for PostgresBooks {
    fn audit(&self, _: Depth) -> Result<Vec<Check>, StoreError> {
        audit::audit(&mut self.0.borrow_mut())
    }

    fn rehearse(
        &self,
        terms: &Terms,
        now: Now<'_>,
        chunks: &mut dyn Iterator<Item = Vec<Command>>,
        each: &mut dyn FnMut(&[Decision]),
    ) -> Result<(), StoreError> {
        let mut session = self.0.borrow_mut();
        session
            .execute(
                "begin isolation level repeatable read read only; set local idle_in_transaction_session_timeout = 0",
            )
            .map_err(ServerError::before_commit)?;
        let figures = figures_of(&mut session).map_err(ServerError::before_commit)?;
        let now = now(figures.last_now.max(figures.clock));
        for commands in chunks {
            let set = WorkingSet::new(now, *terms, figures.counters);
            let mut rows = PostgresRows::of(&mut session, Waves::default());
            let (_, decisions) = judge_in_waves(&mut rows, set, &commands)?;
            each(&decisions);
        }
        session
            .execute("rollback")
            .map_err(ServerError::before_commit)
    }

    fn ensure_can_be_copied(&self) -> Result<(), OpenError> {
        Err(OpenError::Unsuitable(NO_BACKUP.into()))
    }

    fn back_up(&self, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::NotApplied(NO_BACKUP.into()))
    }
}

const NO_BACKUP: &str = "PostgreSQL keeps its own backups: pg_basebackup with a WAL archive, or pg_dump from a standby; see \
    docs/postgresql.md";

fn failed_to_open(error: StoreError) -> OpenError {
    if let StoreError::Away(why) = error {
        OpenError::Unreachable(why)
    } else if matches!(error, StoreError::Busy) {
        OpenError::Busy
    } else {
        OpenError::Engine(error.to_string())
    }
}

/// What this process is called in `writers`.
fn drawn_name() -> Result<String, OpenError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| OpenError::NoRandomness(error.to_string()))?;
    let mut name = String::new();
    for byte in bytes {
        write!(name, "{byte:02x}").expect("a text takes what is written to it");
    }
    Ok(name)
}

/// Any number of processes may serve at once.
pub struct PostgresServing {
    pub url: Url,
    /// How long a request waits.
    pub patience: Duration,
}

impl Serving for PostgresServing {
    fn open(&self) -> Result<Box<dyn Database>, OpenError> {
        let server = Server::new(&self.url).map_err(OpenError::Unsuitable)?;
        let server = server.waited_for(self.patience);
        let database = PostgresDatabase::on(server, Access::CreateOrMigrate)?;
        Ok(Box::new(database))
    }

    /// Nobody judges by this process's clock.
    fn publish_clock(&self, _: &str) -> io::Result<()> {
        Ok(())
    }
}
