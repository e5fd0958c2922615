//! What customers ask: products, holds, orders.

use sha2::{Digest, Sha256};

use super::bodies::{HoldBody, ListBody, OrderBody, ProductBody};
use super::errors::Error;
use super::fields::{Fields, string, whole_number};
use super::query::{Paging, Query, cursor};
use super::{Api, Work, json};
use crate::http::{Request, Response};
use crate::sale::{
    Command, Customer, HoldId, IdempotencyKey, OrderId, PlaceHold, Product, ProductId, Quantity,
    Timestamp, TokenKind,
};
use crate::writer::CommandError;

pub const WANTED_ID: &str = "a positive whole number below 2^53";
const WANTED_TOKEN: &str = "a string";

impl Api {
    pub fn list_products(&self, request: &Request) -> Result<Response, Error> {
        let mut query = Query::of(request);
        let paging = query.paging(&self.guard.secret, TokenKind::ProductCursor);
        query.finish()?;
        let now = self.clock.reading();
        let (products, next_cursor) = self.products(&paging, now)?;
        let mut list = ListBody {
            next_cursor,
            data: products
                .into_iter()
                .map(|product| ProductBody::new(product, now))
                .collect(),
        };
        let tag = entity_tag(&json::bytes(&list));
        for product in &mut list.data {
            product.server_time = Some(now.to_string());
        }
        Ok(unless_known(request, tag, || json::ok(&list)))
    }

    pub fn show_product(&self, request: &Request, id: &str) -> Result<Response, Error> {
        let id = ProductId::parse(id).ok_or(Error::ProductNotFound)?;
        let now = self.clock.reading();
        let product: Product = self
            .reader
            .product(id, now)?
            .ok_or(Error::ProductNotFound)?;
        let body = json::bytes(&ProductBody::new(product, now));
        let tag = entity_tag(&body);
        Ok(unless_known(request, tag, || {
            json::with_last_field(body, "server_time", &now.to_string())
        }))
    }

    pub fn show_hold(&self, request: &Request, id: &str) -> Result<Response, Error> {
        let token = self.token_of_reader(request)?;
        let id = self.hold_shown(request, token.as_deref(), HoldId::parse(id))?;
        let now: Timestamp = self.clock.reading();
        let hold = self.reader.hold(id)?.ok_or(Error::HoldNotFound)?;
        Ok(json::ok(&HoldBody::new(&hold, now)))
    }

    pub fn show_order(&self, request: &Request, id: &str) -> Result<Response, Error> {
        let token = self.token_of_reader(request)?;
        let id = self.order_shown(request, token.as_deref(), OrderId::parse(id))?;
        let now = self.clock.reading();
        let order = self.reader.order(id)?.ok_or(Error::OrderNotFound)?;
        Ok(json::ok(&OrderBody::new(&order, order.status_at(now))))
    }

    pub fn products(
        &self,
        paging: &Paging,
        now: Timestamp,
    ) -> Result<(Vec<Product>, Option<String>), Error> {
        let after = paging.after.and_then(ProductId::new);
        let mut products = self.reader.products(after, paging.limit + 1, now)?;
        let next = self.next_cursor(&mut products, paging, |product| product.id.get());
        Ok((products, next))
    }

    /// Takes away the one row too many by which a page knows that there is another, and says where that begins.
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

/// Wishes for the writer.
impl Api {
    /// Where nothing is likely to be left, a look at the rows answers most; the rest is the writer's.
    ///
    /// The look is judged by the present time, not by that of the batch in flight: what falls due in between can only turn
    /// a refusal into a case for the writer.
    pub(super) fn place_hold(&self, request: &Request) -> Result<Work, Error> {
        let wish = self.wish(request)?;
        if self.sold_out_hint.is_set(wish.product) {
            match self.reader.refusal(&wish, &self.terms, self.clock.now())? {
                Some(rejection) => return Err(Error::Denied(CommandError::Refused(rejection))),
                None => self.sold_out_hint.clear(wish.product),
            }
        }
        Ok(Work::Command(Command::PlaceHold(wish)))
    }

