//! What must be true of all rows together, whatever has happened.

use flashsale::sale::{
    HoldStatus, OrderStatus, Payment, PaymentStatus, PaymentTarget, Product, ProductId, Resolution,
    Timestamp, Verdict,
};
use flashsale::store::Contents;

/// Units of a customer in a product by the clock, counted from the rows.
pub fn recounted_use(
    contents: &Contents,
    product: ProductId,
    customer: &str,
    now: Timestamp,
) -> i64 {
    let is_theirs = |p: ProductId, c: &Option<flashsale::sale::Customer>| {
        p == product && c.as_ref().is_some_and(|c| c.as_str() == customer)
    };
    let holds = contents
        .holds
        .iter()
        .filter(|hold| is_theirs(hold.line.product, &hold.customer));
    let live = holds
        .filter(|hold| hold.status_at(now) == HoldStatus::Active)
        .map(|hold| hold.line.units());
    let orders = contents
        .orders
        .iter()
        .filter(|order| is_theirs(order.line.product, &order.customer));
    let counting = orders.filter(|order| {
        matches!(
            order.status_at(now),
            OrderStatus::Pending | OrderStatus::Paid
        )
    });
    live.chain(counting.map(|order| order.line.units())).sum()
}

/// Conservation, the ledger, and what the rows say about the counters.
pub fn books_are_right(contents: &Contents) {
    for product in &contents.products {
        counters_are_what_the_ledger_says(contents, product);
        counters_are_what_the_rows_say(contents, product);
    }
    for hold in &contents.holds {
        let orders = contents
            .orders
            .iter()
            .filter(|order| order.hold == hold.id)
            .count();
        assert_eq!(
            orders,
            usize::from(hold.status == HoldStatus::Ordered),
            "a hold ends once"
        );
    }
    every_payment_has_one_fate(contents);
    let parked = contents
        .payments
        .iter()
        .filter(|(payment, _)| payment.is_parked())
        .count();
    assert_eq!(usize::try_from(contents.counters.parked).unwrap(), parked);
}

fn counters_are_what_the_ledger_says(contents: &Contents, product: &Product) {
    assert_eq!(
        product.total,
        product.available + product.reserved + product.sold
    );
    assert!(product.available >= 0 && product.reserved >= 0 && product.sold >= 0);
    let moved = contents
        .movements
        .iter()
        .filter(|movement| movement.product == product.id);
    let (mut available, mut reserved, mut sold, mut version) = (0, 0, 0, 0);
    for movement in moved {
        available += movement.delta.available;
        reserved += movement.delta.reserved;
        sold += movement.delta.sold;
        version += 1;
        assert_eq!(movement.version, version, "the ledger has no gap");
    }
    let counters = [
        product.available,
        product.reserved,
        product.sold,
        product.version,
    ];
    assert_eq!(
        counters,
        [available, reserved, sold, version],
        "the ledger's replay gives the counters"
    );
}

fn counters_are_what_the_rows_say(contents: &Contents, product: &Product) {
    let holds = contents
        .holds
        .iter()
        .filter(|h| h.line.product == product.id && h.status == HoldStatus::Active);
    let pending = contents
        .orders
        .iter()
        .filter(|o| o.line.product == product.id && o.status == OrderStatus::Pending);
    let held: i64 = holds.map(|hold| hold.line.units()).sum();
    assert_eq!(
        product.reserved,
        held + pending.map(|order| order.line.units()).sum::<i64>()
    );
    let paid = contents
        .orders
        .iter()
        .filter(|o| o.line.product == product.id && o.status == OrderStatus::Paid);
    assert_eq!(
        product.sold,
        paid.map(|order| order.line.units()).sum::<i64>()
    );
}

/// A transaction paid its order, or is owed back: never both. And what is paid was paid once.
pub fn every_payment_has_one_fate(contents: &Contents) {
    for order in &contents.orders {
        let payments = contents.payments.iter().map(|(payment, _)| payment);
        let about_it: Vec<_> = payments
            .filter(|payment| match payment.target {
                _ if payment.order.is_some() => payment.order == Some(order.id),
                PaymentTarget::Order(id) => id == order.id,
                PaymentTarget::Hold(id) => id == order.hold,
            })
            .collect();
        let pays = |payment: &&&Payment| {
            let is_success = payment.report.status == PaymentStatus::Success;
            (payment.verdict == Verdict::Applied && is_success)
                || payment.resolution == Some(Resolution::Accepted)
        };
        let paid = usize::from(order.paid_at.is_some() && !order.is_free());
        assert_eq!(about_it.iter().filter(pays).count(), paid, "{order:?}");
        for payment in about_it.iter().filter(|payment| payment.refund_due) {
            let paid_the_order = order.transaction_id.is_some()
                && payment.report.transaction_id == order.transaction_id;
            match payment.resolution {
                None | Some(Resolution::PaidBack | Resolution::SamePayment) => {
                    assert!(!paid_the_order, "{payment:?}")
                }
                Some(Resolution::Withdrawn) => assert!(paid_the_order, "{payment:?}"),
                Some(Resolution::Accepted) => assert!(order.paid_at.is_some(), "{payment:?}"),
            }
        }
    }
}
