//! `Idempotency-Key`: the same request again gets the first answer, byte for byte.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use flashsale::http::{Method, Request};
use flashsale::sale::{Command, Outcome, Terms};
use flashsale::store::{Decision, More, Now, Store, StoreError};
use serde_json::json;

use crate::shop::{HOLD_TTL, Shop, config, item};
use crate::wrapped_store::delegates;

#[test]
fn the_same_key_and_request_get_the_first_answer_byte_for_byte() {
    let shop = Shop::with_stock("tee", 1);
    let body = json!({"product_id": 1, "quantity": 1});
    let first = shop.post_with_key("/api/holds", "a", &body).created();
    assert_eq!(first.header("Idempotent-Replayed"), None);
    shop.after(Duration::from_secs(1));
    let request = Request::new(Method::Post, "/api/holds").with_header("Idempotency-Key", "a");
    let again = shop
        .call(request.with_body(br#" { "quantity":1, "product_id" : 1 } "#))
        .created();
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.header("Location"), first.header("Location"));
    assert_eq!(again.header("Idempotent-Replayed"), Some("true"));
    shop.stock_is("tee", 0, 1, 0);
}

#[test]
fn orders_and_cancellations_take_keys_too() {
    let shop = Shop::with_stock("tee", 1);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let first = shop
        .post_with_key("/api/orders", "o", &json!({"hold_id": hold}))
        .created();
    shop.after(HOLD_TTL);
    let again = shop
        .post_with_key("/api/orders", "o", &json!({"hold_id": hold}))
        .created();
    assert_eq!(again.bytes, first.bytes);
    let first = shop
        .post_with_key("/api/orders/1/cancel", "c", &json!({}))
        .ok();
    let again = shop
        .post_with_key("/api/orders/1/cancel", "c", &json!({}))
        .ok();
    assert_eq!(
        (again.bytes.clone(), again.header("Idempotent-Replayed")),
        (first.bytes, Some("true"))
    );
}

#[test]
fn a_key_is_for_one_request() {
    let shop = Shop::with_stock("tee", 5);
    shop.post_with_key("/api/holds", "a", &json!({"product_id": 1, "quantity": 1}))
        .created();
    let reused = |path, body| {
        shop.post_with_key(path, "a", &body)
            .failed_with(422, "idempotency_key_reused")
    };
    reused("/api/holds", json!({"product_id": 1, "quantity": 2}));
    reused(
        "/api/holds",
        json!({"product_id": 1, "quantity": 1, "customer": "ada"}),
    );
    reused("/api/orders", json!({"hold_id": 1}));
    reused("/api/orders/1/cancel", json!({}));
    shop.stock_is("tee", 4, 1, 0);
}

#[test]
fn a_key_of_one_hold_or_order_is_not_for_another() {
    let shop = Shop::with_stock("tee", 5);
    for _ in 0..2 {
        shop.hold("tee", 1).created();
    }
    shop.post_with_key("/api/orders", "o", &json!({"hold_id": 1}))
        .created();
    shop.post_with_key("/api/orders", "o", &json!({"hold_id": 2}))
        .failed_with(422, "idempotency_key_reused");
    shop.order(2).created();
    shop.post_with_key("/api/orders/1/cancel", "c", &json!({}))
        .ok();
    shop.post_with_key("/api/orders/2/cancel", "c", &json!({}))
        .failed_with(422, "idempotency_key_reused");
    shop.stock_is("tee", 4, 1, 0);
}

#[test]
fn a_refusal_is_judged_anew() {
    let shop = Shop::with_stock("tee", 1);
    let hold = shop.hold("tee", 1).created().id("hold_id");
    let body = json!({"product_id": 1, "quantity": 1});
    shop.post_with_key("/api/holds", "a", &body)
        .refused("insufficient_stock");
    shop.release(hold).ok();
    shop.post_with_key("/api/holds", "a", &body).created();
}

#[test]
fn a_key_is_kept_for_a_day() {
    let shop = Shop::with_stock("tee", 5);
    let body = json!({"product_id": 1, "quantity": 1});
    shop.post_with_key("/api/holds", "a", &body)
        .created()
        .says("hold_id", 1);
    shop.after(Duration::from_secs(86_400) - Duration::from_micros(1));
    shop.post_with_key("/api/holds", "a", &body)
        .created()
        .says("hold_id", 1);
    shop.after(Duration::from_micros(1));
    shop.post_with_key("/api/holds", "a", &body)
        .created()
        .says("hold_id", 2);
    shop.after(Duration::from_secs(86_400));
    shop.sweep();
    assert!(shop.contents().idempotency_records.is_empty());
}

#[test]
fn a_malformed_key_is_refused() {
    let shop = Shop::with_stock("tee", 5);
    let body = json!({"product_id": 1, "quantity": 1});
    for key in ["", "a b", &"x".repeat(256), "é"] {
        shop.post_with_key("/api/holds", key, &body)
            .refused("invalid_idempotency_key");
    }
    let twice = Request::new(Method::Post, "/api/holds")
        .with_header("Idempotency-Key", "a")
        .with_header("Idempotency-Key", "a");
    shop.call(twice.with_body(body.to_string().as_bytes()))
        .refused("invalid_idempotency_key");
    shop.post_with_key("/api/holds", &"x".repeat(255), &body)
        .created();
}

#[test]
fn a_kept_answer_outlives_the_stock_and_the_sale() {
    let shop = Shop::with_stock("tee", 2);
    let body = json!({"product_id": 1, "quantity": 1});
    let first = shop.post_with_key("/api/holds", "a", &body).created();
    shop.hold("tee", 1).created();
    let again = || shop.post_with_key("/api/holds", "a", &body).created().bytes;
    for _ in 0..2 {
        shop.hold("tee", 1)
            .refused("insufficient_stock")
            .says("available_stock", 0);
        assert_eq!(again(), first.bytes);
        shop.post_with_key("/api/holds", "a", &json!({"product_id": 1, "quantity": 2}))
            .failed_with(422, "idempotency_key_reused");
    }
    shop.pause("tee");
    shop.hold("tee", 1).refused("sale_paused");
    assert_eq!(again(), first.bytes);
    shop.stock_is("tee", 0, 2, 0);
}

#[test]
fn a_key_whose_time_has_passed_is_a_new_key_swept_or_not() {
    for swept in [false, true] {
        let shop = Shop::on_terms(vec![item("tee", 5)], config(|it| it.idempotency_ttl_s = 10));
        let hold = |quantity: i64| {
            let body = json!({"product_id": 1, "quantity": quantity});
            shop.post_with_key("/api/holds", "a", &body)
        };
        hold(1).created().says("hold_id", 1);
        shop.after(Duration::from_secs(10) - Duration::from_micros(1));
        hold(2).failed_with(422, "idempotency_key_reused");
        shop.after(Duration::from_micros(1));
        if swept {
            shop.sweep();
        }
        let second = hold(2).created().says("hold_id", 2);
        assert_eq!(second.header("Idempotent-Replayed"), None);
        shop.after(Duration::from_secs(9));
        let again = hold(2).created();
        assert_eq!(
            again.bytes, second.bytes,
            "the new answer is kept its whole time"
        );
        assert_eq!(shop.contents().idempotency_records.len(), 1);
        shop.stock_is("tee", 2, 3, 0);
    }
}

/// Tells how many kept answers each transaction has deleted.
struct Counting {
    store: Box<dyn Store>,
    /// How many commands each batch had, and how many keys it forgot.
    forgotten: Arc<Mutex<Vec<(usize, u64)>>>,
}

impl Store for Counting {
    fn transact(
        &mut self,
        terms: &Terms,
        now: Now<'_>,
        commands: &[Command],
        more: More<'_>,
    ) -> Result<Vec<Decision>, StoreError> {
        let decisions = self.store.transact(terms, now, commands, more)?;
        let deleted = decisions.iter().filter_map(|decision| match decision {
            Ok(Outcome::Swept(swept)) => Some(swept.keys_forgotten),
            Ok(_) | Err(_) => None,
        });
        let counted = (commands.len(), deleted.sum());
        self.forgotten.lock().unwrap().push(counted);
        Ok(decisions)
    }

    delegates!(
        settle,
        load,
        probe,
        next_deadline,
        rest,
        gap,
        secret,
        keep_currency,
        set_back
    );
}

/// A few under load, and the rest when nobody waits.
#[test]
fn kept_answers_are_deleted_in_bounded_batches() {
    const KEYS: u64 = 600;
    const UNDER_LOAD_MAX: u64 = 16;
    const BATCH_MAX: u64 = 256;
    let forgotten: Arc<Mutex<Vec<(usize, u64)>>> = Arc::default();
    let counts = forgotten.clone();
    let config = config(|it| it.idempotency_ttl_s = 10);
    let shop = Shop::with_store(vec![item("tee", 1000)], config, |store| {
        Box::new(Counting {
            store,
            forgotten: counts,
        })
    });
    let body = json!({"product_id": 1, "quantity": 1});
    let hold = |key: u64| shop.post_with_key("/api/holds", &key.to_string(), &body);
    for key in 0..KEYS {
        hold(key).created();
    }
    assert_eq!(shop.contents().idempotency_records.len() as u64, KEYS);
    shop.after(Duration::from_secs(10));
    let refused = json!({"product_id": 1, "quantity": 2000});
    let rounds = (0..100).find(|_| {
        shop.post("/api/holds", &refused)
            .refused("insufficient_stock");
        shop.contents().idempotency_records.is_empty()
    });
    assert!(rounds.is_some(), "each batch deletes some");
    let forgotten = forgotten.lock().unwrap().clone();
    assert_eq!(forgotten.iter().map(|(_, keys)| keys).sum::<u64>(), KEYS);
    for (commands, keys) in forgotten {
        let is_idle = commands == 1;
        let keys_max = if is_idle { BATCH_MAX } else { UNDER_LOAD_MAX };
        assert!(keys <= keys_max, "{keys} keys beside {commands} commands");
    }
    for key in [0, KEYS - 1] {
        let anew = hold(key).created();
        assert_eq!(anew.header("Idempotent-Replayed"), None);
        assert!(anew.id("hold_id") > i64::try_from(KEYS).unwrap());
    }
}

#[test]
fn the_operators_products_and_restocks_take_keys_too() {
    let shop = Shop::operated(vec![item("tee", 5)]);
    let keyed = |path: &str, key: &str, body: &str| {
        let request = Request::new(Method::Post, path).with_header("Idempotency-Key", key);
        shop.operate(request.with_body(body.as_bytes()))
    };
    let novelty = r#"{"name":"New","price":1.50,"total_stock":3,"sku":"new","max_per_hold":2}"#;
    let created = keyed("/products", "c", novelty).created();
    let id = created.id("id");
    let restock = format!("/products/{id}/restock");
    let counted = r#"{"quantity":4,"reason":"counted"}"#;
    let restocked = keyed(&restock, "r", counted).ok();
    assert_eq!(restocked.body["total_stock"], 7);
    shop.admin_patch(
        &format!("/products/{id}"),
        r#"{"name":"Newer","price":2,"paused":true}"#,
    )
    .ok();
    shop.after(Duration::from_secs(1));

    let again = keyed("/products", "c", novelty).created();
    assert_eq!(again.bytes, created.bytes);
    assert_eq!(again.header("Location"), created.header("Location"));
    assert_eq!(again.header("Idempotent-Replayed"), Some("true"));
    let spelled =
        r#"{"sku":"new","total_stock":3,"price":1.5,"name":"New","max_per_hold":2,"ends_at":null}"#;
    assert_eq!(
        keyed("/products", "c", spelled).created().bytes,
        created.bytes
    );
    let again = keyed(&restock, "r", counted).ok();
    assert_eq!(again.bytes, restocked.bytes);
    assert_eq!(again.header("Idempotent-Replayed"), Some("true"));
    assert_eq!(
        shop.admin_get(&format!("/products/{id}/movements"))
            .ok()
            .body["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    for other in [
        r#"{"name":"New","price":1.51,"total_stock":3,"sku":"new","max_per_hold":2}"#,
        r#"{"name":"New","price":1.50,"total_stock":4,"sku":"new","max_per_hold":2}"#,
        r#"{"name":"New","price":1.50,"total_stock":3,"max_per_hold":2}"#,
        r#"{"name":"New","price":1.50,"total_stock":3,"sku":"new"}"#,
    ] {
        keyed("/products", "c", other).failed_with(422, "idempotency_key_reused");
    }
    for (path, key, body) in [
        ("/products", "r", novelty),
        (&restock, "c", counted),
        (&restock, "r", r#"{"quantity":4}"#),
        (&restock, "r", r#"{"quantity":5,"reason":"counted"}"#),
        ("/products/1/restock", "r", counted),
    ] {
        keyed(path, key, body).failed_with(422, "idempotency_key_reused");
    }
    keyed(&restock, "a b", counted).refused("invalid_idempotency_key");
}
