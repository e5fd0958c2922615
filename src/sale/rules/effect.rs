//! What a verdict on a payment event does.

use crate::sale::rows::{OrderId, PaymentId, Report};
use crate::sale::transitions::order::PaidBy;
use crate::sale::transitions::{self, overdue};
use crate::sale::working_set::{Due, WorkingSet};

pub enum Effect {
    None,
    Pay(Purchase),
    Cancel,
    /// The transaction turns out to be the one that paid; the refunds that were due for it are withdrawn.
    Adopt(Vec<PaymentId>),
    /// Money bought nothing. Where it went back already, the refund is resolved at once.
    RefundDue {
        has_gone_back: bool,
    },
}

impl Effect {
    pub fn makes_refund_due(&self) -> bool {
        matches!(self, Effect::RefundDue { .. })
    }

    pub fn finds_money_gone_back(&self) -> bool {
        matches!(
            self,
            Effect::RefundDue {
                has_gone_back: true
            }
        )
    }
}

/// An order that becomes paid.
pub struct Purchase {
    /// The rows that must be ended before its units are taken again; `None`: its units are still reserved.
    pub again: Option<Vec<Due>>,
    /// The refunds that were due for what pays it.
    pub withdrawn: Vec<PaymentId>,
}

/// `payment`: the event that was judged so.
pub fn carry_out(
    set: &mut WorkingSet,
    order_id: OrderId,
    payment: PaymentId,
    report: &Report,
    effect: Effect,
) {
    let transaction_id = report.transaction_id.clone();
    match effect {
        Effect::None | Effect::RefundDue { .. } => {}
        Effect::Cancel => transitions::order::cancel(set, order_id, Some(payment)),
        Effect::Adopt(refunds) => {
            transitions::order::adopt(set, order_id, transaction_id);
            transitions::payment::withdraw(set, &refunds, order_id);
        }
        Effect::Pay(Purchase { again, withdrawn }) => {
            let by = PaidBy {
                payment: Some(payment),
                transaction_id,
            };
            match again {
                None => transitions::order::pay(set, order_id, by),
                Some(to_end) => {
                    overdue::make_room(set, &to_end);
                    transitions::order::pay_late(set, order_id, by);
                }
            }
            transitions::payment::withdraw(set, &withdrawn, order_id);
        }
    }
}
