//! What an event of Stripe's is about: the order or the hold whose id the shop gave to Stripe.

use crate::api::errors::Error;
use crate::input::formats::string;
use crate::input::{Fields, WrongValues};
use crate::sale::{HoldId, OrderId, PaymentTarget};

/// Where an event says what it is about.
pub struct About<'a> {
    metadata: Option<&'a str>,
    /// Of a Checkout session alone.
    client_reference_id: Option<&'a str>,
}

impl<'a> About<'a> {
    pub fn of(kind: &str, object: &mut Fields<'a>) -> About<'a> {
        let is_session = kind.starts_with("checkout.session.");
        About {
            metadata: object.raw("metadata").filter(|raw| *raw != "null"),
            client_reference_id: is_session
                .then(|| object.raw("client_reference_id"))
                .flatten(),
        }
    }

    pub fn target(&self) -> Result<Option<PaymentTarget>, Error> {
        let named = match self.metadata {
            Some(metadata) => named_in(metadata)?,
            None => None,
        };
        Ok(named.or_else(|| referred_to(&string(self.client_reference_id?)?)))
    }
}

const ORDER_NAME: &str = "flashsale_order";
const HOLD_NAME: &str = "flashsale_hold";

fn named_in(metadata: &str) -> Result<Option<PaymentTarget>, Error> {
    let wrong = |sentence: &str| {
        let wrong = ("metadata".to_owned(), sentence.to_owned());
        Err(Error::Invalid(WrongValues(vec![wrong])))
    };
    let Some(mut metadata) = Fields::of_object(metadata) else {
        return wrong("The metadata must be an object.");
    };
    let (order, hold) = (metadata.raw(ORDER_NAME), metadata.raw(HOLD_NAME));
    if metadata.finish_leniently().is_err() {
        return wrong("The metadata must name flashsale_order or flashsale_hold once.");
    }
    let target = match (order, hold) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return wrong("The metadata must have one of flashsale_order and flashsale_hold.");
        }
        (Some(order), None) => string(order)
            .and_then(|id| OrderId::parse(&id))
            .map(PaymentTarget::Order),
        (None, Some(hold)) => string(hold)
            .and_then(|id| HoldId::parse(&id))
            .map(PaymentTarget::Hold),
    };
    match target {
        Some(target) => Ok(Some(target)),
        None => wrong(
            "The flashsale_order or flashsale_hold must be the digits of an id, as text: \"17\".",
        ),
    }
}

/// `order_17` or `hold_21`; anything else is of another sale.
fn referred_to(reference: &str) -> Option<PaymentTarget> {
    let order = reference.strip_prefix("order_").and_then(OrderId::parse);
    let hold = || reference.strip_prefix("hold_").and_then(HoldId::parse);
    order
        .map(PaymentTarget::Order)
        .or_else(|| hold().map(PaymentTarget::Hold))
}
