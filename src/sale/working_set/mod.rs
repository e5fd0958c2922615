//! The rows that a batch of commands sees and changes, in memory.
//!
//! A working set starts empty, or with rows that the batch before knew (`KnownRows`). A rule that looks at a row which the
//! working set does not hold yet stops with a `Need`; the store fetches what is needed and the rule starts again. That is
//! sound because a rule changes nothing before its last look. So the working set always tells *absent* from *not fetched*,
//! and no list of "rows that this command will touch" can go stale.
//!
//! Everything fetched is what the store held when the transaction began; what the batch itself changed since is added here.

mod events;
mod known_rows;
mod need;
mod reversals;
mod stop;
mod stores;
mod table;

use std::collections::{HashMap, HashSet, VecDeque};

use super::rows::{
    Counters, Customer, Event, EventId, Hold, HoldId, IdempotencyKey, IdempotencyRecord, Movement,
    Order, OrderId, Payment, PaymentId, PaymentTarget, Product, ProductId, Terms, Timestamp,
};

pub use known_rows::KnownRows;
pub use need::{Due, Need};
use reversals::Reversals;
pub use reversals::{KnownTransaction, TRANSACTION_ROWS_MAX};
pub use stop::{Rejection, Stop};
pub(in crate::sale) use stop::{all_looked_at, ensure};
pub use table::{Table, Written};

#[derive(Clone, Debug)]
pub struct WorkingSet {
    pub now: Timestamp,
    pub terms: Terms,
    pub counters: Counters,
    counters_were: Counters,
    pub products: Table<ProductId, Product>,
    pub holds: Table<HoldId, Hold>,
    pub orders: Table<OrderId, Order>,
    pub payments: Table<PaymentId, Payment>,
    skus: HashMap<String, Option<ProductId>>,
    payment_keys: HashMap<String, Option<PaymentId>>,
    payloads: HashMap<PaymentId, String>,
    parked: HashMap<PaymentTarget, Vec<PaymentId>>,
    refunds: HashMap<(PaymentTarget, String), Vec<PaymentId>>,
    refunds_noted: HashMap<(PaymentTarget, String), Vec<PaymentId>>,
    reversals: Reversals,
    lost: HashMap<PaymentTarget, bool>,
    idempotency_records: HashMap<IdempotencyKey, Option<IdempotencyRecord>>,
    kept: Vec<IdempotencyKey>,
    forgotten: HashSet<IdempotencyKey>,
    customer_use: HashMap<(ProductId, Customer), i64>,
    customer_moves: HashMap<(ProductId, Customer), i64>,
    overdue_units: HashMap<ProductId, i64>,
    overdue_ended: HashMap<ProductId, i64>,
    overdue_rows: HashMap<ProductId, VecDeque<Due>>,
    due: Option<Vec<Due>>,
    movements: Vec<Movement>,
    events: Vec<Event>,
    events_forgotten: Option<EventId>,
}

impl WorkingSet {
    pub fn new(now: Timestamp, terms: Terms, counters: Counters) -> WorkingSet {
        WorkingSet {
            now,
            terms,
            counters,
            counters_were: counters,
            products: Table::default(),
            holds: Table::default(),
            orders: Table::default(),
            payments: Table::default(),
            skus: HashMap::new(),
            payment_keys: HashMap::new(),
            payloads: HashMap::new(),
            parked: HashMap::new(),
            refunds: HashMap::new(),
            refunds_noted: HashMap::new(),
            reversals: Reversals::default(),
            lost: HashMap::new(),
            idempotency_records: HashMap::new(),
            kept: Vec::new(),
            forgotten: HashSet::new(),
            customer_use: HashMap::new(),
            customer_moves: HashMap::new(),
            overdue_units: HashMap::new(),
            overdue_ended: HashMap::new(),
            overdue_rows: HashMap::new(),
            due: None,
            movements: Vec::new(),
            events: Vec::new(),
            events_forgotten: None,
        }
    }
}

/// What rules look at. A look at what has not been fetched stops the rule.
impl WorkingSet {
    pub fn product(&self, id: ProductId) -> Result<Option<&Product>, Stop> {
        self.products.look(id).ok_or(Stop::needs(Need::Product(id)))
    }

    pub fn product_by_sku(&self, sku: &str) -> Result<Option<ProductId>, Stop> {
        self.skus
            .get(sku)
            .copied()
            .ok_or_else(|| Stop::needs(Need::Sku(sku.to_owned())))
    }

    pub fn hold(&self, id: HoldId) -> Result<Option<&Hold>, Stop> {
        self.holds.look(id).ok_or(Stop::needs(Need::Hold(id)))
    }

