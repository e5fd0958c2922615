//! The rules of a sale: who may hold, order and pay what, until when. All of them live here and nowhere else.
//!
//! Nothing here reads a clock, a database, a configuration or a source of randomness: `decide` sees a `WorkingSet` and a
//! `Command`, and equal working sets and commands give equal results. Nothing here imports anything else of this crate.
//!
//! Four floors, each of which uses only those below it:
//!
//! | floor | what |
//! |---|---|
//! | `rules` | may refuse: who may do what; what is asked for, and what it came to |
//! | `transitions` | cannot refuse: a row, the ledger and the customer's use move together |
//! | `working_set` | the rows of a batch in memory; what a rule misses, and why it stops |
//! | `rows` | what is kept, and pure questions about it |

mod rows;
mod rules;
mod transitions;
mod working_set;

pub use rows::spelling;
pub use rows::{
    Amount, Cause, Cents, Counters, Currency, Customer, Dispute, Event, EventData, EventId,
    EventKind, FailedPayment, Hold, HoldId, HoldStatus, IdempotencyKey, IdempotencyRecord,
    LatePayment, Line, Movement, MovementKind, Order, OrderId, OrderStatus, Payment, PaymentId,
    PaymentStatus, PaymentTarget, Product, ProductId, ProductStatus, Quantity, Recorded,
    RefundStatus, Report, Resolution, Reversal, ReversalKind, SECRET_BYTES, STOCK_MAX, Secret,
    Standing, StockDelta, Terms, Timestamp, TokenKind, Verdict, is_visible_key,
};
pub use rules::{
    Command, CreateProduct, Outcome, Patch, PaymentEvent, PaymentRecorded, PlaceHold,
    ProductChanges, Reporter, RestockProduct, ReversalEvent, Swept, UpsertProduct, Upserted,
    decide,
};
pub use working_set::{
    Due, KnownRows, KnownTransaction, Need, Rejection, Stop, TRANSACTION_ROWS_MAX, Table,
    WorkingSet, Written,
};
