//! What happens, once nothing speaks against it: a row, the ledger and the customer's use move here, together, and nowhere
//! else. A transition cannot refuse and misses nothing: the rule that calls it has looked at every row that it touches.

pub mod event;
pub mod hold;
pub mod idempotency;
mod movement;
pub mod order;
pub mod overdue;
pub mod payment;
pub mod product;
pub mod reversal;
