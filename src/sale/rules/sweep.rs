//! How deadlines end things. A hold or an order past its deadline is over from that instant for everyone who looks at it;
//! its row is told so when a command needs its units or a sweep passes by.

use super::command::{Outcome, Swept};
use super::parked;
use crate::sale::transitions::{self, overdue};
use crate::sale::working_set::{Due, Stop, WorkingSet, all_looked_at};

/// Ends whatever of the oldest due rows is not ended yet.
pub fn sweep(set: &mut WorkingSet, rows_max: usize, keys_max: usize) -> Result<Outcome, Stop> {
    let due = set.due(rows_max, keys_max)?.to_vec();
    all_looked_at(due.iter().map(|row| look_at(set, row)))?;

    // From here on the sweep must succeed.
    let mut swept = Swept::default();
    for row in &due {
        let units = overdue::end(set, row);
        swept.units_released += units.unwrap_or(0);
        match row {
            Due::Hold(_) => swept.holds_expired += u64::from(units.is_some()),
            Due::Order(_) => swept.orders_expired += u64::from(units.is_some()),
            Due::Payment(id) => {
                if set.known_payment(*id).has_lapsed(set.now) {
                    parked::settle_without_order(set, *id);
                    swept.payments_settled += 1;
                }
            }
            Due::Event(id) => {
                swept.events_forgotten += u64::from(transitions::event::forget(set, *id));
            }
            Due::IdempotencyKey(key) => {
                swept.keys_forgotten += u64::from(transitions::idempotency::forget(set, key));
            }
        }
    }
    Ok(Outcome::Swept(swept))
}

/// Looks at everything that ending this row will touch.
fn look_at(set: &WorkingSet, row: &Due) -> Result<(), Stop> {
    match row {
        Due::Hold(id) => {
            if let Some(hold) = set.hold(*id)? {
                set.product(hold.line.product)?;
            }
        }
        Due::Order(id) => {
            if let Some(order) = set.order(*id)? {
                set.product(order.line.product)?;
            }
        }
        Due::Payment(id) => {
            if set.payment(*id)?.is_some() {
                parked::require_end(set, *id)?;
            }
        }
        Due::Event(_) => {}
        Due::IdempotencyKey(key) => {
            set.record(key)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::sale::rows::{
        Cents, Counters, FailedPayment, Hold, HoldId, HoldStatus, LatePayment, Line, Product,
        ProductId, Quantity, Terms, Timestamp,
    };
    use crate::sale::rules::command::{Command, PlaceHold};
    use crate::sale::rules::decide;
    use crate::sale::working_set::Need;

    const HOLDS: i64 = 512;

    /// A sale of which every unit is in a hold past its deadline.
    fn overdue_sale() -> (WorkingSet, Vec<Hold>) {
        let terms = Terms {
            hold_ttl_s: 120,
            order_ttl_s: None,
            late_payment: LatePayment::Refund,
            failed_payment: FailedPayment::Cancel,
            parked_ttl_s: 60,
            parked_max: 1,
            idempotency_ttl_s: 60,
            currency: None,
            events_ttl_s: 60,
        };
        let next_hold = HoldId::new(HOLDS + 1).unwrap();
        let counters = Counters {
            next_hold,
            ..Counters::FIRST
        };
        let mut set = WorkingSet::new(Timestamp::from_micros(1_000_000), terms, counters);
        let product = Product {
            total: HOLDS,
            reserved: HOLDS,
            version: HOLDS,
            ..Product::blank(ProductId::FIRST)
        };
        set.products.fetched(product.id, Some(product));
        set.fetched_overdue_units(ProductId::FIRST, HOLDS);
        let holds = (1..=HOLDS).map(|id| Hold {
            id: HoldId::new(id).unwrap(),
            line: Line {
                product: ProductId::FIRST,
                quantity: Quantity::new(1).unwrap(),
                unit_price: Cents::ZERO,
            },
            customer: None,
            status: HoldStatus::Active,
            expires_at: Timestamp::from_micros(id),
            order: None,
        });
        (set, holds.collect())
    }

    #[test]
    fn a_batch_asks_for_overdue_rows_a_few_times_and_not_once_a_hold() {
        let (mut set, holds) = overdue_sale();
        let wish = Command::PlaceHold(PlaceHold {
            product: ProductId::FIRST,
            quantity: Quantity::new(1).unwrap(),
            customer: None,
            key: None,
        });
        let (mut placed, mut asked) = (0, 0);
        while placed < HOLDS {
            match decide(&mut set, &wish) {
                Ok(_) => placed += 1,
                Err(Stop::Needs(needs)) => {
                    let [Need::OverdueRows(product, units)] = needs[..] else {
                        panic!("{needs:?}")
                    };
                    asked += 1;
                    for hold in &holds {
                        set.holds.fetched(hold.id, Some(hold.clone()));
                    }
                    let not_ended = holds.iter().map(|hold| Due::Hold(hold.id));
                    let not_ended = not_ended.filter(|due| set.overdue_row_units(due).is_some());
                    let rows = not_ended.take(usize::try_from(units).unwrap()).collect();
                    set.fetched_overdue_rows(product, rows);
                }
                Err(Stop::Refused(rejection)) => panic!("{rejection:?}"),
            }
        }
        assert!(asked < 10, "asked {asked} times for {placed} holds");
    }

    #[test]
    fn what_many_looks_miss_is_asked_for_once() {
        let (set, holds) = overdue_sale();
        let looks = holds.iter().chain(&holds).map(|hold| set.hold(hold.id));
        let Err(Stop::Needs(needs)) = all_looked_at(looks) else {
            panic!("nothing was fetched")
        };
        let asked: HashSet<&Need> = needs.iter().collect();
        assert_eq!(needs.len(), holds.len());
        assert_eq!(asked.len(), holds.len());
    }
}
