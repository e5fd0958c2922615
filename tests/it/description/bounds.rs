//! The bounds that are described are those that the code has.

use std::collections::BTreeSet;
use std::fmt::Debug;

use flashsale::api::ENDPOINTS;
use flashsale::input::Format;
use flashsale::input::formats::{
    CUSTOMER, LABEL, PRICE, PRODUCT_ID, QUANTITY, SKU, STOCK, STOCK_CHANGE,
};
use flashsale::sale::{
    Dispute, HoldStatus, MovementKind, OrderStatus, PaymentStatus, ProductStatus, Quantity,
    RefundStatus, ReversalKind, Verdict, is_visible_key,
};
use serde_json::{Value, json};

use crate::conformance::{DESCRIPTION, fit_schema};
use crate::shop::Shop;

fn schema(name: &str) -> &'static Value {
    let schema = &DESCRIPTION["components"]["schemas"][name];
    assert!(schema.is_object(), "{name} is described");
    schema
}

fn number(schema: &Value, bound: &str) -> i64 {
    schema[bound].as_i64().unwrap()
}

/// What is read at each end and is not beyond it.
#[track_caller]
fn ends_at<T: Debug>(schema: &Value, format: &Format<T>) {
    let (least, most) = (number(schema, "minimum"), number(schema, "maximum"));
    for inside in [least, most] {
        assert!(
            (format.read)(&inside.to_string()).is_some(),
            "{inside} is {}",
            format.wanted
        );
    }
    for outside in [least - 1, most + 1] {
        assert!(
            (format.read)(&outside.to_string()).is_none(),
            "{outside} is {}",
            format.wanted
        );
    }
}

#[test]
fn a_number_is_read_between_the_bounds_that_are_described() {
    ends_at(schema("Id"), &PRODUCT_ID);
    ends_at(schema("Quantity"), &QUANTITY);
    ends_at(schema("Stock"), &STOCK);
    ends_at(schema("StockChange"), &STOCK_CHANGE);
    ends_at(schema("Price"), &PRICE);
    assert!((STOCK_CHANGE.read)("0").is_none());
    assert!(fit_schema(schema("StockChange"), &json!(0)).is_err());
    let quantity_max = Quantity::new(number(schema("Quantity"), "maximum")).unwrap();
    let price_max = number(schema("Price"), "maximum").to_string();
    let total_max = (PRICE.read)(&price_max).unwrap().times(quantity_max).get() / 100;
    assert_eq!(number(schema("TotalPrice"), "maximum"), total_max);
}

#[track_caller]
fn is_as_long_as(name: &str, is_read: impl Fn(&str) -> bool, letter: &str) {
    let (least, most) = (
        number(schema(name), "minLength"),
        number(schema(name), "maxLength"),
    );
    let text = |length: i64| letter.repeat(usize::try_from(length).unwrap());
    for (length, fits) in [
        (least, true),
        (most, true),
        (least - 1, false),
        (most + 1, false),
    ] {
        assert_eq!(is_read(&text(length)), fits, "{length} of {name}");
        assert_eq!(
            fit_schema(schema(name), &json!(text(length))).is_ok(),
            fits,
            "{length} of {name}"
        );
    }
}

#[test]
fn a_text_is_as_long_as_is_described() {
    let quoted = |text: &str| json!(text).to_string();
    is_as_long_as("Label", |text| (LABEL.read)(&quoted(text)).is_some(), "é");
    is_as_long_as("Sku", |text| (SKU.read)(&quoted(text)).is_some(), "é");
    is_as_long_as(
        "Customer",
        |text| (CUSTOMER.read)(&quoted(text)).is_some(),
        "é",
    );
    is_as_long_as("VisibleKey", is_visible_key, "~");
    for key in ["a b", "é", "\t"] {
        assert!(!is_visible_key(key));
        assert!(
            fit_schema(schema("VisibleKey"), &json!(key)).is_err(),
            "{key:?}"
        );
    }
}

#[track_caller]
fn has<T: ToString>(name: &str, all: &[T]) {
    let all: BTreeSet<String> = all.iter().map(T::to_string).collect();
    let described = schema(name)["enum"].as_array().unwrap().iter();
    let described: BTreeSet<String> = described
        .map(|it| it.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(described, all, "{name}");
}

#[test]
fn a_status_is_one_of_those_described() {
    has("ProductStatus", ProductStatus::ALL);
    has("HoldStatus", HoldStatus::ALL);
    has("OrderStatus", OrderStatus::ALL);
    has("PaymentStatus", PaymentStatus::ALL);
    has("ReversalKind", ReversalKind::ALL);
    has("Dispute", Dispute::ALL);
    let payments = PaymentStatus::ALL.iter().map(ToString::to_string);
    let reversals = ReversalKind::ALL.iter().map(ToString::to_string);
    let events: Vec<String> = payments.chain(reversals).collect();
    has("EventStatus", &events);
    has("RefundStatus", RefundStatus::ALL);
    has("MovementKind", MovementKind::ALL);
    has("Verdict", Verdict::ALL);
}

#[test]
fn a_page_of_a_list_is_as_long_as_is_described() {
    let limit = &DESCRIPTION["components"]["parameters"]["limit"]["schema"];
    let shop = Shop::with_stock("tee", 1);
    let (least, most) = (number(limit, "minimum"), number(limit, "maximum"));
    for inside in [least, most] {
        shop.get(&format!("/api/products?limit={inside}")).ok();
    }
    for outside in [least - 1, most + 1] {
        shop.get(&format!("/api/products?limit={outside}"))
            .invalid("limit");
    }
}

#[test]
fn a_body_is_as_large_as_is_described() {
    let described = &DESCRIPTION["components"]["responses"]["BodyTooLarge"]["description"];
    let described = described.as_str().unwrap();
    for endpoint in ENDPOINTS {
        let size = format!("{} KiB", endpoint.body_bytes_max / 1024);
        assert!(described.contains(&size), "{size} of {}", endpoint.pattern);
    }
}
