//! What the parts cost without sockets: `cargo bench --bench micro`. `benches/run.py` runs it too, for `docs/performance.md`.
//!
//! What is private to its room is measured by what uses it: the printing of a body by the whole answer, and a batch's reads
//! by a batch that changes nothing. The parser of heads is used by sockets alone, and so it is not here.

use std::path::Path;
use std::sync::{Arc, mpsc};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use flashsale::api::Api;
use flashsale::clock::Clock;
use flashsale::config::{Config, WebhookSecret};
use flashsale::http::{Handler, Method, Reply, Request};
use flashsale::input::Fields;
use flashsale::input::formats::{PRODUCT_ID, QUANTITY};
use flashsale::sale::{
    Cents, Command, Counters, HoldId, PlaceHold, Product, ProductChanges, ProductId, Quantity,
    STOCK_MAX, Terms, UpsertProduct, WorkingSet, decide,
};
use flashsale::store::{self, Access, Database, Durability, Place, Reader, Rest, Store, no_more};
use flashsale::writer::{self, Writer};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tempfile::TempDir;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BATCHES: [usize; 5] = [1, 8, 32, 128, 512];
const BATCH: usize = 512;
/// Requests that are formed before the clock starts.
const ANSWERS: u32 = 1000;
const SOLD_OUT: &str = r#"{"product_id":1,"quantity":1}"#;

fn main() {
    divan::main();
}

/// The rules alone: holds of one product, judged on one working set.
#[divan::bench]
fn decide_512_holds(bencher: Bencher<'_, '_>) {
    let (set, command) = (working_set(), hold());
    let bencher = bencher.counter(ItemsCount::new(BATCH));
    let bencher = bencher.with_inputs(|| set.clone());
    bencher.bench_local_refs(|set| {
        for _ in 0..BATCH {
            assert!(decide(set, &command).is_ok(), "there is enough");
        }
    });
}

/// A transaction that changes nothing: released holds are released again, and each is read by itself.
#[divan::bench(args = BATCHES)]
fn load(bencher: Bencher<'_, '_>, commands: usize) {
    let mut shop = Shop::open();
    shop.transact(&vec![hold(); commands]);
    let release = |hold| Command::ReleaseHold {
        hold: HoldId::new(hold).expect("an id"),
    };
    let releases: Vec<Command> = (1..).take(commands).map(release).collect();
    shop.transact(&releases);
    let bencher = bencher.counter(ItemsCount::new(commands));
    bencher.bench_local(|| shop.transact(&releases));
}

/// A transaction that places holds and is on the disk when it ends; now and then a checkpoint.
#[divan::bench(args = BATCHES, sample_count = 300, sample_size = 1)]
fn durable_holds(bencher: Bencher<'_, '_>, commands: usize) {
    let mut shop = Shop::open();
    let holds = vec![hold(); commands];
    let bencher = bencher.counter(ItemsCount::new(commands));
    bencher.bench_local(|| {
        shop.transact(&holds);
        shop.store.rest(Rest::Short).expect("a checkpoint");
    });
}

/// A hold's body to its fields.
#[divan::bench]
fn read_json() {
    let mut fields = Fields::of_body(divan::black_box(SOLD_OUT.as_bytes())).expect("an object");
    let product = fields.required("product_id", &PRODUCT_ID);
    let quantity = fields.required("quantity", &QUANTITY);
    fields.finish().expect("no other fields");
    divan::black_box((product, quantity));
}

/// A request that is formed before the clock starts, to its printed answer.
#[divan::bench(sample_size = ANSWERS)]
fn answer_healthz(bencher: Bencher<'_, '_>) {
    let (api, _folder) = Shop::open().api(Vec::new());
    answer(bencher, &api, 200, || Request::new(Method::Get, "/healthz"));
}

#[divan::bench(sample_size = ANSWERS)]
fn answer_product(bencher: Bencher<'_, '_>) {
    let (api, _folder) = Shop::open().api(Vec::new());
    let request = || Request::new(Method::Get, "/api/products/2");
    answer(bencher, &api, 200, request);
}

#[divan::bench(sample_size = ANSWERS)]
fn answer_sold_out(bencher: Bencher<'_, '_>) {
    let (api, _folder) = Shop::open().api(Vec::new());
    let request = || Request::new(Method::Post, "/api/holds").with_body(SOLD_OUT.as_bytes());
    // The first is refused by the writer, and the others by a reader that knows of the first.
    let (answered, answers) = mpsc::channel();
    let reply = Reply::new(move |response| {
        let status = response.map(|response| response.status.0);
        answered.send(status).expect("the benchmark waits");
    });
    api.handle(request(), reply);
    assert_eq!(answers.recv().expect("an answer"), Some(400));
    answer(bencher, &api, 400, request);
}

/// A webhook that is refused since its body is broken, where signatures are not checked.
#[divan::bench(sample_size = ANSWERS)]
fn refuse_unchecked_webhook(bencher: Bencher<'_, '_>) {
    let (api, _folder) = Shop::open().api(Vec::new());
    answer(bencher, &api, 400, broken_webhook);
}

