//! The currency of all prices: bodies name it where it is configured, and a database has one for good.

use flashsale::config::Config;
use flashsale::sale::Currency;
use flashsale::store::{self, Access, Durability};
use serde_json::{Value, json};

use crate::database::place_of_shop;
use crate::server::{Premises, Ran};
use crate::shop::{Hands, Shop, config, item};
use crate::wire;

fn in_euros() -> Config {
    config(|it| it.currency = Currency::parse("EUR"))
}

/// Each body that has an amount, by what it is about.
fn priced_bodies(shop: &Shop) -> Vec<(&'static str, Value)> {
    let held = shop.hold("tee", 2).created().body;
    let released = shop.hold("tee", 1).created().id("hold_id");
    let ordered = shop.order(held["hold_id"].as_i64().unwrap()).created();
    let order = ordered.id("order_id");
    let cancelled = shop.ordered("tee", 1);
    shop.pay("k", order).ok();
    let history = shop.admin_get(&format!("/orders/{order}")).ok().body;
    vec![
        ("product", shop.product("tee")),
        (
            "listed product",
            shop.get("/api/products").body["data"][0].clone(),
        ),
        ("hold placed", held),
        ("hold", shop.show_hold(1).ok().body),
        ("hold released", shop.release(released).ok().body),
        ("order placed", ordered.body),
        ("order", shop.show_order(order).ok().body),
        ("order cancelled", shop.cancel(cancelled).ok().body),
        (
            "operator's hold",
            shop.admin_get("/holds").body["data"][0].clone(),
        ),
        (
            "operator's order",
            shop.admin_get("/orders").body["data"][0].clone(),
        ),
        ("order of a history", history["order"].clone()),
        ("hold of a history", history["hold"].clone()),
        (
            "product of the figures",
            shop.admin_get("/stats").body["products"][0].clone(),
        ),
        (
            "product changed",
            shop.admin_patch("/products/1", r#"{"paused": false}"#)
                .ok()
                .body,
        ),
        (
            "order refunded",
            shop.admin_post(&format!("/orders/{order}/refund"), "")
                .ok()
                .body,
        ),
    ]
}

#[test]
fn products_holds_and_orders_name_the_currency_that_is_configured() {
    let shop = Shop::operated_on_terms(vec![item("tee", 9)], in_euros());
    for (what, body) in priced_bodies(&shop) {
        assert_eq!(body["currency"], "EUR", "{what}: {body}");
    }
    let event = shop.admin_get("/payments").ok().body["data"][0].clone();
    assert_eq!(
        event.get("currency"),
        None,
        "it has the amount as it was sent: {event}"
    );
}

#[test]
fn without_a_currency_bodies_name_none() {
    let shop = Shop::operated(vec![item("tee", 9)]);
    for (what, body) in priced_bodies(&shop) {
        assert_eq!(body.get("currency"), None, "{what}: {body}");
    }
}

#[test]
fn a_repeated_answer_names_the_currency_too() {
    let shop = Shop::on_terms(vec![item("tee", 9)], in_euros());
    let hold = || {
        shop.post_with_key(
            "/api/holds",
            "key",
            &json!({"product_id": 1, "quantity": 1}),
        )
    };
    let first = hold().created();
    assert_eq!(first.body["currency"], "EUR");
    assert_eq!(first.bytes, hold().created().bytes);
}

#[test]
fn a_database_keeps_its_first_currency() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_of_shop(folder.path(), &Hands::at_opening());
    let [euros, dollars] = ["EUR", "USD"].map(|code| Currency::parse(code).unwrap());
    for (configured, kept) in [(euros, euros), (dollars, euros), (euros, euros)] {
        let database = store::open(&place, Access::CreateOrMigrate).unwrap();
        let mut store = database.store(Durability::Normal).unwrap();
        assert_eq!(store.keep_currency(configured).unwrap(), kept);
    }
}

#[test]
fn a_database_is_served_with_no_other_currency_than_its_first_and_neither_is_its_backup() {
    let premises = Premises::stocked(9);
    let currency_told = |settings: &[(&str, &str)]| {
        let server = wire::serve(&premises, settings);
        let (status, product) = server.get("/api/products/1");
        assert_eq!(status, 200, "{product}");
        server.stop();
        product.get("currency").cloned()
    };
    assert_eq!(currency_told(&[]), None);
    assert_eq!(currency_told(&[("currency", "EUR")]), Some(json!("EUR")));
    assert_eq!(currency_told(&[]), None);
    premises.run(&["backup", "copy.db"]).succeeded();
    premises
        .run(&["restore", "copy.db", "restored.db"])
        .succeeded();
    for database in ["flash_sale.db", "restored.db"] {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--db", database];
        let mut command = premises.command(&serve);
        wire::configure(&mut command, &[("currency", "USD")]);
        Ran(command.output().unwrap())
            .exited(78)
            .complains("currency: USD is configured, and the prices in")
            .complains("are in EUR");
    }
    assert_eq!(currency_told(&[("currency", "EUR")]), Some(json!("EUR")));
}