    pub fn order(&self, id: OrderId) -> Result<Option<&Order>, Stop> {
        self.orders.look(id).ok_or(Stop::needs(Need::Order(id)))
    }

    pub fn payment(&self, id: PaymentId) -> Result<Option<&Payment>, Stop> {
        self.payments.look(id).ok_or(Stop::needs(Need::Payment(id)))
    }

    pub fn payment_by_key(&self, key: &str) -> Result<Option<&Payment>, Stop> {
        let id = self
            .payment_keys
            .get(key)
            .ok_or_else(|| Stop::needs(Need::PaymentKey(key.to_owned())))?;
        Ok(id.map(|id| self.payments.known(id)))
    }

    /// The events still parked on `target`, in the order in which they came. While none is parked at all, nothing is asked
    /// for.
    pub fn parked_on(&self, target: PaymentTarget) -> Result<Vec<PaymentId>, Stop> {
        if self.counters.parked == 0 {
            return Ok(Vec::new());
        }
        let parked = self
            .parked
            .get(&target)
            .ok_or(Stop::needs(Need::Parked(target)))?;
        Ok(parked
            .iter()
            .copied()
            .filter(|id| self.payments.known(*id).is_parked())
            .collect())
    }

    /// The payments of the transaction whose refunds ever were due to `target`, by that name: all of them looked at.
    pub fn refunds(
        &self,
        target: PaymentTarget,
        transaction_id: &str,
    ) -> Result<Vec<PaymentId>, Stop> {
        let key = (target, transaction_id.to_owned());
        let Some(at_start) = self.refunds.get(&key) else {
            return Err(Stop::needs(Need::Refunds(key.0, key.1)));
        };
        let since = self.refunds_noted.get(&key).into_iter().flatten();
        Ok(at_start.iter().chain(since).copied().collect())
    }

    pub fn is_lost(&self, target: PaymentTarget) -> Result<bool, Stop> {
        let is_lost = self.lost.get(&target).copied();
        is_lost.ok_or(Stop::needs(Need::Lost(target)))
    }

    /// Live, pending and paid units of one customer in one product: the one figure that `max_per_customer` bounds.
    pub fn customer_use(&self, product: ProductId, customer: &Customer) -> Result<i64, Stop> {
        let key = (product, customer.clone());
        let at_start = self
            .customer_use
            .get(&key)
            .ok_or_else(|| Stop::needs(Need::CustomerUse(product, customer.clone())))?;
        Ok(at_start + self.customer_moves.get(&key).copied().unwrap_or(0))
    }

    /// What is kept under the key, unless its time is over.
    pub fn record(&self, key: &IdempotencyKey) -> Result<Option<&IdempotencyRecord>, Stop> {
        let record = self
            .idempotency_records
            .get(key)
            .ok_or_else(|| Stop::needs(Need::IdempotencyKey(key.clone())))?;
        Ok(record
            .as_ref()
            .filter(|record| !record.expires_at.has_passed(self.now)))
    }

    /// Units of the product that are still reserved in the books and free by the clock.
    pub fn overdue_units(&self, product: ProductId) -> Result<i64, Stop> {
        let at_start = self
            .overdue_units
            .get(&product)
            .ok_or(Stop::needs(Need::OverdueUnits(product)))?;
        Ok(at_start - self.overdue_ended.get(&product).copied().unwrap_or(0))
    }

    /// The product's oldest overdue rows, with at least `units` between them. What was fetched before is asked for twice
    /// over: each look goes past the overdue rows of all other products.
    pub fn overdue_rows(&self, product: ProductId, units: i64) -> Result<Vec<Due>, Stop> {
        let mut missing = units;
        let mut rows = Vec::new();
        let fetched = self.overdue_rows.get(&product);
        for row in fetched.into_iter().flatten() {
            if missing <= 0 {
                break;
            }
            if let Some(freed) = self.overdue_row_units(row) {
                missing -= freed;
                rows.push(row.clone());
            }
        }
        if missing > 0 {
            let fetched = i64::try_from(fetched.map_or(0, VecDeque::len)).unwrap_or(i64::MAX);
            let wanted = units
                .saturating_add(2 * fetched)
                .min(self.overdue_units(product)?);
            Err(Stop::needs(Need::OverdueRows(product, wanted)))
        } else {
            Ok(rows)
        }
    }

    /// The units that ending `due` would free; `None` if it was ended already, or frees none.
    pub fn overdue_row_units(&self, due: &Due) -> Option<i64> {
        match due {
            Due::Hold(id) => self.holds.look(*id)??.overdue_units(self.now),
            Due::Order(id) => self.orders.look(*id)??.overdue_units(self.now),
            Due::Payment(_) | Due::Event(_) | Due::IdempotencyKey(_) => None,
        }
    }

