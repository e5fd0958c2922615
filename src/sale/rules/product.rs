//! What an operator and a catalogue may do to products.

use super::command::{
    CreateProduct, LoadProduct, Loaded, Outcome, ProductChanges, RestockProduct, Set,
};
use super::room;
use crate::sale::rows::{Product, ProductId, STOCK_MAX, Timestamp};
use crate::sale::transitions::{self, overdue};
use crate::sale::working_set::{Book, Due, Rejection, Stop, ensure};

impl<T: Copy> Set<T> {
    fn applied_to(self, value: Option<T>) -> Option<T> {
        match self {
            Set::Keep => value,
            Set::Clear => None,
            Set::To(value) => Some(value),
        }
    }
}

impl ProductChanges {
    fn applied_to(&self, product: &Product) -> Result<Product, Stop> {
        let changed = Product {
            name: self.name.clone().unwrap_or_else(|| product.name.clone()),
            price: self.price.unwrap_or(product.price),
            starts_at: self.starts_at.applied_to(product.starts_at),
            ends_at: self.ends_at.applied_to(product.ends_at),
            max_per_hold: self.max_per_hold.applied_to(product.max_per_hold),
            max_per_customer: self.max_per_customer.applied_to(product.max_per_customer),
            paused: self.paused.unwrap_or(product.paused),
            ..product.clone()
        };
        if let (Some(starts_at), Some(ends_at)) = (changed.starts_at, changed.ends_at) {
            ensure!(starts_at < ends_at, Rejection::WindowEmpty);
        }
        Ok(changed)
    }
}

impl CreateProduct {
    /// Whether `created`, as it was then, is what is asked for here.
    pub fn asks_for(&self, created: &Product) -> bool {
        let wanted = self.changes.applied_to(&Product::blank(created.id));
        wanted.is_ok_and(|wanted| {
            *created
                == Product {
                    sku: self.sku.clone(),
                    total: self.total_stock,
                    available: self.total_stock,
                    version: created.version,
                    ..wanted
                }
        })
    }
}

pub fn load(book: &mut Book, load: &LoadProduct) -> Result<Outcome, Stop> {
    match book.product_by_sku(&load.sku)? {
        Some(id) => update(book, id, load),
        None => Ok(Outcome::ProductLoaded {
            product: insert(book, Some(&load.sku), &load.changes, load.total_stock)?,
            loaded: Loaded::Inserted,
        }),
    }
}

pub fn create(book: &mut Book, wish: &CreateProduct) -> Result<Outcome, Stop> {
    if let Some(sku) = &wish.sku {
        ensure!(book.product_by_sku(sku)?.is_none(), Rejection::SkuTaken);
    }
    let id = insert(book, wish.sku.as_deref(), &wish.changes, wish.total_stock)?;
    Ok(Outcome::ProductCreated {
        product: book.known_product(id).clone(),
        at: book.now,
    })
}

fn insert(
    book: &mut Book,
    sku: Option<&str>,
    changes: &ProductChanges,
    total_stock: i64,
) -> Result<ProductId, Stop> {
    assert!(
        (0..=STOCK_MAX).contains(&total_stock),
        "a stock is bounded where it is read"
    );
    let id = book.meta.next_product;
    let product = Product {
        sku: sku.map(str::to_owned),
        ..changes.applied_to(&Product::blank(id))?
    };

    // From here on the product must be inserted.
    transitions::product::create(book, product, total_stock);
    Ok(id)
}

fn update(book: &mut Book, id: ProductId, load: &LoadProduct) -> Result<Outcome, Stop> {
    let product = book.known_product(id).clone();
    let changed = load.changes.applied_to(&product)?;
    let added = load.total_stock - product.total;
    let to_end = if added < 0 {
        room_to_take(book, id, -added)?
    } else {
        Vec::new()
    };

    // From here on the product must be updated.
    let is_changed = changed != product;
    if is_changed {
        transitions::product::change(book, changed);
    }
    if added != 0 {
        overdue::make_room(book, &to_end);
        transitions::product::move_stock(book, id, added, None);
    }
    let loaded = if is_changed || added != 0 {
        Loaded::Updated(Box::new((product, book.known_product(id).clone())))
    } else {
        Loaded::Unchanged
    };
    Ok(Outcome::ProductLoaded {
        product: id,
        loaded,
    })
}

/// The rows to end so that `units` can leave the sale; never what is reserved by the clock, or sold.
fn room_to_take(book: &Book, id: ProductId, units: i64) -> Result<Vec<Due>, Stop> {
    match room::room_for(book, id, units) {
        Err(Stop::Refused(_)) => {
            let committed = book.known_product(id).committed() - book.overdue_units(id)?;
            Err(Rejection::StockCommitted { committed }.into())
        }
        found => found,
    }
}

pub fn change(book: &mut Book, id: ProductId, changes: &ProductChanges) -> Result<Outcome, Stop> {
    let product = book.product(id)?.ok_or(Rejection::ProductNotFound)?;
    let changed = changes.applied_to(product)?;
    let is_changed = changed != *product;
    book.overdue_units(id)?;

    // From here on the change must succeed.
    if is_changed {
        transitions::product::change(book, changed);
    }
    Ok(Outcome::ProductChanged {
        product: by_the_clock(book, id)?,
        at: book.now,
    })
}

fn by_the_clock(book: &Book, id: ProductId) -> Result<Product, Stop> {
    let product = book.known_product(id).clone();
    Ok(product.with_overdue_free(book.overdue_units(id)?))
}

pub fn restock(book: &mut Book, wish: &RestockProduct) -> Result<Outcome, Stop> {
    let (id, units) = (wish.product, wish.units);
    let product = book.product(id)?.ok_or(Rejection::ProductNotFound)?;
    let total = product
        .total
        .checked_add(units)
        .filter(|total| *total <= STOCK_MAX);
    ensure!(total.is_some(), Rejection::StockTooLarge);
    book.overdue_units(id)?;
    let to_end = if units < 0 {
        room_to_take(book, id, units.saturating_neg())?
    } else {
        Vec::new()
    };

    // From here on the stock must move.
    overdue::make_room(book, &to_end);
    transitions::product::move_stock(book, id, units, wish.reason.as_deref());
    Ok(Outcome::ProductRestocked {
        product: by_the_clock(book, id)?,
        at: book.now,
        units,
        reason: wish.reason.clone(),
    })
}

/// Refuses unless `now` lies in the window and nobody has paused the sale.
pub fn ensure_on_sale(product: &Product, now: Timestamp) -> Result<(), Stop> {
    if let Some(starts_at) = product.starts_at {
        ensure!(
            starts_at.has_passed(now),
            Rejection::SaleNotStarted { starts_at }
        );
    }
    ensure!(
        !product
            .ends_at
            .is_some_and(|ends_at| ends_at.has_passed(now)),
        Rejection::SaleEnded
    );
    ensure!(!product.paused, Rejection::SalePaused);
    Ok(())
}
