//! The store as a few maps: slow, plainly right, and gone at the end. The oracle for every other store. It judges in waves,
//! as a store far away would, and counts them.

mod events;
mod figures;
mod lists;
mod lost;
mod rows;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flashsale::sale::{
    Command, Counters, Currency, Due, Event, EventId, Hold, HoldId, IdempotencyRecord, Movement,
    Need, Order, OrderId, Payment, PaymentId, PaymentTarget, PlaceHold, Product, ProductId,
    Rejection, Reversal, SECRET_BYTES, Secret, Terms, Timestamp, WorkingSet, Written,
};
use flashsale::store::{
    Checkpoint, Contents, Decision, EventsAfter, More, Now, Reader, Rest, Seen, SetBack, Store,
    StoreError, judge, judge_in_waves,
};

use crate::shop::Hands;

use rows::Counting;

/// Clones share their rows: one may write while others read.
#[derive(Clone)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    secret: Secret,
    /// At which reads are judged.
    pub hands: Hands,
    /// What the last transaction asked for, each time that it did.
    pub waves: Vec<Vec<Need>>,
    /// As a full disk does.
    pub fails_to_write: bool,
}

#[derive(Clone)]
struct Tables {
    counters: Counters,
    last_now: Timestamp,
    products: BTreeMap<ProductId, Product>,
    holds: BTreeMap<HoldId, Hold>,
    orders: BTreeMap<OrderId, Order>,
    payments: BTreeMap<PaymentId, (Payment, Option<String>)>,
    reversals: BTreeMap<PaymentId, (Reversal, Option<String>)>,
    movements: BTreeMap<(ProductId, i64), Movement>,
    events: BTreeMap<EventId, Event>,
    idempotency_records: BTreeMap<String, IdempotencyRecord>,
    /// Ids that were skipped, as `restore` skips them.
    holds_skipped: Vec<Range<i64>>,
    orders_skipped: Vec<Range<i64>>,
    /// First and last.
    events_skipped: Vec<(i64, i64)>,
}

impl Default for MemoryStore {
    fn default() -> MemoryStore {
        let tables = Tables {
            counters: Counters::FIRST,
            last_now: Timestamp::from_micros(0),
            products: BTreeMap::new(),
            holds: BTreeMap::new(),
            orders: BTreeMap::new(),
            payments: BTreeMap::new(),
            reversals: BTreeMap::new(),
            movements: BTreeMap::new(),
            events: BTreeMap::new(),
            idempotency_records: BTreeMap::new(),
            holds_skipped: Vec::new(),
            orders_skipped: Vec::new(),
            events_skipped: Vec::new(),
        };
        MemoryStore {
            tables: Arc::new(Mutex::new(tables)),
            secret: Secret::new([7; SECRET_BYTES]),
            hands: Hands::at_opening(),
            waves: Vec::new(),
            fails_to_write: false,
        }
    }
}

impl MemoryStore {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        let mut tables = self.tables();
        let now = now(tables.last_now);
        let set = WorkingSet::new(now, *terms, tables.counters);
        let commands: Vec<Command> = commands.iter().cloned().chain(more()).collect();
        let mut source = Counting::of(&tables);
        let (set, decisions) = judge_in_waves(&mut source, set, &commands)?;
        let waves = source.waves;
        if self.fails_to_write {
            return Err(StoreError::NotApplied("a test's disk is full".into()));
        }
        if set.is_changed() {
            tables.flush(&set);
            tables.last_now = now;
        }
        drop(tables);
        self.waves = waves;
        Ok(decisions)
    }

    fn settle(&mut self) -> Result<Option<Vec<Decision>>, StoreError> {
        unreachable!("memory is never in doubt")
    }

    fn load(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        chunks: &mut dyn Iterator<Item = Vec<Command>>,
        each: &mut dyn FnMut(&[Decision]),
    ) -> Result<(), StoreError> {
        let commands: Vec<Command> = chunks.flatten().collect();
        each(&self.transact(terms, now, &commands, &mut flashsale::store::no_more)?);
        Ok(())
    }

    fn probe(&mut self, now: Now<'_>) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.last_now = now(tables.last_now);
        Ok(())
    }

    fn next_deadline(&mut self, terms: &Terms) -> Result<Option<Timestamp>, StoreError> {
        let end_of_time = Timestamp::from_micros(i64::MAX);
        let due = self.tables().due(end_of_time, terms);
        Ok(due.into_iter().map(|(deadline, _)| deadline).min())
    }

    fn rest(&mut self, _rest: Rest) -> Result<Checkpoint, StoreError> {
        Ok(Checkpoint::Complete)
    }

    fn gap(&self) -> Duration {
        Duration::ZERO
    }

    fn secret(&self) -> &Secret {
        &self.secret
    }

    fn keep_currency(&mut self, _: Currency) -> Result<Currency, StoreError> {
        unreachable!("the memory store is not served")
    }

    fn set_back(&mut self, _: Timestamp, _: &Terms) -> Result<Option<SetBack>, StoreError> {
        unreachable!("no test sets the memory store's time back")
    }
}

