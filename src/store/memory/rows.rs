//! From the maps into a working set: what a rule needs to see.

use std::collections::VecDeque;

use super::Tables;
use crate::sale::{Due, Need, ProductId, WorkingSet};
use crate::store::{RowSource, StoreError};

impl RowSource for Tables {
    fn fetch(&mut self, set: &mut WorkingSet, need: Need) -> Result<(), StoreError> {
        let now = set.now;
        match need {
            Need::Product(id) => set.products.fetched(id, self.products.get(&id).cloned()),
            Need::Sku(sku) => {
                let product = self
                    .products
                    .values()
                    .find(|product| product.sku.as_ref() == Some(&sku))
                    .cloned();
                set.fetched_sku(sku, product);
            }
            Need::Hold(id) => set.holds.fetched(id, self.holds.get(&id).cloned()),
            Need::Order(id) => set.orders.fetched(id, self.orders.get(&id).cloned()),
            Need::Payment(id) => {
                set.payments.fetched(
                    id,
                    self.payments.get(&id).map(|(payment, _)| payment.clone()),
                );
            }
            Need::PaymentKey(key) => {
                let known = self
                    .payments
                    .values()
                    .map(|(payment, _)| payment)
                    .find(|payment| payment.key == key);
                set.fetched_payment_key(key, known.cloned());
            }
            Need::Parked(target) => set.fetched_parked(target, self.parked(target)),
            Need::Refunds(target, transaction_id) => {
                let refunds = self.refunds(target, &transaction_id);
                set.fetched_refunds(target, transaction_id, refunds);
            }
            Need::Lost(target) => set.fetched_lost(target, self.is_lost(target)),
            Need::CustomerUse(product, customer) => {
                let units = self.customer_use(product, &customer, now);
                set.fetched_customer_use(product, customer, units);
            }
            Need::IdempotencyKey(key) => {
                let record = self.idempotency_records.get(key.as_str()).cloned();
                set.fetched_record(key, record);
            }
            Need::OverdueUnits(product) => {
                set.fetched_overdue_units(product, self.overdue_units(product, now))
            }
            Need::OverdueRows(product, _units) => {
                let rows = self.overdue_rows(set, product);
                set.fetched_overdue_rows(product, rows);
            }
            Need::Due { rows_max, keys_max } => {
                let due = self.due(now).into_iter().map(|(_, due)| due);
                let (keys, rows): (Vec<Due>, Vec<Due>) =
                    due.partition(|due| matches!(due, Due::IdempotencyKey(_)));
                let rows = rows.into_iter().take(rows_max);
                set.fetched_due(rows.chain(keys.into_iter().take(keys_max)).collect());
            }
        }
        Ok(())
    }
}

impl Tables {
    fn overdue_rows(&self, set: &mut WorkingSet, product: ProductId) -> VecDeque<Due> {
        let mut rows = VecDeque::new();
        for (_, due) in self.due(set.now) {
            let is_of_product = match &due {
                Due::Hold(id) => self.holds[id].product == product,
                Due::Order(id) => self.orders[id].product == product,
                Due::Payment(_) | Due::IdempotencyKey(_) => false,
            };
            if is_of_product {
                self.fetch_due(set, &due);
                rows.push_back(due);
            }
        }
        rows
    }

    fn fetch_due(&self, set: &mut WorkingSet, due: &Due) {
        match due {
            Due::Hold(id) => set.holds.fetched(*id, self.holds.get(id).cloned()),
            Due::Order(id) => set.orders.fetched(*id, self.orders.get(id).cloned()),
            Due::Payment(_) | Due::IdempotencyKey(_) => {}
        }
    }
}
