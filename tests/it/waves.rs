//! How often a store far away is asked for rows: a batch of 512 commands of each kind, judged in waves.

use std::collections::BTreeMap;

use flashsale::sale::{
    Amount, Command, CreateProduct, Customer, HoldId, IdempotencyKey, LatePayment, OrderId,
    PaymentEvent, PaymentId, PaymentStatus, PaymentTarget, PlaceHold, ProductChanges, ProductId,
    Quantity, Report, Reporter, RestockProduct, Terms, Timestamp,
};
use flashsale::store::{Decision, Store, no_more};

use crate::memory::MemoryStore;
use crate::properties::{Crowd, catalogue};
use crate::shop::{OPENING, item, terms};

const COMMANDS: i64 = 512;
const WAVES_MAX: usize = 2;
const PRODUCTS: i64 = 8;

/// A sale in memory, one batch after another.
struct Sale {
    store: MemoryStore,
    terms: Terms,
    now: i64,
}

impl Sale {
    /// Products of 512 units each, with a limit for each customer.
    fn open() -> Sale {
        let items = ["a", "b", "c", "d", "e", "f", "g", "h"];
        Sale::of(&items.map(|sku| item(sku, COMMANDS).max_per_customer(3).load()))
    }

    fn of(catalogue: &[Command]) -> Sale {
        let mut sale = Sale {
            store: MemoryStore::default(),
            terms: terms(),
            now: OPENING,
        };
        let decisions = sale.transact(catalogue);
        assert!(decisions.iter().all(Result::is_ok));
        sale
    }

    fn after_seconds(&mut self, seconds: i64) {
        self.now += seconds * 1_000_000;
    }

    fn transact(&mut self, commands: &[Command]) -> Vec<Decision> {
        let now = Timestamp::from_micros(self.now);
        let time = |last_now: Timestamp| last_now.max(now);
        self.store
            .transact(&self.terms, &time, commands, &mut no_more)
            .unwrap()
    }

    #[track_caller]
    fn all_succeed(&mut self, commands: Vec<Command>) {
        let decisions = self.transact(&commands);
        let refused = decisions.iter().find(|decision| decision.is_err());
        assert_eq!(refused, None);
        let waves = &self.store.waves;
        assert!(waves.len() <= WAVES_MAX, "{} waves: {waves:?}", waves.len());
    }
}

fn each(command: impl Fn(i64) -> Command) -> Vec<Command> {
    (1..=COMMANDS).map(command).collect()
}

fn key(number: i64) -> Option<IdempotencyKey> {
    IdempotencyKey::new(&format!("key-{number}"))
}

fn hold(number: i64) -> HoldId {
    HoldId::new(number).unwrap()
}

fn order(number: i64) -> OrderId {
    OrderId::new(number).unwrap()
}

fn payment(number: i64) -> PaymentId {
    PaymentId::new(number).unwrap()
}

fn product(number: i64) -> ProductId {
    ProductId::new(1 + number % PRODUCTS).unwrap()
}

fn keyed_hold(number: i64) -> Command {
    Command::PlaceHold(PlaceHold {
        product: product(number),
        quantity: Quantity::new(1).unwrap(),
        customer: Customer::new(format!("customer-{number}")),
        key: key(number),
    })
}

fn keyed_order(number: i64) -> Command {
    Command::PlaceOrder {
        hold: hold(number),
        key: key(1_000 + number),
    }
}

fn event(number: i64, target: PaymentTarget, amount: &str) -> Command {
    Command::RecordPayment(PaymentEvent {
        reporter: Reporter::Bridge,
        key: format!("event-{number}"),
        target,
        report: Report {
            status: PaymentStatus::Success,
            amount: Some(Amount::new(amount.to_owned())),
            transaction_id: Some(format!("transaction-{number}")),
        },
        payload: None,
    })
}

fn paid(number: i64) -> Command {
    event(number, PaymentTarget::Order(order(number)), "99.99")
}

#[test]
fn a_funnel_its_repeats_and_its_refunds_are_two_waves_each() {
    let mut sale = Sale::open();
    sale.all_succeed(each(keyed_hold));
    sale.all_succeed(each(keyed_hold));
    sale.all_succeed(each(keyed_order));
    sale.all_succeed(each(keyed_order));
    sale.all_succeed(each(paid));
    sale.all_succeed(each(paid));
    sale.all_succeed(each(|number| Command::RefundOrder {
        order: order(number),
        quantity: None,
        restock: number % 2 == 0,
    }));
}

#[test]
fn what_is_let_go_of_is_two_waves() {
    let mut sale = Sale::open();
    sale.all_succeed(each(keyed_hold));
    sale.all_succeed(each(|number| Command::ReleaseHold { hold: hold(number) }));

    let mut sale = Sale::open();
    sale.all_succeed(each(keyed_hold));
    sale.all_succeed(each(keyed_order));
    sale.all_succeed(each(|number| Command::CancelOrder {
        order: order(number),
        key: key(2_000 + number),
    }));
}