    pub fn due(&self, rows_max: usize, keys_max: usize) -> Result<&[Due], Stop> {
        self.due
            .as_deref()
            .ok_or(Stop::needs(Need::Due { rows_max, keys_max }))
    }

    /// Rows that a rule has looked at before.
    pub(in crate::sale) fn known_product(&self, id: ProductId) -> &Product {
        self.products.known(id)
    }

    pub(in crate::sale) fn known_hold(&self, id: HoldId) -> &Hold {
        self.holds.known(id)
    }

    pub(in crate::sale) fn known_order(&self, id: OrderId) -> &Order {
        self.orders.known(id)
    }

    pub(in crate::sale) fn known_payment(&self, id: PaymentId) -> &Payment {
        self.payments.known(id)
    }

    /// Whether the batch so far changed anything that must be written.
    pub fn is_changed(&self) -> bool {
        let rows = self.products.is_changed()
            || self.holds.is_changed()
            || self.orders.is_changed()
            || self.payments.is_changed();
        rows || !self.kept.is_empty()
            || !self.forgotten.is_empty()
            || self.events_forgotten.is_some()
            || self.counters != self.counters_were
    }
}

/// What rules change, once nothing can refuse or stop them any more.
impl WorkingSet {
    pub(in crate::sale) fn change_product(&mut self, id: ProductId) -> &mut Product {
        self.products.change(id)
    }

    pub(in crate::sale) fn change_hold(&mut self, id: HoldId) -> &mut Hold {
        self.holds.change(id)
    }

    pub(in crate::sale) fn change_order(&mut self, id: OrderId) -> &mut Order {
        self.orders.change(id)
    }

    pub(in crate::sale) fn change_payment(&mut self, id: PaymentId) -> &mut Payment {
        self.payments.change(id)
    }

    pub(in crate::sale) fn insert_product(&mut self, product: Product) {
        if let Some(sku) = &product.sku {
            self.skus.insert(sku.clone(), Some(product.id));
        }
        self.overdue_units.insert(product.id, 0);
        self.products.insert(product.id, product);
    }

    pub(in crate::sale) fn insert_hold(&mut self, hold: Hold) {
        self.holds.insert(hold.id, hold);
    }

    pub(in crate::sale) fn insert_order(&mut self, order: Order) {
        self.orders.insert(order.id, order);
    }

    /// A new payment event; if it is parked, what else waits for the same must have been looked at before.
    pub(in crate::sale) fn insert_payment(&mut self, payment: Payment, payload: Option<String>) {
        if payment.is_parked() {
            let parked = self.parked.entry(payment.target);
            parked.or_default().push(payment.id);
            self.counters.parked += 1;
        }
        self.payment_keys
            .insert(payment.key.clone(), Some(payment.id));
        if let Some(payload) = payload {
            self.payloads.insert(payment.id, payload);
        }
        self.payments.insert(payment.id, payment);
    }

    pub(in crate::sale) fn note_refund(
        &mut self,
        target: PaymentTarget,
        transaction_id: String,
        payment: PaymentId,
    ) {
        self.note_refund_of(&transaction_id, payment);
        let noted = self.refunds_noted.entry((target, transaction_id));
        noted.or_default().push(payment);
    }

    /// Moves the customer's use by `units`. Expiry moves nothing: by the clock, what is overdue no longer counted.
    pub(in crate::sale) fn move_customer_use(
        &mut self,
        product: ProductId,
        customer: Option<&Customer>,
        units: i64,
    ) {
        if let Some(customer) = customer {
            *self
                .customer_moves
                .entry((product, customer.clone()))
                .or_insert(0) += units;
        }
    }

    pub(in crate::sale) fn note_overdue_ended(&mut self, product: ProductId, units: i64) {
        *self.overdue_ended.entry(product).or_insert(0) += units;
    }

    /// Whatever was kept under the key before has had its time.
    pub(in crate::sale) fn keep(&mut self, record: IdempotencyRecord) {
        let key = record.key.clone();
        if let Some(Some(_)) = self.idempotency_records.insert(key.clone(), Some(record)) {
            self.forgotten.insert(key.clone());
        }
        self.kept.push(key);
    }

    /// Forgets what is kept under the key if its time is over; says whether it did.
    pub(in crate::sale) fn forget_lapsed(&mut self, key: &IdempotencyKey) -> bool {
        let kept = self
            .idempotency_records
            .get_mut(key)
            .expect("a rule looks at a key before it forgets it");
        let lapsed = kept.take_if(|record| record.expires_at.has_passed(self.now));
        if lapsed.is_some() {
            self.forgotten.insert(key.clone());
        }
        lapsed.is_some()
    }

    pub(in crate::sale) fn push_movement(&mut self, movement: Movement) {
        self.movements.push(movement);
    }
}
