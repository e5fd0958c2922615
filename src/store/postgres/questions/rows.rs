//! Rows by their names: ids, keys, and what they refer to.

use std::collections::HashMap;

use tokio_postgres::Row;

use super::{Answered, Questions, Waves};
use crate::sale::{
    HoldId, IdempotencyKey, OrderId, Payment, PaymentId, PaymentTarget, ProductId, WorkingSet,
};
use crate::store::postgres::server_error::ServerError;
use crate::store::postgres::tables::{
    all, count, counters, holds, idempotency, orders, payments, products,
};

impl Questions {
    /// By their ids; and those of holds and orders.
    pub(super) fn ask_for_products(
        &mut self,
        ids: Vec<ProductId>,
        holds: &[HoldId],
        orders: &[OrderId],
    ) {
        if ids.is_empty() && holds.is_empty() && orders.is_empty() {
            return;
        }
        let step = products::of(ids.clone(), holds.to_vec(), orders.to_vec());
        self.ask(step, move |set, rows| {
            read_products(set, rows)?;
            ids.into_iter()
                .for_each(|id| set.products.fetched(id, None));
            Ok(())
        });
    }

    pub(super) fn ask_for_skus(&mut self, skus: Vec<String>) {
        if skus.is_empty() {
            return;
        }
        self.ask(products::by_skus(skus.clone()), move |set, rows| {
            for product in all(rows, products::read)? {
                let sku = product.sku.clone().unwrap_or_default();
                set.fetched_sku(sku, Some(product));
            }
            skus.into_iter().for_each(|sku| set.fetched_sku(sku, None));
            Ok(())
        });
    }

    /// With their orders, the events that wait for those, and the ones that wait for orders to come.
    pub(super) fn ask_for_holds(&mut self, ids: Vec<HoldId>, waves: &mut Waves) {
        if ids.is_empty() {
            return;
        }
        self.ask(orders::by_holds(ids.clone()), read_orders);
        if waves.are_parked {
            self.ask_for_parked_on_holds(ids.clone(), waves);
        }
        self.ask(holds::by_ids(ids.clone()), move |set, rows| {
            read_holds(set, rows)?;
            ids.into_iter().for_each(|id| set.holds.fetched(id, None));
            Ok(())
        });
    }

    fn ask_for_parked_on_holds(&mut self, ids: Vec<HoldId>, waves: &mut Waves) {
        let (skipped, to_come) = (waves.orders_to_come, count(ids.len()));
        waves.orders_to_come += to_come;
        self.ask(
            payments::parked_on_orders_to_come(skipped, to_come),
            move |set, rows| {
                let first = set.counters.next_order.get() + skipped;
                let targets = (first..first + to_come)
                    .filter_map(OrderId::new)
                    .map(PaymentTarget::Order);
                read_parked(set, rows, targets)
            },
        );
        self.ask(payments::parked_on_holds(ids.clone()), move |set, rows| {
            read_parked(set, rows, ids.into_iter().map(PaymentTarget::Hold))
        });
    }

    /// With the events that wait for them.
    pub(super) fn ask_for_orders(&mut self, ids: Vec<OrderId>, waves: &Waves) {
        if ids.is_empty() {
            return;
        }
        if waves.are_parked {
            self.ask(payments::parked_on_orders(ids.clone()), {
                let ids = ids.clone();
                move |set, rows| read_parked(set, rows, ids.into_iter().map(PaymentTarget::Order))
            });
        }
        self.ask(orders::by_ids(ids.clone()), move |set, rows| {
            read_orders(set, rows)?;
            ids.into_iter().for_each(|id| set.orders.fetched(id, None));
            Ok(())
        });
    }

    pub(super) fn ask_for_payments(&mut self, ids: Vec<PaymentId>, keys: Vec<String>) {
        if !ids.is_empty() {
            self.ask(payments::by_ids(ids.clone()), move |set, rows| {
                for payment in all(rows, payments::read)? {
                    set.payments.fetched(payment.id, Some(payment));
                }
                ids.into_iter()
                    .for_each(|id| set.payments.fetched(id, None));
                Ok(())
            });
        }
        if !keys.is_empty() {
            self.ask(payments::by_keys(keys.clone()), move |set, rows| {
                for payment in all(rows, payments::read)? {
                    set.fetched_payment_key(payment.key.clone(), Some(payment));
                }
                keys.into_iter()
                    .for_each(|key| set.fetched_payment_key(key, None));
                Ok(())
            });
        }
    }

