//! A store or a rule that fails: who is told what, and who is not harmed.

mod batch;
mod doubt;
mod stop;
mod store;
mod sweeps;
mod turns;

use flashsale::sale::{Command, PlaceHold, ProductId, Quantity, Terms};
use flashsale::store::{Decision, More, Now, Store, StoreError, no_more};

use crate::wrapped_store::delegates;

/// A store that does what the test says before it does its work, once it knows all of the batch.
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
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        let commands = [commands, &more()].concat();
        match (self.fault)(&commands) {
            Some(failure) => Err(failure),
            None => self.store.transact(terms, now, &commands, &mut no_more),
        }
    }

    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError> {
        match (self.fault)(&[]) {
            Some(failure) => Err(failure),
            None => self.store.probe(now),
        }
    }

    delegates!(
        settle,
        load,
        next_deadline,
        rest,
        gap,
        secret,
        keep_currency,
        set_back
    );
}

/// Whether a batch has a client's command, besides the sweep.
fn has_clients(commands: &[Command]) -> bool {
    of_clients(commands) > 0
}

/// How many commands of a batch are clients'.
fn of_clients(commands: &[Command]) -> usize {
    let is_clients = |command: &&Command| !matches!(command, Command::Sweep { .. });
    commands.iter().filter(is_clients).count()
}

fn hold(units: i64) -> Command {
    let quantity = Quantity::new(units).unwrap();
    Command::PlaceHold(PlaceHold {
        product: ProductId::FIRST,
        quantity,
        customer: None,
        key: None,
    })
}
