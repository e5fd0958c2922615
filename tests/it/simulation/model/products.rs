//! What is on sale, and what is left of it.

use flashsale::sale::{Patch, ProductChanges, STOCK_MAX};

use super::{Answer, Model, Product, Row, no};

impl Model {
    pub(super) fn units(&self, product: i64, counts: impl Fn(&Row) -> bool) -> i64 {
        let rows = self.holds.values().chain(self.orders.values());
        rows.filter(|row| row.line[0] == product && counts(row)).map(|row| row.line[1] - row.given_back).sum()
    }

    /// What is available, reserved and sold.
    pub fn stock(&self, id: i64) -> [i64; 3] {
        let reserved = self.units(id, |row| ["active", "pending"].contains(&row.status));
        let sold = self.units(id, |row| row.status == "paid");
        [self.products[id as usize - 1].total - reserved - sold, reserved, sold]
    }

    pub(super) fn has_room(&self, order: &Row) -> bool {
        order.status == "pending" || self.stock(order.line[0])[0] >= order.line[1]
    }

    pub fn product(&self, id: i64) -> String {
        let (it, [available, reserved, sold]) = (&self.products[id as usize - 1], self.stock(id));
        let [starts_at, ends_at] = it.window;
        let status = match () {
            _ if starts_at.is_some_and(|at| self.now < at) => "upcoming",
            _ if ends_at.is_some_and(|at| self.now >= at) => "ended",
            _ if it.paused => "paused",
            _ if available > 0 => "live",
            _ if reserved > 0 => "all_reserved",
            _ => "sold_out",
        };
        format!("product {id} {:?} {} {} {available} {reserved} {sold} {status}", it.sku, it.price, it.total)
    }

    pub(super) fn change_known(&mut self, id: i64, changes: &ProductChanges, units: i64) -> Answer {
        let known = usize::try_from(id - 1).ok().filter(|index| *index < self.products.len());
        known.map_or(no("product_not_found"), |known| self.change(Some(known), None, changes, |total| total + units))
    }

    pub(super) fn change(&mut self, known: Option<usize>, sku: Option<&String>, it: &ProductChanges, total: impl Fn(i64) -> i64) -> Answer {
        let new = Product { sku: sku.cloned(), ..Product::default() };
        let mut product = known.map_or(new, |index| self.products[index].clone());
        fn patch<T: Copy>(value: &mut Option<i64>, patch: &Patch<T>, number: impl Fn(T) -> i64) {
            match patch {
                Patch::Keep => {}
                Patch::Clear => *value = None,
                Patch::To(to) => *value = Some(number(*to)),
            }
        }
        product.price = it.price.map_or(product.price, |price| price.get());
        product.paused = it.paused.unwrap_or(product.paused);
        patch(&mut product.window[0], &it.starts_at, |at| at.micros());
        patch(&mut product.window[1], &it.ends_at, |at| at.micros());
        patch(&mut product.max_per_hold, &it.max_per_hold, |units| units.units());
        patch(&mut product.max_per_customer, &it.max_per_customer, |units| units.units());
        product.total = total(product.total);
        let committed = known.map_or(0, |index| self.stock(index as i64 + 1)[1..].iter().sum());
        match product.window {
            [Some(start), Some(end)] if start >= end => return no("window_empty"),
            _ if product.total < committed => return no(format!("stock_committed {committed}")),
            _ if product.total > STOCK_MAX => return no("stock_too_large"),
            _ => {}
        }
        let index = known.unwrap_or(self.products.len());
        if known.is_none() { self.products.push(product) } else { self.products[index] = product }
        Ok(self.product(index as i64 + 1))
    }
}
