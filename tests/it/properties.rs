//! The sale itself under a seeded crowd: what must hold whatever anybody does, in whatever order.
//!
//! `PROPTEST_CASES` sets the number of crowds (default 256).

use std::collections::{BTreeMap, VecDeque};

use flashsale::sale::{
    Amount, Cents, Command, CreateProduct, HoldId, HoldStatus, IdempotencyKey, LatePayment,
    OrderId, OrderStatus, Outcome, Payment, PaymentEvent, PaymentId, PaymentStatus, PaymentTarget,
    PlaceHold, ProductChanges, ProductId, Quantity, RefundStatus, Rejection, Report, Resolution,
    RestockProduct, Terms, Timestamp, Verdict,
};
use flashsale::store::memory::MemoryStore;
use flashsale::store::{Contents, Decision, Filter, Lists, Page, Reader, Seek, Store};
use proptest::prelude::*;

use crate::shop::{OPENING, item, terms};

const CUSTOMERS: [&str; 3] = ["ada", "eve", "bob"];
const LIMIT: i64 = 6;

/// What may be asked once more, word for word.
const RECENT_MAX: usize = 20;

/// How many products there are at first.
const CATALOGUE: i64 = 5;

/// What every crowd finds: enough, little, a limit each, nothing, and something for nothing.
pub fn catalogue() -> Vec<Command> {
    let items = [
        item("many", 100_000),
        item("few", 5),
        item("limited", 40).max_per_customer(LIMIT).max_per_hold(4),
        item("none", 0),
        item("free", 60).price(0),
    ];
    items.iter().map(|item| item.load()).collect()
}

/// People who do anything, by a seed.
pub struct Crowd {
    state: u64,
    products: i64,
    holds: i64,
    orders: i64,
    payments: i64,
    serials: BTreeMap<&'static str, i64>,
    recent: VecDeque<Command>,
    seen: BTreeMap<String, usize>,
}

impl Crowd {
    pub fn new(seed: u64) -> Crowd {
        Crowd {
            // Neighbours begin far from each other, and none at 0, where this generator would stay.
            state: seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 63,
            products: CATALOGUE,
            holds: 0,
            orders: 0,
            payments: 0,
            serials: BTreeMap::new(),
            recent: VecDeque::new(),
            seen: BTreeMap::new(),
        }
    }

