//! The bodies of answers. Field names and their order are the contract's.

use serde::Serialize;
use serde_json::value::RawValue;

use super::json::{money, ok, with_status};
use crate::http::Response;
use crate::sale::{
    Cause, Customer, Hold, HoldStatus, Movement, MovementKind, Order, OrderStatus, Outcome,
    Payment, PaymentRecorded, PaymentStatus, PaymentTarget, Product, ProductStatus, Secret,
    Timestamp, TokenKind, Verdict,
};

#[derive(Serialize)]
pub struct ProductBody {
    id: i64,
    name: String,
    price: Box<RawValue>,
    available_stock: i64,
    total_stock: i64,
    reserved_stock: i64,
    sold_stock: i64,
    status: ProductStatus,
    starts_at: Option<String>,
    ends_at: Option<String>,
    max_per_hold: Option<i64>,
    max_per_customer: Option<i64>,
    /// Said last, after the entity tag was made: it alone may differ between equal tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_time: Option<String>,
}

impl ProductBody {
    /// `product` as a reader shows it: what is overdue at `now` counts as available.
    pub fn new(product: Product, now: Timestamp) -> ProductBody {
        ProductBody {
            id: product.id.get(),
            status: product.status_at(now),
            price: money(product.price),
            available_stock: product.available,
            total_stock: product.total,
            reserved_stock: product.reserved,
            sold_stock: product.sold,
            starts_at: product.starts_at.map(|time| time.to_string()),
            ends_at: product.ends_at.map(|time| time.to_string()),
            max_per_hold: product.max_per_hold.map(|limit| limit.units()),
            max_per_customer: product.max_per_customer.map(|limit| limit.units()),
            name: product.name,
            server_time: None,
        }
    }
}

/// A product as its operator sees it.
#[derive(Serialize)]
pub struct AdminProductBody {
    #[serde(flatten)]
    product: ProductBody,
    sku: Option<String>,
    paused: bool,
}

impl AdminProductBody {
    pub fn new(product: &Product, now: Timestamp) -> AdminProductBody {
        AdminProductBody {
            sku: product.sku.clone(),
            paused: product.paused,
            product: ProductBody {
                server_time: Some(now.to_string()),
                ..ProductBody::new(product.clone(), now)
            },
        }
    }
}

#[derive(Serialize)]
pub struct ListBody<T> {
    pub data: Vec<T>,
    pub next_cursor: Option<String>,
}

#[derive(Serialize)]
struct HoldPlacedBody {
    hold_id: i64,
    expires_at: String,
    product_id: i64,
    quantity: i64,
    unit_price: Box<RawValue>,
    token: String,
}

#[derive(Serialize)]
pub struct HoldBody {
    hold_id: i64,
    product_id: i64,
    quantity: i64,
    unit_price: Box<RawValue>,
    status: HoldStatus,
    expires_at: String,
    expires_in_s: i64,
    order_id: Option<i64>,
}

impl HoldBody {
    pub fn new(hold: &Hold, now: Timestamp) -> HoldBody {
        let status = hold.status_at(now);
        HoldBody {
            hold_id: hold.id.get(),
            product_id: hold.product.get(),
            quantity: hold.quantity.units(),
            unit_price: money(hold.unit_price),
            status,
            expires_at: hold.expires_at.to_string(),
            expires_in_s: if status == HoldStatus::Active {
                hold.expires_at.seconds_left(now)
            } else {
                0
            },
            order_id: hold.order.map(|order| order.get()),
        }
    }
}

#[derive(Serialize)]
pub struct AdminHoldBody {
    #[serde(flatten)]
    hold: HoldBody,
    customer: Option<String>,
}

impl AdminHoldBody {
    pub fn new(hold: &Hold, now: Timestamp) -> AdminHoldBody {
        AdminHoldBody {
            hold: HoldBody::new(hold, now),
            customer: name(hold.customer.as_ref()),
        }
    }
}

#[derive(Serialize)]
struct OrderPlacedBody {
    order_id: i64,
    product_id: i64,
    quantity: i64,
    total_price: Box<RawValue>,
    status: OrderStatus,
    pay_by: Option<String>,
    token: String,
}

