//! A store or a rule that fails: who is told what, and who is not harmed.

mod batch;
mod store;

use flashsale::sale::{Command, Terms, Timestamp};
use flashsale::store::{Checkpoint, Decision, Now, Rest, Store, StoreError};

/// A store that does what the test says before it does its work.
struct Faulty<F> {
    store: Box<dyn Store>,
    fault: F,
}

impl<F: FnMut(&[Command]) -> Option<StoreError> + Send> Store for Faulty<F> {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
    ) -> Result<Vec<Decision>, StoreError> {
        match (self.fault)(commands) {
            Some(failure) => Err(failure),
            None => self.store.transact(terms, now, commands),
        }
    }

    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError> {
        match (self.fault)(&[]) {
            Some(failure) => Err(failure),
            None => self.store.probe(now),
        }
    }

    fn next_deadline(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_deadline()
    }

    fn rest(&mut self, rest: Rest) -> Result<Checkpoint, StoreError> {
        self.store.rest(rest)
    }
}

/// Whether a batch has a client's command, besides the sweep.
fn has_clients(commands: &[Command]) -> bool {
    commands
        .iter()
        .any(|command| !matches!(command, Command::Sweep { .. }))
}
