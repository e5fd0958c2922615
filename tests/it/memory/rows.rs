//! From the maps into a working set: what a rule needs to see, and what that refers to.

use std::collections::{BTreeMap, VecDeque};

use flashsale::sale::{
    Due, HoldId, IdempotencyKey, Need, Order, OrderId, Payment, PaymentTarget, ProductId, Recorded,
    Standing, TRANSACTION_ROWS_MAX, WorkingSet,
};
use flashsale::store::{RowSource, StoreError};

use super::Tables;

/// Fetches as a store far away would, which answers all needs at once, and notes them.
pub struct Counting<'a> {
    tables: &'a Tables,
    pub waves: Vec<Vec<Need>>,
}

/// In one batch.
const COMMANDS_MAX: i64 = 512;

impl Counting<'_> {
    pub fn of(tables: &Tables) -> Counting<'_> {
        Counting {
            tables,
            waves: Vec::new(),
        }
    }
}

impl RowSource for Counting<'_> {
    fn fetch(&mut self, set: &mut WorkingSet, needs: Vec<Need>) -> Result<(), StoreError> {
        self.waves.push(needs.clone());
        if needs.iter().any(|need| matches!(need, Need::Hold(_))) {
            self.tables.fetch_parked_on_orders_to_come(set);
        }
        for need in needs {
            self.tables.fetch(set, need);
        }
        Ok(())
    }
}

impl Tables {
    fn fetch(&self, set: &mut WorkingSet, need: Need) {
        match need {
            Need::Product(id) => self.fetch_product(set, id),
            Need::Sku(sku) => {
                let product = self
                    .products
                    .values()
                    .find(|product| product.sku.as_ref() == Some(&sku))
                    .cloned();
                set.fetched_sku(sku, product);
            }
            Need::Hold(id) => self.fetch_hold(set, id),
            Need::Order(id) => self.fetch_order(set, id),
            Need::Payment(id) => {
                let payment = self.payments.get(&id).map(|(payment, _)| payment);
                self.fetch_what_is_meant(set, payment);
                set.payments.fetched(id, payment.cloned());
            }
            Need::PaymentKey(key) => {
                let mut payments = self.payments.values().map(|(payment, _)| payment);
                let known = payments.find(|payment| payment.key == key);
                self.fetch_what_is_meant(set, known);
                set.fetched_payment_key(key, known.cloned());
            }
            Need::Parked(target) => set.fetched_parked(target, self.parked(target)),
            Need::Refunds(target, transaction_id) => {
                let refunds = self.refunds(target, &transaction_id);
                set.fetched_refunds(target, transaction_id, refunds);
            }
            Need::ReversalKey(key) => {
                let mut reversals = self.reversals.values().map(|(reversal, _)| reversal);
                let known = reversals.find(|reversal| reversal.key == key).cloned();
                set.fetched_reversal_key(key, known);
            }
            Need::Standing(transaction_id) => {
                let standing = self.standing(&transaction_id);
                set.fetched_standing(transaction_id, standing);
            }
            Need::Transaction(transaction_id) => self.fetch_transaction(set, transaction_id),
            Need::Lost(target) => set.fetched_lost(target, self.is_lost(target)),
            Need::CustomerUse(product, customer) => {
                let units = self.customer_use(product, &customer, set.now);
                set.fetched_customer_use(product, customer, units);
            }
            Need::IdempotencyKey(key) => self.fetch_record(set, key),
            Need::OverdueUnits(product) => {
                set.fetched_overdue_units(product, self.overdue_units(product, set.now));
            }
            Need::OverdueRows(product, units) => {
                let rows = self.overdue_rows(set, product, units);
                set.fetched_overdue_rows(product, rows);
            }
            Need::Due { rows_max, keys_max } => self.fetch_all_due(set, rows_max, keys_max),
        }
    }

    fn fetch_all_due(&self, set: &mut WorkingSet, rows_max: usize, keys_max: usize) {
        let due = self
            .due(set.now, &set.terms)
            .into_iter()
            .map(|(_, due)| due);
        let (keys, rows): (Vec<Due>, Vec<Due>) =
            due.partition(|due| matches!(due, Due::IdempotencyKey(_)));
        let (events, rows): (Vec<Due>, Vec<Due>) = rows
            .into_iter()
            .partition(|due| matches!(due, Due::Event(_)));
        let rows = rows.into_iter().chain(events).take(rows_max);
        let due: Vec<Due> = rows.chain(keys.into_iter().take(keys_max)).collect();
        for due in &due {
            self.fetch_due(set, due);
        }
        set.fetched_due(due);
    }

    /// With what it stands for.
    fn fetch_record(&self, set: &mut WorkingSet, key: IdempotencyKey) {
        let record = self.idempotency_records.get(key.as_str()).cloned();
        match record.as_ref().map(|record| &record.recorded) {
            Some(Recorded::HoldPlaced(id)) => self.fetch_hold(set, *id),
            Some(Recorded::OrderPlaced(id, _) | Recorded::OrderCancelled(id)) => {
                self.fetch_order(set, *id);
            }
            Some(Recorded::ProductCreated { .. } | Recorded::ProductRestocked { .. }) | None => {}
        }
        set.fetched_record(key, record);
    }

