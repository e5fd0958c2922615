//! What providers report, and what is owed back.

use flashsale::sale::{FailedPayment, LatePayment, PaymentEvent, PaymentStatus, PaymentTarget, Reporter};

use super::{Answer, Event, Model, Target, no};

impl Model {
    pub(super) fn parked(&self, is_meant: impl Fn(Target) -> bool) -> Vec<i64> {
        let parked = self.events.iter().filter(|(_, event)| event.verdict == "parked" && is_meant(event.target));
        parked.map(|(id, _)| *id).collect()
    }

    /// The event waits no more, and there is no order.
    pub(super) fn lapse(&mut self, id: i64, at: i64) {
        match self.events[&id].success {
            true => self.owe(id, "late_payment", at),
            false => self.event(id).verdict = "ignored",
        }
    }

    pub(super) fn event(&mut self, id: i64) -> &mut Event {
        self.events.get_mut(&id).unwrap()
    }

    pub(super) fn order_of(&self, (kind, id): Target) -> Option<i64> {
        if kind == 'o' { self.orders.contains_key(&id).then_some(id) } else { self.holds.get(&id)?.other }
    }

    pub(super) fn meant(&self, target: Target) -> Target {
        self.order_of(target).map_or(target, |id| ('o', id))
    }

    /// Refunds of the same transaction for the same order.
    pub(super) fn refunds_alike(&self, id: i64) -> Vec<i64> {
        let event = &self.events[&id];
        let is_alike = |other: &Event| event.transaction.is_some() && other.transaction == event.transaction
            && other.refund.is_some() && self.meant(other.target) == self.meant(event.target);
        self.events.iter().filter(|(other, it)| **other != id && is_alike(it)).map(|(id, _)| *id).collect()
    }

    pub(super) fn owe(&mut self, id: i64, verdict: &'static str, at: i64) {
        let is_new = self.refunds_alike(id).is_empty();
        let event = self.event(id);
        (event.verdict, event.refund) = if is_new { (verdict, Some("due")) } else { ("ignored", None) };
        if is_new && self.went_back(id) { self.come_back(id, at) }
    }

    pub(super) fn has(&self, refund: &'static str, id: i64) -> bool {
        self.refunds_alike(id).iter().any(|other| self.events[other].refund == Some(refund))
    }

    pub(super) fn withdraw(&mut self, paid_by: i64) {
        for id in self.refunds_alike(paid_by) {
            let now = self.now;
            let event = self.event(id);
            if event.refund == Some("due") {
                (event.refund, event.resolved_at) = (Some("withdrawn"), Some(now));
                event.note = Some("paid its order after all".into());
            }
        }
    }

    pub(super) fn pay(&mut self, id: i64, order: i64) {
        let transaction = self.events[&id].transaction.clone();
        let order = self.orders.get_mut(&order).unwrap();
        (order.status, order.paid_at, order.transaction) = ("paid", Some(self.now), transaction);
        self.withdraw(id);
    }

    /// The table: what an event means for an order that is there.
    pub(super) fn judge(&mut self, id: i64, order_id: i64) {
        let (event, order) = (self.events[&id].clone(), self.orders[&order_id].clone());
        let total = order.line[1] * order.line[2];
        let is_right = event.cents.is_none_or(|cents| match event.currency.as_deref() {
            None => cents == total,
            Some(currency) => currency == "eur" && cents >= total,
        });
        let may_be_late = self.terms.late_payment == LatePayment::Accept && is_right && self.has_room(&order);
        self.event(id).verdict = "ignored";
        match (order.status, event.success) {
            ("pending", false) if self.terms.failed_payment == FailedPayment::Cancel => {
                self.orders.get_mut(&order_id).unwrap().status = "cancelled";
                self.event(id).verdict = "applied";
            }
            (_, false) => {}
            ("cancelled" | "expired", true) if !may_be_late => self.owe(id, "late_payment", self.now),
            ("pending", true) if !is_right => self.owe(id, "amount_mismatch", self.now),
            ("pending" | "cancelled" | "expired", true) => if !self.has("paid_back", id) && !self.went_back(id) {
                self.event(id).verdict = "applied";
                self.pay(id, order_id);
            },
            _ if total == 0 => if event.cents.is_some_and(|cents| cents > 0) { self.owe(id, "amount_mismatch", self.now) },
            _ if event.transaction.is_none() || event.transaction == order.transaction => {}
            _ if order.transaction.is_some() => self.owe(id, "duplicate_payment", self.now),
            _ => if !self.has("paid_back", id) && (is_right || !self.has("due", id)) {
                self.orders.get_mut(&order_id).unwrap().transaction = event.transaction;
                self.withdraw(id);
            },
        }
    }

