//! What the rehearsal's database says of what the crowd was told: nothing acknowledged is missing, and no more was given away
//! than there was.

use std::collections::BTreeMap;

use super::plan::Good;
use super::told::{Told, ToldHold, ToldOrder};
use crate::sale::{HoldStatus, OrderStatus, ProductId};
use crate::store::{Filter, OrderFilter, Page, Reader, Seek, Seen, StoreError};

#[derive(Debug, Default)]
pub struct Comparison {
    pub holds: u64,
    pub orders: u64,
    pub units_held: i64,
    pub units_sold: i64,
    pub units_reserved: i64,
    pub units_available: i64,
    pub oversold_units: i64,
    pub missing_writes: u64,
    /// What is wrong, in words; of many things the first.
    pub findings: Vec<String>,
}

const ROWS_A_PAGE: usize = 1_000;
const NAMED_MAX: usize = 10;

impl Comparison {
    pub fn of(reader: &dyn Reader, told: Told, goods: &[Good]) -> Result<Comparison, StoreError> {
        let mut comparison = Comparison {
            missing_writes: told.contradicted,
            findings: told.contradictions,
            ..Comparison::default()
        };
        let mut given = BTreeMap::new();
        comparison.compare_holds(reader, told.holds, &mut given)?;
        comparison.compare_orders(reader, told.orders, &mut given)?;
        comparison.compare_events(reader, told.events)?;
        comparison.count_units(reader, &given, goods)?;
        Ok(comparison)
    }

    /// What a hold that is alive keeps is given away, and counted in `given`.
    fn compare_holds(
        &mut self,
        reader: &dyn Reader,
        mut told: Vec<ToldHold>,
        given: &mut BTreeMap<ProductId, i64>,
    ) -> Result<(), StoreError> {
        told.sort_unstable_by_key(|hold| hold.id);
        told.dedup();
        let mut told = told.into_iter().peekable();
        each(
            |page| reader.holds(&Filter::ALL, page),
            |hold| hold.id.get(),
            |hold, now| {
                while let Some(lost) = told.next_if(|it| it.id < hold.id.get()) {
                    self.miss(lost_hold(&lost));
                }
                self.holds += 1;
                self.units_held += hold.line.units();
                if hold.status_at(now) == HoldStatus::Active {
                    *given.entry(hold.line.product).or_default() += hold.line.units();
                }
                while let Some(it) = told.next_if(|it| it.id == hold.id.get()) {
                    let kept = (hold.line.product.get(), hold.line.units());
                    if kept != (it.product, it.quantity) {
                        self.miss(format!(
                            "hold {} of {} units of product {} was acknowledged, and the database has {} of product {}",
                            it.id, it.quantity, it.product, kept.1, kept.0
                        ));
                    }
                }
            },
        )?;
        told.for_each(|lost| self.miss(lost_hold(&lost)));
        Ok(())
    }

    fn compare_orders(
        &mut self,
        reader: &dyn Reader,
        mut told: Vec<ToldOrder>,
        given: &mut BTreeMap<ProductId, i64>,
    ) -> Result<(), StoreError> {
        told.sort_unstable_by_key(|order| order.id);
        told.dedup();
        let mut told = told.into_iter().peekable();
        each(
            |page| reader.orders(&OrderFilter::ALL, page),
            |order| order.id.get(),
            |order, now| {
                while let Some(lost) = told.next_if(|it| it.id < order.id.get()) {
                    self.miss(lost_order(&lost));
                }
                self.orders += 1;
                let status = order.status_at(now);
                if matches!(status, OrderStatus::Pending | OrderStatus::Paid) {
                    *given.entry(order.line.product).or_default() += order.line.units();
                }
                while let Some(it) = told.next_if(|it| it.id == order.id.get()) {
                    if order.hold.get() != it.hold {
                        self.miss(format!(
                            "order {} was acknowledged for hold {}, and the database has it for hold {}",
                            it.id, it.hold, order.hold
                        ));
                    }
                    if it.is_paid && status != OrderStatus::Paid {
                        self.miss(format!(
                            "order {} was acknowledged as paid, and the database has it as {}",
                            it.id,
                            status.as_str()
                        ));
                    }
                }
            },
        )?;
        told.for_each(|lost| self.miss(lost_order(&lost)));
        Ok(())
    }

    fn compare_events(
        &mut self,
        reader: &dyn Reader,
        mut told: Vec<i64>,
    ) -> Result<(), StoreError> {
        told.sort_unstable();
        told.dedup();
        let mut told = told.into_iter().peekable();
        each(
            |page| reader.payments(&Filter::ALL, page),
            |payment| payment.id.get(),
            |payment, _| {
                while let Some(lost) = told.next_if(|it| *it < payment.id.get()) {
                    self.miss(lost_event(lost));
                }
                told.next_if_eq(&payment.id.get());
            },
        )?;
        told.for_each(|lost| self.miss(lost_event(lost)));
        Ok(())
    }

    /// Oversold is what holds, pending orders and paid orders have beyond what there was, product by product.
    fn count_units(
        &mut self,
        reader: &dyn Reader,
        given: &BTreeMap<ProductId, i64>,
        goods: &[Good],
    ) -> Result<(), StoreError> {
        let stocks: BTreeMap<_, _> = goods.iter().map(|good| (good.id, good.stock)).collect();
        let mut after = None;
        loop {
            let products = reader.products(after, ROWS_A_PAGE)?.what;
            let Some(last) = products.last() else {
                return Ok(());
            };
            after = Some(last.id);
            for product in &products {
                self.units_available += product.available;
                self.units_reserved += product.reserved;
                self.units_sold += product.sold;
                let given = given.get(&product.id).copied().unwrap_or(0);
                let given = given.max(product.committed());
                let stock = stocks.get(&product.id).copied().unwrap_or(0);
                let oversold = (given - stock).max(0);
                if oversold > 0 {
                    self.oversold_units += oversold;
                    self.find(format!(
                        "product {} was oversold by {oversold} units: {given} of {stock} were given away",
                        product.id
                    ));
                }
            }
        }
    }

    fn miss(&mut self, what: String) {
        self.missing_writes += 1;
        self.find(what);
    }

    fn find(&mut self, what: String) {
        if self.findings.len() < NAMED_MAX {
            self.findings.push(what);
        }
    }
}

fn lost_hold(hold: &ToldHold) -> String {
    format!("hold {} was acknowledged and is missing", hold.id)
}

fn lost_order(order: &ToldOrder) -> String {
    format!("order {} was acknowledged and is missing", order.id)
}

fn lost_event(id: i64) -> String {
    format!("payment event {id} was acknowledged and is missing")
}

/// Every row of a list, oldest first, and the time that it is judged at.
pub fn each<R>(
    read: impl Fn(Page) -> Result<Seen<Vec<R>>, StoreError>,
    number: impl Fn(&R) -> i64,
    mut each: impl FnMut(&R, crate::sale::Timestamp),
) -> Result<(), StoreError> {
    let mut last = 0;
    loop {
        let page = Page {
            seek: Seek::After(last),
            limit: ROWS_A_PAGE,
        };
        let Seen { what: rows, at } = read(page)?;
        let Some(newest) = rows.last() else {
            return Ok(());
        };
        last = number(newest);
        for row in &rows {
            each(row, at);
        }
    }
}
