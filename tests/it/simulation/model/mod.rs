//! What a sale must answer, written from the HTTP contract: of the sale's code it has the names of commands and terms alone.
//! It knows no sweep, counter or working set: what is due is ended first, and stock and limits are counted from rows.

mod payments;
mod products;
mod reversals;

use std::collections::BTreeMap;

use flashsale::sale::{Command, CreateProduct, IdempotencyKey, PlaceHold, ProductChanges, RestockProduct, Terms};

/// `o` and an order's id, or `h` and a hold's.
type Target = (char, i64);

/// What was done or why it was not, with the figures that the contract shows.
pub type Answer = Result<String, String>;

#[derive(Clone, Default)]
pub struct Product {
    sku: Option<String>, price: i64, pub total: i64, paused: bool,
    pub window: [Option<i64>; 2], max_per_hold: Option<i64>, max_per_customer: Option<i64>,
}

/// A hold with the order that it became, or an order with the hold that it was. A line: product, units, price of each.
#[derive(Clone, Default)]
pub struct Row {
    pub line: [i64; 3], customer: Option<String>, pub status: &'static str, pub deadline: Option<i64>, pub other: Option<i64>,
    created_at: i64, pub paid_at: Option<i64>, pub transaction: Option<String>,
    pub given_back: i64,
}

/// A refund is `due`, or how it was resolved.
#[derive(Clone)]
pub struct Event {
    target: Target, success: bool, cents: Option<i64>, currency: Option<String>, transaction: Option<String>, pub received_at: i64,
    pub verdict: &'static str, pub refund: Option<&'static str>, resolved_at: Option<i64>, note: Option<String>,
}

/// What was reported about a transaction's money.
#[derive(Clone)]
pub struct Reversal {
    kind: &'static str, transaction: String, cents: Option<i64>, verdict: &'static str,
}

/// The next ids are of a hold, an order and an event. Kept by `Idempotency-Key`: the request, its answer, and until when.
#[derive(Clone)]
pub struct Model {
    pub terms: Terms, pub now: i64, pub products: Vec<Product>, pub holds: BTreeMap<i64, Row>, pub orders: BTreeMap<i64, Row>,
    pub events: BTreeMap<i64, Event>, keys: BTreeMap<String, i64>, pub kept: BTreeMap<String, (String, String, i64)>,
    reversals: BTreeMap<i64, Reversal>, pub next: [i64; 3], lost: Vec<[std::ops::Range<i64>; 2]>,
}

fn no<T>(reason: impl Into<String>) -> Result<T, String> {
    Err(reason.into())
}

/// The `Idempotency-Key` of the request.
pub fn key_of(command: &Command) -> Option<&IdempotencyKey> {
    match command {
        Command::PlaceHold(PlaceHold { key, .. }) | Command::PlaceOrder { key, .. } | Command::CancelOrder { key, .. }
        | Command::CreateProduct(CreateProduct { key, .. }) | Command::RestockProduct(RestockProduct { key, .. }) => key.as_ref(),
        Command::ReleaseHold { .. } | Command::RefundOrder { .. } | Command::RecordPayment(_) | Command::RecordReversal(_)
        | Command::ResolveRefund { .. } | Command::AcceptRefund { .. } | Command::UpsertProduct(_) | Command::ChangeProduct { .. } | Command::Sweep { .. } => None,
    }
}

impl Model {
    pub fn new(terms: Terms) -> Model {
        let (products, holds, orders, events, keys, reversals) = Default::default();
        Model { terms, now: 0, products, holds, orders, events, keys, reversals, kept: BTreeMap::new(), next: [1; 3], lost: Vec::new() }
    }

    pub fn answer(&mut self, now: i64, command: &Command) -> Answer {
        self.pass_time(now);
        let key = key_of(command);
        let Some(key) = key else { return self.apply(command) };
        let (key, request) = (key.as_str().to_owned(), format!("{command:?}"));
        match self.kept.get(&key) {
            Some((first, answer, _)) if *first == request => return Ok(format!("again {answer}")),
            Some(_) => return no("idempotency_key_reused"),
            None => {}
        }
        let answer = self.apply(command)?;
        self.kept.insert(key, (request, answer.clone(), self.after(self.terms.idempotency_ttl_s)));
        Ok(answer)
    }

