//! What payment providers report.

use flashsale::sale::{
    Amount, Cents, HoldId, OrderId, PaymentEvent, PaymentStatus, PaymentTarget, Report, Reporter,
    ReversalEvent, ReversalKind,
};

use super::People;
use crate::simulation::model::Model;

impl People {
    /// A provider's report: mostly true, mostly of an order that waits, sometimes before it is there.
    pub(super) fn event(&mut self, model: &Model) -> PaymentEvent {
        let order = self.order(model);
        let row = model.orders.get(&order.get());
        let by_hold = row
            .and_then(|row| HoldId::new(row.other?))
            .filter(|_| self.dice.rarely(4));
        let target = match by_hold {
            Some(hold) => PaymentTarget::Hold(hold),
            None if self.dice.rarely(4) => PaymentTarget::Hold(self.hold(model)),
            None if self.dice.rarely(60) => PaymentTarget::Order(OrderId::new(30_000).unwrap()),
            None => PaymentTarget::Order(order),
        };
        let total = row.map_or(1_000, |row| row.line[1] * row.line[2]);
        let status = if self.dice.rarely(5) {
            PaymentStatus::Failure
        } else {
            PaymentStatus::Success
        };
        if self.dice.rarely(4) {
            return self.stripe_event(target, total);
        }
        PaymentEvent {
            reporter: Reporter::Bridge,
            key: format!("event-{}", self.serial()),
            target,
            report: Report {
                status,
                amount: self.amount(total).map(Amount::new),
                transaction_id: self
                    .dice
                    .one_of(&[
                        None,
                        None,
                        Some("t1"),
                        Some("t1"),
                        Some("t1"),
                        Some("t2"),
                        Some("t3"),
                    ])
                    .map(str::to_owned),
            },
            payload: self.dice.flips().then(|| "{\"x\":1}".to_owned()),
        }
    }

    /// With a tip now and then, too little, or money of another country.
    fn stripe_event(&mut self, target: PaymentTarget, total: i64) -> PaymentEvent {
        let cents = (total + self.dice.one_of(&[0, 0, 0, 250, -1])).max(0);
        let currency = self.dice.one_of(&["eur", "eur", "eur", "usd"]);
        PaymentEvent {
            reporter: Reporter::Stripe,
            key: format!("stripe:event-{}", self.serial()),
            target,
            report: Report {
                status: PaymentStatus::Success,
                amount: Amount::in_currency(Cents::new(cents), currency),
                transaction_id: Some(self.dice.one_of(&["t1", "t1", "t2"]).to_owned()),
            },
            payload: None,
        }
    }

    fn amount(&mut self, total: i64) -> Option<String> {
        let right = format!("{}.{:02}", total / 100, total % 100);
        match self.dice.below(12) {
            0..=2 => None,
            3..=5 => Some(right),
            6 => Some(format!("\"{right}\"")),
            7 => Some(format!("{right}0000000001")),
            8..=9 => Some(total.to_string()),
            _ => Some("1.5".into()),
        }
    }

    /// Mostly of a transaction that is known, and mostly of less than it paid.
    pub(super) fn reversal(&mut self) -> ReversalEvent {
        let amounts = [None, Some(1), Some(500), Some(1_000), Some(5_000)];
        let names = ["t1", "t1", "t1", "t2", "t3", "t4"];
        let kinds = [
            ReversalKind::RefundFailed,
            ReversalKind::RefundFailed,
            self.dice.one_of(ReversalKind::ALL),
        ];
        ReversalEvent {
            key: format!("event-{}", self.serial()),
            kind: self.dice.one_of(&kinds),
            transaction_id: self.dice.one_of(&names).to_owned(),
            amount: self.dice.one_of(&amounts).map(Cents::new),
            payload: self.dice.flips().then(|| "{\"x\":1}".to_owned()),
        }
    }
}
