//! A request that has found its endpoint, and what its handler reads of it: the id in its path, its body, its key.

use std::time::Duration;

use super::errors::Error;
use super::guard::Guard;
use super::known_tags::KnownTags;
use crate::http::{Request, Response};
use crate::input::Fields;
use crate::sale::{Command, HoldId, IdempotencyKey, OrderId, PaymentId, ProductId};

pub struct Call<'a> {
    pub request: &'a Request,
    /// The id in the path, where its endpoint has one.
    pub id: &'a str,
}

/// What a request comes to.
pub enum Work {
    Answered(Response),
    Submitted(Submission),
    Looks(Wanted),
    /// There are no such events yet, and the client waits for so long.
    Waits(EventsWanted, Duration),
}

/// What a reader is asked.
pub enum Wanted {
    Product(ProductWanted),
    Hold(HoldId),
    Order(OrderId),
}

/// Which product a request asks for.
pub struct ProductWanted {
    pub id: ProductId,
    pub known: KnownTags,
}

/// Which events a request asks for.
#[derive(Clone, Copy, Debug)]
pub struct EventsWanted {
    pub after: i64,
    pub events_max: usize,
}

/// What the writer is asked.
pub struct Submission {
    pub command: Command,
    /// Whether the client has shown the token of the hold that the command names: what became of that hold is theirs to know.
    pub is_holder: bool,
}

impl From<Command> for Submission {
    fn from(command: Command) -> Submission {
        Submission {
            command,
            is_holder: false,
        }
    }
}

impl<'a> Call<'a> {
    pub fn product(&self) -> Result<ProductId, Error> {
        ProductId::parse(self.id).ok_or(Error::ProductNotFound)
    }

    pub fn order(&self) -> Result<OrderId, Error> {
        OrderId::parse(self.id).ok_or(Error::OrderNotFound)
    }

    pub fn refund(&self) -> Result<PaymentId, Error> {
        PaymentId::parse(self.id).ok_or(Error::RefundNotFound)
    }

    /// The fields of a body that must be there.
    pub fn fields(&self) -> Result<Fields<'a>, Error> {
        self.ensure_body()?;
        Ok(Fields::of_body(&self.request.body)?)
    }

    /// The fields of a body that may be left out.
    pub fn optional_fields(&self) -> Result<Fields<'a>, Error> {
        Ok(Fields::of_optional_body(&self.request.body)?)
    }

    pub fn ensure_body(&self) -> Result<(), Error> {
        if self.request.is_framed {
            Ok(())
        } else {
            Err(Error::LengthRequired)
        }
    }

    /// Where tokens are required, a key is a secret too.
    pub fn idempotency_key(&self, guard: &Guard) -> Result<Option<IdempotencyKey>, Error> {
        if !self.request.has_header("Idempotency-Key") {
            return Ok(None);
        }
        let mut values = self.request.header_values("Idempotency-Key");
        match (values.next().and_then(IdempotencyKey::new), values.next()) {
            (Some(key), None) if guard.tokens_required && !key.is_hard_to_guess() => {
                Err(Error::IdempotencyKeyTooShort)
            }
            (Some(key), None) => Ok(Some(key)),
            _ => Err(Error::InvalidIdempotencyKey),
        }
    }
}
