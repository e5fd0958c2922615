//! The bodies of answers. Field names and their order are the contract's.

mod movement;
mod reversal;

use serde::Serialize;
use serde_json::value::RawValue;

use super::json::{ok, with_status};
use crate::http::Response;
use crate::sale::{
    Cents, Currency, Customer, Dispute, Hold, HoldId, HoldStatus, Order, OrderId, OrderStatus,
    Outcome, Payment, PaymentId, PaymentRecorded, PaymentStatus, Product, ProductId, ProductStatus,
    Quantity, Secret, Timestamp, TokenKind, Verdict,
};

pub use movement::MovementBody;
pub use reversal::ReversalBody;

#[derive(Serialize)]
pub struct ProductBody<'a> {
    id: ProductId,
    name: &'a str,
    price: Cents,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    available_stock: i64,
    total_stock: i64,
    reserved_stock: i64,
    sold_stock: i64,
    status: ProductStatus,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    max_per_hold: Option<Quantity>,
    max_per_customer: Option<Quantity>,
    /// Said last, after the entity tag was made: it alone may differ between equal tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_time: Option<Timestamp>,
}

impl<'a> ProductBody<'a> {
    /// `product` as a reader shows it: what is overdue at `now` counts as available.
    pub fn new(
        product: &'a Product,
        now: Timestamp,
        currency: Option<Currency>,
    ) -> ProductBody<'a> {
        ProductBody {
            id: product.id,
            status: product.status_at(now),
            price: product.price,
            currency,
            available_stock: product.available,
            total_stock: product.total,
            reserved_stock: product.reserved,
            sold_stock: product.sold,
            starts_at: product.starts_at,
            ends_at: product.ends_at,
            max_per_hold: product.max_per_hold,
            max_per_customer: product.max_per_customer,
            name: &product.name,
            server_time: None,
        }
    }
}

/// A product as its operator sees it.
#[derive(Serialize)]
pub struct AdminProductBody<'a> {
    #[serde(flatten)]
    product: ProductBody<'a>,
    sku: Option<&'a str>,
    paused: bool,
}