    pub(super) fn webhook(&mut self, it: &PaymentEvent) -> Answer {
        let target = match it.target {
            PaymentTarget::Order(id) => ('o', id.get()),
            PaymentTarget::Hold(id) => ('h', id.get()),
        };
        let success = it.report.status == PaymentStatus::Success;
        let order = self.order_of(target);
        if let Some(id) = self.keys.get(&it.key) {
            let Some(event) = self.events.get(id) else { return no("idempotency_key_reused") };
            let is_same = self.meant(event.target) == self.meant(target) && event.success == success;
            return if is_same { Ok(self.recorded(*id, true)) } else { no("idempotency_key_reused") };
        }
        let is_lost = self.lost.iter().any(|it| it[usize::from(target.0 == 'o')].contains(&target.1));
        let hold = self.holds.get(&target.1).filter(|_| target.0 == 'h');
        let waits = order.is_none() && !is_lost && hold.is_none_or(|hold| hold.status == "active");
        match target {
            _ if !waits => {}
            ('o', _) if it.reporter == Reporter::Stripe => return no("payment_order_unknown"),
            ('h', _) if hold.is_none() => return no("payment_hold_unknown"),
            ('o', id) if !(self.next[1]..self.next[1] + 10_000).contains(&id) => return no("payment_order_unknown"),
            _ if self.parked(|_| true).len() >= self.terms.parked_max as usize => return no("parked_full"),
            _ if self.parked(|it| it == target).len() >= 32 => return no("parked_full"),
            _ => {}
        }
        let currency = it.report.amount.as_ref().and_then(|it| Some(it.as_json().trim_matches('"').split_once(' ')?.1.to_owned()));
        let cents = |json: &str| (json.trim_matches('"').split(' ').next().unwrap().parse::<f64>().unwrap() * 100.0).round() as i64;
        let (cents, transaction) = (it.report.amount.as_ref().map(|it| cents(it.as_json())), it.report.transaction_id.clone());
        let (refund, resolved_at, note, received_at) = (None, None, None, self.now);
        let id = self.take_id(2);
        let event = Event { target, success, cents, currency, transaction, received_at, verdict: "parked", refund, resolved_at, note };
        self.events.insert(id, event);
        self.keys.insert(it.key.clone(), id);
        match order {
            Some(order) => self.judge(id, order),
            None if !waits => self.lapse(id, self.now),
            None => {}
        }
        Ok(self.recorded(id, false))
    }

    pub(super) fn recorded(&self, id: i64, again: bool) -> String {
        let event = &self.events[&id];
        let status = self.order_of(event.target).map(|order| self.orders[&order].status);
        format!("event {id} {again} {} {status:?}", event.verdict)
    }

    pub(super) fn show_refund(&self, id: i64) -> String {
        let it = &self.events[&id];
        let order = self.order_of(it.target);
        format!("refund {id} {order:?} {} {:?} {} {:?} {:?}", it.verdict, it.transaction, it.received_at, it.resolved_at, it.note)
    }

    pub(super) fn end_refund(&mut self, id: i64, how: &'static str, note: Option<String>) {
        let now = self.now;
        let event = self.event(id);
        (event.refund, event.resolved_at, event.note) = (Some(how), Some(now), note);
    }

    /// Whether the units of the event's order are not to be had again.
    pub fn has_no_units(&self, id: i64) -> bool {
        let order = self.order_of(self.events[&id].target).map(|order| &self.orders[&order]);
        order.is_some_and(|order| ["cancelled", "expired"].contains(&order.status) && !self.has_room(order))
    }

    pub(super) fn resolve(&mut self, id: i64, note: &Option<String>) -> Answer {
        match self.events.get(&id).and_then(|event| event.refund) {
            None => return no("refund_not_found"),
            Some("due") => self.end_refund(id, "paid_back", note.clone()),
            Some(_) => {}
        }
        Ok(self.show_refund(id))
    }

    pub(super) fn accept(&mut self, id: i64) -> Answer {
        let Some(event) = self.events.get(&id).filter(|event| event.refund.is_some()) else { return no("refund_not_found") };
        let order = self.order_of(event.target);
        match (event.refund, order.map(|order| &self.orders[&order])) {
            (Some("accepted"), _) => return Ok(self.show_refund(id)),
            (Some("due"), Some(it)) if ["paid", "refunded"].contains(&it.status) => return no(format!("order_{}", it.status)),
            (Some("due"), Some(it)) if !self.has_room(it) => return no(format!("insufficient_stock {}", self.stock(it.line[0])[0])),
            (Some("due"), Some(_)) => {}
            (Some("due"), None) => return no("refund_has_no_order"),
            _ => return no("refund_resolved"),
        }
        self.end_refund(id, "accepted", Some("accepted".into()));
        self.pay(id, order.unwrap());
        Ok(self.show_refund(id))
    }
}
