//! The operator's hand on the sale: products, refunds, lists and figures. Who asks has been made sure of before.

use serde::Serialize;

use super::bodies::{
    AdminHoldBody, AdminOrderBody, AdminPaymentBody, AdminProductBody, ListBody, MovementBody,
    RefundBody,
};
use super::call::{Call, Submission};
use super::errors::Error;
use super::fields::{
    Fields, WANTED_ID, WANTED_LABEL, WANTED_LIMIT, WANTED_PRICE, WANTED_STOCK, WANTED_TIME, label,
    limit, price, stock, string, switch, time, whole_number,
};
use super::query::{Paging, Query};
use super::{Api, json};
use crate::http::Response;
use crate::metrics::LatencySummary;
use crate::sale::{
    Command, CreateProduct, Customer, HoldStatus, OrderStatus, Product, ProductChanges, ProductId,
    RefundStatus, RestockProduct, STOCK_MAX, Timestamp, TokenKind, Verdict, spelling,
};
use crate::store::{Filter, Page, SalesRate, Seek};

impl Api {
    pub fn create_product(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let mut fields = call.fields()?;
        let key = call.idempotency_key(&self.guard)?;
        let sku = fields.optional(
            "sku",
            "null, or 1 to 255 characters without control or format characters",
            |raw| {
                if raw == "null" {
                    Some(None)
                } else {
                    string(raw).and_then(spelling::sku).map(Some)
                }
            },
        );
        let name = fields.required("name", WANTED_LABEL, label);
        let price = fields.required("price", WANTED_PRICE, price);
        let total_stock = fields.required("total_stock", WANTED_STOCK, stock);
        let changes = ProductChanges {
            name,
            price,
            ..window_and_limits(&mut fields)
        };
        fields.finish()?;
        let Some(total_stock) = total_stock else {
            unreachable!("finish refuses missing fields")
        };
        Ok(Command::CreateProduct(CreateProduct {
            sku: sku.flatten(),
            changes,
            total_stock,
            key,
        })
        .into())
    }

    pub fn restock_product(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let product = call.product()?;
        let mut fields = call.fields()?;
        let key = call.idempotency_key(&self.guard)?;
        let wanted = "a whole number from -2147483647 to 2147483647, and not 0";
        let units = fields.required("quantity", wanted, |raw| {
            let units = whole_number(raw.strip_prefix('-').unwrap_or(raw))?;
            let units = if raw.starts_with('-') { -units } else { units };
            (units != 0 && units.abs() <= STOCK_MAX).then_some(units)
        });
        let reason = fields.optional("reason", WANTED_LABEL, label);
        fields.finish()?;
        let Some(units) = units else {
            unreachable!("finish refuses missing fields")
        };
        Ok(Command::RestockProduct(RestockProduct {
            product,
            units,
            reason,
            key,
        })
        .into())
    }

    pub fn change_product(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let product = call.product()?;
        let mut fields = call.fields()?;
        let changes = ProductChanges {
            name: fields.optional("name", WANTED_LABEL, label),
            price: fields.optional("price", WANTED_PRICE, price),
            paused: fields.optional("paused", "true or false", switch),
            ..window_and_limits(&mut fields)
        };
        fields.finish()?;
        Ok(Command::ChangeProduct { product, changes }.into())
    }

    pub fn refund_order(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let order = call.order()?;
        let mut fields = call.optional_fields()?;
        let restock = fields.optional("restock", "true or false", switch);
        fields.finish()?;
        let restock = restock.unwrap_or(false);
        Ok(Command::RefundOrder { order, restock }.into())
    }

    pub fn resolve_refund(&self, call: &Call<'_>) -> Result<Submission, Error> {
        let payment = call.refund()?;
        let mut fields = call.optional_fields()?;
        let note = fields.optional("note", WANTED_LABEL, label);
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
        starts_at: fields.settable("starts_at", WANTED_TIME, time),
        ends_at: fields.settable("ends_at", WANTED_TIME, time),
        max_per_hold: fields.settable("max_per_hold", WANTED_LIMIT, limit),
        max_per_customer: fields.settable("max_per_customer", WANTED_LIMIT, limit),
        ..ProductChanges::default()
    }
}

#[derive(Serialize)]
struct StatsBody<'a> {
    server_time: Timestamp,
    products: Vec<ProductStatsBody<'a>>,
    next_cursor: Option<String>,
    queue: QueueBody,
    latency: LatencySummary,
}

#[derive(Serialize)]
struct ProductStatsBody<'a> {
    #[serde(flatten)]
    product: AdminProductBody<'a>,
    lately: SalesRateBody,
}

