//! What the operator may do: products, refunds and lists. The operator's token was checked before.

use serde::Serialize;

use super::bodies::{
    AdminHoldBody, AdminOrderBody, AdminPaymentBody, ListBody, MovementBody, RefundBody,
    ReversalBody,
};
use super::call::{Call, Submission};
use super::errors::Error;
use super::query::{Paging, Query};
use super::{Api, json};
use crate::http::Response;
use crate::input::formats::{
    CUSTOMER, LABEL, PRICE, PRODUCT_ID, QUANTITY, SKU, STOCK, STOCK_CHANGE, SWITCH, TIME,
    TRANSACTION_ID, as_transaction_id,
};
use crate::input::{FINISHED, Fields};
use crate::sale::{
    Command, CreateProduct, Customer, Dispute, HoldStatus, OrderStatus, ProductChanges,
    RefundStatus, RestockProduct, ReversalKind, TokenKind, Verdict,
};
use crate::store::{Filter, MoneyFilter, OrderFilter, Page, ReversalFilter, Seek};

impl Api {
    pub fn create_product(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let mut fields = call.fields()?;
        let key = call.idempotency_key(&self.guard)?;
        let sku = fields.nullable("sku", &SKU);
        let name = fields.required("name", &LABEL);
        let price = fields.required("price", &PRICE);
        let total_stock = fields.required("total_stock", &STOCK);
        let changes = ProductChanges {
            name,
            price,
            ..window_and_limits(&mut fields)
        };
        fields.finish()?;
        Ok(Command::CreateProduct(CreateProduct {
            sku: sku.flatten(),
            changes,
            total_stock: total_stock.expect(FINISHED),
            key,
        })
        .into())
    }

    pub fn restock_product(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let product = call.product()?;
        let mut fields = call.fields()?;
        let key = call.idempotency_key(&self.guard)?;
        let units = fields.required("quantity", &STOCK_CHANGE);
        let reason = fields.optional("reason", &LABEL);
        fields.finish()?;
        Ok(Command::RestockProduct(RestockProduct {
            product,
            units: units.expect(FINISHED),
            reason,
            key,
        })
        .into())
    }

    pub fn change_product(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let product = call.product()?;
        let mut fields = call.fields()?;
        let changes = ProductChanges {
            name: fields.optional("name", &LABEL),
            price: fields.optional("price", &PRICE),
            paused: fields.optional("paused", &SWITCH),
            ..window_and_limits(&mut fields)
        };
        fields.finish()?;
        Ok(Command::ChangeProduct { product, changes }.into())
    }

    pub fn refund_order(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let order = call.order()?;
        let mut fields = call.optional_fields()?;
        let quantity = fields.optional("refunded_quantity", &QUANTITY);
        let restock = fields.optional("restock", &SWITCH);
        fields.finish()?;
        Ok(Command::RefundOrder {
            order,
            quantity,
            restock: restock.unwrap_or(false),
        }
        .into())
    }

    pub fn resolve_refund(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let payment = call.refund()?;
        let mut fields = call.optional_fields()?;
        let note = fields.optional("note", &LABEL);
        fields.finish()?;
        Ok(Command::ResolveRefund { payment, note }.into())
    }

    pub fn accept_refund(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let payment = call.refund()?;
        call.optional_fields()?.finish()?;
        Ok(Command::AcceptRefund { payment }.into())
    }
}

fn window_and_limits(fields: &mut Fields<'_>) -> ProductChanges {
    ProductChanges {
        starts_at: fields.patch("starts_at", &TIME),
        ends_at: fields.patch("ends_at", &TIME),
        max_per_hold: fields.patch("max_per_hold", &QUANTITY),
        max_per_customer: fields.patch("max_per_customer", &QUANTITY),
        ..ProductChanges::default()
    }
}

impl Api {
    pub fn list_holds(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut query = Query::of(call.request);
        let filter = filter(&mut query, "status", HoldStatus::ONE_OF, HoldStatus::parse);
        let paging = self.paging(query, TokenKind::HoldCursor)?;
        let mut holds = self.reader.holds(&filter, newest_first(&paging))?;
        Ok(self.listed(
            &mut holds.what,
            &paging,
            |hold| hold.id.get(),
            |hold| AdminHoldBody::new(hold, holds.at, self.terms.currency),
        ))
    }

