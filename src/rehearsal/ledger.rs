//! The course of the sale as the database has it: its ledger of stock, its orders and its payment events, each with the time
//! of the transaction that wrote it. No two transactions have the same time.

use super::comparison::each;
use crate::sale::{MovementKind, Product, Timestamp};
use crate::store::{Filter, OrderFilter, Reader, StoreError};

/// What was committed since the sale opened.
pub struct Ledger {
    /// Transactions that did what a client asked for.
    pub commits: u64,
    /// What clients asked for, and these transactions did.
    pub commands: u64,
    /// From the opening until nothing was available for the first time.
    pub sold_out_us: Option<u64>,
    pub windows: Vec<StockWindow>,
    /// How many transactions had 1, 2–3, 4–7, 8–15 … commands.
    pub batch_sizes: Vec<u64>,
}

/// What has happened in a window, and what there is at its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct StockWindow {
    pub available: i64,
    pub reserved: i64,
    pub sold: i64,
    pub units_held: i64,
    pub units_sold: i64,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    at: i64,
    available: i64,
    reserved: i64,
    sold: i64,
    commands: u64,
    units_held: i64,
}

const PRODUCTS_A_PAGE: usize = 1_000;

impl Ledger {
    /// In windows of so many microseconds, for a sale that began with `stock_units`.
    pub fn of(
        reader: &dyn Reader,
        opened_at: Timestamp,
        window_us: u64,
        stock_units: i64,
    ) -> Result<Ledger, StoreError> {
        let mut entries = entries(reader)?;
        entries.sort_unstable_by_key(|entry| entry.at);
        let mut ledger = Ledger {
            commits: 0,
            commands: 0,
            sold_out_us: None,
            windows: Vec::new(),
            batch_sizes: Vec::new(),
        };
        let mut stock = StockWindow {
            available: stock_units,
            ..StockWindow::default()
        };
        for batch in entries.chunk_by(|one, other| one.at == other.at) {
            let since = u64::try_from(batch[0].at - opened_at.micros()).unwrap_or(0);
            ledger.count_commit(batch.iter().map(|entry| entry.commands).sum());
            let window = (since / window_us) as usize;
            while ledger.windows.len() <= window {
                (stock.units_held, stock.units_sold) = (0, 0);
                ledger.windows.push(stock);
            }
            for entry in batch {
                stock.available += entry.available;
                stock.reserved += entry.reserved;
                stock.sold += entry.sold;
                stock.units_held += entry.units_held;
                stock.units_sold += entry.sold.max(0);
            }
            ledger.windows[window] = stock;
            if stock.available <= 0 && ledger.sold_out_us.is_none() {
                ledger.sold_out_us = Some(since);
            }
        }
        Ok(ledger)
    }

    fn count_commit(&mut self, commands: u64) {
        if commands == 0 {
            return;
        }
        self.commits += 1;
        self.commands += commands;
        let power = commands.ilog2() as usize;
        if self.batch_sizes.len() <= power {
            self.batch_sizes.resize(power + 1, 0);
        }
        self.batch_sizes[power] += 1;
    }
}

fn entries(reader: &dyn Reader) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    let mut after = None;
    loop {
        let products = reader.products(after, PRODUCTS_A_PAGE)?.what;
        let Some(last) = products.last() else {
            break;
        };
        after = Some(last.id);
        for product in &products {
            movements(reader, product, &mut entries)?;
        }
    }
    let command = |at: Timestamp| Entry {
        at: at.micros(),
        commands: 1,
        ..Entry::default()
    };
    each(
        |page| reader.orders(&OrderFilter::ALL, page),
        |order| order.id.get(),
        |order, _| entries.push(command(order.created_at)),
    )?;
    each(
        |page| reader.payments(&Filter::ALL, page),
        |payment| payment.id.get(),
        |payment, _| entries.push(command(payment.received_at)),
    )?;
    Ok(entries)
}

/// Those of the sale; the first of each product stocked it before.
fn movements(
    reader: &dyn Reader,
    product: &Product,
    entries: &mut Vec<Entry>,
) -> Result<(), StoreError> {
    each(
        |page| reader.movements(product.id, page),
        |movement| movement.version,
        |movement, _| {
            let is_placed = movement.kind == MovementKind::HoldPlaced;
            if movement.kind != MovementKind::Stocked {
                entries.push(Entry {
                    at: movement.at.micros(),
                    available: movement.delta.available,
                    reserved: movement.delta.reserved,
                    sold: movement.delta.sold,
                    commands: u64::from(is_placed),
                    units_held: if is_placed {
                        movement.delta.reserved
                    } else {
                        0
                    },
                });
            }
        },
    )
}
