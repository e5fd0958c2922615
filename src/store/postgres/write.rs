//! From a working set into the tables: what a batch changed, and nothing else.

use super::changes::Changes;
use super::tables::{
    counters, events, holds, idempotency, movements, orders, payments, products, reversals,
};
use crate::sale::WorkingSet;

pub fn changes(set: &WorkingSet) -> Changes {
    let mut changes = Changes::default();
    products::write(set, &mut changes);
    holds::write(set, &mut changes);
    orders::write(set, &mut changes);
    payments::write(set, &mut changes);
    reversals::write(set, &mut changes);
    movements::write(set, &mut changes);
    events::write(set, &mut changes);
    idempotency::write(set, &mut changes);
    changes.add(counters::write(set));
    changes
}
