//! What customers may do: products, holds, orders.

use std::sync::Arc;

use super::bodies::{HoldBody, ListBody, OrderBody, ProductBody};
use super::call::{Call, ProductWanted, Submission, Wanted, Work};
use super::errors::Error;
use super::known_tags::{KnownTags, entity_tag};
use super::printed_products::PrintedProducts;
use super::query::{Paging, Query, cursor};
use super::{Api, json};
use crate::http::{Request, Response};
use crate::input::FINISHED;
use crate::input::formats::{CUSTOMER, HOLD_ID, PRODUCT_ID, QUANTITY, TEXT};
use crate::sale::{
    Command, Currency, Hold, HoldId, Order, OrderId, PlaceHold, Product, ProductId, TokenKind,
};
use crate::store::{Seen, StoreError};

impl Api {
    pub fn list_products(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut query = Query::of(call.request);
        let paging = query.paging(&self.guard.secret, TokenKind::ProductCursor);
        query.finish_leniently()?;
        let (products, next_cursor) = self.products(&paging)?;
        let now = products.at;
        let mut list = ListBody {
            next_cursor,
            data: products
                .what
                .iter()
                .map(|product| ProductBody::new(product, now, self.terms.currency))
                .collect(),
        };
        let tag = entity_tag(&json::bytes(&list));
        for product in &mut list.data {
            product.server_time = Some(now);
        }
        Ok(KnownTags::of(call.request).unless_known(&tag, || json::ok(&list)))
    }

    pub fn show_product(&self, call: &Call<'_>) -> Result<Work, Error> {
        Ok(Work::Looks(Wanted::Product(ProductWanted {
            id: call.product()?,
            known: KnownTags::of(call.request),
        })))
    }

    pub fn show_hold(&self, call: &Call<'_>) -> Result<Work, Error> {
        let token = self.token_of_reader(call)?;
        let id = self.hold_shown(call.request, token.as_deref(), HoldId::parse(call.id))?;
        Ok(Work::Looks(Wanted::Hold(id)))
    }

    pub fn show_order(&self, call: &Call<'_>) -> Result<Work, Error> {
        let token = self.token_of_reader(call)?;
        let id = self.order_shown(call.request, token.as_deref(), OrderId::parse(call.id))?;
        Ok(Work::Looks(Wanted::Order(id)))
    }

    pub fn products(&self, paging: &Paging) -> Result<(Seen<Vec<Product>>, Option<String>), Error> {
        let after = paging.after.and_then(ProductId::new);
        let mut products = self.reader.products(after, paging.limit + 1)?;
        let next = self.next_cursor(&mut products.what, paging, |product| product.id.get());
        Ok((products, next))
    }

    /// Takes away the one row too many whose presence tells that there is a next page, and gives that page's cursor.
    pub fn next_cursor<T>(
        &self,
        rows: &mut Vec<T>,
        paging: &Paging,
        number: fn(&T) -> i64,
    ) -> Option<String> {
        let has_more = rows.len() > paging.limit;
        rows.truncate(paging.limit);
        let last = rows.last().filter(|_| has_more)?;
        Some(cursor(&self.guard.secret, paging.list, number(last)))
    }
}

impl Api {
    pub fn place_hold(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let mut fields = call.fields()?;
        let key = call.idempotency_key(&self.guard)?;
        let product = fields.required("product_id", &PRODUCT_ID);
        let quantity = fields.required("quantity", &QUANTITY);
        let customer = fields.optional("customer", &CUSTOMER);
        fields.finish()?;
        let wish = PlaceHold {
            product: product.expect(FINISHED),
            quantity: quantity.expect(FINISHED),
            customer,
            key,
        };
        Ok(Command::PlaceHold(wish).into())
    }

    pub fn release_hold(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let token = only_a_token(call)?;
        let hold = self.hold_shown(call.request, token.as_deref(), HoldId::parse(call.id))?;
        Ok(Command::ReleaseHold { hold }.into())
    }

    pub fn place_order(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let mut fields = call.fields()?;
        let key = call.idempotency_key(&self.guard)?;
        let hold = fields.required("hold_id", &HOLD_ID);
        let token = fields.optional("token", &TEXT);
        fields.finish()?;
        let (request, token) = (call.request, token.as_deref());
        let hold = self.hold_shown(request, token, hold)?;
        Ok(Submission {
            command: Command::PlaceOrder { hold, key },
            is_holder: self
                .guard
                .is_holder(request, token, TokenKind::Hold, hold.get()),
        })
    }

    pub fn cancel_order(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let token = only_a_token(call)?;
        let key = call.idempotency_key(&self.guard)?;
        let order = self.order_shown(call.request, token.as_deref(), OrderId::parse(call.id))?;
        Ok(Command::CancelOrder { order, key }.into())
    }
}

/// The hold or order that a request names, if it shows the token or none is required. One whose token is not shown is
/// answered like one that does not exist.
impl Api {
    /// Where no token is required, the body of a GET means nothing.
    fn token_of_reader(&self, call: &Call<'_>) -> Result<Option<String>, Error> {
        if self.guard.tokens_required {
            only_a_token(call)
        } else {
            Ok(None)
        }
    }

    fn hold_shown(
        &self,
        request: &Request,
        token: Option<&str>,
        id: Option<HoldId>,
    ) -> Result<HoldId, Error> {
        let admits = |id: &HoldId| {
            self.guard
                .admits_holder(request, token, TokenKind::Hold, id.get())
        };
        id.filter(admits).ok_or(Error::HoldNotFound)
    }

    fn order_shown(
        &self,
        request: &Request,
        token: Option<&str>,
        id: Option<OrderId>,
    ) -> Result<OrderId, Error> {
        let admits = |id: &OrderId| {
            self.guard
                .admits_holder(request, token, TokenKind::Order, id.get())
        };
        id.filter(admits).ok_or(Error::OrderNotFound)
    }
}

/// The token in a body that may be left out and has no other field.
fn only_a_token(call: &Call<'_>) -> Result<Option<String>, Error> {
    let mut fields = call.optional_fields()?;
    let token = fields.optional("token", &TEXT);
    fields.finish()?;
    Ok(token)
}

/// What a look comes to.
pub fn hold_answer(
    seen: Result<Seen<Option<Hold>>, StoreError>,
    currency: Option<Currency>,
) -> Result<Response, Error> {
    let Seen { what, at: now } = seen?;
    let hold = what.ok_or(Error::HoldNotFound)?;
    Ok(json::ok(&HoldBody::new(&hold, now, currency)))
}

pub fn order_answer(
    seen: Result<Seen<Option<Order>>, StoreError>,
    currency: Option<Currency>,
) -> Result<Response, Error> {
    let Seen { what, at: now } = seen?;
    let order = what.ok_or(Error::OrderNotFound)?;
    let status = order.status_at(now);
    Ok(json::ok(&OrderBody::new(&order, status, currency)))
}

impl ProductWanted {
    pub fn answer(
        self,
        seen: Result<Seen<Option<Arc<Product>>>, StoreError>,
        printed_products: &PrintedProducts,
        currency: Option<Currency>,
    ) -> Result<Response, Error> {
        let Seen { what, at: now } = seen?;
        let product = what.ok_or(Error::ProductNotFound)?;
        let printed = printed_products.of(product, now, currency);
        Ok(self.known.unless_known(&printed.tag, || {
            json::with_last_field(&printed.body, "server_time", &now.to_string())
        }))
    }
}
