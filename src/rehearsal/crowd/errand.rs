//! What a client wants to ask, and since when.

use crate::rehearsal::tally::Kind;

/// Ordered by when it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Errand {
    /// In microseconds after the opening.
    pub wanted_us: u64,
    /// By its index in its thread; nobody's where the client is no buyer.
    pub buyer: u32,
    pub step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Look,
    Hold,
    /// The second click.
    HoldAgain,
    Order,
    Event(Event),
    /// A client that reloads the product's page again and again.
    Reload,
    /// A client that opens connection after connection from one address.
    Knock,
}

/// What the payment provider reports of a buyer's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The success, by the hold, before the order is known.
    Early,
    Success,
    /// The same event once more.
    Repeat,
    /// The payment has failed.
    Failure,
    /// The failure of an attempt before, which arrives after the success.
    Reordered,
    /// The success of another attempt, which arrives after the failure has ended the order.
    Late,
}

impl Step {
    pub fn kind(self) -> Kind {
        match self {
            Step::Look => Kind::Look,
            Step::Hold | Step::HoldAgain => Kind::Hold,
            Step::Order => Kind::Order,
            Step::Event(_) => Kind::Payment,
            Step::Reload | Step::Knock => Kind::Storm,
        }
    }

    pub fn is_storm(self) -> bool {
        self.kind() == Kind::Storm
    }
}