    /// xorshift64*
    pub fn below(&mut self, bound: i64) -> i64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        i64::try_from(bits).unwrap() % bound
    }

    pub fn flips(&mut self) -> bool {
        self.below(2) == 0
    }

    /// From no time at all to long enough for every deadline to pass.
    pub fn pause_micros(&mut self) -> i64 {
        match self.below(20) {
            0 => 86_400_000_000,
            1 => 900_000_000,
            2..=4 => 60_000_000 + self.below(60_000_001),
            _ => self.below(3_000_000),
        }
    }

    /// A sweep, if there is one, comes first: it ends what was due when the batch began.
    pub fn batch(&mut self) -> Vec<Command> {
        let mut batch = Vec::new();
        if self.below(4) == 0 {
            batch.push(Command::Sweep {
                rows_max: usize::try_from(1 + self.below(20)).unwrap(),
                keys_max: usize::try_from(1 + self.below(20)).unwrap(),
            });
        }
        for _ in 0..1 + self.below(12) {
            let command = if self.below(10) == 0 && !self.recent.is_empty() {
                let index = usize::try_from(self.below(self.recent.len() as i64)).unwrap();
                self.recent[index].clone()
            } else {
                self.command()
            };
            self.recent.push_front(command.clone());
            self.recent.truncate(RECENT_MAX);
            batch.push(command);
        }
        batch
    }

    fn command(&mut self) -> Command {
        match self.below(40) {
            0..=13 => Command::PlaceHold(self.wish()),
            14..=16 => Command::ReleaseHold { hold: self.hold() },
            17..=24 => Command::PlaceOrder {
                hold: self.hold(),
                key: self.key(),
            },
            25..=26 => Command::CancelOrder {
                order: self.order(),
                key: self.key(),
            },
            27 => Command::RefundOrder {
                order: self.order(),
                restock: self.flips(),
            },
            28..=36 => Command::RecordPayment(self.event()),
            37 => {
                let note = self.flips().then(|| "sent back".to_owned());
                let payment = self.payment();
                if self.flips() {
                    Command::ResolveRefund { payment, note }
                } else {
                    Command::AcceptRefund { payment }
                }
            }
            38 => {
                let units = self.below(21) - 10;
                Command::RestockProduct(RestockProduct {
                    product: self.product(),
                    units,
                    reason: Some("count".into()),
                    key: self.key(),
                })
            }
            _ if self.below(8) == 0 => Command::CreateProduct(self.novelty()),
            _ => {
                let paused = Some(self.below(8) == 0);
                let changes = ProductChanges {
                    paused,
                    ..ProductChanges::default()
                };
                Command::ChangeProduct {
                    product: self.product(),
                    changes,
                }
            }
        }
    }

    fn novelty(&mut self) -> CreateProduct {
        let sku = ["few", "new", "newer"].get(usize::try_from(self.below(6)).unwrap());
        let changes = ProductChanges {
            name: Some("New".into()),
            price: Some(Cents::new(self.below(10_000))),
            ..ProductChanges::default()
        };
        CreateProduct {
            sku: sku.map(|sku| (*sku).into()),
            changes,
            total_stock: self.below(10),
            key: self.key(),
        }
    }

    fn wish(&mut self) -> PlaceHold {
        let customer = usize::try_from(self.below(4)).unwrap();
        PlaceHold {
            product: self.product(),
            quantity: Quantity::new(1 + self.below(5)).unwrap(),
            customer: CUSTOMERS
                .get(customer)
                .and_then(|name| flashsale::sale::Customer::new((*name).into())),
            key: self.key(),
        }
    }

    fn event(&mut self) -> PaymentEvent {
        let target = if self.flips() {
            let ahead = if self.below(30) == 0 { 20_000 } else { 3 };
            PaymentTarget::Order(OrderId::new(1 + self.below(self.orders + ahead)).unwrap())
        } else {
            PaymentTarget::Hold(self.hold())
        };
        let status = if self.below(4) == 0 {
            PaymentStatus::Failure
        } else {
            PaymentStatus::Success
        };
        let amount =
            ["99.99", "199.98", "\"99.99\"", "1"].get(usize::try_from(self.below(12)).unwrap());
        let transaction = ["t1", "t2"].get(usize::try_from(self.below(4)).unwrap());
        let report = Report {
            status,
            amount: amount.map(|amount| Amount::new((*amount).into())),
            transaction_id: transaction.map(|transaction| (*transaction).into()),
        };
        let key = format!("event-{}", self.serial("event"));
        let payload = self.flips().then(|| "{\"x\":1}".to_owned());
        PaymentEvent {
            key,
            target,
            report,
            payload,
        }
    }

    fn key(&mut self) -> Option<IdempotencyKey> {
        (self.below(3) == 0)
            .then(|| IdempotencyKey::new(&format!("key-{}", self.serial("key"))).unwrap())
    }

    /// Mostly the next number of its kind, sometimes a recent one again.
    fn serial(&mut self, kind: &'static str) -> i64 {
        let last = self.serials.get(kind).copied().unwrap_or(0);
        if self.below(5) == 0 {
            return (last - self.below(4)).max(0);
        }
        self.serials.insert(kind, last + 1);
        last + 1
    }

    /// How many products there are.
    pub fn products(&self) -> i64 {
        self.products
    }

    /// Mostly one that was there at first.
    pub fn product(&mut self) -> ProductId {
        let products = if self.below(10) == 0 {
            self.products + 1
        } else {
            CATALOGUE
        };
        ProductId::new(1 + self.below(products)).unwrap()
    }

    fn hold(&mut self) -> HoldId {
        HoldId::new(self.one_of(self.holds)).unwrap()
    }

    fn order(&mut self) -> OrderId {
        OrderId::new(self.one_of(self.orders)).unwrap()
    }

    fn payment(&mut self) -> PaymentId {
        PaymentId::new(self.one_of(self.payments)).unwrap()
    }

    /// Mostly a recent one, or one that this very batch may make.
    fn one_of(&mut self, last: i64) -> i64 {
        match self.below(5) {
            0 => 1 + self.below(last + 1),
            1 => last + 1 + self.below(4),
            _ => (last - self.below(8)).max(1),
        }
    }

    /// What an operator asks a list.
    pub fn filter<S: Copy>(&mut self, statuses: &[S]) -> Filter<S> {
        let product = self.flips().then(|| self.product());
        let customer = usize::try_from(self.below(9)).unwrap();
        let status = usize::try_from(self.below(2 * statuses.len() as i64)).unwrap();
        Filter {
            product,
            customer: CUSTOMERS
                .get(customer)
                .and_then(|name| flashsale::sale::Customer::new((*name).into())),
            status: statuses.get(status).copied(),
        }
    }

    /// From either end or the midst, either way.
    pub fn page(&mut self) -> Page {
        let newest = self.holds.max(self.payments);
        let midst = if self.flips() {
            newest - self.below(10)
        } else {
            self.below(newest + 2)
        };
        let seek = match self.below(4) {
            0 => Seek::Before(i64::MAX),
            1 => Seek::Before(midst),
            2 => Seek::After(0),
            _ => Seek::After(midst),
        };
        let limit = usize::try_from(1 + self.below(5)).unwrap();
        Page { seek, limit }
    }

    pub fn refund_status(&mut self) -> Option<RefundStatus> {
        let status = usize::try_from(self.below(4)).unwrap();
        RefundStatus::ALL.get(status).copied()
    }

    pub fn learn(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            match decision {
                Ok(Outcome::ProductCreated { product, .. }) => self.products = product.id.get(),
                Ok(Outcome::HoldPlaced(hold)) => self.holds = hold.id.get(),
                Ok(Outcome::OrderPlaced(order)) => self.orders = order.id.get(),
                Ok(Outcome::PaymentRecorded(recorded)) => {
                    self.payments = self.payments.max(recorded.payment.get())
                }
                Ok(_) | Err(_) => {}
            }
            *self.seen.entry(kind(decision)).or_default() += 1;
        }
    }

    pub fn seen(&self) -> &BTreeMap<String, usize> {
        &self.seen
    }
}

