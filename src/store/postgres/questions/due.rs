//! What is past its deadline, and what is counted by the clock.

use std::collections::VecDeque;

use tokio_postgres::Row;

use super::rows::read_products;
use super::{Answered, Questions};
use crate::sale::{Customer, Due, ProductId, Terms, Timestamp, WorkingSet};
use crate::store::postgres::tables::{all, events, holds, idempotency, orders, payments, products};

impl Questions {
    pub(super) fn ask_for_customer_use(&mut self, of: Vec<(ProductId, Customer)>, now: Timestamp) {
        if of.is_empty() {
            return;
        }
        let (ids, customers) = of.into_iter().unzip();
        self.ask(products::customer_use(ids, customers, now), |set, rows| {
            for row in &rows {
                let customer = row.try_get("customer")?;
                set.fetched_customer_use(row.try_get("product")?, customer, row.try_get("units")?);
            }
            Ok(())
        });
    }

    pub(super) fn ask_for_overdue_units(&mut self, of: Vec<ProductId>, now: Timestamp) {
        if of.is_empty() {
            return;
        }
        self.ask(products::overdue_units(of, now), |set, rows| {
            for row in &rows {
                set.fetched_overdue_units(row.try_get("product")?, row.try_get("units")?);
            }
            Ok(())
        });
    }

    /// Of each kind the oldest rows with the wanted units between them; merged by deadline, only the first of them are
    /// surely the oldest of all.
    pub(super) fn ask_for_overdue_rows(&mut self, of: Vec<(ProductId, i64)>, now: Timestamp) {
        if of.is_empty() {
            return;
        }
        let (ids, units): (Vec<ProductId>, Vec<i64>) = of.iter().copied().unzip();
        let steps = [
            holds::overdue_of_products(ids.clone(), units.clone(), now),
            orders::overdue_of_products(ids, units, now),
        ];
        self.ask_together(steps, move |set, [holds, orders]| {
            let mut due = ByDeadline::default();
            due.add_holds(set, holds)?;
            due.add_orders(set, orders)?;
            let due = due.oldest();
            for (product, units) in of {
                set.fetched_overdue_rows(product, oldest_of(set, &due, product, units));
            }
            Ok(())
        });
    }

    /// The oldest due rows of all kinds, with their products. What is due by the server's clock may not be due yet for the
    /// batch.
    pub(super) fn ask_for_due(
        &mut self,
        (rows_max, keys_max): (usize, usize),
        terms: &Terms,
        at: Option<Timestamp>,
    ) {
        self.ask(holds::products_of_overdue(rows_max, at), read_products);
        self.ask(orders::products_of_overdue(rows_max, at), read_products);
        let steps = [
            holds::overdue(rows_max, at),
            orders::overdue(rows_max, at),
            payments::lapsed(rows_max, at),
            events::due(rows_max, terms, at),
            idempotency::lapsed(keys_max, at),
        ];
        self.ask_together(
            steps,
            move |set, [holds, orders, payments, events, records]| {
                let mut due = ByDeadline::default();
                due.add_holds(set, holds)?;
                due.add_orders(set, orders)?;
                due.add_payments(set, payments)?;
                let mut due = due.oldest();
                due.truncate(rows_max);
                add_events(set, &mut due, rows_max, events)?;
                for record in all(records, idempotency::read)? {
                    if record.expires_at.has_passed(set.now) {
                        due.push(Due::IdempotencyKey(record.key.clone()));
                    }
                    set.fetched_record(record.key.clone(), Some(record));
                }
                set.fetched_due(due);
                Ok(())
            },
        );
    }
}

/// Rows with deadlines that have passed for the batch. Of equal deadlines, holds come first, then orders.
#[derive(Default)]
struct ByDeadline(Vec<(Timestamp, Due)>);

impl ByDeadline {
    fn add(&mut self, set: &WorkingSet, deadline: Timestamp, due: Due) {
        if deadline.has_passed(set.now) {
            self.0.push((deadline, due));
        }
    }

    fn add_holds(&mut self, set: &mut WorkingSet, rows: Vec<Row>) -> Answered {
        for hold in all(rows, holds::read)? {
            self.add(set, hold.expires_at, Due::Hold(hold.id));
            set.holds.fetched(hold.id, Some(hold));
        }
        Ok(())
    }

    fn add_orders(&mut self, set: &mut WorkingSet, rows: Vec<Row>) -> Answered {
        for order in all(rows, orders::read)? {
            self.add(set, order.pay_by.unwrap_or(set.now), Due::Order(order.id));
            set.orders.fetched(order.id, Some(order));
        }
        Ok(())
    }

    fn add_payments(&mut self, set: &mut WorkingSet, rows: Vec<Row>) -> Answered {
        for payment in all(rows, payments::read)? {
            let deadline = payment.parked_until.unwrap_or(set.now);
            self.add(set, deadline, Due::Payment(payment.id));
            set.payments.fetched(payment.id, Some(payment));
        }
        Ok(())
    }

    fn oldest(mut self) -> Vec<Due> {
        self.0.sort_by_key(|(deadline, _)| *deadline);
        self.0.into_iter().map(|(_, due)| due).collect()
    }
}

/// Where there is room left. They are forgotten in the order of their ids.
fn add_events(set: &WorkingSet, due: &mut Vec<Due>, rows_max: usize, events: Vec<Row>) -> Answered {
    for row in events {
        let deadline = set.terms.event_deadline(row.try_get("at")?);
        if due.len() >= rows_max || !deadline.has_passed(set.now) {
            break;
        }
        due.push(Due::Event(row.try_get("id")?));
    }
    Ok(())
}

/// The first rows of the product with the wanted units between them.
fn oldest_of(set: &WorkingSet, due: &[Due], product: ProductId, units: i64) -> VecDeque<Due> {
    let is_its = |due: &&Due| match due {
        Due::Hold(id) => matches!(set.hold(*id), Ok(Some(hold)) if hold.line.product == product),
        Due::Order(id) => {
            matches!(set.order(*id), Ok(Some(order)) if order.line.product == product)
        }
        Due::Payment(_) | Due::Event(_) | Due::IdempotencyKey(_) => false,
    };
    let mut missing = units;
    let oldest = due.iter().filter(is_its).take_while(|due| {
        let is_needed = missing > 0;
        missing -= set.overdue_row_units(due).unwrap_or(0);
        is_needed
    });
    oldest.cloned().collect()
}
