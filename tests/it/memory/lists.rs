//! Lists, by walking over everything.

use flashsale::sale::{
    Customer, Event, Hold, HoldStatus, Movement, Order, OrderId, Payment, PaymentTarget, ProductId,
    RefundStatus, Reversal, Timestamp, Verdict,
};
use flashsale::store::{
    Filter, Lists, MoneyFilter, OrderFilter, Page, ReversalFilter, SalesRate, Seek, Seen,
    StoreError, sales_rate,
};

use super::{MemoryStore, Tables};

impl Lists for MemoryStore {
    fn holds(
        &self,
        filter: &Filter<HoldStatus>,
        page: Page,
    ) -> Result<Seen<Vec<Hold>>, StoreError> {
        self.seen(|tables, now| {
            let wanted = tables.holds.values().filter(|hold| {
                let customer = hold.customer.as_ref();
                admits(
                    filter,
                    Some(hold.line.product),
                    customer,
                    hold.status_at(now),
                )
            });
            rows_of(page, wanted.cloned(), |hold| hold.id.get())
        })
    }

    fn orders(&self, filter: &OrderFilter, page: Page) -> Result<Seen<Vec<Order>>, StoreError> {
        self.seen(|tables, now| {
            let OrderFilter { rows, money } = filter;
            let orders = tables.orders.values();
            let wanted = orders.filter(|order| {
                let customer = order.customer.as_ref();
                let product = Some(order.line.product);
                admits(rows, product, customer, order.status_at(now))
                    && money.is_none_or(|money| came_of_its_money(money, order))
            });
            rows_of(page, wanted.cloned(), |order| order.id.get())
        })
    }

    fn payments(
        &self,
        filter: &Filter<Verdict>,
        page: Page,
    ) -> Result<Seen<Vec<Payment>>, StoreError> {
        self.seen(|tables, now| {
            let wanted = tables.payments_at(now).into_iter().filter(|payment| {
                let hold = tables.hold_of(payment);
                let product = hold.map(|hold| hold.line.product);
                let customer = hold.and_then(|hold| hold.customer.as_ref());
                admits(filter, product, customer, payment.verdict)
            });
            rows_of(page, wanted, |payment| payment.id.get())
        })
    }

    fn refunds(
        &self,
        status: Option<RefundStatus>,
        page: Page,
    ) -> Result<Seen<Vec<Payment>>, StoreError> {
        self.seen(|tables, now| {
            let due = tables.payments_at(now).into_iter().filter(|payment| {
                let is_resolved = payment.resolved_at.is_some();
                let is_wanted =
                    status.is_none_or(|status| is_resolved == (status == RefundStatus::Resolved));
                payment.refund_due && is_wanted
            });
            rows_of(page, due, |payment| payment.id.get())
        })
    }

    fn reversals(
        &self,
        filter: &ReversalFilter,
        page: Page,
    ) -> Result<Seen<Vec<Reversal>>, StoreError> {
        self.seen(|tables, _| {
            let reversals = tables.reversals.values().map(|(reversal, _)| reversal);
            let wanted = reversals.filter(|reversal| {
                let transaction_id = filter.transaction_id.as_ref();
                filter.kind.is_none_or(|kind| reversal.kind == kind)
                    && transaction_id.is_none_or(|id| reversal.transaction_id == *id)
            });
            rows_of(page, wanted.cloned(), |reversal| reversal.id.get())
        })
    }

    fn movements(&self, product: ProductId, page: Page) -> Result<Seen<Vec<Movement>>, StoreError> {
        self.seen(|tables, _| {
            let movements = tables.movements.values();
            let ledger = movements.filter(|movement| movement.product == product);
            rows_of(page, ledger.cloned(), |movement| movement.version)
        })
    }

    fn feed(&self, page: Page) -> Result<Seen<Vec<Event>>, StoreError> {
        self.seen(|tables, _| {
            rows_of(page, tables.events.values().cloned(), |event| {
                event.id.get()
            })
        })
    }

