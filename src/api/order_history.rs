//! An order with all that belongs to it: the hold that it came from, the payments that name it, its movements of stock.

use serde::Serialize;

use super::bodies::{AdminHoldBody, AdminOrderBody, AdminPaymentBody, MovementBody};
use super::call::Call;
use super::errors::Error;
use super::query::Query;
use super::{Api, json};
use crate::http::Response;
use crate::sale::{Cause, Movement, MovementKind, Order, Payment, PaymentTarget};
use crate::store::{Filter, Page, Seek};

#[derive(Serialize)]
struct OrderHistoryBody<'a> {
    order: AdminOrderBody<'a>,
    hold: AdminHoldBody<'a>,
    payments: Vec<AdminPaymentBody<'a>>,
    movements: Vec<MovementBody<'a>>,
}

/// Rows of a list that are read at once.
const PAGE_ROWS: usize = 1_000;
/// The newest payments of an order are shown, and no more than these.
const PAYMENTS_MAX: usize = 100;

impl Api {
    pub fn show_order_history(&self, call: &Call<'_>) -> Result<Response, Error> {
        Query::of(call.request).finish()?;
        let order = self.reader.order(call.order()?)?;
        let (order, now) = (order.what.ok_or(Error::OrderNotFound)?, order.at);
        let hold = self.reader.hold(order.hold)?.what;
        let hold = hold.ok_or(Error::HoldNotFound)?;
        let payments = self.payments_of(&order)?;
        let movements = self.movements_of(&order)?;
        Ok(json::ok(&OrderHistoryBody {
            order: AdminOrderBody::new(&order, order.status_at(now), self.terms.currency),
            hold: AdminHoldBody::new(&hold, now, self.terms.currency),
            payments: payments.iter().map(AdminPaymentBody::new).collect(),
            movements: movements.iter().map(MovementBody::new).collect(),
        }))
    }

    fn payments_of(&self, order: &Order) -> Result<Vec<Payment>, Error> {
        let filter = Filter {
            product: Some(order.line.product),
            customer: order.customer.clone(),
            status: None,
        };
        let is_of_order = |payment: &Payment| match payment.target {
            PaymentTarget::Order(id) => id == order.id,
            PaymentTarget::Hold(id) => id == order.hold,
        };
        let (mut found, mut page) = (Vec::new(), newest());
        while found.len() < PAYMENTS_MAX {
            let payments = self.reader.payments(&filter, page)?.what;
            let Some(last) = payments.last().map(|payment| payment.id.get()) else {
                break;
            };
            page.seek = Seek::Before(last);
            found.extend(payments.into_iter().filter(is_of_order));
        }
        found.truncate(PAYMENTS_MAX);
        Ok(found)
    }

    /// The ledger is read back to where the hold was placed.
    fn movements_of(&self, order: &Order) -> Result<Vec<Movement>, Error> {
        let is_of_order = |movement: &Movement| match movement.cause {
            Cause::Hold(id) => id == order.hold,
            Cause::Order(id) => id == order.id,
            Cause::Stock(_) => false,
        };
        let (mut found, mut page) = (Vec::new(), newest());
        loop {
            let movements = self.reader.movements(order.line.product, page)?.what;
            let Some(last) = movements.last().map(|movement| movement.version) else {
                return Ok(found);
            };
            page.seek = Seek::Before(last);
            for movement in movements.into_iter().filter(is_of_order) {
                let is_first = movement.kind == MovementKind::HoldPlaced;
                found.push(movement);
                if is_first {
                    return Ok(found);
                }
            }
        }
    }
}

fn newest() -> Page {
    Page {
        seek: Seek::Before(i64::MAX),
        limit: PAGE_ROWS,
    }
}
