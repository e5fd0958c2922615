//! Transactions that have the turn: how they begin and end, and what becomes of the session when they go wrong.

use std::time::{Duration, Instant};

use tokio_postgres::Row;

use super::changes::Changes;
use super::schema::VERSION;
use super::server::{Role, Server};
use super::server_error::ServerError;
use super::session::{Session, Step};
use super::tables::counters::{self, Figures};
use super::tables::writers;
use crate::sale::Timestamp;
use crate::store::StoreError;

/// What takes turns for one process.
pub struct Turns {
    server: Server,
    role: Role,
    /// How long a transaction may take in all, from before its connection is made to its commit.
    patience: Duration,
    /// Taken out for each transaction: what goes wrong with it ends it, and the server ends what it had begun.
    session: Option<Session>,
    /// In `writers`: this process, and the last batch that it tried.
    name: String,
    batch: i64,
}

/// A transaction that has the turn.
pub struct Turn {
    pub session: Session,
    pub figures: Figures,
}

/// The beginning of every transaction that writes. What follows the lock sees all that was committed before.
fn begin() -> [Step; 3] {
    [
        Step::new("begin"),
        Step::new("select one from turn where one = 1 for no key update"),
        counters::figures(),
    ]
}

impl Turns {
    pub fn new(server: &Server, role: Role, name: String) -> Turns {
        Turns {
            server: server.clone(),
            role,
            patience: server.patience(),
            session: None,
            name,
            batch: 0,
        }
    }

    /// Enters this process among the writers.
    pub fn enroll(&mut self) -> Result<Figures, StoreError> {
        let (tx, _) = self.take(Vec::new())?;
        let mut steps: Vec<Step> = writers::enroll(&self.name, tx.figures.last_now).into();
        steps.push(Step::new("commit"));
        self.run(tx.session, &steps)?;
        Ok(tx.figures)
    }

    /// The number of the last batch that was tried.
    pub fn batch(&self) -> i64 {
        self.batch
    }

    pub fn session(&mut self) -> Result<Session, ServerError> {
        match self.session.take() {
            Some(session) if !session.is_closed() => Ok(session),
            _ => Session::connect(&self.server, self.role),
        }
    }

    /// Steps after which nothing is open, and of which it is all the same whether they are done twice.
    pub fn run(
        &mut self,
        mut session: Session,
        steps: &[Step],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        match session.run(steps) {
            Ok(answers) => {
                self.keep(session);
                Ok(answers)
            }
            Err(error) => {
                self.roll_back(session);
                Err(error.before_commit())
            }
        }
    }

    fn keep(&mut self, mut session: Session) {
        session.wait_until(None);
        self.session = Some(session);
    }

    /// Begins a transaction, waits for the turn, and asks what the transaction is about in the same round trip.
    pub fn take(&mut self, asked: Vec<Step>) -> Result<(Turn, Vec<Vec<Row>>), StoreError> {
        let end = Instant::now() + self.patience;
        let mut session = self.session().map_err(ServerError::before_commit)?;
        session.wait_until(Some(end));
        let asked: Vec<Step> = begin().into_iter().chain(asked).collect();
        let answers = match session.run(&asked) {
            Ok(answers) => answers,
            Err(error) => {
                self.roll_back(session);
                return Err(error.before_commit());
            }
        };
        let mut answers = answers.into_iter().skip(2);
        let figures = counters::only(answers.next()).map_err(ServerError::before_commit)?;
        if figures.schema_version != VERSION {
            self.roll_back(session);
            return Err(StoreError::Outdated);
        }
        Ok((Turn { session, figures }, answers.collect()))
    }

    /// A session that cannot roll back is let go: the server does it.
    pub fn roll_back(&mut self, mut session: Session) {
        if !session.is_closed() && session.run(&[Step::new("rollback")]).is_ok() {
            self.keep(session);
        }
    }

    /// Ends a transaction that has changed nothing, and waits for the standby as any other commit does: who has the turn has
    /// locked a row, and that is in the log after all that was committed before. What was read may be acknowledged then. Without
    /// this wait, a primary that has crashed and is back would show what its standby has not got; and one that was relieved and
    /// does not know it, what has not been true for a while.
    pub fn confirm(&mut self, session: Session) -> Result<(), StoreError> {
        self.end(session, &[Step::new("commit")])
            .map_err(ServerError::before_commit)
    }

    /// Steps that end in the commit. A host that does not answer it in time is not the next one to be asked.
    fn end(&mut self, mut session: Session, steps: &[Step]) -> Result<(), ServerError> {
        match session.run(steps) {
            Ok(_) => {
                self.keep(session);
                Ok(())
            }
            Err(error) => {
                if error.is_lost() {
                    self.server.pass_over(session.host());
                }
                self.roll_back(session);
                Err(error)
            }
        }
    }

    /// Changes and commits in one round trip, under a number that tells later whether it has happened.
    pub fn commit(
        &mut self,
        session: Session,
        mut changes: Changes,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.batch += 1;
        changes.add(writers::write(&self.name, self.batch, now));
        let mut steps = changes.into_steps();
        steps.push(Step::new("commit"));
        self.end(session, &steps).map_err(ServerError::at_commit)
    }

    /// Whether this batch, the last one tried, has committed. A transaction that still lives has the turn: when this one gets
    /// it, that one has ended.
    pub fn has_committed(&mut self, batch: i64) -> Result<bool, StoreError> {
        let (tx, answers) = self.take(vec![writers::last_batch(&self.name)])?;
        self.confirm(tx.session)?;
        let row = answers.into_iter().flatten().next();
        let found = row.map(|row| row.try_get::<_, i64>("batch"));
        match found {
            Some(Ok(found)) => Ok(found == batch),
            Some(Err(error)) => Err(ServerError::from(error).before_commit()),
            None => Err(StoreError::Unknown(
                "the server has forgotten this process".into(),
            )),
        }
    }
}