/// Units that were held and paid for over the last `over_s` seconds.
#[derive(Serialize)]
struct SalesRateBody {
    over_s: f64,
    units_held: i64,
    units_sold: i64,
}

/// Commands that wait for the writer.
#[derive(Serialize)]
struct QueueBody {
    waiting: usize,
    max: usize,
}

/// How far back a sales rate is looked at.
const PACE_MICROS: i64 = 60_000_000;

impl From<SalesRate> for SalesRateBody {
    fn from(sales_rate: SalesRate) -> SalesRateBody {
        SalesRateBody {
            over_s: sales_rate.over_micros as f64 / 1e6,
            units_held: sales_rate.units_held,
            units_sold: sales_rate.units_sold,
        }
    }
}

impl Api {
    pub fn list_holds(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut query = Query::of(call.request);
        let filter = filter(&mut query, "status", HoldStatus::parse);
        let paging = self.paging(query, TokenKind::HoldCursor)?;
        let now = self.clock.reading();
        let mut holds = self.reader.holds(&filter, newest_first(&paging), now)?;
        Ok(self.listed(
            &mut holds,
            &paging,
            |hold| hold.id.get(),
            |hold| AdminHoldBody::new(hold, now),
        ))
    }

    pub fn list_orders(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut query = Query::of(call.request);
        let filter = filter(&mut query, "status", OrderStatus::parse);
        let paging = self.paging(query, TokenKind::OrderCursor)?;
        let now = self.clock.reading();
        let mut orders = self.reader.orders(&filter, newest_first(&paging), now)?;
        Ok(self.listed(
            &mut orders,
            &paging,
            |order| order.id.get(),
            |order| AdminOrderBody::new(order, order.status_at(now)),
        ))
    }

    pub fn list_payments(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut query = Query::of(call.request);
        let filter = filter(&mut query, "verdict", Verdict::parse);
        let paging = self.paging(query, TokenKind::PaymentCursor)?;
        let now = self.clock.reading();
        let mut payments = self.reader.payments(&filter, newest_first(&paging), now)?;
        Ok(self.listed(
            &mut payments,
            &paging,
            |payment| payment.id.get(),
            AdminPaymentBody::new,
        ))
    }

    pub fn list_refunds(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut query = Query::of(call.request);
        let status = query.optional("status", "due or resolved", RefundStatus::parse);
        let paging = self.paging(query, TokenKind::RefundCursor)?;
        let now = self.clock.reading();
        let mut refunds = self.reader.refunds(status, newest_first(&paging), now)?;
        Ok(self.listed(
            &mut refunds,
            &paging,
            |payment| payment.id.get(),
            RefundBody::new,
        ))
    }

    pub fn list_movements(&self, call: &Call<'_>) -> Result<Response, Error> {
        let product = call.product()?;
        let paging = self.paging(Query::of(call.request), TokenKind::MovementCursor(product))?;
        self.reader
            .product(product, self.clock.reading())?
            .ok_or(Error::ProductNotFound)?;
        let mut movements = self.reader.movements(product, newest_first(&paging))?;
        Ok(self.listed(
            &mut movements,
            &paging,
            |movement| movement.version,
            MovementBody::new,
        ))
    }

    pub fn show_stats(&self, call: &Call<'_>) -> Result<Response, Error> {
        let paging = self.paging(Query::of(call.request), TokenKind::ProductCursor)?;
        let now = self.clock.reading();
        let (products, next_cursor) = self.products(&paging, now)?;
        let since = Timestamp::from_micros(now.micros() - PACE_MICROS);
        let stats = products.iter().map(|product: &Product| {
            Ok(ProductStatsBody {
                product: AdminProductBody::new(product, now),
                lately: self.reader.sales_rate(product.id, since, now)?.into(),
            })
        });
        Ok(json::ok(&StatsBody {
            server_time: now,
            products: stats.collect::<Result<_, Error>>()?,
            next_cursor,
            queue: QueueBody {
                waiting: self.writer.waiting(),
                max: self.writer.waiting_max(),
            },
            latency: self.latency.summary(),
        }))
    }

    fn paging(&self, mut query: Query<'_>, list: TokenKind) -> Result<Paging, Error> {
        let paging = query.paging(&self.guard.secret, list);
        query.finish_strictly()?;
        Ok(paging)
    }

    /// A page of rows of which one more was asked for.
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

fn filter<S>(query: &mut Query<'_>, status: &str, parse: fn(&str) -> Option<S>) -> Filter<S> {
    Filter {
        product: query.optional("product_id", WANTED_ID, ProductId::parse),
        customer: query.optional("customer", "1 to 128 characters", |text| {
            Customer::new(text.to_owned())
        }),
        status: query.optional(status, "one that there is", parse),
    }
}