    pub(super) fn ask_for_parked(&mut self, targets: Vec<PaymentTarget>) {
        let (of_orders, of_holds): (Vec<_>, Vec<_>) = targets
            .into_iter()
            .partition(|target| matches!(target, PaymentTarget::Order(_)));
        let orders: Vec<OrderId> = of_orders
            .iter()
            .filter_map(|target| target.order())
            .collect();
        if !orders.is_empty() {
            self.ask(payments::parked_on_orders(orders), move |set, rows| {
                read_parked(set, rows, of_orders.into_iter())
            });
        }
        let holds: Vec<HoldId> = of_holds.iter().filter_map(|target| target.hold()).collect();
        if !holds.is_empty() {
            self.ask(payments::parked_on_holds(holds), move |set, rows| {
                read_parked(set, rows, of_holds.into_iter())
            });
        }
    }

    pub(super) fn ask_for_refunds(&mut self, refunds: Vec<(PaymentTarget, String)>) {
        if refunds.is_empty() {
            return;
        }
        let step = payments::refunds(
            refunds.iter().map(|(target, _)| target.order()).collect(),
            refunds.iter().map(|(target, _)| target.hold()).collect(),
            refunds
                .iter()
                .map(|(_, transaction)| transaction.clone())
                .collect(),
        );
        self.ask(step, move |set, rows| {
            let mut found: HashMap<i64, Vec<Payment>> = HashMap::new();
            for row in &rows {
                let of = found.entry(row.try_get("number")?).or_default();
                of.push(payments::read(row)?);
            }
            for (number, (target, transaction)) in (1..).zip(refunds) {
                set.fetched_refunds(
                    target,
                    transaction,
                    found.remove(&number).unwrap_or_default(),
                );
            }
            Ok(())
        });
    }

    pub(super) fn ask_for_lost(&mut self, targets: Vec<PaymentTarget>) {
        if targets.is_empty() {
            return;
        }
        let number = |target: &PaymentTarget| match target {
            PaymentTarget::Order(id) => ("orders", id.get()),
            PaymentTarget::Hold(id) => ("holds", id.get()),
        };
        let (ids, numbers) = targets.iter().map(number).unzip();
        self.ask(counters::lost(ids, numbers), move |set, rows| {
            let lost: Vec<(String, i64)> = rows
                .iter()
                .map(|row| Ok((row.try_get("ids")?, row.try_get("number")?)))
                .collect::<Result<_, ServerError>>()?;
            for target in targets {
                let (ids, number) = number(&target);
                let is_lost = lost.iter().any(|(its, id)| its == ids && *id == number);
                set.fetched_lost(target, is_lost);
            }
            Ok(())
        });
    }

    /// With what they stand for.
    pub(super) fn ask_for_keys(&mut self, keys: Vec<IdempotencyKey>) {
        if keys.is_empty() {
            return;
        }
        let texts = idempotency::texts(&keys);
        self.ask(holds::of_keys(texts.clone()), read_holds);
        self.ask(orders::of_keys(texts.clone()), read_orders);
        self.ask(idempotency::by_keys(texts), move |set, rows| {
            for record in all(rows, idempotency::read)? {
                set.fetched_record(record.key.clone(), Some(record));
            }
            keys.into_iter()
                .for_each(|key| set.fetched_record(key, None));
            Ok(())
        });
    }
}

pub fn read_products(set: &mut WorkingSet, rows: Vec<Row>) -> Answered {
    for product in all(rows, products::read)? {
        set.products.fetched(product.id, Some(product));
    }
    Ok(())
}

pub fn read_holds(set: &mut WorkingSet, rows: Vec<Row>) -> Answered {
    for hold in all(rows, holds::read)? {
        set.holds.fetched(hold.id, Some(hold));
    }
    Ok(())
}

pub fn read_orders(set: &mut WorkingSet, rows: Vec<Row>) -> Answered {
    for order in all(rows, orders::read)? {
        set.orders.fetched(order.id, Some(order));
    }
    Ok(())
}

/// What waits for each of the targets, if anything does.
fn read_parked(
    set: &mut WorkingSet,
    rows: Vec<Row>,
    targets: impl Iterator<Item = PaymentTarget>,
) -> Answered {
    let mut parked: HashMap<PaymentTarget, Vec<Payment>> = HashMap::new();
    for payment in all(rows, payments::read)? {
        parked.entry(payment.target).or_default().push(payment);
    }
    for target in targets {
        set.fetched_parked(target, parked.remove(&target).unwrap_or_default());
    }
    Ok(())
}
