//! On which terms a sale opens, and with what.

use flashsale::sale::{
    Cents, Command, Currency, FailedPayment, LatePayment, Patch, ProductChanges, Quantity, Terms,
    Timestamp, UpsertProduct,
};

use super::story::Step;
use crate::dice::Dice;

const SECOND: i64 = 1_000_000;

pub fn terms(dice: &mut Dice) -> Terms {
    Terms {
        hold_ttl_s: 120,
        order_ttl_s: dice.one_of(&[Some(900), Some(60), None]),
        late_payment: dice.one_of(&[LatePayment::Refund, LatePayment::Accept]),
        failed_payment: dice.one_of(&[FailedPayment::Cancel, FailedPayment::Keep]),
        // No shorter than a hold: what waits in vain under two names that become one order may be owed once or twice.
        parked_ttl_s: dice.one_of(&[86_400, 300, 130]),
        parked_max: dice.one_of(&[40, 4]),
        idempotency_ttl_s: dice.one_of(&[86_400, 100]),
        currency: Currency::parse("EUR"),
        events_ttl_s: dice.one_of(&[2_592_000, 700]),
    }
}

/// Something for everyone: enough, little, a limit each, nothing, something for nothing, and a window.
pub fn catalogue(now: i64) -> Vec<Step> {
    let at = |seconds: i64| Patch::To(Timestamp::from_micros(now + seconds * SECOND));
    let units = |units| Patch::To(Quantity::new(units).unwrap());
    let items = [
        ("many", 5_000, ProductChanges::default()),
        ("few", 4, ProductChanges::default()),
        (
            "limited",
            40,
            ProductChanges {
                max_per_customer: units(6),
                max_per_hold: units(4),
                ..ProductChanges::default()
            },
        ),
        ("none", 0, ProductChanges::default()),
        (
            "free",
            60,
            ProductChanges {
                price: Some(Cents::ZERO),
                ..ProductChanges::default()
            },
        ),
        (
            "soon",
            30,
            ProductChanges {
                starts_at: at(20),
                ends_at: at(2_000),
                ..ProductChanges::default()
            },
        ),
    ];
    let load = |(sku, total_stock, changes): (&str, i64, ProductChanges)| {
        let changes = ProductChanges {
            name: Some(sku.to_uppercase()),
            price: changes.price.or(Some(Cents::new(1_000))),
            ..changes
        };
        Step::Command(Command::UpsertProduct(UpsertProduct {
            sku: sku.into(),
            changes,
            total_stock,
        }))
    };
    items.into_iter().map(load).chain([Step::Commit]).collect()
}