impl MemoryStore {
    fn seen<T>(&self, what: impl FnOnce(&Tables, Timestamp) -> T) -> Result<Seen<T>, StoreError> {
        let at = self.hands.now();
        let what = what(&self.tables(), at);
        Ok(Seen { what, at })
    }
}

impl Reader for MemoryStore {
    fn product(&self, id: ProductId) -> Result<Seen<Option<Arc<Product>>>, StoreError> {
        self.seen(|tables, now| {
            let product = tables.products.get(&id).cloned();
            product
                .map(|product| Arc::new(product.with_overdue_free(tables.overdue_units(id, now))))
        })
    }

    fn products(
        &self,
        after: Option<ProductId>,
        limit: usize,
    ) -> Result<Seen<Vec<Product>>, StoreError> {
        self.seen(|tables, now| {
            let products = tables.products.values();
            let above = products.filter(|product| Some(product.id) > after);
            above
                .take(limit)
                .map(|p| p.clone().with_overdue_free(tables.overdue_units(p.id, now)))
                .collect()
        })
    }

    fn refusal(&self, wish: &PlaceHold, terms: &Terms) -> Result<Option<Rejection>, StoreError> {
        let tables = self.tables();
        let mut set = WorkingSet::new(self.hands.now(), *terms, tables.counters);
        let command = Command::PlaceHold(wish.clone());
        Ok(judge(&mut Counting::of(&tables), &mut set, &command)?.err())
    }

    fn hold(&self, id: HoldId) -> Result<Seen<Option<Hold>>, StoreError> {
        self.seen(|tables, _| tables.holds.get(&id).cloned())
    }

    fn order(&self, id: OrderId) -> Result<Seen<Option<Order>>, StoreError> {
        self.seen(|tables, _| tables.orders.get(&id).cloned())
    }

    fn events(&self, after: i64, events_max: usize) -> Result<EventsAfter, StoreError> {
        Ok(self.tables().events_after(after, events_max))
    }

    fn next_event(&self) -> Result<EventId, StoreError> {
        Ok(self.tables().counters.next_event)
    }

    fn has_kept_keys(&self) -> Result<bool, StoreError> {
        Ok(!self.tables().idempotency_records.is_empty())
    }

    fn is_sound(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn contents(&self) -> Result<Contents, StoreError> {
        let tables = self.tables();
        Ok(Contents {
            counters: tables.counters,
            products: tables.products.values().cloned().collect(),
            holds: tables.holds.values().cloned().collect(),
            orders: tables.orders.values().cloned().collect(),
            payments: tables.payments.values().cloned().collect(),
            reversals: tables.reversals.values().cloned().collect(),
            movements: tables.movements.values().cloned().collect(),
            events: tables.events.values().cloned().collect(),
            idempotency_records: tables.idempotency_records.values().cloned().collect(),
        })
    }
}

impl Tables {
    /// Everything whose deadline has passed, by deadline, and of equal ones holds first, then orders, parked events,
    /// events of the feed, replays.
    fn due(&self, now: Timestamp, terms: &Terms) -> Vec<(Timestamp, Due)> {
        let holds = self
            .overdue_holds(now)
            .map(|hold| (hold.expires_at, Due::Hold(hold.id)));
        let orders = self
            .overdue_orders(now)
            .filter_map(|order| Some((order.pay_by?, Due::Order(order.id))));
        let parked = self
            .payments
            .values()
            .map(|(payment, _)| payment)
            .filter(|payment| payment.has_lapsed(now));
        let parked =
            parked.filter_map(|payment| Some((payment.parked_until?, Due::Payment(payment.id))));
        let events = self.events.values();
        let events = events.map(|event| (terms.event_deadline(event.at), Due::Event(event.id)));
        let events = events.take_while(|(deadline, _)| deadline.has_passed(now));
        let records = self
            .idempotency_records
            .values()
            .filter(|record| record.expires_at.has_passed(now));
        let records =
            records.map(|record| (record.expires_at, Due::IdempotencyKey(record.key.clone())));
        let mut due: Vec<_> = holds.chain(orders).chain(parked).chain(records).collect();
        due.extend(events);
        due.sort_by_key(|(deadline, _)| *deadline);
        due
    }

