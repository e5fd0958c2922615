//! What stores put into a working set and take out of it.

use std::collections::VecDeque;

use super::{Due, Need, WorkingSet};
use crate::sale::rows::{
    Customer, Event, EventId, IdempotencyKey, IdempotencyRecord, Movement, Payment, PaymentId,
    PaymentTarget, Product, ProductId, Standing,
};

/// What stores put in, when a rule stopped with a need.
impl WorkingSet {
    pub fn fetched_sku(&mut self, sku: String, product: Option<Product>) {
        self.skus
            .entry(sku)
            .or_insert(product.as_ref().map(|product| product.id));
        if let Some(product) = product {
            self.products.fetched(product.id, Some(product));
        }
    }

    pub fn fetched_payment_key(&mut self, key: String, payment: Option<Payment>) {
        self.payment_keys
            .entry(key)
            .or_insert(payment.as_ref().map(|payment| payment.id));
        if let Some(payment) = payment {
            self.payments.fetched(payment.id, Some(payment));
        }
    }

    pub fn fetched_parked(&mut self, target: PaymentTarget, payments: Vec<Payment>) {
        self.parked
            .entry(target)
            .or_insert_with(|| payments.iter().map(|payment| payment.id).collect());
        for payment in payments {
            self.payments.fetched(payment.id, Some(payment));
        }
    }

    pub fn fetched_refunds(
        &mut self,
        target: PaymentTarget,
        transaction_id: String,
        refunds: Vec<Payment>,
    ) {
        let ids = refunds.iter().map(|payment| payment.id).collect();
        self.refunds.entry((target, transaction_id)).or_insert(ids);
        for payment in refunds {
            self.payments.fetched(payment.id, Some(payment));
        }
    }

    pub fn fetched_lost(&mut self, target: PaymentTarget, is_lost: bool) {
        self.lost.insert(target, is_lost);
    }

    pub fn fetched_customer_use(&mut self, product: ProductId, customer: Customer, units: i64) {
        self.customer_use.insert((product, customer), units);
    }

    pub fn fetched_record(&mut self, key: IdempotencyKey, record: Option<IdempotencyRecord>) {
        self.idempotency_records.entry(key).or_insert(record);
    }

    pub fn fetched_overdue_units(&mut self, product: ProductId, units: i64) {
        self.overdue_units.insert(product, units);
    }

    pub fn fetched_overdue_rows(&mut self, product: ProductId, rows: VecDeque<Due>) {
        self.overdue_rows.insert(product, rows);
    }

    pub fn fetched_due(&mut self, due: Vec<Due>) {
        self.due = Some(due);
    }
}

/// What is known before all is fetched.
impl WorkingSet {
    /// Lets the rule that stopped with this need go on as if there were nothing, where a rule can: what it then does counts
    /// for nothing but more needs. Never for a row that a rule relies on once it has looked at it.
    pub fn assume_nothing(&mut self, need: &Need) -> bool {
        let may_be_assumed = match need {
            Need::PaymentKey(_)
            | Need::Parked(_)
            | Need::Refunds(..)
            | Need::ReversalKey(_)
            | Need::Standing(_)
            | Need::Transaction(_)
            | Need::Lost(_)
            | Need::CustomerUse(..)
            | Need::IdempotencyKey(_)
            | Need::Due { .. } => true,
            Need::Product(_)
            | Need::Sku(_)
            | Need::Hold(_)
            | Need::Order(_)
            | Need::Payment(_)
            | Need::OverdueUnits(_)
            | Need::OverdueRows(..) => false,
        };
        if may_be_assumed {
            self.fetched_nothing(need.clone());
        }
        may_be_assumed
    }

    /// The store holds nothing of what was needed.
    pub fn fetched_nothing(&mut self, need: Need) {
        match need {
            Need::Product(id) => self.products.fetched(id, None),
            Need::Sku(sku) => self.fetched_sku(sku, None),
            Need::Hold(id) => self.holds.fetched(id, None),
            Need::Order(id) => self.orders.fetched(id, None),
            Need::Payment(id) => self.payments.fetched(id, None),
            Need::PaymentKey(key) => self.fetched_payment_key(key, None),
            Need::Parked(target) => self.fetched_parked(target, Vec::new()),
            Need::Refunds(target, transaction_id) => {
                self.fetched_refunds(target, transaction_id, Vec::new());
            }
            Need::ReversalKey(key) => self.fetched_reversal_key(key, None),
            Need::Standing(transaction_id) => {
                self.fetched_standing(transaction_id, Standing::default());
            }
            Need::Transaction(transaction_id) => {
                self.fetched_transaction(transaction_id, Vec::new(), Vec::new());
            }
            Need::Lost(target) => self.fetched_lost(target, false),
            Need::CustomerUse(product, customer) => {
                self.fetched_customer_use(product, customer, 0);
            }
            Need::IdempotencyKey(key) => self.fetched_record(key, None),
            Need::OverdueUnits(product) => self.fetched_overdue_units(product, 0),
            Need::OverdueRows(product, _) => self.fetched_overdue_rows(product, VecDeque::new()),
            Need::Due { .. } => self.fetched_due(Vec::new()),
        }
    }

    /// Units of a product in overdue rows that were fetched.
    pub fn overdue_units_fetched(&self, product: ProductId) -> i64 {
        let of_holds = self
            .holds
            .rows()
            .filter(|hold| hold.line.product == product);
        let of_orders = self
            .orders
            .rows()
            .filter(|order| order.line.product == product);
        let of_holds = of_holds.filter_map(|hold| hold.overdue_units(self.now));
        let of_orders = of_orders.filter_map(|order| order.overdue_units(self.now));
        of_holds.chain(of_orders).sum()
    }
}

/// What stores write at the end of a batch.
impl WorkingSet {
    pub fn movements(&self) -> &[Movement] {
        &self.movements
    }

    /// What this batch has emitted.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The last event that is forgotten, with all before it.
    pub fn events_forgotten(&self) -> Option<EventId> {
        self.events_forgotten
    }

    /// The payload of an event that this batch recorded.
    pub fn payload(&self, id: PaymentId) -> Option<&str> {
        self.payloads.get(&id).map(String::as_str)
    }

    pub fn kept_records(&self) -> impl Iterator<Item = &IdempotencyRecord> {
        self.kept
            .iter()
            .filter_map(|key| self.idempotency_records.get(key)?.as_ref())
    }

    /// To be deleted before what is kept is inserted: a key may be used again.
    pub fn forgotten_keys(&self) -> impl Iterator<Item = &IdempotencyKey> {
        self.forgotten.iter()
    }
}