/// The variant's name, and the verdict of a payment.
fn kind(decision: &Decision) -> String {
    match decision {
        Ok(Outcome::PaymentRecorded(recorded)) => format!("PaymentRecorded {}", recorded.verdict),
        Ok(outcome) => first_word(&format!("{outcome:?}")),
        Err(rejection) => first_word(&format!("{rejection:?}")),
    }
}

fn first_word(text: &str) -> String {
    text.split(|letter: char| !letter.is_alphanumeric())
        .next()
        .unwrap()
        .to_owned()
}

fn transact(store: &mut MemoryStore, terms: &Terms, now: i64, batch: &[Command]) -> Vec<Decision> {
    store
        .transact(terms, &|_| Timestamp::from_micros(now), batch)
        .unwrap()
}

/// Units of a customer in a product by the clock, counted from the rows.
fn recounted_use(contents: &Contents, product: ProductId, customer: &str, now: Timestamp) -> i64 {
    let is_theirs = |p: ProductId, c: &Option<flashsale::sale::Customer>| {
        p == product && c.as_ref().is_some_and(|c| c.as_str() == customer)
    };
    let holds = contents
        .holds
        .iter()
        .filter(|hold| is_theirs(hold.product, &hold.customer));
    let live = holds
        .filter(|hold| hold.status_at(now) == HoldStatus::Active)
        .map(|hold| hold.quantity.units());
    let orders = contents
        .orders
        .iter()
        .filter(|order| is_theirs(order.product, &order.customer));
    let counting = orders.filter(|order| {
        matches!(
            order.status_at(now),
            OrderStatus::Pending | OrderStatus::Paid
        )
    });
    live.chain(counting.map(|order| order.quantity.units()))
        .sum()
}

