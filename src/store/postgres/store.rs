//! What writes: a batch is one transaction under the turn, and two round trips if the first one finds all that it needs.
//!
//! *The turn* is the one row of a table that is never changed. Every batch of every process locks it first, and so batches
//! follow each other as they would in one process: ids, the time and the count of parked events are exact. The server ends
//! a transaction that keeps the turn and does nothing.

use std::time::{Duration, Instant};

use super::changes::Changes;
use super::questions::{Questions, Waves};
use super::rows::PostgresRows;
use super::server::{Role, Server};
use super::server_error::ServerError;
use super::session::Step;
use super::tables::counters;
use super::turns::{Turn, Turns};
use super::write;
use crate::sale::{Command, Counters, Currency, Secret, Terms, Timestamp, WorkingSet};
use crate::store::refused_deadlines;
use crate::store::{
    Checkpoint, Decision, Expired, More, Now, Rest, SetBack, Store, StoreError, Transacted,
    first_needs, judge_in_waves,
};

/// How long a load looks for what became of its commit, and how often.
const SETTLE_MAX: Duration = Duration::from_secs(30);
const SETTLE_POLL: Duration = Duration::from_millis(50);

pub struct PostgresStore {
    turns: Turns,
    secret: Secret,
    /// The decisions of a batch whose commit was not answered.
    doubt: Option<Vec<Decision>>,
    /// Of the last batch, to guess from what the next one needs.
    last: (Counters, Timestamp),
    last_transaction: Transacted,
}

/// A batch before its commit.
struct Judged {
    set: WorkingSet,
    decisions: Vec<Decision>,
    /// What is to be written; `None`: nothing was changed.
    changes: Option<Changes>,
}

impl PostgresStore {
    /// Under a name that no other process has.
    pub fn open(server: &Server, role: Role, name: String) -> Result<PostgresStore, StoreError> {
        let mut turns = Turns::new(&server.for_writer(&name), role, name);
        let session = turns.session().map_err(ServerError::before_commit)?;
        let secret = turns.run(session, &[counters::secret()])?;
        let secret = counters::read_secret(secret).map_err(ServerError::before_commit)?;
        let figures = turns.enroll()?;
        Ok(PostgresStore {
            turns,
            secret,
            doubt: None,
            last: (figures.counters, figures.last_now),
            last_transaction: Transacted::default(),
        })
    }

    /// With the rows that `questions` were answered by.
    fn judge(
        tx: &mut Turn,
        mut set: WorkingSet,
        (questions, answers): (Questions, Vec<Vec<tokio_postgres::Row>>),
        waves: Waves,
        commands: &[Command],
    ) -> Result<Judged, StoreError> {
        let read = questions.read(&mut set, &mut answers.into_iter());
        read.map_err(ServerError::before_commit)?;
        let mut rows = PostgresRows::of(&mut tx.session, waves);
        let (set, decisions) = judge_in_waves(&mut rows, set, commands)?;
        let last_now = tx.figures.last_now;
        let changes = if set.is_changed() {
            Some(write::changes(&set))
        } else {
            refused_deadlines::are_later_than(last_now, &set, commands.iter(), &decisions)
                .then(|| Changes::from(counters::write_time(set.now)))
        };
        Ok(Judged {
            set,
            decisions,
            changes,
        })
    }

    /// Chunk after chunk; whether nothing was refused.
    fn load_in_turn(
        tx: &mut Turn,
        terms: &Terms,
        now: Timestamp,
        chunks: &mut dyn Iterator<Item = Vec<Command>>,
        each: &mut dyn FnMut(&[Decision]),
    ) -> Result<bool, StoreError> {
        tx.session.wait_until(None);
        let patient = "set local idle_in_transaction_session_timeout = 10000";
        let patient = tx.session.execute(patient);
        patient.map_err(ServerError::before_commit)?;
        let mut counters = tx.figures.counters;
        let mut is_refused = false;
        for commands in chunks {
            let set = WorkingSet::new(now, *terms, counters);
            let mut rows = PostgresRows::of(&mut tx.session, Waves::default());
            let (set, decisions) = judge_in_waves(&mut rows, set, &commands)?;
            each(&decisions);
            is_refused |= decisions.iter().any(Result::is_err);
            if !is_refused {
                let written = tx.session.run_patiently(&write::changes(&set).into_steps());
                written.map_err(ServerError::before_commit)?;
                counters = set.counters;
            }
        }
        Ok(!is_refused)
    }

    fn settle_load(&mut self, why: String) -> Result<(), StoreError> {
        let by = Instant::now() + SETTLE_MAX;
        loop {
            match self.turns.has_committed(self.turns.batch()) {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(StoreError::NotApplied(why)),
                Err(StoreError::Busy | StoreError::Away(_)) if Instant::now() < by => {
                    std::thread::sleep(SETTLE_POLL);
                }
                Err(_) => return Err(StoreError::Unknown(why)),
            }
        }
    }
}

