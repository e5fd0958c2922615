//! What checking a webhook's signature costs, beside the whole webhook: without sockets, so that the share is the largest
//! that it can be, and durable, with 64 on their way at once.
//!
//! The check is timed by what it adds to a webhook whose body is broken, which is refused right after it.
//!
//! `cargo bench --bench signature`; `ROUNDS` (default 9) can be set in the environment.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flashsale::api::{Api, Guard, Origins, PrintedProducts, Proxies};
use flashsale::clock::Clock;
use flashsale::config::{Config, WebhookSecret};
use flashsale::http::{Handler, Method, Reply, Request, Response};
use flashsale::sale::{
    Cents, Command, HoldId, PlaceHold, ProductChanges, ProductId, Quantity, UpsertProduct,
};
use flashsale::store::{self, Access, Durability, Place, no_more};
use flashsale::writer::{self, Writer};
use hmac::{Hmac, Mac};
use sha2::Sha256;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const WEBHOOKS: i64 = 8_192;
const BROKEN: u32 = 100_000;
const AT_ONCE: usize = 64;
const BATCH: usize = 512;
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";

fn main() {
    let rounds = std::env::var("ROUNDS").ok();
    let rounds = rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(9);
    let (mut checks, mut webhooks) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder");
        let open = api(&folder.path().join("open.db"), Vec::new());
        let secret = WebhookSecret::parse(SECRET).expect("the secret is one");
        let signed = api(&folder.path().join("signed.db"), vec![secret]);
        let without = broken_webhooks(&open);
        checks.push(broken_webhooks(&signed).saturating_sub(without));
        webhooks.push(webhooks_paid(&signed));
    }
    let (check, webhook) = (median(checks), median(webhooks));
    let share = 100.0 * check.as_secs_f64() / webhook.as_secs_f64();
    println!("checking a signature: {:.2} us", check.as_secs_f64() * 1e6);
    println!(
        "a durable webhook, {AT_ONCE} at once: {:.1} us",
        webhook.as_secs_f64() * 1e6
    );
    println!("share: {share:.1} % ({rounds} rounds of {WEBHOOKS} webhooks)");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The time of each of many webhooks that are refused right after the question whether they are signed.
fn broken_webhooks(api: &Api) -> Duration {
    let body = body(1).replace('}', "");
    let (signature, timestamp) = sign(&body);
    let began = Instant::now();
    for _ in 0..BROKEN {
        let request = request(&body, &signature, &timestamp);
        api.handle(request, Reply::new(|response| expect(response, 400)));
    }
    began.elapsed() / BROKEN
}

/// The time of each of many webhooks that pay an order.
fn webhooks_paid(api: &Api) -> Duration {
    let (answered, answers) = mpsc::channel();
    let requests = (1..=WEBHOOKS).map(|order| {
        let body = body(order);
        let (signature, timestamp) = sign(&body);
        request(&body, &signature, &timestamp)
    });
    let requests: Vec<Request> = requests.collect();
    let began = Instant::now();
    for (index, request) in requests.into_iter().enumerate() {
        if index >= AT_ONCE {
            answers.recv().expect("every webhook is answered");
        }
        let answered = answered.clone();
        let reply = Reply::new(move |response| {
            expect(response, 200);
            answered.send(()).expect("somebody waits");
        });
        api.handle(request, reply);
    }
    for _ in 0..AT_ONCE {
        answers.recv().expect("every webhook is answered");
    }
    began.elapsed() / u32::try_from(WEBHOOKS).expect("a small number")
}

fn expect(response: Option<Response>, status: u16) {
    let response = response.expect("an answer");
    assert_eq!(
        response.status.0,
        status,
        "{}",
        String::from_utf8_lossy(&response.body)
    );
}

fn body(order: i64) -> String {
    format!(
        r#"{{"idempotency_key": "evt_3OqVx2eZvKYlo2C1-{order}", "order_id": {order}, "status": "success",
            "payload": {{"transaction_id": "txn_{order}", "amount": 19.90, "currency": "EUR", "method": "card"}}}}"#
    )
}

fn request(body: &str, signature: &str, timestamp: &str) -> Request {
    Request::new(Method::Post, "/api/payments/webhook")
        .with_body(body.as_bytes())
        .with_header("webhook-id", ID)
        .with_header("webhook-timestamp", timestamp)
        .with_header("webhook-signature", signature)
}

fn sign(body: &str) -> (String, String) {
    let timestamp = (Clock::system().wall().micros() / 1_000_000).to_string();
    let secret = WebhookSecret::parse(SECRET).expect("the secret is one");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("a key of any length");
    mac.update(format!("{ID}.{timestamp}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    (signature, timestamp)
}

/// A shop in which as many orders wait for their payments.
fn api(path: &Path, webhook_secrets: Vec<WebhookSecret>) -> Api {
    let config = Config::default();
    let terms = config.terms();
    let clock = Arc::new(Clock::system());
    let place = Place::File(path.to_owned());
    let database = store::open(&place, Access::CreateOrMigrate).expect("a database");
    let mut store = database.store(Durability::Full).expect("a writer");
    for commands in orders() {
        let now = |last_now| clock.begin_batch(last_now);
        let decisions = store
            .transact(&terms, &now, &commands, &mut no_more)
            .expect("a commit");
        clock.end_batch();
        assert!(decisions.iter().all(Result::is_ok), "there is enough");
    }
    let secret = store.secret().clone();
    let limits = writer::Limits {
        queue_max: config.queue_max,
        batch_max: config.batch_max,
        wait_max: config.wait_max(),
    };
    let started = Writer::start(store, clock.clone(), terms, limits, |send| send());
    let (writer, _) = started.expect("a thread");
    Api {
        writer,
        reader: database.reader(clock.clone(), 1).expect("a reader"),
        clock,
        terms,
        guard: Guard {
            secret,
            tokens_required: false,
            webhook_secrets,
            admin_token: None,
        },
        origins: Origins::default(),
        proxies: Proxies::default(),
        sold_out_hint: Arc::default(),
        printed_products: PrintedProducts::default(),
        latency: Arc::default(),
        access_log: Arc::new(Box::new(|_| {})),
        draining: Arc::default(),
    }
}

/// A product, holds of it and orders from them, batch by batch.
fn orders() -> Vec<Vec<Command>> {
    let changes = ProductChanges {
        name: Some("Tee".into()),
        price: Some(Cents::new(1990)),
        ..ProductChanges::default()
    };
    let upsert = Command::UpsertProduct(UpsertProduct {
        sku: "tee".into(),
        changes,
        total_stock: WEBHOOKS,
    });
    let hold = Command::PlaceHold(PlaceHold {
        product: ProductId::FIRST,
        quantity: Quantity::new(1).expect("one is a quantity"),
        customer: None,
        key: None,
    });
    let order = |hold| Command::PlaceOrder {
        hold: HoldId::new(hold).expect("an id"),
        key: None,
    };
    let holds = vec![hold; usize::try_from(WEBHOOKS).expect("a small number")];
    let orders: Vec<Command> = (1..=WEBHOOKS).map(order).collect();
    let batches = holds.chunks(BATCH).chain(orders.chunks(BATCH));
    let batches = batches.map(<[Command]>::to_vec);
    std::iter::once(vec![upsert]).chain(batches).collect()
}