    /// Told anew from all reports.
    pub fn standing(&self, transaction_id: &str) -> Standing {
        let reversals = self.reversals.values().map(|(reversal, _)| reversal);
        let about_it = reversals.filter(|reversal| reversal.transaction_id == transaction_id);
        about_it.fold(Standing::default(), |standing, reversal| {
            standing.with(reversal.kind, reversal.amount)
        })
    }

    /// With what its payments are about.
    fn fetch_transaction(&self, set: &mut WorkingSet, transaction_id: String) {
        let name = Some(&transaction_id);
        let orders = self.orders.values().rev();
        let orders = orders.filter(|order| order.transaction_id.as_ref() == name);
        let orders: Vec<Order> = orders.take(TRANSACTION_ROWS_MAX).cloned().collect();
        let payments = self.payments.values().rev().map(|(payment, _)| payment);
        let of_it = payments.filter(|payment| payment.report.transaction_id.as_ref() == name);
        let (parked, others): (Vec<&Payment>, Vec<&Payment>) =
            of_it.partition(|payment| payment.is_parked());
        let refunds = others.into_iter().filter(|payment| payment.refund_due);
        let parked = parked.into_iter().take(TRANSACTION_ROWS_MAX);
        let payments = refunds.take(TRANSACTION_ROWS_MAX).chain(parked);
        let payments: Vec<Payment> = payments.cloned().collect();
        for payment in &payments {
            self.fetch_what_is_meant(set, Some(payment));
        }
        set.fetched_transaction(transaction_id, orders, payments);
    }

    /// With what of it is overdue.
    fn fetch_product(&self, set: &mut WorkingSet, id: ProductId) {
        set.products.fetched(id, self.products.get(&id).cloned());
        set.fetched_overdue_units(id, self.overdue_units(id, set.now));
    }

    /// With its product, its order, and the events that wait for that.
    fn fetch_hold(&self, set: &mut WorkingSet, id: HoldId) {
        let hold = self.holds.get(&id).cloned();
        if let Some(hold) = &hold {
            self.fetch_product(set, hold.line.product);
            if let Some(order) = hold.order {
                set.orders.fetched(order, self.orders.get(&order).cloned());
            }
        }
        let target = PaymentTarget::Hold(id);
        set.fetched_parked(target, self.parked(target));
        set.holds.fetched(id, hold);
    }

    /// A hold may be ordered in the batch, and how many are before it is not known yet.
    fn fetch_parked_on_orders_to_come(&self, set: &mut WorkingSet) {
        let next = self.counters.next_order.get();
        let to_come = (next..next + COMMANDS_MAX).filter_map(OrderId::new);
        let mut parked: BTreeMap<OrderId, Vec<Payment>> =
            to_come.map(|id| (id, Vec::new())).collect();
        for (payment, _) in self.payments.values() {
            if let PaymentTarget::Order(id) = payment.target
                && payment.is_parked()
                && let Some(waiting) = parked.get_mut(&id)
            {
                waiting.push(payment.clone());
            }
        }
        for (id, waiting) in parked {
            set.fetched_parked(PaymentTarget::Order(id), waiting);
        }
    }

    /// With its product.
    fn fetch_order(&self, set: &mut WorkingSet, id: OrderId) {
        let order = self.orders.get(&id).cloned();
        if let Some(order) = &order {
            self.fetch_product(set, order.line.product);
        }
        set.orders.fetched(id, order);
    }

    /// The hold and the order that a payment is about.
    fn fetch_what_is_meant(&self, set: &mut WorkingSet, payment: Option<&Payment>) {
        let Some(payment) = payment else {
            return;
        };
        match payment.target {
            PaymentTarget::Hold(id) => self.fetch_hold(set, id),
            PaymentTarget::Order(id) => self.fetch_order(set, id),
        }
        if let Some(order) = payment.order {
            self.fetch_order(set, order);
        }
        set.fetched_parked(payment.target, self.parked(payment.target));
    }

    /// The product's oldest, with so many units between them.
    fn overdue_rows(&self, set: &mut WorkingSet, product: ProductId, units: i64) -> VecDeque<Due> {
        let mut rows = VecDeque::new();
        let mut missing = units;
        for (_, due) in self.due(set.now, &set.terms) {
            let (of, quantity) = match &due {
                Due::Hold(id) => (self.holds[id].line.product, self.holds[id].line.quantity),
                Due::Order(id) => (self.orders[id].line.product, self.orders[id].line.quantity),
                Due::Payment(_) | Due::Event(_) | Due::IdempotencyKey(_) => continue,
            };
            if of == product && missing > 0 {
                missing -= quantity.units();
                self.fetch_due(set, &due);
                rows.push_back(due);
            }
        }
        rows
    }

    /// With all that ending it looks at.
    fn fetch_due(&self, set: &mut WorkingSet, due: &Due) {
        match due {
            Due::Hold(id) => self.fetch_hold(set, *id),
            Due::Order(id) => self.fetch_order(set, *id),
            Due::Payment(id) => self.fetch(set, Need::Payment(*id)),
            Due::Event(_) => {}
            Due::IdempotencyKey(key) => self.fetch(set, Need::IdempotencyKey(key.clone())),
        }
    }
}
