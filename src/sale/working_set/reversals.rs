//! What a batch sees of reversals, and of the transactions that they are about. While none was ever reported, nothing of it
//! is asked for.

use std::collections::HashMap;

use super::{Need, Stop, WorkingSet};
use crate::sale::rows::{Order, OrderId, Payment, PaymentId, Reversal, Standing};

/// A report reaches the newest orders that its transaction paid, and the newest refunds of it, so many of each: a name that
/// more have in common is no transaction's.
pub const TRANSACTION_ROWS_MAX: usize = 256;

#[derive(Clone, Debug, Default)]
pub(super) struct Reversals {
    by_key: HashMap<String, Option<Reversal>>,
    standings: HashMap<String, Standing>,
    transactions: HashMap<String, KnownTransaction>,
    noted: HashMap<String, KnownTransaction>,
    new: Vec<Reversal>,
}

/// What is known of a transaction, by id.
#[derive(Clone, Debug, Default)]
pub struct KnownTransaction {
    /// That it paid.
    pub orders: Vec<OrderId>,
    /// Whose refunds are due, or were.
    pub refunds: Vec<PaymentId>,
    /// That have waited for their orders since an earlier batch: no wait begins and ends in one.
    pub parked: Vec<PaymentId>,
}

impl KnownTransaction {
    pub fn is_known(&self) -> bool {
        !self.orders.is_empty() || !self.refunds.is_empty()
    }
}

/// What rules look at.
impl WorkingSet {
    pub fn reversal_by_key(&self, key: &str) -> Result<Option<&Reversal>, Stop> {
        if self.counters.reversals == 0 {
            return Ok(None);
        }
        let found = self.reversals.by_key.get(key);
        found
            .map(Option::as_ref)
            .ok_or_else(|| Stop::needs(Need::ReversalKey(key.to_owned())))
    }

    /// How the transaction stands. One without a name stands as nothing was ever reported about it.
    pub fn standing(&self, transaction_id: Option<&str>) -> Result<Standing, Stop> {
        let Some(transaction_id) = transaction_id.filter(|_| self.counters.reversals > 0) else {
            return Ok(Standing::default());
        };
        let standing = self.reversals.standings.get(transaction_id).copied();
        standing.ok_or_else(|| Stop::needs(Need::Standing(transaction_id.to_owned())))
    }

    /// The same of a transaction that a rule has looked at before.
    pub(in crate::sale) fn known_standing(&self, transaction_id: Option<&str>) -> Standing {
        self.standing(transaction_id)
            .expect("a rule looks at how a transaction stands before it pays")
    }

    /// All rows looked at.
    pub fn transaction(&self, transaction_id: &str) -> Result<KnownTransaction, Stop> {
        let Some(at_start) = self.reversals.transactions.get(transaction_id) else {
            return Err(Stop::needs(Need::Transaction(transaction_id.to_owned())));
        };
        let mut known = at_start.clone();
        if let Some(noted) = self.reversals.noted.get(transaction_id) {
            known.orders.extend(&noted.orders);
            known.orders.sort_unstable();
            known.refunds.extend(&noted.refunds);
        }
        known
            .parked
            .retain(|id| self.payments.known(*id).is_parked());
        Ok(known)
    }
}

/// What rules change.
impl WorkingSet {
    /// Of a transaction that was looked at.
    pub(in crate::sale) fn insert_reversal(&mut self, reversal: Reversal, payload: Option<String>) {
        self.counters.reversals += 1;
        if let Some(payload) = payload {
            self.payloads.insert(reversal.id, payload);
        }
        let Reversals {
            by_key,
            standings,
            new,
            ..
        } = &mut self.reversals;
        standings.insert(reversal.transaction_id.clone(), reversal.standing);
        by_key.insert(reversal.key.clone(), Some(reversal.clone()));
        new.push(reversal);
    }

    pub(in crate::sale) fn note_order_of(&mut self, transaction_id: &str, order: OrderId) {
        self.noted_of(transaction_id).orders.push(order);
    }

    pub(super) fn note_refund_of(&mut self, transaction_id: &str, refund: PaymentId) {
        self.noted_of(transaction_id).refunds.push(refund);
    }

    fn noted_of(&mut self, transaction_id: &str) -> &mut KnownTransaction {
        let noted = self.reversals.noted.entry(transaction_id.to_owned());
        noted.or_default()
    }
}

/// What stores put in and take out.
impl WorkingSet {
    pub fn fetched_reversal_key(&mut self, key: String, reversal: Option<Reversal>) {
        self.reversals.by_key.entry(key).or_insert(reversal);
    }

    pub fn fetched_standing(&mut self, transaction_id: String, standing: Standing) {
        let standings = &mut self.reversals.standings;
        standings.entry(transaction_id).or_insert(standing);
    }

    /// With what is parked among the payments, all in any order.
    pub fn fetched_transaction(
        &mut self,
        transaction_id: String,
        orders: Vec<Order>,
        payments: Vec<Payment>,
    ) {
        let mut known = KnownTransaction {
            orders: orders.iter().map(|order| order.id).collect(),
            ..KnownTransaction::default()
        };
        for payment in &payments {
            if payment.is_parked() {
                known.parked.push(payment.id);
            } else {
                known.refunds.push(payment.id);
            }
        }
        known.orders.sort_unstable();
        known.refunds.sort_unstable();
        known.parked.sort_unstable();
        for order in orders {
            self.orders.fetched(order.id, Some(order));
        }
        for payment in payments {
            self.payments.fetched(payment.id, Some(payment));
        }
        let transactions = &mut self.reversals.transactions;
        transactions.entry(transaction_id).or_insert(known);
    }

    /// Those that the batch has recorded, by id.
    pub fn new_reversals(&self) -> &[Reversal] {
        &self.reversals.new
    }
}
