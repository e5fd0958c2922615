//! What is kept, and pure questions about it. A row knows nothing of other rows.

mod currency;
mod customer;
mod event;
mod hold;
mod id;
mod idempotency;
mod line;
mod money;
mod movement;
mod order;
mod payment;
mod product;
mod quantity;
mod reversal;
pub mod spelling;
mod terms;
mod text;
mod time;
mod token;

pub use currency::Currency;
pub use customer::Customer;
pub use event::{Event, EventData, EventKind};
pub use hold::{Hold, HoldStatus};
pub use id::{EventId, HoldId, OrderId, PaymentId, ProductId};
pub use idempotency::{IdempotencyKey, IdempotencyRecord, Recorded, is_visible_key};
pub use line::Line;
pub use money::{Amount, Cents};
pub use movement::{Cause, Movement, MovementKind, StockDelta};
pub use order::{Order, OrderStatus};
pub use payment::{
    Payment, PaymentStatus, PaymentTarget, REFUNDED_BY_PROVIDER, RefundStatus, Report, Resolution,
    Verdict,
};
pub use product::{Product, ProductStatus};
pub use quantity::{Quantity, STOCK_MAX};
pub use reversal::{Dispute, Reversal, ReversalKind, Standing};
pub use terms::{Counters, FailedPayment, LatePayment, Terms};
pub use time::Timestamp;
pub use token::{SECRET_BYTES, Secret, TokenKind};
