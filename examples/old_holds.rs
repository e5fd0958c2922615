//! Fills a database for `benches/run.py` with holds of one product from two days ago, each with an `Idempotency-Key`: all of
//! the keys have lapsed, and the holds fall due at one moment, DUE_IN_S seconds from now.
//!
//! `cargo run --release --example old_holds -- DB COUNT DUE_IN_S`, by the store's own transactions, with `durability = normal`.

use flashsale::clock::Clock;
use flashsale::config::Config;
use flashsale::sale::{
    Cents, Command, IdempotencyKey, PlaceHold, ProductChanges, ProductId, Quantity, STOCK_MAX,
    Terms, Timestamp, UpsertProduct,
};
use flashsale::store::{self, Access, Durability, Place, Rest, no_more};

const HOLDS_A_TRANSACTION: u64 = 4096;
const TWO_DAYS_S: u32 = 2 * 24 * 60 * 60;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, count, due_in_s] = &arguments[..] else {
        panic!("usage: old_holds DB COUNT DUE_IN_S");
    };
    let count: u64 = count.parse().expect("a number of holds");
    let database =
        store::open(&Place::File(path.into()), Access::CreateOrMigrate).expect("a database");
    let mut store = database.store(Durability::Normal).expect("a writer");
    let due_in_s: u32 = due_in_s.parse().expect("a number of seconds");
    let terms = Terms {
        hold_ttl_s: TWO_DAYS_S + due_in_s,
        ..Config::default().terms()
    };
    let then =
        Timestamp::from_micros(Clock::system().wall().micros() - i64::from(TWO_DAYS_S) * 1_000_000);
    let now = |last_now: Timestamp| then.max(last_now);
    let holds = (0..count.div_ceil(HOLDS_A_TRANSACTION)).map(|batch| {
        let first = batch * HOLDS_A_TRANSACTION;
        let last = count.min(first + HOLDS_A_TRANSACTION);
        (first..last).map(hold).collect()
    });
    for commands in std::iter::once(catalogue()).chain(holds) {
        let decisions = store.transact(&terms, &now, &commands, &mut no_more);
        let decisions = decisions.expect("a commit");
        assert!(decisions.iter().all(Result::is_ok), "there is enough");
        store.rest(Rest::Short).expect("a checkpoint");
    }
    store.rest(Rest::Long).expect("a checkpoint");
}

/// The first two products of every benchmark: one is sold out, and of one there is plenty.
fn catalogue() -> Vec<Command> {
    let products = [("sold-out", 0), ("plenty", STOCK_MAX)];
    let products = products.map(|(sku, total_stock)| {
        let changes = ProductChanges {
            name: Some(sku.into()),
            price: Some(Cents::new(100)),
            ..ProductChanges::default()
        };
        let sku = sku.into();
        Command::UpsertProduct(UpsertProduct {
            sku,
            changes,
            total_stock,
        })
    });
    products.into()
}

fn hold(number: u64) -> Command {
    let key = format!("01939f4e-0000-7000-8000-{number:012x}");
    Command::PlaceHold(PlaceHold {
        product: ProductId::new(2).expect("an id"),
        quantity: Quantity::new(1).expect("one is a quantity"),
        customer: None,
        key: IdempotencyKey::new(&key),
    })
}
