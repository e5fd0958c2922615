//! What a crowd must be seen to do: each command with each answer that it can get.

use std::collections::BTreeMap;

/// By command: the words of its answers, `again` where a key or an event came again.
const ANSWERS: [(&str, &[&str]); 14] = [
    (
        "AcceptRefund",
        &[
            "insufficient_stock",
            "order_paid",
            "order_refunded",
            "refund",
            "refund_has_no_order",
            "refund_not_found",
            "refund_resolved",
        ],
    ),
    (
        "CancelOrder",
        &[
            "again",
            "idempotency_key_reused",
            "order",
            "order_expired",
            "order_not_found",
            "order_paid",
            "order_refunded",
        ],
    ),
    (
        "ChangeProduct",
        &["product", "product_not_found", "window_empty"],
    ),
    (
        "CreateProduct",
        &[
            "again",
            "idempotency_key_reused",
            "product",
            "sku_taken",
            "window_empty",
        ],
    ),
    (
        "PlaceHold",
        &[
            "again",
            "customer_required",
            "hold",
            "idempotency_key_reused",
            "insufficient_stock",
            "limit_exceeded",
            "product_unknown",
            "sale_ended",
            "sale_not_started",
            "sale_paused",
        ],
    ),
    (
        "PlaceOrder",
        &[
            "again",
            "hold_expired",
            "hold_released",
            "hold_unknown",
            "hold_used",
            "idempotency_key_reused",
            "order",
        ],
    ),
    (
        "RecordPayment",
        &[
            "again amount_mismatch",
            "again applied",
            "again duplicate_payment",
            "again ignored",
            "again late_payment",
            "again parked",
            "amount_mismatch",
            "applied",
            "duplicate_payment",
            "idempotency_key_reused",
            "ignored",
            "late_payment",
            "parked",
            "parked_full",
            "payment_hold_unknown",
            "payment_order_unknown",
        ],
    ),
    (
        "RecordReversal",
        &[
            "again applied",
            "again ignored",
            "applied",
            "idempotency_key_reused",
            "ignored",
        ],
    ),
    (
        "RefundOrder",
        &[
            "order",
            "order_not_found",
            "order_not_paid",
            "refund_too_large",
        ],
    ),
    (
        "ReleaseHold",
        &["hold_expired", "hold_not_found", "hold_used", "released"],
    ),
    ("ResolveRefund", &["refund", "refund_not_found"]),
    (
        "RestockProduct",
        &[
            "again",
            "idempotency_key_reused",
            "product",
            "product_not_found",
            "stock_committed",
            "stock_too_large",
        ],
    ),
    ("Sweep", &["swept"]),
    (
        "UpsertProduct",
        &["stock_committed", "upserted", "window_empty"],
    ),
];

/// How often a crowd of the usual size is seen to do each.
const TIMES_MIN: usize = 100;

pub type Seen = BTreeMap<String, usize>;

pub fn add(sum: &mut Seen, more: Seen) {
    for (kind, times) in more {
        *sum.entry(kind).or_default() += times;
    }
}

/// Nothing is rare, and nothing else is seen.
pub fn everything_is_seen(seen: &Seen) {
    let listed = ANSWERS.iter();
    let listed = listed
        .flat_map(|(command, answers)| answers.iter().map(move |it| format!("{command} {it}")));
    let rare: Vec<String> = listed
        .clone()
        .filter(|kind| seen.get(kind).copied().unwrap_or(0) < TIMES_MIN)
        .collect();
    assert!(
        rare.is_empty(),
        "seen less than {TIMES_MIN} times: {rare:?}"
    );
    assert_eq!(seen.len(), listed.count(), "an answer is not listed");
}
