//! Rules: each refuses first, in the contract's order of precedence, and calls a transition last.

mod command;
mod effect;
mod fate;
mod hold;
mod idempotency;
mod order;
mod parked;
mod payment;
mod product;
mod refund;
mod reversal;
mod room;
mod sweep;
mod verdict;

use super::rows::Recorded;
use super::transitions;
use super::working_set::{Rejection, Stop, WorkingSet, ensure};

pub use command::{
    Command, CreateProduct, Outcome, Patch, PaymentEvent, PaymentRecorded, PlaceHold,
    ProductChanges, Reporter, RestockProduct, ReversalEvent, Swept, UpsertProduct, Upserted,
};

/// Judges one command against the working set, and if nothing speaks against it, changes the working set.
pub fn decide(set: &mut WorkingSet, command: &Command) -> Result<Outcome, Stop> {
    let Some(key) = idempotency::key(command) else {
        return apply(set, command);
    };
    if let Some(kept) = set.record(key)? {
        let first = kept.recorded.outcome(set)?;
        ensure!(idempotency::asks_for(command, &first), Rejection::KeyReused);
        return Ok(Outcome::Replayed(Box::new(first)));
    }
    let outcome = apply(set, command)?;
    let recorded = Recorded::of(&outcome).expect("what takes a key can be done again");
    transitions::idempotency::keep(set, key, recorded);
    Ok(outcome)
}

fn apply(set: &mut WorkingSet, command: &Command) -> Result<Outcome, Stop> {
    match command {
        Command::PlaceHold(wish) => hold::place(set, wish),
        Command::ReleaseHold { hold } => hold::release(set, *hold),
        Command::PlaceOrder { hold, key: _ } => order::place(set, *hold),
        Command::CancelOrder { order, key: _ } => order::cancel(set, *order),
        Command::RefundOrder {
            order,
            quantity,
            restock,
        } => order::refund(set, *order, *quantity, *restock),
        Command::RecordPayment(event) => payment::record(set, event),
        Command::RecordReversal(event) => reversal::record(set, event),
        Command::ResolveRefund { payment, note } => refund::resolve(set, *payment, note.as_deref()),
        Command::AcceptRefund { payment } => refund::accept(set, *payment),
        Command::UpsertProduct(upsert) => product::upsert(set, upsert),
        Command::CreateProduct(wish) => product::create(set, wish),
        Command::ChangeProduct { product, changes } => product::change(set, *product, changes),
        Command::RestockProduct(wish) => product::restock(set, wish),
        Command::Sweep { rows_max, keys_max } => sweep::sweep(set, *rows_max, *keys_max),
    }
}