impl<'a> AdminProductBody<'a> {
    pub fn new(
        product: &'a Product,
        now: Timestamp,
        currency: Option<Currency>,
    ) -> AdminProductBody<'a> {
        AdminProductBody {
            sku: product.sku.as_deref(),
            paused: product.paused,
            product: ProductBody {
                server_time: Some(now),
                ..ProductBody::new(product, now, currency)
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
    hold_id: HoldId,
    expires_at: Timestamp,
    product_id: ProductId,
    quantity: Quantity,
    unit_price: Cents,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    token: String,
}

#[derive(Serialize)]
pub struct HoldBody {
    hold_id: HoldId,
    product_id: ProductId,
    quantity: Quantity,
    unit_price: Cents,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    status: HoldStatus,
    expires_at: Timestamp,
    expires_in_s: i64,
    order_id: Option<OrderId>,
}

impl HoldBody {
    pub fn new(hold: &Hold, now: Timestamp, currency: Option<Currency>) -> HoldBody {
        let status = hold.status_at(now);
        HoldBody {
            hold_id: hold.id,
            product_id: hold.line.product,
            quantity: hold.line.quantity,
            unit_price: hold.line.unit_price,
            currency,
            status,
            expires_at: hold.expires_at,
            expires_in_s: if status == HoldStatus::Active {
                hold.expires_at.seconds_left(now)
            } else {
                0
            },
            order_id: hold.order,
        }
    }
}

#[derive(Serialize)]
pub struct AdminHoldBody<'a> {
    #[serde(flatten)]
    hold: HoldBody,
    customer: Option<&'a Customer>,
}

impl<'a> AdminHoldBody<'a> {
    pub fn new(hold: &'a Hold, now: Timestamp, currency: Option<Currency>) -> AdminHoldBody<'a> {
        AdminHoldBody {
            hold: HoldBody::new(hold, now, currency),
            customer: hold.customer.as_ref(),
        }
    }
}

#[derive(Serialize)]
struct OrderPlacedBody {
    order_id: OrderId,
    product_id: ProductId,
    quantity: Quantity,
    total_price: Cents,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    status: OrderStatus,
    pay_by: Option<Timestamp>,
    token: String,
}

#[derive(Serialize)]
pub struct OrderBody {
    order_id: OrderId,
    hold_id: HoldId,
    product_id: ProductId,
    quantity: Quantity,
    unit_price: Cents,
    total_price: Cents,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    status: OrderStatus,
    pay_by: Option<Timestamp>,
    created_at: Timestamp,
    paid_at: Option<Timestamp>,
    refunded_quantity: i64,
    refunded_amount: Cents,
    dispute: Option<Dispute>,
}

impl OrderBody {
    /// `status` is the order's by its row, or by the time at which a reader judged it.
    pub fn new(order: &Order, status: OrderStatus, currency: Option<Currency>) -> OrderBody {
        OrderBody {
            order_id: order.id,
            hold_id: order.hold,
            product_id: order.line.product,
            quantity: order.line.quantity,
            unit_price: order.line.unit_price,
            total_price: order.total_price(),
            currency,
            status,
            pay_by: order.pay_by,
            created_at: order.created_at,
            paid_at: order.paid_at,
            refunded_quantity: order.refunded_quantity,
            refunded_amount: order.refunded_amount,
            dispute: order.dispute,
        }
    }
}

#[derive(Serialize)]
pub struct AdminOrderBody<'a> {
    #[serde(flatten)]
    order: OrderBody,
    customer: Option<&'a Customer>,
    transaction_id: Option<&'a str>,
}

impl<'a> AdminOrderBody<'a> {
    pub fn new(
        order: &'a Order,
        status: OrderStatus,
        currency: Option<Currency>,
    ) -> AdminOrderBody<'a> {
        AdminOrderBody {
            order: OrderBody::new(order, status, currency),
            customer: order.customer.as_ref(),
            transaction_id: order.transaction_id.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct PaymentBody {
    success: bool,
    already_processed: bool,
    order_status: Option<OrderStatus>,
    webhook_id: PaymentId,
    verdict: Verdict,
}

/// What is owed to whom, and whether it was paid back.
#[derive(Serialize)]
pub struct RefundBody<'a> {
    webhook_id: PaymentId,
    /// The order that the payment means, if there is one.
    order_id: Option<OrderId>,
    hold_id: Option<HoldId>,
    verdict: Verdict,
    /// As it was sent.
    amount: Option<&'a RawValue>,
    transaction_id: Option<&'a str>,
    received_at: Timestamp,
    resolved_at: Option<Timestamp>,
    note: Option<&'a str>,
}

impl<'a> RefundBody<'a> {
    pub fn new(payment: &'a Payment) -> RefundBody<'a> {
        let amount = payment.report.amount.as_ref();
        RefundBody {
            webhook_id: payment.id,
            order_id: payment.order,
            hold_id: payment.target.hold(),
            verdict: payment.verdict,
            amount: amount.and_then(|amount| serde_json::from_str(amount.as_json()).ok()),
            transaction_id: payment.report.transaction_id.as_deref(),
            received_at: payment.received_at,
            resolved_at: payment.resolved_at,
            note: payment.note.as_deref(),
        }
    }
}

/// A payment event as the operator sees it: what came, and what came of it.
#[derive(Serialize)]
pub struct AdminPaymentBody<'a> {
    idempotency_key: &'a str,
    status: PaymentStatus,
    refund_due: bool,
    #[serde(flatten)]
    refund: RefundBody<'a>,
}

impl<'a> AdminPaymentBody<'a> {
    /// An order that it names may be still to come.
    pub fn new(payment: &'a Payment) -> AdminPaymentBody<'a> {
        AdminPaymentBody {
            idempotency_key: &payment.key,
            status: payment.report.status,
            refund_due: payment.refund_due,
            refund: RefundBody {
                order_id: payment.order.or(payment.target.order()),
                ..RefundBody::new(payment)
            },
        }
    }
}

#[derive(Serialize)]
struct ProductUpserted {
    id: ProductId,
    upserted: &'static str,
}

/// The answer to a command that had an outcome. Total and pure: equal outcomes give equal bytes.
pub fn respond(outcome: &Outcome, secret: &Secret, currency: Option<Currency>) -> Response {
    match outcome {
        Outcome::HoldPlaced(hold) => hold_placed(hold, secret, currency),
        Outcome::HoldReleased(hold) => ok(&HoldBody::new(hold, hold.expires_at, currency)),
        Outcome::OrderPlaced(order) => order_placed(order, secret, currency),
        Outcome::OrderCancelled(order) => ok(&OrderBody::new(order, order.status, currency)),
        Outcome::OrderRefunded(order) => ok(&AdminOrderBody::new(order, order.status, currency)),
        Outcome::PaymentRecorded(recorded) => payment_recorded(recorded),
        Outcome::Replayed(first) => {
            respond(first, secret, currency).with_header("Idempotent-Replayed", "true")
        }
        Outcome::RefundResolved(payment) => ok(&RefundBody::new(payment)),
        Outcome::ProductUpserted { product, upserted } => ok(&ProductUpserted {
            id: *product,
            upserted: upserted.as_str(),
        }),
        Outcome::ProductCreated { product, at } => {
            let location = format!("/api/products/{}", product.id);
            with_status(201, &AdminProductBody::new(product, *at, currency))
                .with_header("Location", &location)
        }
        Outcome::ProductChanged { product, at } | Outcome::ProductRestocked { product, at, .. } => {
            ok(&AdminProductBody::new(product, *at, currency))
        }
        Outcome::Swept(swept) => ok(swept),
    }
}

fn hold_placed(hold: &Hold, secret: &Secret, currency: Option<Currency>) -> Response {
    let body = HoldPlacedBody {
        hold_id: hold.id,
        expires_at: hold.expires_at,
        product_id: hold.line.product,
        quantity: hold.line.quantity,
        unit_price: hold.line.unit_price,
        currency,
        token: secret.token(TokenKind::Hold, hold.id.get()),
    };
    with_status(201, &body).with_header("Location", &format!("/api/holds/{}", hold.id))
}

fn order_placed(order: &Order, secret: &Secret, currency: Option<Currency>) -> Response {
    let body = OrderPlacedBody {
        order_id: order.id,
        product_id: order.line.product,
        quantity: order.line.quantity,
        total_price: order.total_price(),
        currency,
        status: order.status,
        pay_by: order.pay_by,
        token: secret.token(TokenKind::Order, order.id.get()),
    };
    with_status(201, &body).with_header("Location", &format!("/api/orders/{}", order.id))
}

fn payment_recorded(recorded: &PaymentRecorded) -> Response {
    let body = PaymentBody {
        success: true,
        already_processed: recorded.already_processed,
        order_status: recorded.order_status,
        webhook_id: recorded.payment,
        verdict: recorded.verdict,
    };
    let is_first_and_parked = recorded.verdict == Verdict::Parked && !recorded.already_processed;
    with_status(if is_first_and_parked { 202 } else { 200 }, &body)
}
