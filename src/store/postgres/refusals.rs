//! Why commands would be refused, each as if it was the only one, on rows of one moment and by the present.

use super::questions::{Questions, Waves};
use super::rows::PostgresRows;
use super::server_error::ServerError;
use super::session::{Session, Step};
use super::sessions::Sessions;
use super::tables::counters;
use crate::sale::{Command, Counters, Rejection, Terms, Timestamp, WorkingSet};
use crate::store::{StoreError, first_needs, judge_apart};

pub fn of(
    sessions: &Sessions,
    commands: &[Command],
    terms: &Terms,
) -> Result<Vec<Option<Rejection>>, StoreError> {
    sessions.with_one(|session| {
        let judged = judge(session, commands, terms);
        session.execute("rollback")?;
        judged
    })?
}

/// What the commands need first is asked for with the beginning.
fn judge(
    session: &mut Session,
    commands: &[Command],
    terms: &Terms,
) -> Result<Result<Vec<Option<Rejection>>, StoreError>, ServerError> {
    let guess = WorkingSet::new(Timestamp::FIRST, *terms, Counters::FIRST);
    let mut waves = Waves::default();
    let needs = first_needs(&guess, commands);
    let mut questions = Questions::before_the_time(needs, terms, &mut waves);
    let asked = std::mem::take(&mut questions.steps);
    let begin = Step::new("begin isolation level repeatable read read only");
    let steps: Vec<Step> = [begin, counters::figures()]
        .into_iter()
        .chain(asked)
        .collect();
    let mut answers = session.run(&steps)?.into_iter().skip(1);
    let figures = counters::only(answers.next())?;
    let now = figures.last_now.max(figures.clock);
    let mut set = WorkingSet::new(now, *terms, figures.counters);
    questions.read(&mut set, &mut answers)?;
    let mut rows = PostgresRows::of(session, waves);
    let judged = judge_apart(&mut rows, set, commands);
    Ok(judged.map(|decisions| decisions.into_iter().map(Result::err).collect()))
}
