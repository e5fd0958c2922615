//! What providers report of money that came before.

use flashsale::sale::ReversalEvent;

use super::{Answer, Model, Reversal, no};

impl Model {
    fn reports<'a>(&'a self, transaction: Option<&'a String>) -> impl Iterator<Item = &'a Reversal> {
        self.reversals.values().filter(move |it| Some(&it.transaction) == transaction)
    }

    /// Whether as much went back as the event paid.
    pub(super) fn went_back(&self, id: i64) -> bool {
        let event = &self.events[&id];
        let order = self.order_of(event.target).map(|order| &self.orders[&order]);
        let row = order.or(self.holds.get(&event.target.1).filter(|_| event.target.0 == 'h'));
        let paid = event.cents.unwrap_or(row.map_or(0, |row| row.line[1] * row.line[2]));
        let mut back = None;
        for report in self.reports(event.transaction.as_ref()) {
            match report.kind {
                "refunded" => back = back.max(Some(report.cents.unwrap_or(i64::MAX))),
                "refund_failed" => back = None,
                _ => {}
            }
        }
        back >= Some(paid)
    }

    pub(super) fn come_back(&mut self, id: i64, at: i64) {
        self.end_refund(id, "paid_back", Some("refunded by the provider".into()));
        self.event(id).resolved_at = Some(at);
    }

    /// Of an order: the largest amount that went back, and the dispute.
    pub fn money_back(&self, order: i64) -> (i64, Option<&'static str>) {
        let reports: Vec<&Reversal> = self.reports(self.orders[&order].transaction.as_ref()).collect();
        let refunded = reports.iter().filter(|it| it.kind == "refunded").filter_map(|it| it.cents).max();
        let last = |kinds: &[&str]| reports.iter().rev().find(|it| kinds.contains(&it.kind)).map(|it| it.kind);
        let dispute = last(&["dispute_won", "dispute_lost"]).or(last(&["dispute_opened"]));
        let dispute = dispute.map(|kind| if kind == "dispute_opened" { "open" } else { &kind["dispute_".len()..] });
        (refunded.unwrap_or(0), dispute)
    }

    pub(super) fn reversal(&mut self, it: &ReversalEvent) -> Answer {
        if let Some(id) = self.keys.get(&it.key) {
            let is_same = |known: &Reversal| known.transaction == it.transaction_id && known.kind == it.kind.as_str();
            let is_same = self.reversals.get(id).is_some_and(is_same);
            return if is_same { Ok(self.reported(*id, true)) } else { no("idempotency_key_reused") };
        }
        let name = Some(&it.transaction_id);
        let refunds = self.events.iter().filter(|(_, event)| event.refund.is_some() && event.transaction.as_ref() == name);
        let refunds: Vec<i64> = refunds.map(|(id, _)| *id).collect();
        let is_known = !refunds.is_empty() || self.orders.values().any(|order| order.transaction.as_ref() == name);
        let id = self.take_id(2);
        let (kind, transaction, cents) = (it.kind.as_str(), it.transaction_id.clone(), it.amount.map(|amount| amount.get()));
        let verdict = if is_known { "applied" } else { "ignored" };
        self.reversals.insert(id, Reversal { kind, transaction, cents, verdict });
        self.keys.insert(it.key.clone(), id);
        for refund in refunds {
            match (kind, self.events[&refund].refund) {
                ("refunded", Some("due")) if self.went_back(refund) => self.come_back(refund, self.now),
                ("refund_failed", Some("paid_back")) => {
                    let event = self.event(refund);
                    (event.refund, event.resolved_at) = (Some("due"), None);
                }
                _ => {}
            }
        }
        Ok(self.reported(id, false))
    }

    fn reported(&self, id: i64, again: bool) -> String {
        let Reversal { transaction, verdict, .. } = &self.reversals[&id];
        let paid = self.orders.values().rev().find(|order| order.transaction.as_ref() == Some(transaction));
        format!("event {id} {again} {verdict} {:?}", paid.map(|order| order.status))
    }
}