    fn sales_rate(
        &self,
        product: ProductId,
        over_micros: i64,
    ) -> Result<Seen<SalesRate>, StoreError> {
        let newest_first = Page {
            seek: Seek::Before(i64::MAX),
            limit: usize::MAX,
        };
        let Seen { what, at } = self.movements(product, newest_first)?;
        sales_rate(what.into_iter().map(Ok::<_, StoreError>), over_micros, at)
    }
}

impl Tables {
    /// Payments by id, those that have waited in vain settled in the order in which a sweep would.
    fn payments_at(&self, now: Timestamp) -> Vec<Payment> {
        let rows = self.payments.values().map(|(payment, _)| payment);
        let mut payments: Vec<Payment> = rows.cloned().collect();
        payments.sort_by_key(|payment| (payment.parked_until, payment.id));
        for index in 0..payments.len() {
            let payment = &payments[index];
            if !payment.has_lapsed(now) {
                continue;
            }
            let was_due = payments.iter().any(|other| {
                let is_for_it = other.target == payment.target
                    || other.order.map(PaymentTarget::Order) == Some(payment.target);
                let transaction = &other.report.transaction_id;
                other.refund_due
                    && is_for_it
                    && transaction.is_some()
                    && *transaction == payment.report.transaction_id
            });
            let verdict = if was_due {
                Verdict::Ignored
            } else {
                payment.verdict_without_order()
            };
            let has_gone_back = verdict == Verdict::LatePayment && self.has_gone_back(payment);
            payments[index] = payment.clone().settled_as(verdict, has_gone_back);
        }
        payments.sort_by_key(|payment| payment.id);
        for payment in &mut payments {
            payment.order = self.order_of(payment);
        }
        payments
    }

    /// Whether the money of a payment that has no order went back.
    fn has_gone_back(&self, payment: &Payment) -> bool {
        let Some(transaction_id) = &payment.report.transaction_id else {
            return false;
        };
        let hold = self.hold_of(payment).map(|hold| hold.line.total_price());
        let amount = payment.report.cents().or(hold);
        self.standing(transaction_id).has_returned(amount)
    }

    /// The order that a payment means, if there is one by now.
    fn order_of(&self, payment: &Payment) -> Option<OrderId> {
        let mut orders = self.orders.values();
        let target = match payment.target {
            PaymentTarget::Order(id) => self.orders.get(&id),
            PaymentTarget::Hold(hold) => orders.find(|order| order.hold == hold),
        };
        payment.order.or(target.map(|order| order.id))
    }

    /// The hold that a payment is about, if there is one by now.
    fn hold_of(&self, payment: &Payment) -> Option<&Hold> {
        let order = payment.order.and_then(|order| self.orders.get(&order));
        let target = match payment.target {
            PaymentTarget::Hold(hold) => Some(hold),
            PaymentTarget::Order(_) => None,
        };
        self.holds.get(&order.map(|order| order.hold).or(target)?)
    }
}

fn came_of_its_money(what: MoneyFilter, order: &Order) -> bool {
    match what {
        MoneyFilter::Disputed(dispute) => order.dispute == Some(dispute),
        MoneyFilter::BackUnmatched => {
            let one_more = (order.refunded_quantity + 1) * order.line.unit_price.get();
            let amount = order.refunded_amount.get();
            amount > 0 && order.units_kept() > 0 && amount >= one_more
        }
    }
}

fn admits<S: PartialEq>(
    filter: &Filter<S>,
    product: Option<ProductId>,
    customer: Option<&Customer>,
    status: S,
) -> bool {
    (filter.product.is_none() || filter.product == product)
        && (filter.customer.is_none() || filter.customer.as_ref() == customer)
        && filter
            .status
            .as_ref()
            .is_none_or(|wanted| *wanted == status)
}

/// The page of rows that come in ascending order.
fn rows_of<T>(page: Page, rows: impl Iterator<Item = T>, number: impl Fn(&T) -> i64) -> Vec<T> {
    let rows: Vec<T> = rows.collect();
    match page.seek {
        Seek::Before(bound) => {
            let below = rows.into_iter().rev().filter(|row| number(row) < bound);
            below.take(page.limit).collect()
        }
        Seek::After(bound) => {
            let above = rows.into_iter().filter(|row| number(row) > bound);
            above.take(page.limit).collect()
        }
    }
}
