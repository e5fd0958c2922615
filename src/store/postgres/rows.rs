//! Rows fetched in waves, within one transaction.

use super::questions::{Questions, Waves};
use super::server_error::ServerError;
use super::session::Session;
use crate::sale::{Need, WorkingSet};
use crate::store::{RowSource, StoreError};

pub struct PostgresRows<'a> {
    session: &'a mut Session,
    waves: Waves,
}

impl PostgresRows<'_> {
    pub fn of(session: &mut Session, waves: Waves) -> PostgresRows<'_> {
        PostgresRows { session, waves }
    }
}

impl RowSource for PostgresRows<'_> {
    fn fetch(&mut self, set: &mut WorkingSet, needs: Vec<Need>) -> Result<(), StoreError> {
        let questions = Questions::at(set.now, needs, &set.terms, &mut self.waves);
        let answers = self.session.run(&questions.steps);
        let read = answers.and_then(|answers| questions.read(set, &mut answers.into_iter()));
        read.map_err(ServerError::before_commit)
    }
}
