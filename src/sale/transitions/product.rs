//! A product comes into the sale, changes, and its stock moves by somebody's hand.

use super::movement;
use crate::sale::rows::{Cause, MovementKind, Product, ProductId};
use crate::sale::working_set::Book;

/// With the next id.
pub fn create(book: &mut Book, product: Product, stock: i64) {
    let id = product.id;
    book.meta.next_product = id.next();
    book.insert_product(product);
    move_stock(book, id, stock, None);
}

pub fn change(book: &mut Book, product: Product) {
    let id = product.id;
    *book.change_product(id) = product;
}

/// `units` more, or less.
pub fn move_stock(book: &mut Book, id: ProductId, units: i64, reason: Option<&str>) {
    let cause = Cause::Stock(reason.map(str::to_owned));
    movement::record(book, id, MovementKind::Stocked, units, cause);
}
