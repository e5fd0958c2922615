//! From a working set into the tables: what a batch changed, and nothing else, one statement for each kind of change. Every
//! update says what it expects to find, and fails the transaction if it finds something else.

use super::session::Step;
use super::tables::{
    counters, events, holds, idempotency, movements, orders, payments, products, reversals,
};
use crate::sale::WorkingSet;

pub fn steps(set: &WorkingSet) -> Vec<Step> {
    let mut steps = Vec::new();
    products::write(set, &mut steps);
    holds::write(set, &mut steps);
    orders::write(set, &mut steps);
    payments::write(set, &mut steps);
    reversals::write(set, &mut steps);
    movements::write(set, &mut steps);
    events::write(set, &mut steps);
    idempotency::write(set, &mut steps);
    steps.push(counters::write(set));
    steps
}