#[derive(Serialize)]
pub struct OrderBody {
    order_id: i64,
    hold_id: i64,
    product_id: i64,
    quantity: i64,
    unit_price: Box<RawValue>,
    total_price: Box<RawValue>,
    status: OrderStatus,
    pay_by: Option<String>,
    created_at: String,
    paid_at: Option<String>,
}

impl OrderBody {
    /// `status` is the order's by the row, or by the clock of whoever reads it.
    pub fn new(order: &Order, status: OrderStatus) -> OrderBody {
        OrderBody {
            order_id: order.id.get(),
            hold_id: order.hold.get(),
            product_id: order.product.get(),
            quantity: order.quantity.units(),
            unit_price: money(order.unit_price),
            total_price: money(order.total_price()),
            status,
            pay_by: order.pay_by.map(|time| time.to_string()),
            created_at: order.created_at.to_string(),
            paid_at: order.paid_at.map(|time| time.to_string()),
        }
    }
}

#[derive(Serialize)]
pub struct AdminOrderBody {
    #[serde(flatten)]
    order: OrderBody,
    customer: Option<String>,
    transaction_id: Option<String>,
}

impl AdminOrderBody {
    pub fn new(order: &Order, status: OrderStatus) -> AdminOrderBody {
        AdminOrderBody {
            order: OrderBody::new(order, status),
            customer: name(order.customer.as_ref()),
            transaction_id: order.transaction_id.clone(),
        }
    }
}

fn name(customer: Option<&Customer>) -> Option<String> {
    customer.map(|customer| customer.as_str().to_owned())
}

#[derive(Serialize)]
struct PaymentBody {
    success: bool,
    already_processed: bool,
    order_status: Option<OrderStatus>,
    webhook_id: i64,
    verdict: Verdict,
}

/// What is owed to whom, and whether it was paid back.
#[derive(Serialize)]
pub struct RefundBody {
    webhook_id: i64,
    /// The order that the payment means, if there is one.
    order_id: Option<i64>,
    hold_id: Option<i64>,
    verdict: Verdict,
    /// As it was sent.
    amount: Option<Box<RawValue>>,
    transaction_id: Option<String>,
    received_at: String,
    resolved_at: Option<String>,
    note: Option<String>,
}

impl RefundBody {
    pub fn new(payment: &Payment) -> RefundBody {
        let hold = match payment.target {
            PaymentTarget::Order(_) => None,
            PaymentTarget::Hold(id) => Some(id),
        };
        let amount = payment.report.amount.as_ref();
        RefundBody {
            webhook_id: payment.id.get(),
            order_id: payment.order.map(|id| id.get()),
            hold_id: hold.map(|id| id.get()),
            verdict: payment.verdict,
            amount: amount.and_then(|amount| serde_json::from_str(amount.as_json()).ok()),
            transaction_id: payment.report.transaction_id.clone(),
            received_at: payment.received_at.to_string(),
            resolved_at: payment.resolved_at.map(|time| time.to_string()),
            note: payment.note.clone(),
        }
    }
}

/// A payment event as the operator sees it: what came, and what came of it.
#[derive(Serialize)]
pub struct AdminPaymentBody {
    idempotency_key: String,
    status: PaymentStatus,
    refund_due: bool,
    #[serde(flatten)]
    refund: RefundBody,
}

impl AdminPaymentBody {
    /// An order that it names may be still to come.
    pub fn new(payment: &Payment) -> AdminPaymentBody {
        let named_order = match payment.target {
            PaymentTarget::Order(id) => Some(id),
            PaymentTarget::Hold(_) => None,
        };
        AdminPaymentBody {
            idempotency_key: payment.key.clone(),
            status: payment.report.status,
            refund_due: payment.refund_due,
            refund: RefundBody {
                order_id: payment.order.or(named_order).map(|id| id.get()),
                ..RefundBody::new(payment)
            },
        }
    }
}

