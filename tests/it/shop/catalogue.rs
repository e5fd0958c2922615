//! The products that a shop opens with.

use flashsale::sale::{Cents, Command, Patch, ProductChanges, Quantity, Timestamp, UpsertProduct};

/// A product of a test's catalogue.
pub struct Item {
    pub sku: &'static str,
    pub stock: i64,
    pub changes: ProductChanges,
}

pub fn item(sku: &'static str, stock: i64) -> Item {
    let changes = ProductChanges {
        name: Some(sku.to_uppercase()),
        price: Some(Cents::new(9999)),
        ..ProductChanges::default()
    };
    Item {
        sku,
        stock,
        changes,
    }
}

impl Item {
    pub fn price(mut self, cents: i64) -> Item {
        self.changes.price = Some(Cents::new(cents));
        self
    }

    pub fn starts_at(mut self, micros: i64) -> Item {
        self.changes.starts_at = Patch::To(Timestamp::from_micros(micros));
        self
    }

    pub fn ends_at(mut self, micros: i64) -> Item {
        self.changes.ends_at = Patch::To(Timestamp::from_micros(micros));
        self
    }

    pub fn max_per_hold(mut self, units: i64) -> Item {
        self.changes.max_per_hold = Patch::To(Quantity::new(units).unwrap());
        self
    }

    pub fn max_per_customer(mut self, units: i64) -> Item {
        self.changes.max_per_customer = Patch::To(Quantity::new(units).unwrap());
        self
    }

    pub fn load(&self) -> Command {
        Command::UpsertProduct(UpsertProduct {
            sku: self.sku.to_owned(),
            changes: self.changes.clone(),
            total_stock: self.stock,
        })
    }
}
