//! What a payment provider reported about an order, or about the hold that it will come from, and what came of it.

use super::currency::Currency;
use super::id::{HoldId, OrderId, PaymentId};
use super::money::{Amount, Cents};
use super::text::text_enum;
use super::time::Timestamp;

text_enum! {
    pub enum PaymentStatus {
        Success = "success",
        Failure = "failure",
    }
}

text_enum! {
    pub enum RefundStatus {
        Due = "due",
        Resolved = "resolved",
    }
}

text_enum! {
    pub enum Resolution {
        PaidBack = "paid_back",
        /// The money bought the order after all, by the operator's word.
        Accepted = "accepted",
        /// The refund never was due: its transaction paid the order.
        Withdrawn = "withdrawn",
        /// The refund was due twice, under the name of an order and of its hold: the other one was paid back.
        SamePayment = "same_payment",
    }
}

/// The note of a refund that is resolved by a provider's report.
pub const REFUNDED_BY_PROVIDER: &str = "refunded by the provider";

/// An event names the order, or the hold that it will come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentTarget {
    Order(OrderId),
    Hold(HoldId),
}

impl PaymentTarget {
    pub fn order(self) -> Option<OrderId> {
        match self {
            PaymentTarget::Order(id) => Some(id),
            PaymentTarget::Hold(_) => None,
        }
    }

    pub fn hold(self) -> Option<HoldId> {
        match self {
            PaymentTarget::Order(_) => None,
            PaymentTarget::Hold(id) => Some(id),
        }
    }
}

/// The part of an event that is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub status: PaymentStatus,
    pub amount: Option<Amount>,
    pub transaction_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub key: String,
    pub target: PaymentTarget,
    /// The order that the name turned out to mean.
    pub order: Option<OrderId>,
    pub report: Report,
    pub verdict: Verdict,
    /// When a parked event stops waiting: its hold's deadline, or `parked_ttl_s` after it came, whichever is first.
    pub parked_until: Option<Timestamp>,
    pub refund_due: bool,
    pub received_at: Timestamp,
    /// When the refund was no longer due, and why.
    pub resolved_at: Option<Timestamp>,
    pub resolution: Option<Resolution>,
    pub note: Option<String>,
}

impl Payment {
    pub fn is_parked(&self) -> bool {
        self.verdict == Verdict::Parked
    }

    pub fn has_lapsed(&self, now: Timestamp) -> bool {
        self.is_parked() && self.parked_until.is_some_and(|until| until.has_passed(now))
    }

    /// As a sweep will leave the payment, which has waited in vain: its refund resolved where the money went back before.
    pub fn settled_as(self, verdict: Verdict, has_gone_back: bool) -> Payment {
        let returned_at = self.end_of_wait().filter(|_| has_gone_back);
        Payment {
            verdict,
            parked_until: None,
            refund_due: verdict.makes_refund_due(),
            resolved_at: returned_at,
            resolution: returned_at.map(|_| Resolution::PaidBack),
            note: returned_at.map(|_| REFUNDED_BY_PROVIDER.to_owned()),
            ..self
        }
    }

    /// When a parked event stops waiting, or did: what waits for a lost order has done so since it came.
    pub fn end_of_wait(&self) -> Option<Timestamp> {
        self.parked_until.map(|until| until.max(self.received_at))
    }

    pub fn verdict_without_order(&self) -> Verdict {
        match self.report.status {
            PaymentStatus::Success => Verdict::LatePayment,
            PaymentStatus::Failure => Verdict::Ignored,
        }
    }
}

text_enum! {
    pub enum Verdict {
        Applied = "applied",
        Ignored = "ignored",
        Parked = "parked",
        AmountMismatch = "amount_mismatch",
        DuplicatePayment = "duplicate_payment",
        LatePayment = "late_payment",
    }
}

impl Verdict {
    /// Whether it means that money bought nothing.
    fn makes_refund_due(self) -> bool {
        match self {
            Verdict::AmountMismatch | Verdict::DuplicatePayment | Verdict::LatePayment => true,
            Verdict::Applied | Verdict::Ignored | Verdict::Parked => false,
        }
    }
}

impl Report {
    pub fn pays(&self, price: Cents, currency: Option<Currency>) -> bool {
        let amount = self.amount.as_ref();
        amount.is_none_or(|amount| amount.pays(price, currency))
    }

    /// Whether no money came.
    pub fn is_of_nothing(&self) -> bool {
        let amount = self.amount.as_ref();
        amount.is_none_or(|amount| amount.cents() == Some(Cents::ZERO))
    }

    /// The amount, if one was said.
    pub fn cents(&self) -> Option<Cents> {
        self.amount.as_ref().and_then(Amount::cents)
    }

    pub fn pays_hundredfold(&self, price: Cents) -> bool {
        let amount = self.amount.as_ref();
        amount.is_some_and(|amount| amount.is_hundredfold(price))
    }

    /// Whether it is about another transaction than the one that paid the order; one that is missing is never another.
    pub fn differs_from(&self, paid_by: Option<&str>) -> bool {
        matches!((self.transaction_id.as_deref(), paid_by), (Some(this), Some(other)) if this != other)
    }
}