    fn overdue_holds(&self, now: Timestamp) -> impl Iterator<Item = &Hold> {
        let mut holds: Vec<_> = self
            .holds
            .values()
            .filter(|hold| hold.overdue_units(now).is_some())
            .collect();
        holds.sort_by_key(|hold| {
            (
                hold.expires_at,
                hold.line.product,
                hold.line.quantity,
                hold.id,
            )
        });
        holds.into_iter()
    }

    fn overdue_orders(&self, now: Timestamp) -> impl Iterator<Item = &Order> {
        let mut orders: Vec<_> = self
            .orders
            .values()
            .filter(|order| order.overdue_units(now).is_some())
            .collect();
        orders.sort_by_key(|order| {
            (
                order.pay_by,
                order.line.product,
                order.line.quantity,
                order.id,
            )
        });
        orders.into_iter()
    }

    fn overdue_units(&self, product: ProductId, now: Timestamp) -> i64 {
        let holds = self
            .overdue_holds(now)
            .filter(|hold| hold.line.product == product)
            .map(|hold| hold.line.units());
        let orders = self
            .overdue_orders(now)
            .filter(|order| order.line.product == product);
        holds.chain(orders.map(|order| order.line.units())).sum()
    }

    fn parked(&self, target: PaymentTarget) -> Vec<Payment> {
        let payments = self.payments.values().map(|(payment, _)| payment);
        payments
            .filter(|payment| payment.is_parked() && payment.target == target)
            .cloned()
            .collect()
    }

    fn refunds(&self, target: PaymentTarget, transaction_id: &str) -> Vec<Payment> {
        let payments = self.payments.values().map(|(payment, _)| payment);
        let refunds = payments.filter(|payment| {
            let is_for_target =
                payment.target == target || payment.order.map(PaymentTarget::Order) == Some(target);
            payment.refund_due
                && is_for_target
                && payment.report.transaction_id.as_deref() == Some(transaction_id)
        });
        refunds.cloned().collect()
    }

    fn flush(&mut self, set: &WorkingSet) {
        for product in set.products.written().map(Written::to) {
            self.products.insert(product.id, product.clone());
        }
        for hold in set.holds.written().map(Written::to) {
            self.holds.insert(hold.id, hold.clone());
        }
        for order in set.orders.written().map(Written::to) {
            self.orders.insert(order.id, order.clone());
        }
        for payment in set.payments.written().map(Written::to) {
            let payload = set.payload(payment.id).map(str::to_owned);
            let row = self
                .payments
                .entry(payment.id)
                .or_insert_with(|| (payment.clone(), payload));
            row.0 = payment.clone();
        }
        for reversal in set.new_reversals() {
            let payload = set.payload(reversal.id).map(str::to_owned);
            let row = (reversal.clone(), payload);
            self.reversals.insert(reversal.id, row);
        }
        for movement in set.movements() {
            self.movements
                .insert((movement.product, movement.version), movement.clone());
        }
        self.flush_events(set);
        for key in set.forgotten_keys() {
            self.idempotency_records.remove(key.as_str());
        }
        for record in set.kept_records() {
            self.idempotency_records
                .insert(record.key.as_str().to_owned(), record.clone());
        }
        self.counters = set.counters;
    }
}
