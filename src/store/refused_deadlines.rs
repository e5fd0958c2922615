//! Deadlines that an answer has told of. A batch that changes nothing writes nothing; but what it called over must not be
//! alive again after a crash and a wall clock that was set back, and so the time that it was judged at is kept, once a
//! deadline.

use super::Decision;
use crate::sale::{
    Command, OrderStatus, Outcome, PaymentEvent, PaymentTarget, Rejection, Timestamp, WorkingSet,
};

/// Whether any of the decisions, none of which changed anything, rests on a deadline that had not passed at `last_now`, the
/// latest time that is kept.
pub fn are_later_than<'a>(
    last_now: Timestamp,
    set: &WorkingSet,
    commands: impl Iterator<Item = &'a Command>,
    decisions: &[Decision],
) -> bool {
    commands.zip(decisions).any(|(command, decision)| {
        let deadline = match decision {
            Ok(outcome) => deadline_shown(set, command, outcome),
            Err(rejection) => deadline_behind(set, command, rejection),
        };
        deadline.is_some_and(|deadline| deadline > last_now)
    })
}

/// The deadline of the order that a repeated payment event is told has expired.
fn deadline_shown(set: &WorkingSet, command: &Command, outcome: &Outcome) -> Option<Timestamp> {
    if let (Command::RecordPayment(event), Outcome::PaymentRecorded(recorded)) = (command, outcome)
        && recorded.order_status == Some(OrderStatus::Expired)
    {
        pay_by(set, event)
    } else {
        None
    }
}

fn pay_by(set: &WorkingSet, event: &PaymentEvent) -> Option<Timestamp> {
    let payment = set.payment_by_key(&event.key).ok()??;
    let order = match (payment.order, payment.target) {
        (Some(order), _) | (None, PaymentTarget::Order(order)) => order,
        (None, PaymentTarget::Hold(hold)) => set.hold(hold).ok()??.order?,
    };
    set.order(order).ok()??.pay_by
}

/// The deadline that the rejection rests on, if it rests on one, of the row that the rule has looked at.
fn deadline_behind(
    set: &WorkingSet,
    command: &Command,
    rejection: &Rejection,
) -> Option<Timestamp> {
    if let Command::PlaceHold(wish) = command {
        let product = set.product(wish.product).ok()??;
        product
            .ends_at
            .filter(|_| *rejection == Rejection::SaleEnded)
    } else if let Command::ReleaseHold { hold } | Command::PlaceOrder { hold, .. } = command {
        let hold = set.hold(*hold).ok()??;
        (*rejection == Rejection::HoldExpired).then_some(hold.expires_at)
    } else if let Command::CancelOrder { order, .. } = command {
        let order = set.order(*order).ok()??;
        order
            .pay_by
            .filter(|_| *rejection == Rejection::OrderExpired)
    } else {
        None
    }
}