/// Every hold, order, payment and refund with its status by the clock.
fn lists(store: &MemoryStore, now: i64) -> String {
    let (now, all) = (
        Timestamp::from_micros(now),
        Page {
            seek: Seek::After(0),
            limit: usize::MAX,
        },
    );
    let holds = store.holds(&Filter::ALL, all, now).unwrap();
    let holds: Vec<_> = holds.iter().map(|h| (h.id, h.status_at(now))).collect();
    let orders = store.orders(&Filter::ALL, all, now).unwrap();
    let orders: Vec<_> = orders.iter().map(|o| (o.id, o.status_at(now))).collect();
    let payments = store.payments(&Filter::ALL, all, now).unwrap();
    let refunds = store.refunds(None, all, now).unwrap();
    format!("{holds:?} {orders:?} {payments:?} {refunds:?}")
}

/// Conservation, the ledger, and what the rows say about the counters.
fn books_are_right(contents: &Contents) {
    for product in &contents.products {
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
        let holds = contents
            .holds
            .iter()
            .filter(|h| h.product == product.id && h.status == HoldStatus::Active);
        let pending = contents
            .orders
            .iter()
            .filter(|o| o.product == product.id && o.status == OrderStatus::Pending);
        let held: i64 = holds.map(|hold| hold.quantity.units()).sum();
        assert_eq!(
            product.reserved,
            held + pending.map(|order| order.quantity.units()).sum::<i64>()
        );
        let paid = contents
            .orders
            .iter()
            .filter(|o| o.product == product.id && o.status == OrderStatus::Paid);
        assert_eq!(
            product.sold,
            paid.map(|order| order.quantity.units()).sum::<i64>()
        );
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stock_is_conserved_and_the_ledger_tells_why(seed in any::<u64>(), rounds in 1..60_usize, accept in any::<bool>()) {
        let mut terms = terms();
        terms.late_payment = if accept { LatePayment::Accept } else { LatePayment::Refund };
        let (mut store, mut crowd, mut now) = (MemoryStore::default(), Crowd::new(seed), OPENING);
        transact(&mut store, &terms, now, &catalogue());
        for _ in 0..rounds {
            now += crowd.pause_micros();
            let batch = crowd.batch();
            crowd.learn(&transact(&mut store, &terms, now, &batch));
            books_are_right(&store.contents().unwrap());
        }
    }

    #[test]
    fn a_batch_decides_as_its_commands_would_one_by_one(seed in any::<u64>(), rounds in 1..60_usize, accept in any::<bool>()) {
        let mut terms = terms();
        terms.late_payment = if accept { LatePayment::Accept } else { LatePayment::Refund };
        terms.parked_max = 5;
        let (mut together, mut alone) = (MemoryStore::default(), MemoryStore::default());
        let (mut crowd, mut now) = (Crowd::new(seed), OPENING);
        transact(&mut together, &terms, now, &catalogue());
        transact(&mut alone, &terms, now, &catalogue());
        for _ in 0..rounds {
            now += crowd.pause_micros();
            let batch = crowd.batch();
            let decisions = transact(&mut together, &terms, now, &batch);
            let one_by_one: Vec<Decision> =
                batch.chunks(1).flat_map(|command| transact(&mut alone, &terms, now, command)).collect();
            prop_assert_eq!(&decisions, &one_by_one);
            prop_assert_eq!(together.contents().unwrap(), alone.contents().unwrap());
            crowd.learn(&decisions);
        }
    }

    /// A customer's use is told in every refusal; here it is counted from the rows, and never passes the limit.
    #[test]
    fn a_customers_use_is_what_the_rows_say_and_within_the_limit(seed in any::<u64>(), rounds in 1..60_usize) {
        let limited = ProductId::new(3).unwrap();
        let (mut store, mut crowd, mut now) = (MemoryStore::default(), Crowd::new(seed), OPENING);
        transact(&mut store, &terms(), now, &catalogue());
        for _ in 0..rounds {
            now += crowd.pause_micros();
            let mut batch = crowd.batch();
            let unpaused = ProductChanges { paused: Some(false), ..ProductChanges::default() };
            batch.push(Command::ChangeProduct { product: limited, changes: unpaused });
            batch.extend(CUSTOMERS.map(|name| Command::PlaceHold(PlaceHold {
                product: limited,
                quantity: Quantity::new(4).unwrap(),
                customer: flashsale::sale::Customer::new(name.into()),
                key: None,
            })));
            let decisions = transact(&mut store, &terms(), now, &batch);
            crowd.learn(&decisions);
            let contents = store.contents().unwrap();
            let probes = &decisions[decisions.len() - CUSTOMERS.len()..];
            for (name, decision) in CUSTOMERS.iter().zip(probes) {
                let used = recounted_use(&contents, limited, name, Timestamp::from_micros(now));
                // Money that is accepted buys its units whatever the limit.
                let accepts = |payment: &Payment| payment.resolution == Some(Resolution::Accepted);
                let is_accepted = contents.payments.iter().any(|(payment, _)| accepts(payment));
                prop_assert!(used <= LIMIT || is_accepted);
                match decision {
                    Err(Rejection::CustomerLimitExceeded { used: told, .. }) => prop_assert_eq!(*told, used),
                    Ok(Outcome::HoldPlaced(_)) => prop_assert!(used >= 4),
                    other => prop_assert!(matches!(other, Err(Rejection::InsufficientStock { .. })), "{:?}", other),
                }
            }
        }
    }

    /// The rows as a reader shows them, whatever is overdue, are the rows after a sweep that ends it.
    #[test]
    fn lists_show_what_a_sweep_would_make(seed in any::<u64>(), rounds in 1..60_usize) {
        let (mut store, mut crowd, mut now) = (MemoryStore::default(), Crowd::new(seed), OPENING);
        let mut terms = terms();
        transact(&mut store, &terms, now, &catalogue());
        for round in 0..rounds {
            now += crowd.pause_micros();
            terms.parked_ttl_s = if round % 2 == 0 { 10 } else { 86_400 };
            let before = lists(&store, now);
            transact(&mut store, &terms, now, &[Command::Sweep { rows_max: 100_000, keys_max: 100_000 }]);
            prop_assert_eq!(before, lists(&store, now));
            now += crowd.pause_micros();
            let batch = crowd.batch();
            crowd.learn(&transact(&mut store, &terms, now, &batch));
        }
    }

    #[test]
    fn a_refusal_changes_nothing(seed in any::<u64>(), rounds in 1..40_usize) {
        let (mut store, mut crowd, mut now) = (MemoryStore::default(), Crowd::new(seed), OPENING);
        transact(&mut store, &terms(), now, &catalogue());
        for _ in 0..rounds {
            now += crowd.pause_micros();
            for command in crowd.batch() {
                let before = store.contents().unwrap();
                let decisions = transact(&mut store, &terms(), now, std::slice::from_ref(&command));
                if decisions[0].is_err() {
                    prop_assert_eq!(before, store.contents().unwrap(), "{:?}", command);
                }
                crowd.learn(&decisions);
            }
        }
    }
}
