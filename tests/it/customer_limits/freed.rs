//! What frees a customer's units: a release, an expiry, a cancellation, a failure, a refund.

use std::time::Duration;

use flashsale::sale::{
    Command, Customer, HoldId, LatePayment, OrderId, PaymentEvent, PaymentStatus, PaymentTarget,
    PlaceHold, ProductId, Quantity, Rejection, Report, Reporter, Timestamp,
};
use flashsale::store::{Access, Durability, no_more};

use super::{CUSTOMERS, LIMIT};
use crate::database;
use crate::shop::{HOLD_TTL, MILLISECOND, OPENING, ORDER_TTL, Shop, config, item, terms};

/// A shop where ada has as much as she may, and a way to ask how much of it is counted.
struct Limited(Shop);

impl Limited {
    fn shop() -> Limited {
        Limited(Shop::with(vec![item("tee", 100).max_per_customer(LIMIT)]))
    }

    fn hold(&self) -> i64 {
        self.0.hold_for("ada", "tee", LIMIT).created().id("hold_id")
    }

    fn order(&self) -> i64 {
        let hold = self.hold();
        self.0.order(hold).created().id("order_id")
    }

    #[track_caller]
    fn counts(&self, used: i64) {
        let refused = self
            .0
            .hold_for("ada", "tee", LIMIT + 1 - used)
            .refused("limit_exceeded");
        refused.says("limit", LIMIT).says("used", used);
    }

    /// To the last unit.
    #[track_caller]
    fn is_free_again(&self) {
        self.counts(0);
        self.0.hold_for("ada", "tee", LIMIT).created();
        self.counts(LIMIT);
    }
}

#[test]
fn what_a_customer_has_ordered_of_one_product_counts_for_no_other() {
    let goods = ["tee", "cap"].map(|sku| item(sku, 100).max_per_customer(LIMIT));
    let shop = Shop::with(goods.into());
    let hold = shop.hold_for("ada", "tee", LIMIT).created().id("hold_id");
    shop.order(hold).created();
    shop.hold_for("ada", "cap", LIMIT).created();
    shop.hold_for("ada", "tee", 1).refused("limit_exceeded");
}

/// To the millisecond, swept or not.
#[track_caller]
fn are_free_after(time: Duration, take: impl Fn(&Limited) -> i64) {
    for swept in [false, true] {
        let limited = Limited::shop();
        take(&limited);
        limited.0.after(time - MILLISECOND);
        limited.counts(LIMIT);
        limited.0.after(MILLISECOND);
        if swept {
            limited.0.sweep();
        }
        limited.is_free_again();
    }
}

#[test]
fn a_release_frees_a_customers_units() {
    let limited = Limited::shop();
    let hold = limited.hold();
    limited.counts(LIMIT);
    limited.0.release(hold).ok();
    limited.0.release(hold).ok();
    limited.is_free_again();
}

#[test]
fn an_expired_hold_frees_a_customers_units_swept_or_not() {
    are_free_after(HOLD_TTL, Limited::hold);
}

#[test]
fn an_expired_order_frees_a_customers_units_swept_or_not() {
    are_free_after(ORDER_TTL, Limited::order);
}

#[test]
fn a_cancellation_and_a_failed_payment_free_a_customers_units() {
    let limited = Limited::shop();
    let order = limited.order();
    limited.counts(LIMIT);
    limited.0.cancel(order).ok();
    limited.0.cancel(order).ok();
    limited.counts(0);
    let order = limited.order();
    limited.0.fail("k", order).verdict("applied", "cancelled");
    limited.is_free_again();
}

#[test]
fn a_refund_frees_a_customers_units_and_only_a_refund_frees_paid_ones() {
    for (restock, wait) in [
        (false, HOLD_TTL / 2),
        (true, HOLD_TTL / 2),
        (false, 2 * ORDER_TTL),
        (true, 2 * ORDER_TTL),
    ] {
        let limited = Limited::shop();
        let order = limited.order();
        limited.0.pay("k", order).verdict("applied", "paid");
        limited.0.after(wait);
        limited.0.sweep();
        limited.counts(LIMIT);
        let order = OrderId::new(order).unwrap();
        for _ in 0..2 {
            limited
                .0
                .command(Command::RefundOrder {
                    order,
                    quantity: None,
                    restock,
                })
                .unwrap();
        }
        limited.is_free_again();
    }
}

