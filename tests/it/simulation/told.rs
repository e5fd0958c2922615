//! What the sale decided, in the words of the model.

use flashsale::sale::{Dispute, Order, Outcome, Payment, Product, Rejection, Timestamp};
use flashsale::store::Decision;

use super::model::Answer;

pub fn told(decision: &Decision) -> Answer {
    match decision {
        Ok(outcome) => Ok(outcome_told(outcome)),
        Err(rejection) => Err(rejection_told(rejection)),
    }
}

fn outcome_told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::HoldPlaced(hold) => {
            let line = [
                hold.line.product.get(),
                hold.line.units(),
                hold.line.unit_price.get(),
            ];
            format!(
                "hold {} {line:?} until {}",
                hold.id,
                micros(hold.expires_at)
            )
        }
        Outcome::HoldReleased(hold) => {
            let line = [
                hold.line.product.get(),
                hold.line.units(),
                hold.line.unit_price.get(),
            ];
            format!("released {} {line:?}", hold.id)
        }
        Outcome::OrderPlaced(order) => format!(
            "order {} {:?} {} until {:?}",
            order.id,
            line(order),
            order.status,
            order.pay_by.map(micros)
        ),
        Outcome::OrderCancelled(order) => order_told(order),
        Outcome::OrderRefunded(order) => format!(
            "{} {:?} {:?}",
            order_told(order),
            order.customer.as_ref().map(|name| name.as_str()),
            order.transaction_id
        ),
        Outcome::PaymentRecorded(it) => format!(
            "event {} {} {} {:?}",
            it.payment,
            it.already_processed,
            it.verdict,
            it.order_status.map(|status| status.as_str())
        ),
        Outcome::RefundResolved(payment) => refund_told(payment),
        Outcome::ProductUpserted { product, upserted } => {
            format!("upserted {product} {}", upserted.as_str())
        }
        Outcome::ProductCreated { product, at }
        | Outcome::ProductChanged { product, at }
        | Outcome::ProductRestocked { product, at, .. } => product_told(product, *at),
        Outcome::Swept(_) => "swept".into(),
        Outcome::Replayed(first) => format!("again {}", outcome_told(first)),
    }
}

pub fn product_told(it: &Product, at: Timestamp) -> String {
    format!(
        "product {} {:?} {} {} {} {} {} {}",
        it.id,
        it.sku,
        it.price.get(),
        it.total,
        it.available,
        it.reserved,
        it.sold,
        it.status_at(at)
    )
}

fn line(order: &Order) -> [i64; 3] {
    let line = order.line;
    [line.product.get(), line.units(), line.unit_price.get()]
}

fn order_told(order: &Order) -> String {
    format!(
        "order {} of {:?} {:?} {} {:?} {} {:?} {} {:?}",
        order.id,
        Some(order.hold.get()),
        line(order),
        order.status,
        order.pay_by.map(micros),
        micros(order.created_at),
        order.paid_at.map(micros),
        order.refunded_quantity,
        money_back(order)
    )
}

/// The largest amount that went back, and the dispute.
pub fn money_back(order: &Order) -> (i64, Option<&'static str>) {
    let dispute = order.dispute.map(Dispute::as_str);
    (order.refunded_amount.get(), dispute)
}

fn refund_told(it: &Payment) -> String {
    format!(
        "refund {} {:?} {} {:?} {} {:?} {:?}",
        it.id,
        it.order.map(|id| id.get()),
        it.verdict,
        it.report.transaction_id,
        micros(it.received_at),
        it.resolved_at.map(micros),
        it.note
    )
}

fn micros(at: Timestamp) -> i64 {
    at.micros()
}

fn rejection_told(rejection: &Rejection) -> String {
    match rejection {
        Rejection::KeyReused => "idempotency_key_reused".into(),
        Rejection::ProductUnknown => "product_unknown".into(),
        Rejection::SaleNotStarted { starts_at } => {
            format!("sale_not_started {}", micros(*starts_at))
        }
        Rejection::SaleEnded => "sale_ended".into(),
        Rejection::SalePaused => "sale_paused".into(),
        Rejection::HoldLimitExceeded { limit } => format!("limit_exceeded {limit}"),
        Rejection::CustomerRequired => "customer_required".into(),
        Rejection::CustomerLimitExceeded { limit, used } => {
            format!("limit_exceeded {limit} {used}")
        }
        Rejection::InsufficientStock { available } => format!("insufficient_stock {available}"),
        Rejection::HoldNotFound => "hold_not_found".into(),
        Rejection::HoldUnknown => "hold_unknown".into(),
        Rejection::HoldExpired => "hold_expired".into(),
        Rejection::HoldUsed { order } => format!("hold_used {order}"),
        Rejection::HoldReleased => "hold_released".into(),
        Rejection::OrderNotFound => "order_not_found".into(),
        Rejection::OrderPaid => "order_paid".into(),
        Rejection::OrderExpired => "order_expired".into(),
        Rejection::OrderRefunded => "order_refunded".into(),
        Rejection::OrderNotPaid => "order_not_paid".into(),
        Rejection::RefundTooLarge { bought } => format!("refund_too_large {bought}"),
        Rejection::PaymentOrderUnknown => "payment_order_unknown".into(),
        Rejection::PaymentHoldUnknown => "payment_hold_unknown".into(),
        Rejection::ParkedFull => "parked_full".into(),
        Rejection::RefundNotFound => "refund_not_found".into(),
        Rejection::RefundResolved => "refund_resolved".into(),
        Rejection::RefundHasNoOrder => "refund_has_no_order".into(),
        Rejection::ProductNotFound => "product_not_found".into(),
        Rejection::SkuTaken => "sku_taken".into(),
        Rejection::WindowEmpty => "window_empty".into(),
        Rejection::StockCommitted { committed } => format!("stock_committed {committed}"),
        Rejection::StockTooLarge => "stock_too_large".into(),
    }
}
