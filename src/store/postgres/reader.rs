//! Reads of committed rows, by a pool of sessions to where batches are written: each sees all that was answered before.

use std::slice;
use std::sync::Arc;

use tokio_postgres::Row;

use super::looks::{Eyes, Looks, RefusalLook, RowLook, Want};
use super::server::{Role, Server};
use super::server_error::ServerError;
use super::session::Step;
use super::sessions::Sessions;
use super::shown::{self, Shown};
use super::tables::{all, counters, events};
use super::times::no_figures;
use super::{refusals, shown_products};
use crate::sale::{
    Command, EventId, Hold, HoldId, Order, OrderId, PlaceHold, Product, ProductId, Rejection, Terms,
};
use crate::store::{EventsAfter, Gone, OpenError, Reader, Seen, StoreError, Then};

pub struct PostgresReader {
    pub(super) sessions: Arc<Sessions>,
    looks: Looks,
}

impl PostgresReader {
    pub fn open(
        server: &Server,
        role: Role,
        sessions_max: u32,
    ) -> Result<PostgresReader, OpenError> {
        let sessions = Arc::new(Sessions::open(server, role, sessions_max)?);
        let looks = Looks::start(sessions.clone());
        let looks = looks
            .map_err(|error| OpenError::Engine(format!("no thread can be started: {error}")))?;
        Ok(PostgresReader { sessions, looks })
    }
}

impl Eyes for Arc<Sessions> {
    fn products(&self, ids: &[ProductId]) -> Result<Shown<ProductId, Arc<Product>>, StoreError> {
        shown::products(self, ids)
    }

    fn holds(&self, ids: &[HoldId]) -> Result<Shown<HoldId, Hold>, StoreError> {
        shown::holds(self, ids)
    }

    fn orders(&self, ids: &[OrderId]) -> Result<Shown<OrderId, Order>, StoreError> {
        shown::orders(self, ids)
    }

    fn refusals(
        &self,
        commands: &[Command],
        terms: &Terms,
    ) -> Result<Vec<Option<Rejection>>, StoreError> {
        refusals::of(self, commands, terms)
    }
}

impl Reader for PostgresReader {
    fn product(&self, id: ProductId) -> Result<Seen<Option<Arc<Product>>>, StoreError> {
        Ok(shown::products(&self.sessions, &[id])?.of(id))
    }

    fn product_then(&self, id: ProductId, then: Then<Seen<Option<Arc<Product>>>>) {
        self.looks.want(Want::Product(RowLook { id, then }));
    }

    fn products(
        &self,
        after: Option<ProductId>,
        limit: usize,
    ) -> Result<Seen<Vec<Product>>, StoreError> {
        shown_products::after(&self.sessions, after, limit)
    }

    fn refusal(&self, wish: &PlaceHold, terms: &Terms) -> Result<Option<Rejection>, StoreError> {
        let command = Command::PlaceHold(wish.clone());
        let judged = refusals::of(&self.sessions, slice::from_ref(&command), terms)?;
        Ok(judged.into_iter().flatten().next())
    }

    fn refusal_then(
        &self,
        wish: PlaceHold,
        terms: &Terms,
        then: Then<(PlaceHold, Option<Rejection>)>,
    ) {
        let terms = *terms;
        self.looks
            .want(Want::Refusal(RefusalLook { wish, terms, then }));
    }

    fn hold(&self, id: HoldId) -> Result<Seen<Option<Hold>>, StoreError> {
        Ok(shown::holds(&self.sessions, &[id])?.of(id))
    }

    fn hold_then(&self, id: HoldId, then: Then<Seen<Option<Hold>>>) {
        self.looks.want(Want::Hold(RowLook { id, then }));
    }

    fn order(&self, id: OrderId) -> Result<Seen<Option<Order>>, StoreError> {
        Ok(shown::orders(&self.sessions, &[id])?.of(id))
    }

    fn order_then(&self, id: OrderId, then: Then<Seen<Option<Order>>>) {
        self.looks.want(Want::Order(RowLook { id, then }));
    }

    fn events(&self, after: i64, events_max: usize) -> Result<EventsAfter, StoreError> {
        let steps = events::after(after, events_max.saturating_add(1));
        self.sessions.with_one(|session| {
            session.execute("begin isolation level repeatable read read only")?;
            let answers = session.run(&steps);
            session.execute("rollback")?;
            events_after(after, events_max, answers?)
        })
    }

    fn next_event(&self) -> Result<EventId, StoreError> {
        let rows = self.sessions.rows(events::next_id)?;
        let row = rows.first().ok_or_else(no_figures)?;
        let next = row.try_get("next_event").map_err(ServerError::from);
        next.map_err(ServerError::before_commit)
    }

    fn has_kept_keys(&self) -> Result<bool, StoreError> {
        let step = || Step::new("select key from replays limit 1");
        let answers = self.sessions.with_one(|session| session.run(&[step()]))?;
        Ok(answers.iter().any(|rows| !rows.is_empty()))
    }

    fn is_far(&self) -> bool {
        true
    }

    fn is_sound(&self) -> Result<(), StoreError> {
        self.hold(HoldId::FIRST).map(|_| ())
    }

    #[cfg(feature = "test-support")]
    fn contents(&self) -> Result<crate::store::Contents, StoreError> {
        self.sessions.with_one(super::contents::of)
    }
}

/// From the answers to `events::after`.
fn events_after(
    after: i64,
    events_max: usize,
    answers: Vec<Vec<Row>>,
) -> Result<EventsAfter, ServerError> {
    let mut answers = answers.into_iter();
    let found = all(answers.next().unwrap_or_default(), events::read)?;
    let figures = answers.next().unwrap_or_default();
    let figures = figures.first().ok_or_else(counters::no_row)?;
    if EventsAfter::is_whole(after, &found, figures.try_get("next")?) {
        return Ok(EventsAfter::page(found, events_max));
    }
    let gaps = answers.next().unwrap_or_default();
    let gap = |row: &Row| Ok((row.try_get("first")?, row.try_get("last")?));
    let gone = Gone::after(after, figures.try_get("oldest")?, &all(gaps, gap)?);
    Ok(gone.map_or_else(|| EventsAfter::page(found, events_max), EventsAfter::Gone))
}
