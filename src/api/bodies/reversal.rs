//! What a provider reported about money that came before.

use serde::Serialize;

use crate::sale::{Cents, PaymentId, Reversal, ReversalKind, Timestamp, Verdict};

#[derive(Serialize)]
pub struct ReversalBody<'a> {
    webhook_id: PaymentId,
    idempotency_key: &'a str,
    kind: ReversalKind,
    transaction_id: &'a str,
    /// In all so far; null: it was not said.
    amount: Option<Cents>,
    verdict: Verdict,
    received_at: Timestamp,
}

impl<'a> ReversalBody<'a> {
    pub fn new(reversal: &'a Reversal) -> ReversalBody<'a> {
        ReversalBody {
            webhook_id: reversal.id,
            idempotency_key: &reversal.key,
            kind: reversal.kind,
            transaction_id: &reversal.transaction_id,
            amount: reversal.amount,
            verdict: reversal.verdict,
            received_at: reversal.received_at,
        }
    }
}