#[test]
fn holds_that_take_overdue_units_again_are_two_waves() {
    let mut sale = Sale::open();
    let all_of_one = |number| {
        Command::PlaceHold(PlaceHold {
            product: ProductId::FIRST,
            quantity: Quantity::new(1).unwrap(),
            customer: Customer::new(format!("customer-{number}")),
            key: None,
        })
    };
    sale.all_succeed(each(all_of_one));
    sale.after_seconds(121);
    sale.all_succeed(each(all_of_one));

    sale.after_seconds(121);
    let mut batch = each(all_of_one);
    batch.pop();
    let (rows_max, keys_max) = (256, 16);
    batch.insert(0, Command::Sweep { rows_max, keys_max });
    sale.all_succeed(batch);
}

#[test]
fn events_that_come_first_their_orders_and_their_refunds_are_two_waves_each() {
    let mut sale = Sale::open();
    sale.all_succeed(each(keyed_hold));
    sale.all_succeed(each(|number| {
        event(number, PaymentTarget::Hold(hold(number)), "1")
    }));
    sale.all_succeed(each(keyed_order));
    sale.all_succeed(each(|number| {
        if number % 2 == 0 {
            Command::ResolveRefund {
                payment: payment(number),
                note: None,
            }
        } else {
            Command::AcceptRefund {
                payment: payment(number),
            }
        }
    }));
}

#[test]
fn a_sweep_of_everything_is_two_waves() {
    let mut sale = Sale::open();
    sale.all_succeed(each(keyed_hold));
    sale.all_succeed(each(|number| {
        event(number, PaymentTarget::Hold(hold(number)), "99.99")
    }));
    sale.all_succeed((1..=COMMANDS / 2).map(keyed_order).collect());
    sale.after_seconds(86_401);
    sale.all_succeed(vec![Command::Sweep {
        rows_max: 4_096,
        keys_max: 4_096,
    }]);
}

#[test]
fn an_operators_commands_are_two_waves() {
    let mut sale = Sale::open();
    let made = |number| {
        Command::CreateProduct(CreateProduct {
            sku: Some(format!("made-{number}")),
            changes: ProductChanges {
                name: Some("Made".to_owned()),
                ..ProductChanges::default()
            },
            total_stock: 1,
            key: key(number),
        })
    };
    sale.all_succeed(each(made));
    sale.all_succeed(each(made));
    sale.all_succeed(each(|number| {
        Command::RestockProduct(RestockProduct {
            product: product(number),
            units: 1,
            reason: None,
            key: key(1_000 + number),
        })
    }));
    sale.all_succeed(each(|number| Command::ChangeProduct {
        product: product(number),
        changes: ProductChanges {
            paused: Some(number % 2 == 0),
            ..ProductChanges::default()
        },
    }));
    let skus = ["a", "b", "c"];
    sale.all_succeed(skus.map(|sku| item(sku, 2_000).load()).to_vec());
}

/// The wildest mix: crowds whose batches are put together until they fill one of the writer's, ten times for each seed, with
/// time passing in between.
#[test]
fn a_full_batch_of_anything_is_three_waves_even_seeds() {
    crowds_are_three_waves((0..SEEDS).filter(|seed| seed % 2 == 0));
}

#[test]
fn a_full_batch_of_anything_is_three_waves_odd_seeds() {
    crowds_are_three_waves((0..SEEDS).filter(|seed| seed % 2 == 1));
}

const SEEDS: u64 = 20;
const WAVES_OF_ANYTHING_MAX: usize = 3;

fn crowds_are_three_waves(seeds: impl Iterator<Item = u64>) {
    let mut batches_by_waves = BTreeMap::<usize, usize>::new();
    for seed in seeds {
        let (mut crowd, mut sale) = (Crowd::new(seed), Sale::of(&catalogue()));
        for round in 0..10 {
            sale.now += crowd.pause_micros();
            if crowd.flips() {
                sale.terms.late_payment = LatePayment::Accept;
            }
            let decisions = sale.transact(&full_batch(&mut crowd));
            crowd.learn(&decisions);
            let waves = &sale.store.waves;
            assert!(
                waves.len() <= WAVES_OF_ANYTHING_MAX,
                "seed {seed}, round {round}: {waves:?}"
            );
            *batches_by_waves.entry(waves.len()).or_default() += 1;
        }
    }
    println!("batches by waves: {batches_by_waves:?}");
}

/// As the writer makes one: a sweep first, and no other.
fn full_batch(crowd: &mut Crowd) -> Vec<Command> {
    let (rows_max, keys_max) = (1_024, 16);
    let mut batch = vec![Command::Sweep { rows_max, keys_max }];
    let full = usize::try_from(COMMANDS).unwrap();
    while batch.len() <= full {
        let commands = crowd.batch().into_iter();
        batch.extend(commands.filter(|command| !matches!(command, Command::Sweep { .. })));
    }
    batch.truncate(1 + full);
    batch
}
