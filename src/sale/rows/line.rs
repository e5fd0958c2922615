//! What a hold keeps and an order buys: some units of a product, at the price of the moment in which they were held.

use super::id::ProductId;
use super::money::Cents;
use super::quantity::Quantity;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub product: ProductId,
    pub quantity: Quantity,
    pub unit_price: Cents,
}

impl Line {
    pub fn units(&self) -> i64 {
        self.quantity.units()
    }

    pub fn total_price(&self) -> Cents {
        self.unit_price.times(self.quantity)
    }
}
