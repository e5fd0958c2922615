//! A report is stored once, and its key is in one room with those of payments.

use serde_json::json;

use super::{paid, report, shop, shows};
use crate::waiting::receive;

#[test]
fn the_same_report_again_changes_nothing() {
    let shop = shop();
    let order = paid(&shop, "t");
    let first = report(&shop, "r", "refunded", "t", 50).ok();
    let before = shop.contents();
    for amount in [json!(50), json!(60), json!(null)] {
        report(&shop, "r", "refunded", "t", amount)
            .verdict("applied", "paid")
            .says("already_processed", true)
            .says("webhook_id", first.id("webhook_id"));
    }
    assert!(shop.contents() == before);
    shows(&shop, order, 50.0, json!(null));
}

#[test]
fn a_key_is_of_one_report_or_one_payment() {
    let shop = shop();
    let order = paid(&shop, "t");
    report(&shop, "r", "refunded", "t", 50).ok();
    let before = shop.contents();
    let reused = |answer: crate::shop::Answer| {
        answer.failed_with(422, "idempotency_key_reused");
    };
    reused(report(&shop, "r", "refunded", "u", 50));
    reused(report(&shop, "r", "dispute_opened", "t", 50));
    reused(report(&shop, &format!("pay-{order}"), "refunded", "t", 50));
    reused(shop.pay_by_transaction("r", order, "t"));
    reused(shop.fail("r", order));
    assert!(shop.contents() == before);
}

#[test]
fn ids_are_counted_with_those_of_payments() {
    let shop = shop();
    paid(&shop, "t");
    assert_eq!(report(&shop, "a", "refunded", "t", 1).id("webhook_id"), 2);
    paid(&shop, "u");
    assert_eq!(report(&shop, "b", "refunded", "u", 1).id("webhook_id"), 4);
    shop.admin_post("/refunds/2/resolve", "")
        .failed_with(404, "refund_not_found");
}

/// Payments and reports of one batch know of each other.
#[test]
fn a_report_and_its_payment_may_share_a_batch() {
    use flashsale::sale::{Cents, Command, HoldId, Outcome, ReversalEvent, ReversalKind};

    let shop = shop();
    let hold = shop.hold("tee", 2).created().id("hold_id");
    let (sender, outcomes) = std::sync::mpsc::channel();
    let reversal = |key: &str, kind| {
        Command::RecordReversal(ReversalEvent {
            key: key.into(),
            kind,
            transaction_id: "t".into(),
            amount: Some(Cents::new(5_000)),
            payload: None,
        })
    };
    let order = Command::PlaceOrder {
        hold: HoldId::new(hold).unwrap(),
        key: None,
    };
    for command in [
        reversal("before", ReversalKind::DisputeOpened),
        order,
        reversal("after", ReversalKind::Refunded),
        reversal("after", ReversalKind::Refunded),
    ] {
        let sender = sender.clone();
        shop.submit(command, move |decided| sender.send(decided).unwrap());
    }
    let outcomes: Vec<Outcome> = (0..4).map(|_| receive(&outcomes).unwrap()).collect();
    let again =
        |outcome: &Outcome| matches!(outcome, Outcome::PaymentRecorded(it) if it.already_processed);
    assert_eq!(outcomes.iter().filter(|it| again(it)).count(), 1);
    shop.pay_by_transaction("k", 1, "t")
        .verdict("applied", "paid");
    shows(&shop, 1, 50.0, "open");
}
