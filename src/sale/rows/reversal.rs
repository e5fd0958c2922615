//! What a payment provider reports about money that came before: it went back, or its payer disputes it.

use super::id::PaymentId;
use super::money::Cents;
use super::payment::Verdict;
use super::text::text_enum;
use super::time::Timestamp;

text_enum! {
    pub enum ReversalKind {
        Refunded = "refunded",
        RefundFailed = "refund_failed",
        DisputeOpened = "dispute_opened",
        DisputeWon = "dispute_won",
        DisputeLost = "dispute_lost",
    }
}

text_enum! {
    pub enum Dispute {
        Open = "open",
        Won = "won",
        Lost = "lost",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// In one room with those of payments.
    pub id: PaymentId,
    pub key: String,
    pub kind: ReversalKind,
    pub transaction_id: String,
    /// Of money that went back: in all so far. `None`: it was not said.
    pub amount: Option<Cents>,
    /// `Applied` where the transaction was known when the report came, else `Ignored`.
    pub verdict: Verdict,
    pub received_at: Timestamp,
    /// How the transaction stands with this report.
    pub standing: Standing,
}

/// How a transaction stands by all that was reported about it so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The largest amount that was reported to have gone back, ever.
    pub refunded_amount: Cents,
    /// What went back since the last refund that failed: `None` is nothing, `Cents::MAX` an amount that was not said.
    pub returned: Option<Cents>,
    pub dispute: Option<Dispute>,
}

impl Standing {
    /// As it is with one report more. A dispute that was won or lost is not opened again by a report that comes late.
    pub fn with(self, kind: ReversalKind, amount: Option<Cents>) -> Standing {
        match kind {
            ReversalKind::Refunded => Standing {
                refunded_amount: self.refunded_amount.max(amount.unwrap_or_default()),
                returned: self.returned.max(Some(amount.unwrap_or(Cents::MAX))),
                ..self
            },
            ReversalKind::RefundFailed => Standing {
                returned: None,
                ..self
            },
            ReversalKind::DisputeOpened => Standing {
                dispute: self.dispute.or(Some(Dispute::Open)),
                ..self
            },
            ReversalKind::DisputeWon => Standing {
                dispute: Some(Dispute::Won),
                ..self
            },
            ReversalKind::DisputeLost => Standing {
                dispute: Some(Dispute::Lost),
                ..self
            },
        }
    }

    /// Whether so much went back; of an amount that is not known, anything will do.
    pub fn has_returned(self, amount: Option<Cents>) -> bool {
        self.returned >= Some(amount.unwrap_or_default())
    }
}