/// The same after its signature was checked: the difference is what a check costs.
#[divan::bench(sample_size = ANSWERS)]
fn refuse_checked_webhook(bencher: Bencher<'_, '_>) {
    let secret = WebhookSecret::parse(SECRET).expect("the secret is one");
    let (api, _folder) = Shop::open().api(vec![secret]);
    answer(bencher, &api, 400, broken_webhook);
}

fn answer(bencher: Bencher<'_, '_>, api: &Api, status: u16, request: fn() -> Request) {
    let bencher = bencher.with_inputs(request);
    bencher.bench_local_values(|request| {
        let reply = Reply::new(move |response| {
            let answered = response.map(|response| response.status.0);
            assert_eq!(answered, Some(status));
        });
        api.handle(request, reply);
    });
}

fn broken_webhook() -> Request {
    let body = r#"{"idempotency_key": "evt_3OqVx2eZvKYlo2C1", "order_id": 1, "status": "success",
        "payload": {"transaction_id": "txn_1", "amount": 19.90, "currency": "EUR", "method": "card"}"#;
    let timestamp = (Clock::system().wall().micros() / 1_000_000).to_string();
    let secret = WebhookSecret::parse(SECRET).expect("the secret is one");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("a key of any length");
    mac.update(format!("evt_1.{timestamp}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    Request::new(Method::Post, "/api/payments/webhook")
        .with_body(body.as_bytes())
        .with_header("webhook-id", "evt_1")
        .with_header("webhook-timestamp", &timestamp)
        .with_header("webhook-signature", &signature)
}

/// Product 1 is sold out, and of product 2 there is plenty.
fn catalogue() -> [Command; 2] {
    [("sold-out", 0), ("plenty", STOCK_MAX)].map(|(sku, total_stock)| {
        let changes = ProductChanges {
            name: Some("Tee".into()),
            price: Some(Cents::new(1990)),
            ..ProductChanges::default()
        };
        let sku = sku.into();
        Command::UpsertProduct(UpsertProduct {
            sku,
            changes,
            total_stock,
        })
    })
}

fn plenty() -> ProductId {
    ProductId::new(2).expect("an id")
}

fn hold() -> Command {
    Command::PlaceHold(PlaceHold {
        product: plenty(),
        quantity: Quantity::new(1).expect("one is a quantity"),
        customer: None,
        key: None,
    })
}

/// With all that a hold asks for.
fn working_set() -> WorkingSet {
    let product = Product {
        id: plenty(),
        sku: Some("plenty".into()),
        name: "Tee".into(),
        price: Cents::new(1990),
        total: STOCK_MAX,
        available: STOCK_MAX,
        reserved: 0,
        sold: 0,
        version: 1,
        starts_at: None,
        ends_at: None,
        max_per_hold: None,
        max_per_customer: None,
        paused: false,
    };
    let (now, terms) = (Clock::system().wall(), Config::default().terms());
    let mut set = WorkingSet::new(now, terms, Counters::FIRST);
    set.products.fetched(plenty(), Some(product));
    set.fetched_overdue_units(plenty(), 0);
    set
}

/// A database of its own, in the project's folder: a temporary folder may be in memory.
struct Shop {
    store: Box<dyn Store>,
    database: Box<dyn Database>,
    clock: Arc<Clock>,
    terms: Terms,
    folder: TempDir,
}

impl Shop {
    fn open() -> Shop {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder");
        let path: &Path = &folder.path().join("bench.db");
        let database =
            store::open(&Place::File(path.into()), Access::CreateOrMigrate).expect("a database");
        let mut shop = Shop {
            store: database.store(Durability::Full).expect("a writer"),
            database,
            clock: Arc::new(Clock::system()),
            terms: Config::default().terms(),
            folder,
        };
        shop.transact(&catalogue());
        shop
    }

    fn transact(&mut self, commands: &[Command]) {
        let now = |last_now| self.clock.begin_batch(last_now);
        let decisions = self
            .store
            .transact(&self.terms, &now, commands, &mut no_more);
        self.clock.end_batch();
        let decisions = decisions.expect("a commit");
        assert!(decisions.iter().all(Result::is_ok), "nothing is refused");
    }

    /// The folder is gone when it is dropped.
    fn api(self, webhook_secrets: Vec<WebhookSecret>) -> (Api, TempDir) {
        let config = Config {
            webhook_secrets,
            ..Config::default()
        };
        let limits = writer::Limits {
            queue_max: config.queue_max,
            batch_max: config.batch_max,
            wait_max: config.wait_max(),
        };
        let secret = self.store.secret().clone();
        let clock = self.clock.clone();
        let started = Writer::start(self.store, clock.clone(), self.terms, limits, |send| send());
        let (writer, _) = started.expect("a thread");
        let reader = self.database.reader(clock.clone(), 1).expect("a reader");
        let reader: Arc<dyn Reader> = reader.into();
        let api = Api::new(&config, secret, clock, writer, reader).expect("a thread");
        (api, self.folder)
    }
}