/// A line of a product's ledger: by how much each counter changed, and why.
#[derive(Serialize)]
pub struct MovementBody {
    product_id: i64,
    version: i64,
    at: String,
    kind: MovementKind,
    available: i64,
    reserved: i64,
    sold: i64,
    hold_id: Option<i64>,
    order_id: Option<i64>,
    reason: Option<String>,
}

impl MovementBody {
    pub fn new(movement: &Movement) -> MovementBody {
        let (hold, order, reason) = match &movement.cause {
            Cause::Hold(id) => (Some(id.get()), None, None),
            Cause::Order(id) => (None, Some(id.get()), None),
            Cause::Stock(reason) => (None, None, reason.clone()),
        };
        MovementBody {
            product_id: movement.product.get(),
            version: movement.version,
            at: movement.at.to_string(),
            kind: movement.kind,
            available: movement.delta.available,
            reserved: movement.delta.reserved,
            sold: movement.delta.sold,
            hold_id: hold,
            order_id: order,
            reason,
        }
    }
}

#[derive(Serialize)]
struct ProductUpserted {
    id: i64,
    upserted: &'static str,
}

/// The answer to a command that had an outcome. Total and pure: equal outcomes give equal bytes.
pub fn respond(outcome: &Outcome, secret: &Secret) -> Response {
    match outcome {
        Outcome::HoldPlaced(hold) => hold_placed(hold, secret),
        Outcome::HoldReleased(hold) => ok(&HoldBody::new(hold, hold.expires_at)),
        Outcome::OrderPlaced(order) => order_placed(order, secret),
        Outcome::OrderCancelled(order) => ok(&OrderBody::new(order, order.status)),
        Outcome::OrderRefunded(order) => ok(&AdminOrderBody::new(order, order.status)),
        Outcome::PaymentRecorded(recorded) => payment_recorded(recorded),
        Outcome::Replayed(first) => {
            respond(first, secret).with_header("Idempotent-Replayed", "true")
        }
        Outcome::RefundResolved(payment) => ok(&RefundBody::new(payment)),
        Outcome::ProductUpserted { product, upserted } => ok(&ProductUpserted {
            id: product.get(),
            upserted: upserted.as_str(),
        }),
        Outcome::ProductCreated { product, at } => {
            let location = format!("/api/products/{}", product.id);
            with_status(201, &AdminProductBody::new(product, *at))
                .with_header("Location", &location)
        }
        Outcome::ProductChanged { product, at } | Outcome::ProductRestocked { product, at, .. } => {
            ok(&AdminProductBody::new(product, *at))
        }
        Outcome::Swept(swept) => ok(swept),
    }
}

fn hold_placed(hold: &Hold, secret: &Secret) -> Response {
    let body = HoldPlacedBody {
        hold_id: hold.id.get(),
        expires_at: hold.expires_at.to_string(),
        product_id: hold.product.get(),
        quantity: hold.quantity.units(),
        unit_price: money(hold.unit_price),
        token: secret.token(TokenKind::Hold, hold.id.get()),
    };
    with_status(201, &body).with_header("Location", &format!("/api/holds/{}", hold.id))
}

fn order_placed(order: &Order, secret: &Secret) -> Response {
    let body = OrderPlacedBody {
        order_id: order.id.get(),
        product_id: order.product.get(),
        quantity: order.quantity.units(),
        total_price: money(order.total_price()),
        status: order.status,
        pay_by: order.pay_by.map(|time| time.to_string()),
        token: secret.token(TokenKind::Order, order.id.get()),
    };
    with_status(201, &body).with_header("Location", &format!("/api/orders/{}", order.id))
}

fn payment_recorded(recorded: &PaymentRecorded) -> Response {
    let body = PaymentBody {
        success: true,
        already_processed: recorded.already_processed,
        order_status: recorded.order_status,
        webhook_id: recorded.payment.get(),
        verdict: recorded.verdict,
    };
    let is_first_and_parked = recorded.verdict == Verdict::Parked && !recorded.already_processed;
    with_status(if is_first_and_parked { 202 } else { 200 }, &body)
}
