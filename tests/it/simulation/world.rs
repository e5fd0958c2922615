//! One sale twice: the rules on the memory store, and the model. Every answer is compared, and after every batch every row.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use flashsale::sale::{Command, Outcome, PaymentId, Terms, Timestamp};
use flashsale::store::{Decision, Filter, Lists, OrderFilter, Page, Reader, Seek, Store, no_more};

use super::model::{Answer, Model};
use super::story::{Step, StoreFault};
use super::told::{money_back, product_told, told};
use crate::memory::MemoryStore;
use crate::properties::{books_are_right, same};
use crate::shop::OPENING;

/// What is wrong.
pub type Wrong = String;

pub struct World {
    store: MemoryStore,
    pub model: Model,
    backup: Option<(MemoryStore, Model)>,
    batch: Vec<Command>,
    fault: Option<StoreFault>,
    now: i64,
    /// Ids of holds, orders and payments that any life of the sale has given.
    given: BTreeSet<(&'static str, i64)>,
    /// How often which command was answered how.
    pub seen: BTreeMap<String, usize>,
    pub decided: usize,
}

impl World {
    pub fn new(terms: Terms) -> World {
        World {
            store: MemoryStore::default(),
            model: Model::new(terms),
            backup: None,
            batch: Vec::new(),
            fault: None,
            now: OPENING,
            given: BTreeSet::new(),
            seen: BTreeMap::new(),
            decided: 0,
        }
    }

    pub fn take(&mut self, step: &Step) -> Result<(), Wrong> {
        match step {
            Step::At(now) => {
                self.now = self.now.max(*now);
                self.model.pass_time(self.now);
                self.rows_are_alike()?;
            }
            Step::Command(command) => self.batch.push(command.clone()),
            Step::Fails(fault) => self.fault = Some(*fault),
            Step::Commit => {
                let batch = mem::take(&mut self.batch);
                self.commit(&batch)?;
                self.rows_are_alike()?;
            }
            Step::BackUp => {
                self.store
                    .probe(&|_| Timestamp::from_micros(self.now))
                    .map_err(|error| error.to_string())?;
                self.backup = Some((self.store.copy(), self.model.clone()));
            }
            Step::LoseDisk { more_ids } => self.lose_disk(*more_ids),
        }
        Ok(())
    }

    fn commit(&mut self, batch: &[Command]) -> Result<(), Wrong> {
        let waiting = self
            .store
            .contents()
            .map_err(|error| error.to_string())?
            .counters
            .parked as usize;
        if waiting + batch.len() > self.model.terms.parked_max as usize {
            // The rules count what waits in vain until it is swept; the writer sweeps before each batch.
            let (rows_max, keys_max) = (usize::MAX, usize::MAX);
            self.decide(&[Command::Sweep { rows_max, keys_max }], false)?;
        }
        match self.fault.take() {
            None => self.decide(batch, true),
            Some(StoreFault::NotApplied) => self.decide_in_vain(batch),
            Some(StoreFault::Busy | StoreFault::InDoubtLost) => {
                self.decide_in_vain(batch)?;
                self.decide(batch, true)
            }
            Some(StoreFault::InDoubtApplied) => {
                self.decide(batch, true)?;
                self.decide(batch, true)
            }
            Some(StoreFault::Broken) => {
                self.decide_in_vain(batch)?;
                batch
                    .iter()
                    .skip(1)
                    .try_for_each(|command| self.decide(std::slice::from_ref(command), true))
            }
        }
    }

    /// The store judges the batch, and fails before it has written anything.
    fn decide_in_vain(&mut self, batch: &[Command]) -> Result<(), Wrong> {
        let before = self.store.contents().map_err(|error| error.to_string())?;
        self.store.fails_to_write = true;
        let now = self.now;
        let answer = self.store.transact(
            &self.model.terms,
            &|_| Timestamp::from_micros(now),
            batch,
            &mut no_more,
        );
        self.store.fails_to_write = false;
        if answer.is_ok() && !batch.is_empty() {
            return Err("a store that fails has answered".into());
        }
        let after = self.store.contents().map_err(|error| error.to_string())?;
        (before == after)
            .then_some(())
            .ok_or_else(|| "what failed has left something".into())
    }

    fn decide(&mut self, batch: &[Command], is_told: bool) -> Result<(), Wrong> {
        let before = self.store.contents().map_err(|error| error.to_string())?;
        let judged_at = Cell::new(self.now);
        let now = self.now;
        let time = |last: Timestamp| {
            judged_at.set(last.micros().max(now));
            Timestamp::from_micros(judged_at.get())
        };
        let decisions = self
            .store
            .transact(&self.model.terms, &time, batch, &mut no_more)
            .map_err(|error| error.to_string())?;
        self.now = judged_at.get();
        if decisions.len() != batch.len() {
            return Err("each command has one decision".into());
        }
        for (command, decision) in batch.iter().zip(&decisions) {
            self.is_not_given_again(decision)?;
            let theirs = self.model.answer(self.now, command);
            let ours = told(decision);
            let is_same = ours == theirs
                || matches!((&ours, &theirs), (Ok(o), Ok(_)) if o.starts_with("upserted"));
            if !is_same {
                return Err(format!(
                    "{command:?}\n  is answered {ours:?}\n  but must be {theirs:?}"
                ));
            }
            if is_told {
                *self.seen.entry(kind(command, &ours)).or_default() += 1;
            }
        }
        self.decided += batch.len();
        let is_refused = decisions.iter().all(Result::is_err);
        let after = self.store.contents().map_err(|error| error.to_string())?;
        if is_refused && before != after {
            return Err(format!("refusals have changed something: {batch:?}"));
        }
        books_are_right(&after)
    }

