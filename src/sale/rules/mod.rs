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
mod room;
mod sweep;
mod verdict;

use super::rows::Done;
use super::transitions;
use super::working_set::{Book, Rejection, Stop, ensure};

pub use command::{
    Command, CreateProduct, LoadProduct, Loaded, Outcome, PaymentEvent, PaymentRecorded, PlaceHold,
    ProductChanges, RestockProduct, Set, Swept,
};

/// Judges one command against the book, and if nothing speaks against it, changes the book.
pub fn decide(book: &mut Book, command: &Command) -> Result<Outcome, Stop> {
    let Some(key) = idempotency::key(command) else {
        return apply(book, command);
    };
    if let Some(kept) = book.replay(key)? {
        let first = kept.done.outcome(book)?;
        ensure!(idempotency::asks_for(command, &first), Rejection::KeyReused);
        return Ok(Outcome::Replayed(Box::new(first)));
    }
    let outcome = apply(book, command)?;
    let done = Done::of(&outcome).expect("what takes a key can be done again");
    transitions::idempotency::keep(book, key, done);
    Ok(outcome)
}

fn apply(book: &mut Book, command: &Command) -> Result<Outcome, Stop> {
    match command {
        Command::PlaceHold(wish) => hold::place(book, wish),
        Command::ReleaseHold { hold } => hold::release(book, *hold),
        Command::PlaceOrder { hold, key: _ } => order::place(book, *hold),
        Command::CancelOrder { order, key: _ } => order::cancel(book, *order),
        Command::RefundOrder { order, restock } => order::refund(book, *order, *restock),
        Command::RecordPayment(event) => payment::record(book, event),
        Command::ResolveRefund { payment, note } => {
            refund::resolve(book, *payment, note.as_deref())
        }
        Command::AcceptRefund { payment } => refund::accept(book, *payment),
        Command::LoadProduct(load) => product::load(book, load),
        Command::CreateProduct(wish) => product::create(book, wish),
        Command::ChangeProduct { product, changes } => product::change(book, *product, changes),
        Command::RestockProduct(wish) => product::restock(book, wish),
        Command::Sweep { rows_max, keys_max } => sweep::sweep(book, *rows_max, *keys_max),
    }
}
