//! The rules of a sale: who may hold, order and pay what, until when. All of them live here and nowhere else.
//!
//! Nothing here reads a clock, a database, a configuration or a source of randomness: `decide` sees a `Book` and a
//! `Command`, and equal books and commands give equal results. Nothing here imports anything else of this crate.

mod book;
mod command;
mod customer;
mod expiry;
mod hold;
mod id;
mod money;
mod movement;
mod need;
mod order;
mod parked;
mod payment;
mod product;
mod quantity;
mod refund;
mod replay;
mod rows;
pub mod spelling;
mod terms;
mod text;
mod time;
mod token;
mod verdict;

use std::collections::HashSet;

pub use book::Book;
pub use command::{Command, Outcome, PaymentRecorded, PlaceHold, Rejection, Swept};
pub use customer::Customer;
pub use hold::{Hold, HoldStatus};
pub use id::{HoldId, OrderId, PaymentId, ProductId};
pub use money::{Amount, Cents};
pub use movement::{Cause, Movement, MovementKind, Shift};
pub use need::{Due, Need};
pub use order::{Order, OrderStatus};
pub use payment::{Named, Payment, PaymentEvent, PaymentStatus, RefundStatus, Report, Resolution};
pub use product::{
    CreateProduct, LoadProduct, Loaded, Product, ProductChanges, ProductStatus, RestockProduct, Set,
};
pub use quantity::{Quantity, STOCK_MAX};
pub use replay::{Done, IdempotencyKey, Replay, is_visible_key};
pub use rows::{Rows, Written};
pub use terms::{LatePayment, Meta, Terms};
pub use time::Timestamp;
pub use token::{SECRET_BYTES, Secret, TokenKind};
pub use verdict::Verdict;

/// Why a rule stopped: the shop says no, or the book lacks rows that the rule must see. Either way nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    Refused(Rejection),
    Needs(Vec<Need>),
}

impl Stop {
    fn needs(need: Need) -> Stop {
        Stop::Needs(vec![need])
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Stop {
        Stop::Refused(rejection)
    }
}

/// Refuses unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $rejection:expr $(,)?) => {
        if !$condition {
            return Err($crate::sale::Stop::Refused($rejection));
        }
    };
}
pub(crate) use ensure;

/// What all of the looks miss, asked for at once: a rule that stops at the first miss of many starts again for each.
fn all_looked_at<T>(looks: impl IntoIterator<Item = Result<T, Stop>>) -> Result<(), Stop> {
    let mut missing = Vec::new();
    let mut asked = HashSet::new();
    for look in looks {
        match look {
            Ok(_) => {}
            Err(Stop::Needs(needs)) => {
                missing.extend(needs.into_iter().filter(|need| asked.insert(need.clone())));
            }
            Err(refused @ Stop::Refused(_)) => return Err(refused),
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Stop::Needs(missing))
    }
}

/// Judges one command against the book, and if nothing speaks against it, changes the book.
pub fn decide(book: &mut Book, command: &Command) -> Result<Outcome, Stop> {
    let Some(key) = replay::key(command) else {
        return apply(book, command);
    };
    if let Some(kept) = book.replay(key)? {
        let first = kept.done.outcome(book)?;
        ensure!(replay::asks_for(command, &first), Rejection::KeyReused);
        return Ok(Outcome::Replayed(Box::new(first)));
    }
    let outcome = apply(book, command)?;
    book.keep(Replay {
        key: key.clone(),
        done: Done::of(&outcome).expect("what takes a key can be done again"),
        expires_at: book.now.plus_seconds(book.terms.idempotency_ttl_s),
    });
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
        Command::Sweep { rows_max, keys_max } => expiry::sweep(book, *rows_max, *keys_max),
    }
}