/// An accepted late payment is not stopped by the limit, but it counts.
#[test]
fn a_late_payment_that_is_accepted_counts_again() {
    let config = config(|it| it.late_payment = LatePayment::Accept);
    let limited = Limited(Shop::on_terms(
        vec![item("tee", 100).max_per_customer(LIMIT)],
        config,
    ));
    let order = limited.order();
    limited.0.cancel(order).ok();
    limited.counts(0);
    limited.0.pay("k", order).verdict("applied", "paid");
    limited.counts(LIMIT);
}

#[test]
fn a_limit_is_for_one_product_and_one_customer() {
    let shop = Shop::with(vec![
        item("tee", 100).max_per_customer(LIMIT),
        item("cup", 100).max_per_customer(LIMIT),
    ]);
    for customer in CUSTOMERS {
        for sku in ["tee", "cup"] {
            shop.hold_for(customer, sku, LIMIT).created();
            shop.hold_for(customer, sku, 1)
                .refused("limit_exceeded")
                .says("used", LIMIT);
        }
    }
}

/// All of the units, and one more than there are, before and after each command that frees some.
fn units_come_and_go() -> Vec<Command> {
    let hold = |units: i64| {
        Command::PlaceHold(PlaceHold {
            product: ProductId::FIRST,
            quantity: Quantity::new(units).unwrap(),
            customer: Customer::new("ada".into()),
            key: None,
        })
    };
    let all = || hold(LIMIT);
    let order = |hold: i64| Command::PlaceOrder {
        hold: HoldId::new(hold).unwrap(),
        key: None,
    };
    let id = |order: i64| OrderId::new(order).unwrap();
    let report = |order: i64, status: PaymentStatus| {
        Command::RecordPayment(PaymentEvent {
            reporter: Reporter::Bridge,
            key: format!("payment of {order}"),
            target: PaymentTarget::Order(id(order)),
            report: Report {
                status,
                amount: None,
                transaction_id: None,
            },
            payload: None,
        })
    };
    let release = Command::ReleaseHold {
        hold: HoldId::FIRST,
    };
    let cancel = Command::CancelOrder {
        order: id(1),
        key: None,
    };
    let refund = |order: i64, restock: bool| Command::RefundOrder {
        order: id(order),
        quantity: None,
        restock,
    };
    let one_more = || hold(1);
    vec![
        item("tee", 100).max_per_customer(LIMIT).load(),
        all(),
        one_more(),
        release,
        all(),
        one_more(),
        order(2),
        one_more(),
        cancel,
        all(),
        order(3),
        report(2, PaymentStatus::Failure),
        all(),
        order(4),
        report(3, PaymentStatus::Success),
        one_more(),
        refund(3, true),
        all(),
        order(5),
        report(4, PaymentStatus::Success),
        refund(4, false),
        all(),
        one_more(),
    ]
}

/// Commands of one transaction see each other's effects on rows in memory, and not the store's sums.
#[test]
fn within_a_transaction_units_count_and_come_back_as_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let database = database::open(&path, Access::CreateOrMigrate).unwrap();
    let mut store = database.store(Durability::Normal).unwrap();
    let commands = units_come_and_go();
    let now = |_| Timestamp::from_micros(OPENING);
    let decisions = store
        .transact(&terms(), &now, &commands, &mut no_more)
        .unwrap();
    let limit = Quantity::new(LIMIT).unwrap();
    let used = LIMIT;
    for (command, decision) in commands.iter().zip(decisions) {
        let is_too_much = matches!(command, Command::PlaceHold(wish) if wish.quantity != limit);
        let refusal = Rejection::CustomerLimitExceeded { limit, used };
        assert_eq!(
            decision.err(),
            is_too_much.then_some(refusal),
            "{command:?}"
        );
    }
}
