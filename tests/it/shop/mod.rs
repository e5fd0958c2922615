//! A shop to tell tests with: the whole program but its sockets, on a real file, with a clock set by hand. When a shop
//! closes, its books are proven.

mod answer;
mod catalogue;
mod feed;
mod hands;

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use flashsale::api::Api;
use flashsale::clock::Clock;
use flashsale::config::{AdminToken, Config};
use flashsale::http::{Handler, Method, Reply, Request};
use flashsale::sale::{Command, Outcome, ProductChanges, ProductId, Terms, Timestamp};
use flashsale::store::{
    self, Access, Contents, Database, Depth, Durability, Place, Reader, Store, no_more,
};
use flashsale::writer::{self, CommandError, Writer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::conformance::assert_described;
use crate::database;
use crate::waiting::receive;

pub use answer::Answer;
pub use catalogue::{Item, item};
pub use feed::{FEED_TOKEN, with_feed};
pub use hands::{Hands, OPENING};

pub const DAY: Duration = Duration::from_secs(86_400);
pub const SECOND: Duration = Duration::from_secs(1);
pub const HOLD_TTL: Duration = Duration::from_secs(120);
pub const ORDER_TTL: Duration = Duration::from_secs(900);
pub const MILLISECOND: Duration = Duration::from_millis(1);
pub const MICROSECOND: Duration = Duration::from_micros(1);

/// What an operator shows, where there is one.
pub const ADMIN_TOKEN: &str = "correct-horse-battery";

pub struct Shop {
    api: Arc<Api>,
    writer: Writer,
    clock: Hands,
    skus: Vec<&'static str>,
    database: Box<dyn Database>,
    place: Place,
    folder: TempDir,
}

impl Shop {
    pub fn with_stock(sku: &'static str, stock: i64) -> Shop {
        Shop::with(vec![item(sku, stock)])
    }

    pub fn with(items: Vec<Item>) -> Shop {
        Shop::on_terms(items, Config::default())
    }

    pub fn on_terms(items: Vec<Item>, config: Config) -> Shop {
        Shop::with_store(items, config, |store| store)
    }

    /// A shop whose store is wrapped by the test.
    pub fn with_store(
        items: Vec<Item>,
        config: Config,
        wrap: impl FnOnce(Box<dyn Store>) -> Box<dyn Store>,
    ) -> Shop {
        let folder = tempfile::tempdir().unwrap();
        let hands = Hands::at_opening();
        let place = database::place_of_shop(folder.path(), &hands);
        let database = store::open(&place, Access::CreateOrMigrate).unwrap();
        let clock = Arc::new(Clock::new(hands.clone()));
        let mut store = database.store(Durability::Normal).unwrap();
        let load: Vec<Command> = items.iter().map(Item::load).collect();
        let now = |last_now| clock.begin_batch(last_now);
        assert!(
            store
                .transact(&config.terms(), &now, &load, &mut no_more)
                .unwrap()
                .iter()
                .all(Result::is_ok)
        );
        clock.end_batch();
        let secret = store.secret().clone();
        let limits = writer::Limits {
            queue_max: config.queue_max,
            batch_max: config.batch_max,
            wait_max: config.wait_max(),
        };
        let (writer, _) =
            Writer::start(wrap(store), clock.clone(), config.terms(), limits, |send| {
                send()
            })
            .unwrap();
        let reader: Arc<dyn Reader> = database.reader(clock.clone(), 4).unwrap().into();
        let api = Api::new(&config, secret, clock, writer.clone(), reader).unwrap();
        let skus = items.iter().map(|item| item.sku).collect();
        Shop {
            api: Arc::new(api),
            writer,
            clock: hands,
            skus,
            database,
            place,
            folder,
        }
    }

    /// A shop that an operator can look after.
    pub fn operated(items: Vec<Item>) -> Shop {
        Shop::operated_on_terms(items, Config::default())
    }

    pub fn operated_on_terms(items: Vec<Item>, config: Config) -> Shop {
        let admin_token = Some(AdminToken::parse(ADMIN_TOKEN).unwrap());
        Shop::on_terms(
            items,
            Config {
                admin_token,
                ..config
            },
        )
    }

    pub fn after(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub fn clock(&self) -> Hands {
        self.clock.clone()
    }

    /// To call from another thread.
    pub fn api(&self) -> Arc<Api> {
        self.api.clone()
    }

    pub fn is_in_a_file(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    #[cfg(feature = "postgres")]
    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    pub fn product_id(&self, sku: &str) -> i64 {
        1 + i64::try_from(self.skus.iter().position(|known| *known == sku).unwrap()).unwrap()
    }

    /// What an operator would do.
    pub fn command(&self, command: Command) -> Result<Outcome, CommandError> {
        let (sender, answer) = mpsc::channel();
        self.submit(command, move |decided| sender.send(decided).unwrap());
        receive(&answer)
    }

    pub fn submit(&self, command: Command, then: impl FnOnce(writer::Answer) + Send + 'static) {
        self.writer.submit(command, then);
    }

    pub fn pause(&self, sku: &str) {
        let product = ProductId::new(self.product_id(sku)).unwrap();
        let changes = ProductChanges {
            paused: Some(true),
            ..ProductChanges::default()
        };
        self.command(Command::ChangeProduct { product, changes })
            .unwrap();
    }

    pub fn contents(&self) -> Contents {
        self.database
            .reader_beside(Timestamp::FIRST)
            .unwrap()
            .contents()
            .unwrap()
    }

    pub fn call(&self, request: Request) -> Answer {
        call(&self.api, request)
    }

    pub fn get(&self, target: &str) -> Answer {
        self.call(Request::new(Method::Get, target))
    }

    pub fn post(&self, target: &str, body: &Value) -> Answer {
        self.post_text(target, &body.to_string())
    }

    pub fn post_text(&self, target: &str, body: &str) -> Answer {
        self.call(Request::new(Method::Post, target).with_body(body.as_bytes()))
    }

    pub fn post_with_key(&self, target: &str, key: &str, body: &Value) -> Answer {
        let request = Request::new(Method::Post, target).with_header("Idempotency-Key", key);
        self.call(request.with_body(body.to_string().as_bytes()))
    }

    /// A call of the operator's, below `/admin/api`.
    #[track_caller]
    pub fn operate(&self, mut request: Request) -> Answer {
        request.path.insert_str(0, "/admin/api");
        let bearer = format!("Bearer {ADMIN_TOKEN}");
        let answer = self.call(request.with_header("Authorization", &bearer));
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        assert!(answer.bytes.starts_with(b"{"), "{}", answer.status);
        answer
    }

    #[track_caller]
    pub fn admin_get(&self, target: &str) -> Answer {
        self.operate(Request::new(Method::Get, target))
    }

    #[track_caller]
    pub fn admin_post(&self, target: &str, body: &str) -> Answer {
        self.operate(Request::new(Method::Post, target).with_body(body.as_bytes()))
    }

    #[track_caller]
    pub fn admin_patch(&self, target: &str, body: &str) -> Answer {
        self.operate(Request::new(Method::Patch, target).with_body(body.as_bytes()))
    }

    pub fn product(&self, sku: &str) -> Value {
        self.get(&format!("/api/products/{}", self.product_id(sku)))
            .ok()
            .body
    }

    pub fn available(&self, sku: &str) -> i64 {
        self.product(sku)["available_stock"].as_i64().unwrap()
    }

    #[track_caller]
    pub fn stock_is(&self, sku: &str, available: i64, reserved: i64, sold: i64) {
        let product = self.product(sku);
        let found = ["available_stock", "reserved_stock", "sold_stock"]
            .map(|name| product[name].as_i64().unwrap());
        assert_eq!(
            found,
            [available, reserved, sold],
            "available, reserved, sold"
        );
    }

    pub fn hold(&self, sku: &str, quantity: i64) -> Answer {
        self.post(
            "/api/holds",
            &json!({"product_id": self.product_id(sku), "quantity": quantity}),
        )
    }

    pub fn hold_for(&self, customer: &str, sku: &str, quantity: i64) -> Answer {
        let body =
            json!({"product_id": self.product_id(sku), "quantity": quantity, "customer": customer});
        self.post("/api/holds", &body)
    }

    pub fn show_hold(&self, id: i64) -> Answer {
        self.get(&format!("/api/holds/{id}"))
    }

    pub fn release(&self, hold: i64) -> Answer {
        self.call(Request::new(Method::Delete, &format!("/api/holds/{hold}")))
    }

    pub fn order(&self, hold: i64) -> Answer {
        self.post("/api/orders", &json!({"hold_id": hold}))
    }

    pub fn show_order(&self, id: i64) -> Answer {
        self.get(&format!("/api/orders/{id}"))
    }

    pub fn cancel(&self, order: i64) -> Answer {
        self.call(Request::new(
            Method::Post,
            &format!("/api/orders/{order}/cancel"),
        ))
    }

    pub fn webhook(&self, body: &Value) -> Answer {
        self.post("/api/payments/webhook", body)
    }

    /// An order of `quantity` that waits for its payment.
    pub fn ordered(&self, sku: &str, quantity: i64) -> i64 {
        let hold = self.hold(sku, quantity).created().id("hold_id");
        self.order(hold).created().id("order_id")
    }

    pub fn pay(&self, key: &str, order: i64) -> Answer {
        self.webhook(&json!({"idempotency_key": key, "order_id": order, "status": "success"}))
    }

    pub fn fail(&self, key: &str, order: i64) -> Answer {
        self.webhook(&json!({"idempotency_key": key, "order_id": order, "status": "failure"}))
    }

    pub fn pay_by_transaction(&self, key: &str, order: i64, transaction: &str) -> Answer {
        let payload = json!({"transaction_id": transaction});
        self.webhook(&json!({"idempotency_key": key, "order_id": order, "status": "success", "payload": payload}))
    }

    pub fn sweep(&self) {
        self.command(Command::Sweep {
            rows_max: 10_000,
            keys_max: 10_000,
        })
        .unwrap();
    }

    /// Webhook ids of the refunds that are due.
    pub fn refunds_due(&self) -> Vec<i64> {
        let payments = self.contents().payments;
        payments
            .iter()
            .filter(|(payment, _)| payment.refund_due)
            .map(|(payment, _)| payment.id.get())
            .collect()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let checks = self.database.books().unwrap().audit(Depth::Full).unwrap();
            let broken: Vec<_> = checks.iter().filter(|check| check.broken > 0).collect();
            assert!(broken.is_empty(), "the books have drifted: {broken:?}");
        }
    }
}

pub fn call(api: &Api, request: Request) -> Answer {
    let (method, path) = (request.method.to_string(), request.path.clone());
    let (sender, answer) = mpsc::channel();
    api.handle(
        request,
        Reply::new(move |response| sender.send(response).unwrap()),
    );
    let answer = Answer::new(receive(&answer).expect("every request is answered"));
    assert_described(&method, &path, &answer.described());
    answer
}

/// The default configuration, but for what is set.
pub fn config(set: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    set(&mut config);
    config
}

pub fn terms() -> Terms {
    Config::default().terms()
}
