//! What is on sale: a price, a stock in four counters, a window, limits.

use super::book::Book;
use super::command::{Outcome, Rejection};
use super::id::ProductId;
use super::money::Cents;
use super::movement::{self, Cause, MovementKind};
use super::quantity::{Quantity, STOCK_MAX};
use super::replay::IdempotencyKey;
use super::text::text_enum;
use super::time::Timestamp;
use super::{Stop, ensure, expiry};

text_enum! {
    pub enum ProductStatus {
        Upcoming = "upcoming",
        Live = "live",
        Paused = "paused",
        Ended = "ended",
        /// Nothing is available, but something reserved may come back.
        AllReserved = "all_reserved",
        SoldOut = "sold_out",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub id: ProductId,
    /// The shop's own name for it, by which `seed` finds it again.
    pub sku: Option<String>,
    pub name: String,
    pub price: Cents,
    pub total: i64,
    pub available: i64,
    pub reserved: i64,
    pub sold: i64,
    /// Counts the movements of its stock.
    pub version: i64,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub max_per_hold: Option<Quantity>,
    pub max_per_customer: Option<Quantity>,
    pub paused: bool,
}

impl Product {
    /// Refuses unless `now` lies in the window and nobody has paused the sale.
    pub fn ensure_on_sale(&self, now: Timestamp) -> Result<(), Stop> {
        if let Some(starts_at) = self.starts_at {
            ensure!(
                starts_at.has_passed(now),
                Rejection::SaleNotStarted { starts_at }
            );
        }
        ensure!(
            !self.ends_at.is_some_and(|ends_at| ends_at.has_passed(now)),
            Rejection::SaleEnded
        );
        ensure!(!self.paused, Rejection::SalePaused);
        Ok(())
    }

    pub fn status_at(&self, now: Timestamp) -> ProductStatus {
        if self
            .starts_at
            .is_some_and(|starts_at| !starts_at.has_passed(now))
        {
            ProductStatus::Upcoming
        } else if self.ends_at.is_some_and(|ends_at| ends_at.has_passed(now)) {
            ProductStatus::Ended
        } else if self.paused {
            ProductStatus::Paused
        } else if self.available > 0 {
            ProductStatus::Live
        } else if self.reserved > 0 {
            ProductStatus::AllReserved
        } else {
            ProductStatus::SoldOut
        }
    }

    /// The product as the clock sees it: what is overdue counts as available, whether a sweep has passed or not.
    pub fn with_overdue_free(mut self, overdue_units: i64) -> Product {
        self.available += overdue_units;
        self.reserved -= overdue_units;
        self
    }

    pub fn blank(id: ProductId) -> Product {
        Product {
            id,
            sku: None,
            name: String::new(),
            price: Cents::ZERO,
            total: 0,
            available: 0,
            reserved: 0,
            sold: 0,
            version: 0,
            starts_at: None,
            ends_at: None,
            max_per_hold: None,
            max_per_customer: None,
            paused: false,
        }
    }

    fn committed(&self) -> i64 {
        self.reserved + self.sold
    }
}

/// What a request says about an optional property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Set<T> {
    /// Nothing: it stays as it is.
    #[default]
    Keep,
    Clear,
    To(T),
}

impl<T: Copy> Set<T> {
    fn applied_to(self, value: Option<T>) -> Option<T> {
        match self {
            Set::Keep => value,
            Set::Clear => None,
            Set::To(value) => Some(value),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct ProductChanges {
    pub name: Option<String>,
    pub price: Option<Cents>,
    pub starts_at: Set<Timestamp>,
    pub ends_at: Set<Timestamp>,
    pub max_per_hold: Set<Quantity>,
    pub max_per_customer: Set<Quantity>,
    pub paused: Option<bool>,
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

/// One row of a catalogue: a known sku is updated, an unknown one inserted.
#[derive(Clone, Debug)]
pub struct LoadProduct {
    pub sku: String,
    pub changes: ProductChanges,
    pub total_stock: i64,
}

/// A product that is not there yet.
#[derive(Clone, Debug)]
pub struct CreateProduct {
    pub sku: Option<String>,
    pub changes: ProductChanges,
    pub total_stock: i64,
    pub key: Option<IdempotencyKey>,
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

/// `units` may be negative, but never takes what is reserved or sold.
#[derive(Clone, Debug)]
pub struct RestockProduct {
    pub product: ProductId,
    pub units: i64,
    pub reason: Option<String>,
    pub key: Option<IdempotencyKey>,
}

/// What became of a row of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded {
    Inserted,
    /// The product as it stood before and as it stands now.
    Updated(Box<(Product, Product)>),
    Unchanged,
}

impl Loaded {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Loaded::Inserted => "inserted",
            Loaded::Updated(_) => "updated",
            Loaded::Unchanged => "unchanged",
        }
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
    book.meta.next_product = id.next();
    book.insert_product(product);
    movement::record(
        book,
        id,
        MovementKind::Stocked,
        total_stock,
        Cause::Stock(None),
    );
    Ok(id)
}

fn update(book: &mut Book, id: ProductId, load: &LoadProduct) -> Result<Outcome, Stop> {
    let product = book.known_product(id).clone();
    let changed = load.changes.applied_to(&product)?;
    let added = load.total_stock - product.total;
    let overdue = if added < 0 {
        room_to_take(book, id, -added)?
    } else {
        Vec::new()
    };

    // From here on the product must be updated.
    let is_changed = changed != product;
    if is_changed {
        *book.change_product(id) = changed;
    }
    if added != 0 {
        expiry::make_room(book, &overdue);
        movement::record(book, id, MovementKind::Stocked, added, Cause::Stock(None));
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
fn room_to_take(book: &Book, id: ProductId, units: i64) -> Result<Vec<super::need::Due>, Stop> {
    match expiry::room_for(book, id, units) {
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
        *book.change_product(id) = changed;
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
    let overdue = if units < 0 {
        room_to_take(book, id, units.saturating_neg())?
    } else {
        Vec::new()
    };

    // From here on the stock must move.
    expiry::make_room(book, &overdue);
    movement::record(
        book,
        id,
        MovementKind::Stocked,
        units,
        Cause::Stock(wish.reason.clone()),
    );
    Ok(Outcome::ProductRestocked {
        product: by_the_clock(book, id)?,
        at: book.now,
        units,
        reason: wish.reason.clone(),
    })
}