    fn wish(&self, request: &Request) -> Result<PlaceHold, Error> {
        let mut fields = Fields::of_body(required_body(request)?)?;
        let key = self.idempotency_key(request)?;
        let product = fields.required("product_id", WANTED_ID, |raw| {
            whole_number(raw).and_then(ProductId::new)
        });
        let wanted = "a whole number from 1 to 2147483647";
        let quantity = fields.required("quantity", wanted, |raw| {
            whole_number(raw).and_then(Quantity::new)
        });
        let wanted = "1 to 128 characters without control characters, format characters (zero-width and \
            bidirectional ones among them) or spaces at the ends";
        let customer = fields.optional("customer", wanted, |raw| {
            string(raw).and_then(Customer::new)
        });
        fields.finish()?;
        let (Some(product), Some(quantity)) = (product, quantity) else {
            unreachable!("finish refuses missing fields")
        };
        Ok(PlaceHold {
            product,
            quantity,
            customer,
            key,
        })
    }

    pub fn release_hold(&self, request: &Request, id: &str) -> Result<Command, Error> {
        let token = only_a_token(request)?;
        let hold = self.hold_shown(request, token.as_deref(), HoldId::parse(id))?;
        Ok(Command::ReleaseHold { hold })
    }

    pub(super) fn place_order(&self, request: &Request) -> Result<Work, Error> {
        let mut fields = Fields::of_body(required_body(request)?)?;
        let key = self.idempotency_key(request)?;
        let hold = fields.required("hold_id", WANTED_ID, |raw| {
            whole_number(raw).and_then(HoldId::new)
        });
        let token = fields.optional("token", WANTED_TOKEN, string);
        fields.finish()?;
        let hold = self.hold_shown(request, token.as_deref(), hold)?;
        let command = Command::PlaceOrder { hold, key };
        let shown = token.as_deref();
        if self
            .guard
            .is_holder(request, shown, TokenKind::Hold, hold.get())
        {
            Ok(Work::HoldersCommand(command))
        } else {
            Ok(Work::Command(command))
        }
    }

    pub fn cancel_order(&self, request: &Request, id: &str) -> Result<Command, Error> {
        let token = only_a_token(request)?;
        let key = self.idempotency_key(request)?;
        let order = self.order_shown(request, token.as_deref(), OrderId::parse(id))?;
        Ok(Command::CancelOrder { order, key })
    }
}

/// What a request names, if whoever sent it may touch it. One that does not exist, and one that somebody else has the
/// token of, are the same to everybody else.
impl Api {
    /// Where no token is asked for, the body of a request that only reads means nothing.
    fn token_of_reader(&self, request: &Request) -> Result<Option<String>, Error> {
        if self.guard.tokens_required {
            only_a_token(request)
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

    pub(super) fn idempotency_key(
        &self,
        request: &Request,
    ) -> Result<Option<IdempotencyKey>, Error> {
        if !request.has_header("Idempotency-Key") {
            return Ok(None);
        }
        let mut values = request.header_values("Idempotency-Key");
        match (values.next().and_then(IdempotencyKey::new), values.next()) {
            (Some(key), None) if self.guard.tokens_required && !key.is_hard_to_guess() => {
                Err(Error::IdempotencyKeyTooShort)
            }
            (Some(key), None) => Ok(Some(key)),
            _ => Err(Error::InvalidIdempotencyKey),
        }
    }
}

/// The body of a request that needs one.
pub fn required_body(request: &Request) -> Result<&[u8], Error> {
    if request.is_framed {
        Ok(&request.body)
    } else {
        Err(Error::LengthRequired)
    }
}

/// The body of a request that needs none: left out, or an object that shows a token.
fn only_a_token(request: &Request) -> Result<Option<String>, Error> {
    let mut fields = Fields::of_optional_body(&request.body)?;
    let token = fields.optional("token", WANTED_TOKEN, string);
    fields.finish()?;
    Ok(token)
}

/// Weak, because it covers everything that the body shows but the time of showing.
fn entity_tag(body: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(body).into();
    let tag = digest
        .first_chunk()
        .map_or(0, |half| u128::from_be_bytes(*half));
    format!("W/\"{tag:032x}\"")
}

/// 304 if the client has this tag already (RFC 9110, section 13.1.2: weak comparison).
fn unless_known(request: &Request, tag: String, response: impl FnOnce() -> Response) -> Response {
    let is_known = request
        .header_values("If-None-Match")
        .any(|value| value.trim() == "*" || lists(value, &tag));
    let mut response = if is_known {
        Response::new(304)
    } else {
        response()
    };
    response.cache_control = "no-cache";
    response.with_header("ETag", &tag)
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
