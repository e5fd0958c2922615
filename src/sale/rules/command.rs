//! What can be asked of a sale, and what it can say: commands are imperative, outcomes past, rejections reasons.

use serde::Serialize;

use crate::sale::rows::{
    Cents, Customer, Hold, HoldId, IdempotencyKey, Order, OrderId, OrderStatus, Payment, PaymentId,
    PaymentTarget, Product, ProductId, Quantity, Report, ReversalKind, Timestamp, Verdict,
};

/// A request that has been understood. Deciding it twice on equal working sets gives equal results.
#[derive(Clone, Debug)]
pub enum Command {
    PlaceHold(PlaceHold),
    ReleaseHold {
        hold: HoldId,
    },
    PlaceOrder {
        hold: HoldId,
        key: Option<IdempotencyKey>,
    },
    CancelOrder {
        order: OrderId,
        key: Option<IdempotencyKey>,
    },
    /// How many of its units shall be given back in all; `None`: all. With `restock` those given back now are available
    /// again, without it they leave the sale.
    RefundOrder {
        order: OrderId,
        quantity: Option<Quantity>,
        restock: bool,
    },
    RecordPayment(PaymentEvent),
    RecordReversal(ReversalEvent),
    ResolveRefund {
        payment: PaymentId,
        note: Option<String>,
    },
    /// The order becomes paid by the money that was to be paid back.
    AcceptRefund {
        payment: PaymentId,
    },
    UpsertProduct(UpsertProduct),
    CreateProduct(CreateProduct),
    ChangeProduct {
        product: ProductId,
        changes: ProductChanges,
    },
    RestockProduct(RestockProduct),
    /// Ends at most `rows_max` of the holds, orders and parked events whose deadlines have passed, oldest first; where those
    /// are fewer, forgets events of the feed; and forgets at most `keys_max` idempotency keys.
    Sweep {
        rows_max: usize,
        keys_max: usize,
    },
}

#[derive(Clone, Debug)]
pub struct PlaceHold {
    pub product: ProductId,
    pub quantity: Quantity,
    pub customer: Option<Customer>,
    pub key: Option<IdempotencyKey>,
}

#[derive(Clone, Debug)]
pub struct PaymentEvent {
    pub reporter: Reporter,
    /// Unique to the event, chosen by the provider.
    pub key: String,
    pub target: PaymentTarget,
    pub report: Report,
    /// The provider's JSON object, as it came.
    pub payload: Option<String>,
}

/// Who reports what became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporter {
    /// A bridge between a provider and the sale, which may know of an order before it is made.
    Bridge,
    /// Stripe itself. The shop told it of an order that was there: one that is not never will be.
    Stripe,
}

/// A report about money that came before. Its outcome is a `PaymentRecorded`.
#[derive(Clone, Debug)]
pub struct ReversalEvent {
    /// Unique to the event, in one room with the keys of payment events.
    pub key: String,
    pub kind: ReversalKind,
    /// Of the payment that it is about. Not empty.
    pub transaction_id: String,
    /// Of money that went back: in all so far. `None`: it was not said.
    pub amount: Option<Cents>,
    /// The provider's JSON object, as it came.
    pub payload: Option<String>,
}

/// What a request says about an optional property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing: it stays as it is.
    #[default]
    Keep,
    Clear,
    To(T),
}

#[derive(Clone, Debug, Default)]
pub struct ProductChanges {
    pub name: Option<String>,
    pub price: Option<Cents>,
    pub starts_at: Patch<Timestamp>,
    pub ends_at: Patch<Timestamp>,
    pub max_per_hold: Patch<Quantity>,
    pub max_per_customer: Patch<Quantity>,
    pub paused: Option<bool>,
}

/// One row of a catalogue: a known sku is updated, an unknown one inserted.
#[derive(Clone, Debug)]
pub struct UpsertProduct {
    pub sku: String,
    pub changes: ProductChanges,
    pub total_stock: i64,
}

/// A product that is not there yet.
#[derive(Clone, Debug)]
pub struct CreateProduct {
    pub sku: Option<String>,
    pub changes: ProductChanges,
    pub total_stock: i64,
    pub key: Option<IdempotencyKey>,
}

/// `units` may be negative, but never takes what is reserved or sold.
#[derive(Clone, Debug)]
pub struct RestockProduct {
    pub product: ProductId,
    pub units: i64,
    pub reason: Option<String>,
    pub key: Option<IdempotencyKey>,
}

/// What became of a row of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upserted {
    Inserted,
    /// The product as it stood before and as it stands now.
    Updated(Box<(Product, Product)>),
    Unchanged,
}

impl Upserted {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Upserted::Inserted => "inserted",
            Upserted::Updated(_) => "updated",
            Upserted::Unchanged => "unchanged",
        }
    }
}

/// What a command did.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    HoldPlaced(Hold),
    HoldReleased(Hold),
    OrderPlaced(Order),
    OrderCancelled(Order),
    OrderRefunded(Order),
    PaymentRecorded(PaymentRecorded),
    RefundResolved(Payment),
    ProductUpserted {
        product: ProductId,
        upserted: Upserted,
    },
    /// Products as the clock sees them at that instant: what is overdue counts as available.
    ProductCreated {
        product: Product,
        at: Timestamp,
    },
    ProductChanged {
        product: Product,
        at: Timestamp,
    },
    ProductRestocked {
        product: Product,
        at: Timestamp,
        units: i64,
        reason: Option<String>,
    },
    Swept(Swept),
    /// The first outcome of the same request under the same idempotency key.
    Replayed(Box<Outcome>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRecorded {
    pub payment: PaymentId,
    pub already_processed: bool,
    pub verdict: Verdict,
    /// The order's status as it stands now; `None` while the event waits for one, or where there never will be one.
    pub order_status: Option<OrderStatus>,
    /// The amount is a hundred times the total, as of a provider that counts in minor units.
    pub is_hundredfold: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    pub holds_expired: u64,
    pub orders_expired: u64,
    pub units_released: i64,
    pub payments_settled: u64,
    pub events_forgotten: u64,
    pub keys_forgotten: u64,
}

impl Swept {
    /// Without what is only forgotten.
    pub fn rows(&self) -> u64 {
        self.holds_expired + self.orders_expired + self.payments_settled
    }
}
