//! A product comes into the sale, changes, and its stock moves by an operator's hand.

use super::movement;
use crate::sale::rows::{Cause, MovementKind, Product, ProductId};
use crate::sale::working_set::WorkingSet;

/// With the next id.
pub fn create(set: &mut WorkingSet, product: Product, stock: i64) {
    let id = product.id;
    set.counters.next_product = id.next();
    set.insert_product(product);
    move_stock(set, id, stock, None);
}

pub fn change(set: &mut WorkingSet, product: Product) {
    let id = product.id;
    *set.change_product(id) = product;
}

/// `units` more, or less.
pub fn move_stock(set: &mut WorkingSet, id: ProductId, units: i64, reason: Option<&str>) {
    let cause = Cause::Stock(reason.map(str::to_owned));
    movement::record(set, id, MovementKind::Stocked, units, cause);
}
