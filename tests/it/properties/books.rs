//! What must be true of all rows together, whatever has happened.

use std::collections::BTreeMap;
use std::fmt::Debug;

use flashsale::sale::{
    HoldId, HoldStatus, Order, OrderId, OrderStatus, Payment, PaymentStatus, PaymentTarget,
    Product, Resolution, Verdict,
};
use flashsale::store::Contents;

use super::events::events_are_right;

/// Fails unless the two are equal.
pub fn same<T: PartialEq + Debug>(what: impl Debug, ours: T, theirs: T) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    Err(format!("{what:?} is {ours:?}\n  but must be {theirs:?}"))
}

fn holds(is_so: bool, what: impl Debug) -> Result<(), String> {
    is_so.then_some(()).ok_or_else(|| format!("{what:?}"))
}

/// Conservation, the ledger, and what the rows say about the counters.
pub fn books_are_right(contents: &Contents) -> Result<(), String> {
    for product in &contents.products {
        counters_are_what_the_ledger_says(contents, product)?;
        counters_are_what_the_rows_say(contents, product)?;
    }
    let mut orders = BTreeMap::<HoldId, usize>::new();
    for order in &contents.orders {
        *orders.entry(order.hold).or_default() += 1;
    }
    for hold in &contents.holds {
        let ordered = usize::from(hold.status == HoldStatus::Ordered);
        same(
            ("orders of", hold),
            orders.remove(&hold.id).unwrap_or(0),
            ordered,
        )?;
    }
    same("orders without a hold", orders.len(), 0)?;
    every_payment_has_one_fate(contents)?;
    events_are_right(contents)?;
    let payments = contents.payments.iter();
    let parked = payments.filter(|(payment, _)| payment.is_parked()).count();
    same("parked", contents.counters.parked as usize, parked)
}

fn counters_are_what_the_ledger_says(contents: &Contents, it: &Product) -> Result<(), String> {
    same(
        ("conservation", it.id),
        it.total,
        it.available + it.reserved + it.sold,
    )?;
    holds(it.available.min(it.reserved).min(it.sold) >= 0, it)?;
    let movements = contents.movements.iter();
    let (mut available, mut reserved, mut sold, mut version) = (0, 0, 0, 0);
    for movement in movements.filter(|movement| movement.product == it.id) {
        available += movement.delta.available;
        reserved += movement.delta.reserved;
        sold += movement.delta.sold;
        version += 1;
        same("a version in the ledger", movement.version, version)?;
    }
    let counters = [it.available, it.reserved, it.sold, it.version];
    same(
        ("the ledger", it.id),
        counters,
        [available, reserved, sold, version],
    )
}

fn counters_are_what_the_rows_say(contents: &Contents, it: &Product) -> Result<(), String> {
    let holds = contents
        .holds
        .iter()
        .filter(|hold| hold.line.product == it.id && hold.status == HoldStatus::Active);
    let held: i64 = holds.map(|hold| hold.line.units()).sum();
    let ordered = |status| -> i64 {
        let orders = contents.orders.iter();
        let counted = orders.filter(|order| order.line.product == it.id && order.status == status);
        counted.map(Order::units_kept).sum()
    };
    same(
        ("reserved", it.id),
        it.reserved,
        held + ordered(OrderStatus::Pending),
    )?;
    same(("sold", it.id), it.sold, ordered(OrderStatus::Paid))
}

/// A transaction paid its order, or is owed back: never both. And what is paid was paid once.
pub fn every_payment_has_one_fate(contents: &Contents) -> Result<(), String> {
    let by_hold: BTreeMap<HoldId, OrderId> = contents
        .orders
        .iter()
        .map(|order| (order.hold, order.id))
        .collect();
    let mut payments = BTreeMap::<OrderId, Vec<&Payment>>::new();
    for (payment, _) in &contents.payments {
        let order = payment.order.or(match payment.target {
            PaymentTarget::Order(id) => Some(id),
            PaymentTarget::Hold(id) => by_hold.get(&id).copied(),
        });
        if let Some(order) = order {
            payments.entry(order).or_default().push(payment);
        }
    }
    contents.orders.iter().try_for_each(|order| {
        let about_it = payments.remove(&order.id).unwrap_or_default();
        is_paid_once(order, &about_it)
    })
}

fn is_paid_once(order: &Order, about_it: &[&Payment]) -> Result<(), String> {
    let pays = |payment: &&&Payment| {
        let is_success = payment.report.status == PaymentStatus::Success;
        (payment.verdict == Verdict::Applied && is_success)
            || payment.resolution == Some(Resolution::Accepted)
    };
    let paid = usize::from(order.paid_at.is_some() && !order.is_free());
    same(
        ("payments of", order),
        about_it.iter().filter(pays).count(),
        paid,
    )?;
    for payment in about_it.iter().filter(|payment| payment.refund_due) {
        let paid_the_order =
            order.transaction_id.is_some() && payment.report.transaction_id == order.transaction_id;
        let is_right = match payment.resolution {
            None | Some(Resolution::PaidBack | Resolution::SamePayment) => !paid_the_order,
            Some(Resolution::Withdrawn) => paid_the_order,
            Some(Resolution::Accepted) => order.paid_at.is_some(),
        };
        holds(is_right, (order, payment))?;
    }
    Ok(())
}
