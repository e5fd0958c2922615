//! Who may hold how much of what, and let go of it.

use super::command::{Outcome, PlaceHold};
use super::{parked, product, room};
use crate::sale::rows::{Hold, HoldId, HoldStatus, Line, PaymentTarget};
use crate::sale::transitions::{self, overdue};
use crate::sale::working_set::{Rejection, Stop, WorkingSet, all_looked_at, ensure};

pub fn place(set: &mut WorkingSet, wish: &PlaceHold) -> Result<Outcome, Stop> {
    let product = set
        .product(wish.product)?
        .ok_or(Rejection::ProductUnknown)?;
    product::ensure_on_sale(product, set.now)?;
    if let Some(limit) = product.max_per_hold {
        ensure!(
            wish.quantity <= limit,
            Rejection::HoldLimitExceeded { limit }
        );
    }
    if let Some(limit) = product.max_per_customer {
        let customer = wish.customer.as_ref().ok_or(Rejection::CustomerRequired)?;
        let used = set.customer_use(product.id, customer)?;
        let fits = used + wish.quantity.units() <= limit.units();
        ensure!(fits, Rejection::CustomerLimitExceeded { limit, used });
    }
    let unit_price = product.price;
    let to_end = room::room_for(set, wish.product, wish.quantity.units())?;

    // From here on the hold must succeed.
    overdue::make_room(set, &to_end);
    let hold = Hold {
        id: set.counters.next_hold,
        line: Line {
            product: wish.product,
            quantity: wish.quantity,
            unit_price,
        },
        customer: wish.customer.clone(),
        status: HoldStatus::Active,
        expires_at: set.now.plus_seconds(set.terms.hold_ttl_s),
        order: None,
    };
    transitions::hold::place(set, &hold);
    Ok(Outcome::HoldPlaced(hold))
}

pub fn release(set: &mut WorkingSet, id: HoldId) -> Result<Outcome, Stop> {
    let hold = set.hold(id)?.ok_or(Rejection::HoldNotFound)?.clone();
    match hold.status_at(set.now) {
        HoldStatus::Active => {}
        HoldStatus::Released => return Ok(Outcome::HoldReleased(hold)),
        HoldStatus::Ordered => return Err(used(&hold).into()),
        HoldStatus::Expired => return Err(Rejection::HoldExpired.into()),
    }
    set.product(hold.line.product)?;
    let parked = set.parked_on(PaymentTarget::Hold(id))?;
    all_looked_at(parked.iter().map(|event| parked::require_end(set, *event)))?;

    // From here on the release must succeed.
    transitions::hold::release(set, id);
    for event in parked {
        parked::settle_without_order(set, event);
    }
    Ok(Outcome::HoldReleased(set.known_hold(id).clone()))
}

pub fn used(hold: &Hold) -> Rejection {
    Rejection::HoldUsed {
        order: hold.order.expect("an ordered hold names its order"),
    }
}
