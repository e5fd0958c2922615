//! What customers may do: products, holds, orders.

use super::bodies::{HoldBody, ListBody, OrderBody, ProductBody};
use super::call::{Call, Submission};
use super::errors::Error;
use super::printed_products::entity_tag;
use super::query::{Paging, Query, cursor};
use super::{Api, json};
use crate::http::{Request, Response};
use crate::input::FINISHED;
use crate::input::formats::{CUSTOMER, HOLD_ID, PRODUCT_ID, QUANTITY, TEXT};
use crate::sale::{Command, HoldId, OrderId, PlaceHold, Product, ProductId, TokenKind};
use crate::store::Seen;
use crate::writer::CommandError;

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
        Ok(unless_known(call.request, &tag, || json::ok(&list)))
    }

    pub fn show_product(&self, call: &Call<'_>) -> Result<Response, Error> {
        let id = call.product()?;
        let Seen { what, at: now } = self.reader.product(id)?;
        let product = what.ok_or(Error::ProductNotFound)?;
        let printed = self.printed_products.of(product, now, self.terms.currency);
        Ok(unless_known(call.request, &printed.tag, || {
            json::with_last_field(&printed.body, "server_time", &now.to_string())
        }))
    }

    pub fn show_hold(&self, call: &Call<'_>) -> Result<Response, Error> {
        let token = self.token_of_reader(call)?;
        let id = self.hold_shown(call.request, token.as_deref(), HoldId::parse(call.id))?;
        let Seen { what, at: now } = self.reader.hold(id)?;
        let hold = what.ok_or(Error::HoldNotFound)?;
        Ok(json::ok(&HoldBody::new(&hold, now, self.terms.currency)))
    }

    pub fn show_order(&self, call: &Call<'_>) -> Result<Response, Error> {
        let token = self.token_of_reader(call)?;
        let id = self.order_shown(call.request, token.as_deref(), OrderId::parse(call.id))?;
        let Seen { what, at: now } = self.reader.order(id)?;
        let order = what.ok_or(Error::OrderNotFound)?;
        let status = order.status_at(now);
        Ok(json::ok(&OrderBody::new(
            &order,
            status,
            self.terms.currency,
        )))
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
    /// Where the product was sold out before, a reader judges first, by the writer's rules: most holds are refused without
    /// a place in the queue, and the others go to the writer.
    pub fn place_hold(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let wish = self.wish(call)?;
        if self.sold_out_hint.is_set(wish.product) {
            match self.reader.refusal(&wish, &self.terms)? {
                Some(rejection) => return Err(CommandError::Refused(rejection).into()),
                None => self.sold_out_hint.clear(wish.product),
            }
        }
        Ok(Command::PlaceHold(wish).into())
    }

    fn wish(&self, call: &Call<'_>) -> Result<PlaceHold, Error> {
        let mut fields = call.fields()?;
        let key = call.idempotency_key(&self.guard)?;
        let product = fields.required("product_id", &PRODUCT_ID);
        let quantity = fields.required("quantity", &QUANTITY);
        let customer = fields.optional("customer", &CUSTOMER);
        fields.finish()?;
        Ok(PlaceHold {
            product: product.expect(FINISHED),
            quantity: quantity.expect(FINISHED),
            customer,
            key,
        })
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

/// 304 if the client has this tag already (RFC 9110, section 13.1.2: weak comparison).
pub fn unless_known(request: &Request, tag: &str, response: impl FnOnce() -> Response) -> Response {
    let is_known = request
        .header_values("If-None-Match")
        .any(|value| value.trim() == "*" || lists(value, tag));
    let mut response = if is_known {
        Response::new(304)
    } else {
        response()
    };
    response.cache_control = "no-cache";
    response.with_header("ETag", tag)
}

/// 304 if the client has this very answer. No cache keeps what the operator sees: the tag is for pages that ask again.
pub fn unless_unchanged(request: &Request, response: Response) -> Response {
    let (tag, cache_control) = (entity_tag(&response.body), response.cache_control);
    let mut response = unless_known(request, &tag, || response);
    response.cache_control = cache_control;
    response
}

/// Whether a list of entity tags has this one, which may be there as a strong one too.
fn lists(mut list: &str, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    loop {
        list = list.trim_start_matches([' ', '\t', ',']);
        let quoted = list.strip_prefix("W/").unwrap_or(list);
        let Some((inside, rest)) = quoted
            .strip_prefix('"')
            .and_then(|text| text.split_once('"'))
        else {
            return false;
        };
        if opaque.trim_matches('"') == inside {
            return true;
        }
        list = rest;
    }
}
