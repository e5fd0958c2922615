//! Units are added and taken, and never those that are reserved or sold.

use serde_json::json;

use super::{at, object};
use crate::shop::{Answer, HOLD_TTL, MICROSECOND, OPENING, ORDER_TTL, SECOND, Shop, item};

fn restock(shop: &Shop, quantity: i64) -> Answer {
    shop.admin_post(
        "/products/1/restock",
        &json!({"quantity": quantity}).to_string(),
    )
}

#[test]
fn a_restock_adds_or_takes_and_says_why() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let body = r#"{"quantity":5,"reason":"from the van"}"#;
    let answer = shop.admin_post("/products/1/restock", body).ok();
    answer.says("available_stock", 15).says("total_stock", 15);
    shop.after(SECOND);
    let answer = restock(&shop, -3).ok();
    let answer = answer
        .says("available_stock", 12)
        .says("server_time", at(OPENING + 1_000_000));
    let mut stored = shop.product("tee");
    stored["sku"] = "tee".into();
    stored["paused"] = false.into();
    assert_eq!(answer.body, stored);
    let ledger = shop.admin_get("/products/1/movements").ok().body["data"].clone();
    let moved = |index: usize, name: &str| ledger[index][name].clone();
    assert_eq!(
        (moved(0, "kind"), moved(0, "available"), moved(0, "reason")),
        (json!("stocked"), json!(-3), json!(null))
    );
    assert_eq!(
        (moved(1, "kind"), moved(1, "available"), moved(1, "reason")),
        (json!("stocked"), json!(5), json!("from the van"))
    );
    assert_eq!(moved(0, "at"), at(OPENING + 1_000_000));
}

#[test]
fn a_restock_never_takes_what_is_reserved_or_sold() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    shop.hold("tee", 3).created();
    shop.ordered("tee", 1);
    let paid = shop.ordered("tee", 2);
    shop.pay("k", paid).ok();
    let before = shop.contents();
    let text = restock(&shop, -5).invalid("quantity").body["errors"]["quantity"][0].to_string();
    assert!(text.contains("6 units"), "{text}");
    assert!(shop.contents() == before, "a refusal changes nothing");
    restock(&shop, -4)
        .ok()
        .says("total_stock", 6)
        .says("available_stock", 0)
        .says("status", "all_reserved");
    restock(&shop, -1).invalid("quantity");
    shop.after(HOLD_TTL - MICROSECOND);
    restock(&shop, -1).invalid("quantity");
    shop.after(MICROSECOND);
    restock(&shop, -4).invalid("quantity");
    restock(&shop, -3).ok().says("total_stock", 3);
    shop.after(ORDER_TTL - HOLD_TTL - MICROSECOND);
    restock(&shop, -1).invalid("quantity");
    shop.after(MICROSECOND);
    restock(&shop, -1)
        .ok()
        .says("total_stock", 2)
        .says("status", "sold_out");
    shop.stock_is("tee", 0, 0, 2);
    restock(&shop, -1).invalid("quantity");
}

/// More than the sweep that goes before every command ends.
#[test]
fn overdue_units_are_available_to_the_operator_however_many() {
    let (shop, other) = (
        Shop::operated(vec![item("tee", 600)]),
        Shop::operated(vec![item("tee", 600)]),
    );
    for shop in [&shop, &other] {
        for _ in 0..600 {
            shop.hold("tee", 1).created();
        }
        shop.after(HOLD_TTL);
    }
    restock(&shop, -600)
        .ok()
        .says("total_stock", 0)
        .says("available_stock", 0);
    shop.stock_is("tee", 0, 0, 0);
    other
        .admin_patch("/products/1", r#"{"name":"New"}"#)
        .ok()
        .says("available_stock", 600)
        .says("reserved_stock", 0)
        .says("status", "live");
}

#[test]
fn a_restock_adds_overdue_units_to_its_answer() {
    let shop = Shop::operated(vec![item("tee", 600)]);
    for _ in 0..600 {
        shop.hold("tee", 1).created();
    }
    shop.after(HOLD_TTL);
    restock(&shop, 1)
        .ok()
        .says("available_stock", 601)
        .says("reserved_stock", 0);
    restock(&shop, -602).invalid("quantity");
}

#[test]
fn a_restock_stays_within_the_bounds() {
    let shop = Shop::operated(vec![item("tee", 10)]);
    let before = shop.contents();
    for raw in [
        "0",
        "-0",
        "1.5",
        "1e2",
        "+1",
        "\"5\"",
        "null",
        "true",
        "2147483648",
        "-2147483648",
        "99999999999999999999",
    ] {
        let body = object(&[("quantity", raw)]);
        let answer = shop.admin_post("/products/1/restock", &body);
        if raw == "+1" {
            answer.refused("invalid_json");
        } else {
            answer.invalid("quantity");
        }
    }
    shop.admin_post("/products/1/restock", "{}")
        .invalid("quantity");
    shop.admin_post("/products/1/restock", r#"{"quantity":1,"quantity":1}"#)
        .invalid("quantity");
    shop.admin_post("/products/1/restock", r#"{"quantity":1,"why":"x"}"#)
        .invalid("why");
    let long = json!({"quantity": 1, "reason": "é".repeat(256)}).to_string();
    shop.admin_post("/products/1/restock", &long)
        .invalid("reason");
    restock(&shop, 2_147_483_638).invalid("quantity");
    restock(&shop, -11).invalid("quantity");
    restock(&shop, -2_147_483_647).invalid("quantity");
    assert!(shop.contents() == before, "a refusal changes nothing");
    restock(&shop, 2_147_483_637)
        .ok()
        .says("total_stock", 2_147_483_647);
    restock(&shop, 1).invalid("quantity");
    restock(&shop, -2_147_483_647).ok().says("total_stock", 0);
}
