//! What can be asked of a sale, and what it can say: commands are imperative, outcomes past, rejections reasons.

use serde::Serialize;

use super::customer::Customer;
use super::hold::Hold;
use super::id::{HoldId, OrderId, PaymentId, ProductId};
use super::order::Order;
use super::payment::{Payment, PaymentEvent};
use super::product::{CreateProduct, LoadProduct, Loaded, Product, ProductChanges, RestockProduct};
use super::quantity::Quantity;
use super::replay::IdempotencyKey;
use super::time::Timestamp;
use super::verdict::Verdict;

/// A request that has been understood. Deciding it twice on equal books gives equal results.
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
    /// With `restock` the units are available again, without it they leave the sale.
    RefundOrder {
        order: OrderId,
        restock: bool,
    },
    RecordPayment(PaymentEvent),
    ResolveRefund {
        payment: PaymentId,
        note: Option<String>,
    },
    /// The order becomes paid by the money that was to be paid back.
    AcceptRefund {
        payment: PaymentId,
    },
    LoadProduct(LoadProduct),
    CreateProduct(CreateProduct),
    ChangeProduct {
        product: ProductId,
        changes: ProductChanges,
    },
    RestockProduct(RestockProduct),
    /// Ends at most `rows_max` of the holds, orders and parked events whose deadlines have passed, oldest first, and
    /// forgets at most `keys_max` idempotency keys.
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
    ProductLoaded {
        product: ProductId,
        loaded: Loaded,
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
    pub order_status: Option<super::order::OrderStatus>,
    /// The amount is a hundred times the total, as of a provider that counts in minor units.
    pub is_hundredfold: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    pub holds_expired: u64,
    pub orders_expired: u64,
    pub units_released: i64,
    pub payments_settled: u64,
    pub replays_forgotten: u64,
}

impl Swept {
    /// Without forgotten keys.
    pub fn rows(&self) -> u64 {
        self.holds_expired + self.orders_expired + self.payments_settled
    }
}

/// The shop's "no", each function of the sale refusing in the order in which its reasons stand here. A refusal changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The same key came before with another request.
    KeyReused,

    /// The product that a body names does not exist.
    ProductUnknown,
    SaleNotStarted {
        starts_at: Timestamp,
    },
    SaleEnded,
    SalePaused,
    HoldLimitExceeded {
        limit: Quantity,
    },
    CustomerRequired,
    CustomerLimitExceeded {
        limit: Quantity,
        used: i64,
    },
    InsufficientStock {
        available: i64,
    },

    /// The hold that a path names does not exist.
    HoldNotFound,
    /// The hold that a body names does not exist.
    HoldUnknown,
    HoldExpired,
    HoldUsed {
        order: OrderId,
    },
    HoldReleased,

    /// The order that a path names does not exist.
    OrderNotFound,
    OrderPaid,
    OrderExpired,
    OrderRefunded,
    OrderNotPaid,

    /// The order that an event names does not exist and is not about to.
    PaymentOrderUnknown,
    PaymentHoldUnknown,
    /// So many events already wait for their orders that no more are taken.
    ParkedFull,
    /// The payment does not exist, or no refund is due for it.
    RefundNotFound,
    RefundResolved,
    /// There is no order that the money could pay.
    RefundHasNoOrder,

    ProductNotFound,
    /// Another product has this sku.
    SkuTaken,
    WindowEmpty,
    /// The total would fall below what is reserved and sold.
    StockCommitted {
        committed: i64,
    },
    StockTooLarge,
}
