//! What is rehearsed: how many buyers come, when, and to what sale.

use crate::config::{Config, WebhookSecret};
use crate::sale::{Product, ProductId};

#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub buyers: u32,
    pub arrivals: Arrivals,
    pub over_s: f64,
    /// The share of buyers who have units in their hands and leave without paying.
    pub abandon: f64,
    /// How often a buyer looks at most.
    pub patience: u32,
    pub connections: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// All of them when the sale opens; or, over some time, half of them in its first eighth.
    Burst,
    /// Ever more of them, second by second.
    Ramp,
    /// At random, as many in each second.
    Poisson,
}

impl Arrivals {
    pub fn as_str(self) -> &'static str {
        match self {
            Arrivals::Burst => "burst",
            Arrivals::Ramp => "ramp",
            Arrivals::Poisson => "poisson",
        }
    }
}

/// What the buyers know of the sale that they come to.
#[derive(Clone, Debug)]
pub struct Sale {
    pub goods: Vec<Good>,
    pub stock_units: i64,
    pub webhook_secret: Option<WebhookSecret>,
    /// Whether payments may come before their orders.
    pub parks_payments: bool,
    /// Whether the server counts the connections of each address.
    pub counts_addresses: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Good {
    pub id: ProductId,
    pub stock: i64,
    /// Units that one hold may have.
    pub quantity_max: i64,
    pub is_limited_per_customer: bool,
}

/// Where fewer payments may wait for their orders, none is sent before its order.
const PARKED_MAX_MIN: u32 = 1_000;

impl Sale {
    pub fn of(config: &Config, products: &[Product]) -> Sale {
        let stock = products.iter().map(|product| product.total);
        Sale {
            goods: products.iter().map(Good::of).collect(),
            stock_units: stock.sum(),
            webhook_secret: config.webhook_secrets.first().cloned(),
            parks_payments: config.parked_max >= PARKED_MAX_MIN,
            counts_addresses: config.max_connections_per_ip > 0,
        }
    }
}

impl Good {
    fn of(product: &Product) -> Good {
        let limits = [product.max_per_hold, product.max_per_customer];
        let limits = limits.into_iter().flatten().map(|limit| limit.units());
        Good {
            id: product.id,
            stock: product.total,
            quantity_max: limits.fold(product.total.max(1), i64::min),
            is_limited_per_customer: product.max_per_customer.is_some(),
        }
    }
}