    pub fn list_orders(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut query = Query::of(call.request);
        let rows = filter(
            &mut query,
            "status",
            OrderStatus::ONE_OF,
            OrderStatus::parse,
        );
        let money = money_filter(&mut query);
        let paging = self.paging(query, TokenKind::OrderCursor)?;
        let filter = OrderFilter { rows, money };
        let mut orders = self.reader.orders(&filter, newest_first(&paging))?;
        Ok(self.listed(
            &mut orders.what,
            &paging,
            |order| order.id.get(),
            |order| AdminOrderBody::new(order, order.status_at(orders.at), self.terms.currency),
        ))
    }

    pub fn list_payments(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut query = Query::of(call.request);
        let filter = filter(&mut query, "verdict", Verdict::ONE_OF, Verdict::parse);
        let paging = self.paging(query, TokenKind::PaymentCursor)?;
        let mut payments = self.reader.payments(&filter, newest_first(&paging))?;
        Ok(self.listed(
            &mut payments.what,
            &paging,
            |payment| payment.id.get(),
            AdminPaymentBody::new,
        ))
    }

    pub fn list_refunds(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut query = Query::of(call.request);
        let status = query.read("status", RefundStatus::ONE_OF, RefundStatus::parse);
        let paging = self.paging(query, TokenKind::RefundCursor)?;
        let mut refunds = self.reader.refunds(status, newest_first(&paging))?;
        Ok(self.listed(
            &mut refunds.what,
            &paging,
            |payment| payment.id.get(),
            RefundBody::new,
        ))
    }

    pub fn list_reversals(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut query = Query::of(call.request);
        let filter = ReversalFilter {
            kind: query.read("kind", ReversalKind::ONE_OF, ReversalKind::parse),
            transaction_id: query.read("transaction_id", TRANSACTION_ID.wanted, |text| {
                as_transaction_id(text.to_owned())
            }),
        };
        let paging = self.paging(query, TokenKind::ReversalCursor)?;
        let mut reversals = self.reader.reversals(&filter, newest_first(&paging))?;
        Ok(self.listed(
            &mut reversals.what,
            &paging,
            |reversal| reversal.id.get(),
            ReversalBody::new,
        ))
    }

    pub fn list_movements(&self, call: &Call<'_>) -> Result<Response, Error> {
        let product = call.product()?;
        let paging = self.paging(Query::of(call.request), TokenKind::MovementCursor(product))?;
        self.reader
            .product(product)?
            .what
            .ok_or(Error::ProductNotFound)?;
        let mut movements = self.reader.movements(product, newest_first(&paging))?.what;
        Ok(self.listed(
            &mut movements,
            &paging,
            |movement| movement.version,
            MovementBody::new,
        ))
    }

    pub(super) fn paging(&self, mut query: Query<'_>, list: TokenKind) -> Result<Paging, Error> {
        let paging = query.paging(&self.guard.secret, list);
        query.finish()?;
        Ok(paging)
    }

    /// A page of rows. One row more than a page was asked for, so that its presence tells whether there is a next one.
    fn listed<'r, T, B: Serialize>(
        &self,
        rows: &'r mut Vec<T>,
        paging: &Paging,
        number: fn(&T) -> i64,
        body: impl Fn(&'r T) -> B,
    ) -> Response {
        let next_cursor = self.next_cursor(rows, paging, number);
        json::ok(&ListBody {
            data: rows.iter().map(body).collect(),
            next_cursor,
        })
    }
}

fn newest_first(paging: &Paging) -> Page {
    Page {
        seek: Seek::Before(paging.after.unwrap_or(i64::MAX)),
        limit: paging.limit + 1,
    }
}

/// At most one of the two: each is a short list.
fn money_filter(query: &mut Query<'_>) -> Option<MoneyFilter> {
    let dispute = query.read("dispute", Dispute::ONE_OF, Dispute::parse);
    let money_back = query.read("money_back", "unmatched", |text| {
        (text == "unmatched").then_some(MoneyFilter::BackUnmatched)
    });
    if dispute.is_some() && money_back.is_some() {
        let sentence = "Either dispute or money_back may be given, not both.";
        query.tell("money_back", sentence.into());
    }
    dispute.map(MoneyFilter::Disputed).or(money_back)
}

fn filter<S>(
    query: &mut Query<'_>,
    status: &'static str,
    one_of: &'static str,
    parse: fn(&str) -> Option<S>,
) -> Filter<S> {
    Filter {
        product: query.optional("product_id", &PRODUCT_ID),
        customer: query.read("customer", CUSTOMER.wanted, |text| {
            Customer::new(text.to_owned())
        }),
        status: query.read(status, one_of, parse),
    }
}
