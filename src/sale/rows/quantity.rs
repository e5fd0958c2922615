//! A wished-for number of units: 1 to 2^31 − 1.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Quantity(u32);

/// The most units that a product may have, and so the most that anyone can wish for.
pub const STOCK_MAX: i64 = 2_147_483_647;

impl Quantity {
    pub fn new(units: i64) -> Option<Quantity> {
        (1..=STOCK_MAX)
            .contains(&units)
            .then(|| Quantity(u32::try_from(units).expect("the bound fits 32 bits")))
    }

    pub fn units(self) -> i64 {
        i64::from(self.0)
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
