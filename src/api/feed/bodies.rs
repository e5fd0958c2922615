//! What is told of an event: from its own columns alone, and so in the same bytes each time.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::sale::{
    Cents, Customer, Dispute, Event, EventData, EventId, EventKind, HoldId, OrderId, PaymentId,
    ProductId, Timestamp, Verdict,
};

#[derive(Serialize)]
pub struct FeedBody<'a> {
    data: Vec<EventBody<'a>>,
    next_after: i64,
    caught_up: bool,
}

impl<'a> FeedBody<'a> {
    pub fn new(events: &'a [Event], after: i64, caught_up: bool) -> FeedBody<'a> {
        FeedBody {
            data: events.iter().map(EventBody::new).collect(),
            next_after: events.last().map_or(after, |event| event.id.get()),
            caught_up,
        }
    }
}

#[derive(Serialize)]
struct EventBody<'a> {
    id: EventId,
    #[serde(rename = "type")]
    kind: EventKind,
    timestamp: Timestamp,
    data: DataBody<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum DataBody<'a> {
    Order(OrderBody<'a>),
    PaidOrder {
        #[serde(flatten)]
        order: OrderBody<'a>,
        transaction_id: Option<&'a str>,
        webhook_id: Option<PaymentId>,
    },
    CancelledOrder {
        #[serde(flatten)]
        order: OrderBody<'a>,
        webhook_id: Option<PaymentId>,
    },
    RefundedOrder {
        order_id: Option<OrderId>,
        product_id: Option<ProductId>,
        customer: Option<&'a Customer>,
        quantity: Option<i64>,
        restocked: Option<bool>,
        refunded_quantity: Option<i64>,
    },
    Refund(RefundBody<'a>),
    ResolvedRefund {
        #[serde(flatten)]
        refund: RefundBody<'a>,
        note: Option<&'a str>,
    },
    RefundedPayment {
        order_id: Option<OrderId>,
        transaction_id: Option<&'a str>,
        amount: Option<&'a RawValue>,
        failed: Option<bool>,
    },
    Dispute {
        order_id: Option<OrderId>,
        transaction_id: Option<&'a str>,
        amount: Option<&'a RawValue>,
        outcome: Option<Dispute>,
    },
    SoldOut {
        product_id: Option<ProductId>,
        sold: Option<i64>,
    },
}

#[derive(Serialize)]
struct OrderBody<'a> {
    order_id: Option<OrderId>,
    hold_id: Option<HoldId>,
    product_id: Option<ProductId>,
    quantity: Option<i64>,
    unit_price: Option<Cents>,
    total_price: Option<Cents>,
    customer: Option<&'a Customer>,
    pay_by: Option<Timestamp>,
}

#[derive(Serialize)]
struct RefundBody<'a> {
    webhook_id: Option<PaymentId>,
    order_id: Option<OrderId>,
    hold_id: Option<HoldId>,
    verdict: Option<Verdict>,
    /// As it was sent.
    amount: Option<&'a RawValue>,
    transaction_id: Option<&'a str>,
    customer: Option<&'a Customer>,
}

impl<'a> EventBody<'a> {
    fn new(event: &'a Event) -> EventBody<'a> {
        EventBody {
            id: event.id,
            kind: event.kind,
            timestamp: event.at,
            data: DataBody::new(event.kind, &event.data),
        }
    }
}

impl<'a> DataBody<'a> {
    fn new(kind: EventKind, data: &'a EventData) -> DataBody<'a> {
        let transaction_id = data.transaction_id.as_deref();
        match kind {
            EventKind::OrderPlaced | EventKind::OrderExpired => {
                DataBody::Order(OrderBody::new(data))
            }
            EventKind::OrderPaid => DataBody::PaidOrder {
                order: OrderBody::new(data),
                transaction_id,
                webhook_id: data.payment,
            },
            EventKind::OrderCancelled => DataBody::CancelledOrder {
                order: OrderBody::new(data),
                webhook_id: data.payment,
            },
            EventKind::OrderRefunded => DataBody::RefundedOrder {
                order_id: data.order,
                product_id: data.product,
                customer: data.customer.as_ref(),
                quantity: data.quantity,
                restocked: data.restocked,
                refunded_quantity: data.refunded_quantity,
            },
            EventKind::RefundDue => DataBody::Refund(RefundBody::new(data)),
            EventKind::RefundResolved => DataBody::ResolvedRefund {
                refund: RefundBody::new(data),
                note: data.note.as_deref(),
            },
            EventKind::PaymentRefunded => DataBody::RefundedPayment {
                order_id: data.order,
                transaction_id,
                amount: amount(data),
                failed: data.failed,
            },
            EventKind::DisputeOpened | EventKind::DisputeClosed => DataBody::Dispute {
                order_id: data.order,
                transaction_id,
                amount: amount(data),
                outcome: data.outcome,
            },
            EventKind::ProductSoldOut => DataBody::SoldOut {
                product_id: data.product,
                sold: data.sold,
            },
        }
    }
}

impl<'a> OrderBody<'a> {
    fn new(data: &'a EventData) -> OrderBody<'a> {
        OrderBody {
            order_id: data.order,
            hold_id: data.hold,
            product_id: data.product,
            quantity: data.quantity,
            unit_price: data.unit_price,
            total_price: data.total_price(),
            customer: data.customer.as_ref(),
            pay_by: data.pay_by,
        }
    }
}

impl<'a> RefundBody<'a> {
    fn new(data: &'a EventData) -> RefundBody<'a> {
        RefundBody {
            webhook_id: data.payment,
            order_id: data.order,
            hold_id: data.hold,
            verdict: data.verdict,
            amount: amount(data),
            transaction_id: data.transaction_id.as_deref(),
            customer: data.customer.as_ref(),
        }
    }
}

fn amount(data: &EventData) -> Option<&RawValue> {
    let amount = data.amount.as_ref()?;
    serde_json::from_str(amount.as_json()).ok()
}
