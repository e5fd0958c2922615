//! Idempotency is a comparison: a known key with the same request gets the first outcome again, with another request a no.

use super::Stop;
use super::book::Book;
use super::command::{Command, Outcome};
use super::hold::{Hold, HoldStatus};
use super::id::{HoldId, OrderId};
use super::order::{Order, OrderStatus};
use super::product::Product;
use super::time::Timestamp;

/// The `Idempotency-Key` of a request: 1 to 255 visible ASCII characters, chosen by its sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

const KEY_BYTES_MAX: usize = 255;
const GUESSABLE_BYTES_MAX: usize = 15;

impl IdempotencyKey {
    pub fn new(text: &str) -> Option<IdempotencyKey> {
        is_visible_key(text).then(|| IdempotencyKey(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it may stand for a token: whoever sends it gets what it got before.
    pub fn is_hard_to_guess(&self) -> bool {
        self.0.len() > GUESSABLE_BYTES_MAX
    }
}

/// 1 to 255 visible ASCII characters: the form of both kinds of idempotency key.
pub fn is_visible_key(text: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What a request did, kept under its key until `expires_at`.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    pub key: IdempotencyKey,
    pub done: Done,
    pub expires_at: Timestamp,
}

/// What a request did. What its answer said about a hold or an order stands in their rows, where it never changes; a
/// product's row goes on changing, so it is kept as it was answered. With that the next request is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    HoldPlaced(HoldId),
    /// With the status that the order began with: payments may have waited for it.
    OrderPlaced(OrderId, OrderStatus),
    OrderCancelled(OrderId),
    ProductCreated {
        product: Box<Product>,
        at: Timestamp,
    },
    ProductRestocked {
        product: Box<Product>,
        at: Timestamp,
        units: i64,
        reason: Option<String>,
    },
}

impl Done {
    pub fn of(outcome: &Outcome) -> Option<Done> {
        match outcome {
            Outcome::HoldPlaced(hold) => Some(Done::HoldPlaced(hold.id)),
            Outcome::OrderPlaced(order) => Some(Done::OrderPlaced(order.id, order.status)),
            Outcome::OrderCancelled(order) => Some(Done::OrderCancelled(order.id)),
            Outcome::ProductCreated { product, at } => Some(Done::ProductCreated {
                product: Box::new(product.clone()),
                at: *at,
            }),
            Outcome::ProductRestocked {
                product,
                at,
                units,
                reason,
            } => Some(Done::ProductRestocked {
                product: Box::new(product.clone()),
                at: *at,
                units: *units,
                reason: reason.clone(),
            }),
            Outcome::HoldReleased(_)
            | Outcome::OrderRefunded(_)
            | Outcome::PaymentRecorded(_)
            | Outcome::RefundResolved(_)
            | Outcome::ProductLoaded { .. }
            | Outcome::ProductChanged { .. }
            | Outcome::Swept(_)
            | Outcome::Replayed(_) => None,
        }
    }

    /// The first outcome again.
    pub fn outcome(&self, book: &Book) -> Result<Outcome, Stop> {
        match self {
            Done::HoldPlaced(id) => Ok(Outcome::HoldPlaced(Hold {
                status: HoldStatus::Active,
                order: None,
                ..book.hold(*id)?.expect(IS_THERE).clone()
            })),
            Done::OrderPlaced(id, status) => Ok(Outcome::OrderPlaced(order_as_it_was(
                book.order(*id)?.expect(IS_THERE),
                *status,
            ))),
            Done::OrderCancelled(id) => Ok(Outcome::OrderCancelled(order_as_it_was(
                book.order(*id)?.expect(IS_THERE),
                OrderStatus::Cancelled,
            ))),
            Done::ProductCreated { product, at } => Ok(Outcome::ProductCreated {
                product: (**product).clone(),
                at: *at,
            }),
            Done::ProductRestocked {
                product,
                at,
                units,
                reason,
            } => Ok(Outcome::ProductRestocked {
                product: (**product).clone(),
                at: *at,
                units: *units,
                reason: reason.clone(),
            }),
        }
    }
}

const IS_THERE: &str = "what a kept request made is never deleted";

/// An order is paid once, and that never changes; before, it was not.
fn order_as_it_was(order: &Order, status: OrderStatus) -> Order {
    let was_paid = status == OrderStatus::Paid;
    Order {
        status,
        paid_at: order.paid_at.filter(|_| was_paid),
        transaction_id: order.transaction_id.clone().filter(|_| was_paid),
        ..order.clone()
    }
}

/// The key of a command that has one.
pub fn key(command: &Command) -> Option<&IdempotencyKey> {
    match command {
        Command::PlaceHold(wish) => wish.key.as_ref(),
        Command::PlaceOrder { key, .. } | Command::CancelOrder { key, .. } => key.as_ref(),
        Command::CreateProduct(wish) => wish.key.as_ref(),
        Command::RestockProduct(wish) => wish.key.as_ref(),
        Command::ReleaseHold { .. }
        | Command::RefundOrder { .. }
        | Command::RecordPayment(_)
        | Command::ResolveRefund { .. }
        | Command::AcceptRefund { .. }
        | Command::LoadProduct(_)
        | Command::ChangeProduct { .. }
        | Command::Sweep { .. } => None,
    }
}

/// Whether the command asks for what had this outcome: the same thing to be done, with all that was said about it.
pub fn asks_for(command: &Command, outcome: &Outcome) -> bool {
    if let (Command::PlaceHold(wish), Outcome::HoldPlaced(hold)) = (command, outcome) {
        wish.product == hold.product
            && wish.quantity == hold.quantity
            && wish.customer == hold.customer
    } else if let (Command::PlaceOrder { hold, .. }, Outcome::OrderPlaced(order)) =
        (command, outcome)
    {
        *hold == order.hold
    } else if let (Command::CancelOrder { order: id, .. }, Outcome::OrderCancelled(order)) =
        (command, outcome)
    {
        *id == order.id
    } else if let (Command::CreateProduct(wish), Outcome::ProductCreated { product, .. }) =
        (command, outcome)
    {
        wish.asks_for(product)
    } else if let (
        Command::RestockProduct(wish),
        Outcome::ProductRestocked {
            product,
            units,
            reason,
            ..
        },
    ) = (command, outcome)
    {
        wish.product == product.id && wish.units == *units && wish.reason == *reason
    } else {
        false
    }
}
