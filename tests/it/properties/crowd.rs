//! People who do anything, by a seed.

use std::collections::{BTreeMap, VecDeque};

use flashsale::sale::{
    Amount, Cents, Command, CreateProduct, Dispute, HoldId, IdempotencyKey, OrderId, Outcome,
    PaymentEvent, PaymentId, PaymentStatus, PaymentTarget, PlaceHold, ProductChanges, ProductId,
    Quantity, RefundStatus, Report, Reporter, RestockProduct, ReversalEvent, ReversalKind,
};
use flashsale::store::{Decision, Filter, MoneyFilter, Page, ReversalFilter, Seek};

use super::{CUSTOMERS, LIMIT};
use crate::dice::Dice;
use crate::shop::item;

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

pub struct Crowd {
    dice: Dice,
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
            dice: Dice::new(seed),
            products: CATALOGUE,
            holds: 0,
            orders: 0,
            payments: 0,
            serials: BTreeMap::new(),
            recent: VecDeque::new(),
            seen: BTreeMap::new(),
        }
    }

    pub fn below(&mut self, bound: i64) -> i64 {
        self.dice.below(bound)
    }

    pub fn flips(&mut self) -> bool {
        self.dice.flips()
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
        match self.below(43) {
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
                quantity: Quantity::new(self.below(4)),
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
            39..=41 => Command::RecordReversal(self.reversal()),
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
        let amounts = [
            "99.99",
            "199.98",
            "\"99.99\"",
            "1",
            "\"199.98 eur\"",
            "\"99.99 usd\"",
        ];
        let amount = amounts.get(usize::try_from(self.below(12)).unwrap());
        let transaction = ["t1", "t2"].get(usize::try_from(self.below(4)).unwrap());
        let report = Report {
            status,
            amount: amount.map(|amount| Amount::new((*amount).into())),
            transaction_id: transaction.map(|transaction| (*transaction).into()),
        };
        let key = format!("event-{}", self.serial("event"));
        let payload = self.flips().then(|| "{\"x\":1}".to_owned());
        let reporter = match self.below(3) {
            0 => Reporter::Stripe,
            _ => Reporter::Bridge,
        };
        PaymentEvent {
            reporter,
            key,
            target,
            report,
            payload,
        }
    }

    /// Of little money mostly, and often of a refund that failed.
    fn reversal(&mut self) -> ReversalEvent {
        let kinds = ReversalKind::ALL.len() as i64;
        let kind = usize::try_from(self.below(2 * kinds)).unwrap();
        let kind = ReversalKind::ALL.get(kind).copied();
        let names = ["t1", "t1", "t2", "t3"];
        let name = names[usize::try_from(self.below(4)).unwrap()];
        let amount = [50, 1_500, 9_999, 19_998].get(usize::try_from(self.below(5)).unwrap());
        ReversalEvent {
            key: format!("event-{}", self.serial("event")),
            kind: kind.unwrap_or(ReversalKind::RefundFailed),
            transaction_id: name.into(),
            amount: amount.copied().map(Cents::new),
            payload: self.flips().then(|| "{\"y\":2}".to_owned()),
        }
    }

    /// Which orders by what came of their money, mostly any.
    pub fn money_filter(&mut self) -> Option<MoneyFilter> {
        match self.below(6) {
            0 => Some(MoneyFilter::Disputed(Dispute::Open)),
            1 => Some(MoneyFilter::Disputed(Dispute::Won)),
            2 => Some(MoneyFilter::BackUnmatched),
            _ => None,
        }
    }

    pub fn reversal_filter(&mut self) -> ReversalFilter {
        let kind = usize::try_from(self.below(10)).unwrap();
        ReversalFilter {
            kind: ReversalKind::ALL.get(kind).copied(),
            transaction_id: self.flips().then(|| "t1".to_owned()),
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
