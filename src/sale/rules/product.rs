//! What an operator and a catalogue may do to products.

use super::command::{
    CreateProduct, Outcome, Patch, ProductChanges, RestockProduct, UpsertProduct, Upserted,
};
use super::room;
use crate::sale::rows::{Product, ProductId, STOCK_MAX, Timestamp};
use crate::sale::transitions::{self, overdue};
use crate::sale::working_set::{Due, Rejection, Stop, WorkingSet, ensure};

impl<T: Copy> Patch<T> {
    fn applied_to(self, value: Option<T>) -> Option<T> {
        match self {
            Patch::Keep => value,
            Patch::Clear => None,
            Patch::To(value) => Some(value),
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

pub fn upsert(set: &mut WorkingSet, upsert: &UpsertProduct) -> Result<Outcome, Stop> {
    match set.product_by_sku(&upsert.sku)? {
        Some(id) => update(set, id, upsert),
        None => Ok(Outcome::ProductUpserted {
            product: insert(set, Some(&upsert.sku), &upsert.changes, upsert.total_stock)?,
            upserted: Upserted::Inserted,
        }),
    }
}

pub fn create(set: &mut WorkingSet, wish: &CreateProduct) -> Result<Outcome, Stop> {
    if let Some(sku) = &wish.sku {
        ensure!(set.product_by_sku(sku)?.is_none(), Rejection::SkuTaken);
    }
    let id = insert(set, wish.sku.as_deref(), &wish.changes, wish.total_stock)?;
    Ok(Outcome::ProductCreated {
        product: set.known_product(id).clone(),
        at: set.now,
    })
}

fn insert(
    set: &mut WorkingSet,
    sku: Option<&str>,
    changes: &ProductChanges,
    total_stock: i64,
) -> Result<ProductId, Stop> {
    assert!(
        (0..=STOCK_MAX).contains(&total_stock),
        "a stock is bounded where it is read"
    );
    let id = set.counters.next_product;
    let product = Product {
        sku: sku.map(str::to_owned),
        ..changes.applied_to(&Product::blank(id))?
    };

    // From here on the product must be inserted.
    transitions::product::create(set, product, total_stock);
    Ok(id)
}

fn update(set: &mut WorkingSet, id: ProductId, upsert: &UpsertProduct) -> Result<Outcome, Stop> {
    let product = set.known_product(id).clone();
    let changed = upsert.changes.applied_to(&product)?;
    let added = upsert.total_stock - product.total;
    let to_end = room_to_take(set, id, -added)?;

    // From here on the product must be updated.
    let is_changed = changed != product;
    if is_changed {
        transitions::product::change(set, changed);
    }
    if added != 0 {
        overdue::make_room(set, &to_end);
        transitions::product::move_stock(set, id, added, None);
    }
    let upserted = if is_changed || added != 0 {
        Upserted::Updated(Box::new((product, set.known_product(id).clone())))
    } else {
        Upserted::Unchanged
    };
    Ok(Outcome::ProductUpserted {
        product: id,
        upserted,
    })
}

/// The rows to end so that `units` can leave the sale, none where units are added; never what is reserved by the clock, or sold.
fn room_to_take(set: &WorkingSet, id: ProductId, units: i64) -> Result<Vec<Due>, Stop> {
    match room::room_for(set, id, units) {
        Err(Stop::Refused(_)) => {
            let committed = set.known_product(id).committed() - set.overdue_units(id)?;
            Err(Rejection::StockCommitted { committed }.into())
        }
        found => found,
    }
}

pub fn change(
    set: &mut WorkingSet,
    id: ProductId,
    changes: &ProductChanges,
) -> Result<Outcome, Stop> {
    let product = set.product(id)?.ok_or(Rejection::ProductNotFound)?;
    let changed = changes.applied_to(product)?;
    let is_changed = changed != *product;
    set.overdue_units(id)?;

    // From here on the change must succeed.
    if is_changed {
        transitions::product::change(set, changed);
    }
    Ok(Outcome::ProductChanged {
        product: by_the_clock(set, id)?,
        at: set.now,
    })
}

fn by_the_clock(set: &WorkingSet, id: ProductId) -> Result<Product, Stop> {
    let product = set.known_product(id).clone();
    Ok(product.with_overdue_free(set.overdue_units(id)?))
}

pub fn restock(set: &mut WorkingSet, wish: &RestockProduct) -> Result<Outcome, Stop> {
    let (id, units) = (wish.product, wish.units);
    let product = set.product(id)?.ok_or(Rejection::ProductNotFound)?;
    let total = product
        .total
        .checked_add(units)
        .filter(|total| *total <= STOCK_MAX);
    ensure!(total.is_some(), Rejection::StockTooLarge);
    set.overdue_units(id)?;
    let to_end = room_to_take(set, id, units.saturating_neg())?;

    // From here on the stock must move.
    overdue::make_room(set, &to_end);
    transitions::product::move_stock(set, id, units, wish.reason.as_deref());
    Ok(Outcome::ProductRestocked {
        product: by_the_clock(set, id)?,
        at: set.now,
        units,
        reason: wish.reason.clone(),
    })
}

/// Refuses unless `now` lies in the window and the sale is not paused.
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
