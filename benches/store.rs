//! How many durable holds a second the store takes by itself, by commands per transaction: `cargo bench --bench store`.
//!
//! One thread, `durability = full`, one product, on a database in the working directory's temporary folder. Each line is
//! the median of five runs of one second.

use std::time::{Duration, Instant};

use flashsale::clock::Clock;
use flashsale::config::Config;
use flashsale::sale::{
    Cents, Command, PlaceHold, ProductChanges, ProductId, Quantity, STOCK_MAX, Terms, UpsertProduct,
};
use flashsale::store::{self, Access, Durability, Place, Rest, Store, no_more};

const RUN: Duration = Duration::from_secs(1);
const RUNS: usize = 5;

fn main() {
    let folder = tempfile::tempdir_in(".").expect("a folder for the database");
    let place = Place::File(folder.path().join("bench.db"));
    let database = store::open(&place, Access::CreateOrMigrate).expect("a database");
    let mut store = database.store(Durability::Full).expect("a writer");
    let terms = Config::default().terms();
    let clock = Clock::system();
    stock(&mut *store, &terms, &clock);
    println!(
        "commands a transaction   holds/s (median of {RUNS} runs of {} s)",
        RUN.as_secs()
    );
    for commands in [1, 8, 32, 128, 512] {
        let mut rates: Vec<f64> = (0..RUNS)
            .map(|_| rate(&mut *store, &terms, &clock, commands))
            .collect();
        rates.sort_by(f64::total_cmp);
        println!("{commands:>22}   {:>7.0}", rates[RUNS / 2]);
    }
}

fn stock(store: &mut dyn Store, terms: &Terms, clock: &Clock) {
    let changes = ProductChanges {
        name: Some("Tee".into()),
        price: Some(Cents::new(1990)),
        ..ProductChanges::default()
    };
    let upsert = UpsertProduct {
        sku: "tee".into(),
        changes,
        total_stock: STOCK_MAX,
    };
    transact(store, terms, clock, &[Command::UpsertProduct(upsert)]);
}

fn rate(store: &mut dyn Store, terms: &Terms, clock: &Clock, commands: usize) -> f64 {
    let wish = PlaceHold {
        product: ProductId::FIRST,
        quantity: Quantity::new(1).expect("one is a quantity"),
        customer: None,
        key: None,
    };
    let batch = vec![Command::PlaceHold(wish); commands];
    let began = Instant::now();
    let (mut holds, mut batches) = (0, 0);
    while began.elapsed() < RUN {
        transact(store, terms, clock, &batch);
        holds += commands;
        batches += 1;
        if batches % 256 == 0 {
            store.rest(Rest::Short).expect("a checkpoint");
        }
    }
    holds as f64 / began.elapsed().as_secs_f64()
}

fn transact(store: &mut dyn Store, terms: &Terms, clock: &Clock, commands: &[Command]) {
    let decisions = store
        .transact(
            terms,
            &|last_now| clock.begin_batch(last_now),
            commands,
            &mut no_more,
        )
        .expect("a commit");
    clock.end_batch();
    assert!(
        decisions.iter().all(Result::is_ok),
        "every hold of the benchmark is placed"
    );
}