    fn apply(&mut self, command: &Command) -> Answer {
        match command {
            Command::PlaceHold(wish) => self.hold(wish),
            Command::ReleaseHold { hold } => self.release(hold.get()),
            Command::PlaceOrder { hold, .. } => self.order(hold.get()),
            Command::CancelOrder { order, .. } => self.cancel(order.get()),
            Command::RefundOrder { order, quantity, restock } => self.refund(order.get(), quantity.map(|it| it.units()), *restock),
            Command::RecordPayment(event) => self.webhook(event),
            Command::RecordReversal(event) => self.reversal(event),
            Command::ResolveRefund { payment, note } => self.resolve(payment.get(), note),
            Command::AcceptRefund { payment } => self.accept(payment.get()),
            Command::UpsertProduct(it) => {
                let known = self.products.iter().position(|product| product.sku.as_ref() == Some(&it.sku));
                self.change(known, Some(&it.sku), &it.changes, |_| it.total_stock)
            }
            Command::CreateProduct(it) if it.sku.is_some() && self.products.iter().any(|p| p.sku == it.sku) => no("sku_taken"),
            Command::CreateProduct(it) => self.change(None, it.sku.as_ref(), &it.changes, |_| it.total_stock),
            Command::ChangeProduct { product, changes } => self.change_known(product.get(), changes, 0),
            Command::RestockProduct(it) => self.change_known(it.product.get(), &ProductChanges::default(), it.units),
            Command::Sweep { .. } => Ok("swept".into()),
        }
    }

    fn after(&self, seconds: u32) -> i64 {
        self.now + i64::from(seconds) * 1_000_000
    }

    /// What is due has ended, the oldest first.
    pub fn pass_time(&mut self, now: i64) {
        self.now = now;
        let rows = self.holds.iter().map(|it| (0, it)).chain(self.orders.iter().map(|it| (1, it)));
        let live = rows.filter(|(_, (_, row))| ["active", "pending"].contains(&row.status));
        let mut due: Vec<_> = live.filter_map(|(kind, (id, row))| Some((row.deadline?, kind, *id))).collect();
        let parked = self.events.iter().filter(|(_, event)| event.verdict == "parked");
        due.extend(parked.map(|(id, event)| (event.received_at + i64::from(self.terms.parked_ttl_s) * 1_000_000, 2, *id)));
        due.retain(|(at, ..)| *at <= now);
        due.sort();
        for (at, kind, id) in due {
            match kind {
                0 => self.end_hold(id, "expired", at),
                1 => self.orders.get_mut(&id).unwrap().status = "expired",
                _ => self.lapse(id, at),
            }
        }
        self.kept.retain(|_, (.., until)| *until > now);
    }

    fn end_hold(&mut self, id: i64, status: &'static str, at: i64) {
        self.holds.get_mut(&id).unwrap().status = status;
        self.parked(|target| target == ('h', id)).into_iter().for_each(|event| self.lapse(event, at));
    }

    /// A lost disk may have given the next ids, and a restored sale never gives them.
    pub fn lose(&mut self, ids: i64) {
        let [hold, order, _] = self.next;
        self.lost.push([hold..hold + ids, order..order + ids]);
        self.next = self.next.map(|next| next + ids);
        for id in self.parked(|target| target.0 == 'o' && (order..order + ids).contains(&target.1)) {
            self.lapse(id, self.events[&id].received_at);
        }
    }

    fn take_id(&mut self, kind: usize) -> i64 {
        self.next[kind] += 1;
        self.next[kind] - 1
    }