impl Store for PostgresStore {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        let (counters, last_now) = self.last;
        let guess = WorkingSet::new(last_now, *terms, counters);
        let mut waves = Waves::of(&counters);
        let needs = first_needs(&guess, commands);
        let mut questions = Questions::before_the_time(needs, terms, &mut waves);
        let (mut tx, answers) = self.turns.take(std::mem::take(&mut questions.steps))?;

        let now = now(tx.figures.last_now.max(tx.figures.clock));
        let set = WorkingSet::new(now, *terms, tx.figures.counters);
        let commands: Vec<Command> = commands.iter().cloned().chain(more()).collect();
        let judged = PostgresStore::judge(&mut tx, set, (questions, answers), waves, &commands);
        let Judged {
            set,
            decisions,
            changes,
        } = match judged {
            Ok(judged) => judged,
            Err(error) => {
                self.turns.roll_back(tx.session);
                return Err(error);
            }
        };
        let began = Instant::now();
        let is_written = changes.is_some();
        let committed = match changes {
            Some(changes) => self.turns.commit(tx.session, changes, now),
            None => self.turns.confirm(tx.session),
        };
        self.last_transaction = Transacted {
            commit: is_written.then(|| began.elapsed()),
            expired: Expired::of(&set),
            events: set.events().len(),
        };
        match committed {
            Ok(()) => {
                self.last = (set.counters, now);
                Ok(decisions)
            }
            Err(error) => {
                if let StoreError::InDoubt(_) = error {
                    self.doubt = Some(decisions);
                }
                Err(error)
            }
        }
    }

    /// A commit brings what is written, and so takes the time of both.
    fn last_transaction(&self) -> Transacted {
        self.last_transaction
    }

    fn settle(&mut self) -> Result<Option<Vec<Decision>>, StoreError> {
        let has_committed = self.turns.has_committed(self.turns.batch())?;
        Ok(self.doubt.take().filter(|_| has_committed))
    }

    fn load(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        chunks: &mut dyn Iterator<Item = Vec<Command>>,
        each: &mut dyn FnMut(&[Decision]),
    ) -> Result<(), StoreError> {
        let (mut tx, _) = self.turns.take(Vec::new())?;
        let now = now(tx.figures.last_now.max(tx.figures.clock));
        let loaded = PostgresStore::load_in_turn(&mut tx, terms, now, chunks, each);
        if !matches!(loaded, Ok(true)) {
            self.turns.roll_back(tx.session);
            return loaded.map(|_| ());
        }
        match self
            .turns
            .commit(tx.session, Changes::from(counters::write_time(now)), now)
        {
            Err(StoreError::InDoubt(why)) => self.settle_load(why),
            committed => committed,
        }
    }

    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError> {
        let (tx, _) = self.turns.take(Vec::new())?;
        let now = now(tx.figures.last_now.max(tx.figures.clock));
        let mut steps = Changes::from(counters::write_time(now)).into_steps();
        steps.push(Step::new("commit"));
        self.turns.run(tx.session, &steps).map(|_| ())
    }

    fn next_deadline(&mut self, terms: &Terms) -> Result<Option<Timestamp>, StoreError> {
        let session = self.turns.session().map_err(ServerError::before_commit)?;
        let step = Step::new(
            "select least(
                (select min(expires_at) from holds where status = 'active'),
                (select min(pay_by) from orders where status = 'pending' and pay_by is not null),
                (select min(parked_until) from payments where verdict = 'parked'),
                (select min(expires_at) from replays),
                (select at from events order by id limit 1) + $1) as deadline",
        )
        .with(i64::from(terms.events_ttl_s) * 1_000_000);
        let answers = self.turns.run(session, &[step])?;
        let row = answers.into_iter().flatten().next();
        let deadline = row.map(|row| row.try_get("deadline")).transpose();
        let deadline = deadline.map_err(|error| ServerError::from(error).before_commit());
        deadline.map(Option::flatten)
    }

    /// The server keeps its own log.
    fn rest(&mut self, _: Rest) -> Result<Checkpoint, StoreError> {
        Ok(Checkpoint::Complete)
    }

    /// Turns are a queue.
    fn gap(&self) -> Duration {
        Duration::ZERO
    }

    fn secret(&self) -> &Secret {
        &self.secret
    }

    fn keep_currency(&mut self, currency: Currency) -> Result<Currency, StoreError> {
        let (tx, _) = self.turns.take(Vec::new())?;
        let steps = [counters::keep_currency(currency), Step::new("commit")];
        let answers = self.turns.run(tx.session, &steps)?;
        counters::read_currency(answers).map_err(ServerError::before_commit)
    }

    fn set_back(&mut self, _: Timestamp, _: &Terms) -> Result<Option<SetBack>, StoreError> {
        Err(StoreError::NotApplied(
            "a sale on PostgreSQL goes by the server's clock, and its time is not set back".into(),
        ))
    }
}
