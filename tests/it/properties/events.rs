//! What the feed says of rows, and what it must say of those that came since its oldest event.

use std::collections::BTreeMap;

use flashsale::sale::{
    Event, EventKind, Order, OrderId, OrderStatus, Payment, PaymentId, Timestamp,
};
use flashsale::store::Contents;
use serde_json::json;

use super::same;
use crate::shop::{SECOND, Shop, item};

/// Every event is of a row and of its time, and every row that came since the oldest event has its events, in order.
pub fn events_are_right(contents: &Contents) -> Result<(), String> {
    let Some(oldest) = contents.events.first() else {
        return Ok(());
    };
    let ids: Vec<_> = contents.events.iter().map(|event| event.id).collect();
    same("ids in order", ids.is_sorted_by(|a, b| a < b), true)?;
    let last = ids.last().map(|id| id.next());
    same(
        "the next event is new",
        last <= Some(contents.counters.next_event),
        true,
    )?;
    let mut of_orders = BTreeMap::<OrderId, Vec<&Event>>::new();
    let mut of_payments = BTreeMap::<PaymentId, Vec<&Event>>::new();
    for event in &contents.events {
        match (event.kind, event.data.order, event.data.payment) {
            (EventKind::RefundDue | EventKind::RefundResolved, _, Some(payment)) => {
                of_payments.entry(payment).or_default().push(event);
            }
            (EventKind::ProductSoldOut, None, None) => {}
            (_, Some(order), _) => of_orders.entry(order).or_default().push(event),
            _ => return Err(format!("an event of nothing: {event:?}")),
        }
    }
    for order in &contents.orders {
        let events = of_orders.remove(&order.id).unwrap_or_default();
        order_is_told(order, &events, oldest.at)?;
    }
    for (payment, _) in &contents.payments {
        let events = of_payments.remove(&payment.id).unwrap_or_default();
        refund_is_told(payment, &events, oldest.at)?;
    }
    same("events of no order", of_orders.len(), 0)?;
    same("events of no payment", of_payments.len(), 0)
}

fn order_is_told(order: &Order, events: &[&Event], since: Timestamp) -> Result<(), String> {
    let of = |kind| events.iter().filter(move |event| event.kind == kind);
    let once = |kind, at: Option<Timestamp>| {
        let times: Vec<_> = of(kind).map(|event| event.at).collect();
        let is_told = times.is_empty() && at.is_none_or(|at| at <= since);
        let expected: Vec<_> = at.into_iter().collect();
        same((kind, order), is_told || times == expected, true)
    };
    once(EventKind::OrderPlaced, Some(order.created_at))?;
    once(EventKind::OrderPaid, order.paid_at)?;
    if order.created_at <= since {
        return Ok(());
    }
    let count = |kind| of(kind).count();
    let ends = count(EventKind::OrderCancelled) + count(EventKind::OrderExpired);
    let has_ended = match order.status {
        OrderStatus::Pending => ends == 0,
        OrderStatus::Cancelled => count(EventKind::OrderCancelled) == 1 && ends == 1,
        OrderStatus::Expired => count(EventKind::OrderExpired) == 1 && ends == 1,
        // By a late payment, after its end.
        OrderStatus::Paid | OrderStatus::Refunded => ends <= 1,
    };
    same(("ends of", order), has_ended, true)?;
    let given_back = of(EventKind::OrderRefunded).filter_map(|event| event.data.quantity);
    same(
        ("units of", order),
        given_back.sum::<i64>(),
        order.refunded_quantity,
    )?;
    let steps: Vec<u8> = events.iter().map(|event| step(event.kind)).collect();
    same(("the order of", events), steps.is_sorted(), true)
}

/// Which comes after which.
fn step(kind: EventKind) -> u8 {
    match kind {
        EventKind::OrderPlaced => 0,
        EventKind::OrderCancelled | EventKind::OrderExpired => 1,
        EventKind::OrderPaid => 2,
        EventKind::OrderRefunded
        | EventKind::RefundDue
        | EventKind::RefundResolved
        | EventKind::PaymentRefunded
        | EventKind::DisputeOpened
        | EventKind::DisputeClosed
        | EventKind::ProductSoldOut => 3,
    }
}

/// It becomes due, is resolved, is due again when that failed, and so on.
fn refund_is_told(payment: &Payment, events: &[&Event], since: Timestamp) -> Result<(), String> {
    let kinds = events.iter().map(|event| event.kind);
    let kinds: Vec<EventKind> = kinds
        .filter(|kind| matches!(kind, EventKind::RefundDue | EventKind::RefundResolved))
        .collect();
    let alternate = kinds.windows(2).all(|pair| pair[0] != pair[1]);
    let now = match payment.resolved_at {
        Some(_) => EventKind::RefundResolved,
        None => EventKind::RefundDue,
    };
    let (first, last) = (kinds.first(), kinds.last());
    let begins = first != Some(&EventKind::RefundResolved) || payment.received_at <= since;
    let ends = last.is_none_or(|last| payment.refund_due && *last == now);
    let changed_at = payment.resolved_at.unwrap_or(payment.received_at);
    let is_told = !payment.refund_due || last.is_some() || changed_at <= since;
    same(
        ("refund of", payment, &kinds),
        [alternate, begins, ends, is_told],
        [true; 4],
    )
}

/// The judge finds what it is for: each change to a right feed is wrong.
#[test]
fn a_feed_that_is_not_right_is_found() {
    let shop = Shop::operated(vec![item("tee", 9)]);
    shop.ordered("tee", 1);
    shop.after(SECOND);
    let order = shop.ordered("tee", 2);
    shop.after(SECOND);
    let wrong = json!({"transaction_id": "t", "amount": 1});
    shop.webhook(
        &json!({"idempotency_key": "k", "order_id": order, "status": "success", "payload": wrong}),
    );
    shop.pay("l", order).ok();
    shop.admin_post("/orders/2/refund", r#"{"refunded_quantity":1}"#)
        .ok();
    shop.cancel(shop.ordered("tee", 1)).ok();
    shop.admin_post("/refunds/1/resolve", "").ok();
    let right = shop.contents();
    assert_eq!(events_are_right(&right), Ok(()));
    let wrong = |change: fn(&mut Vec<Event>)| {
        let mut contents = right.clone();
        change(&mut contents.events);
        assert!(
            events_are_right(&contents).is_err(),
            "{:#?}",
            contents.events
        );
    };
    assert_eq!(right.events.len(), 8);
    for missing in 1..right.events.len() {
        let mut contents = right.clone();
        contents.events.remove(missing);
        assert!(events_are_right(&contents).is_err(), "without {missing}");
    }
    wrong(|events| events.swap(2, 3));
    wrong(|events| events[3].at = Timestamp::from_micros(0));
    wrong(|events| events[3].data.order = OrderId::new(99));
    wrong(|events| events[4].data.quantity = Some(2));
    wrong(|events| events[2].data.payment = PaymentId::new(99));
    wrong(|events| events[3].kind = EventKind::OrderExpired);
    wrong(|events| {
        let again = events[7].clone();
        let id = again.id.next();
        events.push(Event { id, ..again });
    });
}