    fn hold(&mut self, wish: &PlaceHold) -> Answer {
        let (id, units) = (wish.product.get(), wish.quantity.units());
        let customer = wish.customer.as_ref().map(|name| name.as_str().to_owned());
        let Some(product) = self.products.get(id as usize - 1) else { return no("product_unknown") };
        match (product.window, product.max_per_hold) {
            ([Some(starts_at), _], _) if self.now < starts_at => return no(format!("sale_not_started {starts_at}")),
            ([_, Some(ends_at)], _) if self.now >= ends_at => return no("sale_ended"),
            _ if product.paused => return no("sale_paused"),
            (_, Some(limit)) if units > limit => return no(format!("limit_exceeded {limit}")),
            _ => {}
        }
        if let Some(limit) = product.max_per_customer {
            let counts = |row: &Row| ["active", "pending", "paid"].contains(&row.status) && row.customer == customer;
            let used = self.units(id, counts);
            match customer {
                None => return no("customer_required"),
                Some(_) if used + units > limit => return no(format!("limit_exceeded {limit} {used}")),
                Some(_) => {}
            }
        }
        let (line, [available, ..], deadline) = ([id, units, product.price], self.stock(id), self.after(self.terms.hold_ttl_s));
        if available < units { return no(format!("insufficient_stock {available}")) }
        let hold = self.take_id(0);
        self.holds.insert(hold, Row { line, customer, status: "active", deadline: Some(deadline), ..Row::default() });
        Ok(format!("hold {hold} {line:?} until {deadline}"))
    }

    fn release(&mut self, id: i64) -> Answer {
        let Some(hold) = self.holds.get(&id) else { return no("hold_not_found") };
        let line = hold.line;
        match (hold.status, hold.other) {
            ("ordered", Some(order)) => return no(format!("hold_used {order}")),
            ("expired", _) => return no("hold_expired"),
            ("active", _) => self.end_hold(id, "released", self.now),
            _ => {}
        }
        Ok(format!("released {id} {line:?}"))
    }

    fn order(&mut self, hold: i64) -> Answer {
        let Some(row) = self.holds.get(&hold).cloned() else { return no("hold_unknown") };
        match (row.status, row.other) {
            ("ordered", Some(order)) => return no(format!("hold_used {order}")),
            ("active", _) => {}
            (ended, _) => return no(format!("hold_{ended}")),
        }
        let (id, total) = (self.take_id(1), row.line[1] * row.line[2]);
        let pay_by = self.terms.order_ttl_s.filter(|_| total > 0).map(|ttl| self.after(ttl));
        let paid_at = (total == 0).then_some(self.now);
        let status = if total == 0 { "paid" } else { "pending" };
        let (now, ordered) = (self.now, self.holds.get_mut(&hold).unwrap());
        (ordered.status, ordered.other) = ("ordered", Some(id));
        self.orders.insert(id, Row { status, deadline: pay_by, other: Some(hold), created_at: now, paid_at, ..row.clone() });
        for event in self.parked(|target| [('o', id), ('h', hold)].contains(&target)) { self.judge(event, id) }
        Ok(format!("order {id} {:?} {} until {pay_by:?}", row.line, self.orders[&id].status))
    }

    fn show(&self, id: i64) -> String {
        let Row { line, status, deadline, other, created_at, paid_at, given_back, .. } = &self.orders[&id];
        format!("order {id} of {other:?} {line:?} {status} {deadline:?} {created_at} {paid_at:?} {given_back} {:?}", self.money_back(id))
    }

    fn cancel(&mut self, id: i64) -> Answer {
        let Some(order) = self.orders.get_mut(&id) else { return no("order_not_found") };
        if !["pending", "cancelled"].contains(&order.status) { return no(format!("order_{}", order.status)) }
        order.status = "cancelled";
        Ok(self.show(id))
    }

    fn refund(&mut self, id: i64, wanted: Option<i64>, restock: bool) -> Answer {
        let Some(order) = self.orders.get_mut(&id) else { return no("order_not_found") };
        if !["paid", "refunded"].contains(&order.status) { return no("order_not_paid") }
        let [product, bought, _] = order.line;
        let wanted = wanted.unwrap_or(bought);
        if wanted > bought { return no(format!("refund_too_large {bought}")) }
        let units = (wanted - order.given_back).max(0);
        order.given_back += units;
        if !restock { self.products[product as usize - 1].total -= units }
        if order.given_back == bought { order.status = "refunded" }
        let (customer, transaction) = (order.customer.clone(), order.transaction.clone());
        Ok(format!("{} {customer:?} {transaction:?}", self.show(id)))
    }
}