    fn is_not_given_again(&mut self, decision: &Decision) -> Result<(), Wrong> {
        let id = match decision {
            Ok(Outcome::HoldPlaced(hold)) => ("hold", hold.id.get()),
            Ok(Outcome::OrderPlaced(order)) => ("order", order.id.get()),
            Ok(Outcome::PaymentRecorded(it)) if !it.already_processed => {
                ("payment", it.payment.get())
            }
            Ok(_) | Err(_) => return Ok(()),
        };
        self.given
            .insert(id)
            .then_some(())
            .ok_or_else(|| format!("given twice: {id:?}"))
    }

    fn lose_disk(&mut self, more_ids: i64) {
        let Some((store, model)) = &self.backup else {
            return;
        };
        let since = self
            .model
            .next
            .iter()
            .zip(model.next)
            .map(|(now, then)| now - then);
        let ids = since.max().unwrap_or(0) + more_ids;
        (self.store, self.model) = (store.copy(), model.clone());
        self.model.pass_time(self.now);
        self.model.lose(ids);
        self.store.skip_ids(ids);
        self.backup = None;
    }

    /// What readers see, swept or not, is what the model has.
    fn rows_are_alike(&self) -> Result<(), Wrong> {
        let all = Page {
            seek: Seek::After(0),
            limit: usize::MAX,
        };
        let (store, model) = (&self.store, &self.model);
        store.hands.set(self.now);
        let products = store
            .products(None, usize::MAX)
            .map_err(|error| error.to_string())?;
        for (id, product) in (1..).zip(&products.what) {
            same(
                ("product", id),
                product_told(product, products.at),
                model.product(id),
            )?;
        }
        same("how many count", products.what.len(), model.products.len())?;
        let holds = store
            .holds(&Filter::ALL, all)
            .map_err(|error| error.to_string())?;
        for (hold, (id, row)) in holds.what.iter().zip(&model.holds) {
            let ours = (
                hold.id.get(),
                hold.status_at(holds.at).as_str(),
                hold.order.map(|order| order.get()),
            );
            same(("hold", *id), ours, (*id, row.status, row.other))?;
        }
        same("how many holds", holds.what.len(), model.holds.len())?;
        let orders = store
            .orders(&OrderFilter::ALL, all)
            .map_err(|error| error.to_string())?;
        for (order, (id, row)) in orders.what.iter().zip(&model.orders) {
            let ours = (
                order.id.get(),
                order.status_at(orders.at).as_str(),
                order.paid_at.map(|at| at.micros()),
                &order.transaction_id,
                money_back(order),
            );
            let theirs = (
                *id,
                row.status,
                row.paid_at,
                &row.transaction,
                model.money_back(*id),
            );
            same(("order", *id), ours, theirs)?;
        }
        same("how many orders", orders.what.len(), model.orders.len())?;
        self.payments_are_alike(all)
    }

    fn payments_are_alike(&self, all: Page) -> Result<(), Wrong> {
        let (store, model) = (&self.store, &self.model);
        let payments = store
            .payments(&Filter::ALL, all)
            .map_err(|error| error.to_string())?;
        let due: BTreeSet<PaymentId> = store
            .refunds(None, all)
            .map_err(|error| error.to_string())?
            .what
            .iter()
            .map(|it| it.id)
            .collect();
        for (payment, (id, event)) in payments.what.iter().zip(&model.events) {
            let refund = due
                .contains(&payment.id)
                .then(|| payment.resolution.map_or("due", |how| how.as_str()));
            let ours = (payment.id.get(), payment.verdict.as_str(), refund);
            same(("payment", *id), ours, (*id, event.verdict, event.refund))?;
        }
        same("how many payments", payments.what.len(), model.events.len())
    }
}

/// The command, and how it was answered: without ids and figures, and with a payment's verdict.
fn kind(command: &Command, answer: &Answer) -> String {
    let command = format!("{command:?}");
    let command = command.split([' ', '(']).next().unwrap_or_default();
    let (Ok(text) | Err(text)) = answer;
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        ["event", _, is_again, verdict, ..] => {
            let again = if is_again == "true" { " again" } else { "" };
            format!("{command}{again} {verdict}")
        }
        [first, ..] => format!("{command} {first}"),
        [] => unreachable!("an answer is not empty"),
    }
}
