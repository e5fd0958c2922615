//! What a batch needs to see, asked of the server all at once: one statement for each kind of need, whatever the number of
//! commands. Rows that a needed row refers to come with it.

mod due;
mod reversals;
mod rows;

use tokio_postgres::Row;

use super::server_error::ServerError;
use super::session::Step;
use crate::sale::{
    Counters, Customer, HoldId, IdempotencyKey, Need, OrderId, PaymentId, PaymentTarget, ProductId,
    Terms, Timestamp, WorkingSet,
};

type Answered = Result<(), ServerError>;
type Reading = Box<dyn FnOnce(&mut WorkingSet, &mut dyn Iterator<Item = Vec<Row>>) -> Answered>;

/// Statements, and what is to be done with the rows of each, in order.
#[derive(Default)]
pub struct Questions {
    pub steps: Vec<Step>,
    readings: Vec<Reading>,
}

/// Needs of one kind together.
#[derive(Default)]
struct Sorted {
    products: Vec<ProductId>,
    skus: Vec<String>,
    holds: Vec<HoldId>,
    orders: Vec<OrderId>,
    payments: Vec<PaymentId>,
    payment_keys: Vec<String>,
    parked: Vec<PaymentTarget>,
    refunds: Vec<(PaymentTarget, String)>,
    reversal_keys: Vec<String>,
    standings: Vec<String>,
    transactions: Vec<String>,
    lost: Vec<PaymentTarget>,
    customer_use: Vec<(ProductId, Customer)>,
    keys: Vec<IdempotencyKey>,
    overdue_units: Vec<ProductId>,
    overdue_rows: Vec<(ProductId, i64)>,
    due: Option<(usize, usize)>,
}

impl Sorted {
    fn of(needs: Vec<Need>) -> Sorted {
        let mut sorted = Sorted::default();
        for need in needs {
            match need {
                Need::Product(id) => sorted.products.push(id),
                Need::Sku(sku) => sorted.skus.push(sku),
                Need::Hold(id) => sorted.holds.push(id),
                Need::Order(id) => sorted.orders.push(id),
                Need::Payment(id) => sorted.payments.push(id),
                Need::PaymentKey(key) => sorted.payment_keys.push(key),
                Need::Parked(target) => sorted.parked.push(target),
                Need::Refunds(target, transaction) => sorted.refunds.push((target, transaction)),
                Need::ReversalKey(key) => sorted.reversal_keys.push(key),
                Need::Standing(transaction) => sorted.standings.push(transaction),
                Need::Transaction(transaction) => sorted.transactions.push(transaction),
                Need::Lost(target) => sorted.lost.push(target),
                Need::CustomerUse(product, customer) => {
                    sorted.customer_use.push((product, customer));
                }
                Need::IdempotencyKey(key) => sorted.keys.push(key),
                Need::OverdueUnits(product) => sorted.overdue_units.push(product),
                Need::OverdueRows(product, units) => sorted.overdue_rows.push((product, units)),
                Need::Due { rows_max, keys_max } => sorted.due = Some((rows_max, keys_max)),
            }
        }
        sorted
    }
}

/// What the waves of one batch have in common.
#[derive(Default)]
pub struct Waves {
    /// How many orders were looked for before they were placed.
    orders_to_come: i64,
    /// Whether any event is parked, as far as is known: else none is looked for before a rule asks for it.
    are_parked: bool,
}

impl Waves {
    pub fn of(counters: &Counters) -> Waves {
        Waves {
            orders_to_come: 0,
            are_parked: counters.parked > 0,
        }
    }
}

impl Questions {
    /// For a transaction that does not know its time yet: what needs it exactly is left for later.
    pub fn before_the_time(mut needs: Vec<Need>, terms: &Terms, waves: &mut Waves) -> Questions {
        needs.retain(|need| {
            !matches!(
                need,
                Need::CustomerUse(..) | Need::OverdueUnits(_) | Need::OverdueRows(..)
            )
        });
        Questions::of(Sorted::of(needs), terms, None, Timestamp::FIRST, waves)
    }

    pub fn at(now: Timestamp, needs: Vec<Need>, terms: &Terms, waves: &mut Waves) -> Questions {
        Questions::of(Sorted::of(needs), terms, Some(now), now, waves)
    }

    /// Puts the rows into the working set.
    pub fn read(
        self,
        set: &mut WorkingSet,
        answers: &mut dyn Iterator<Item = Vec<Row>>,
    ) -> Answered {
        self.readings
            .into_iter()
            .try_for_each(|reading| reading(set, answers))
    }

    fn ask(
        &mut self,
        step: Step,
        reading: impl FnOnce(&mut WorkingSet, Vec<Row>) -> Answered + 'static,
    ) {
        self.ask_together([step], |set, [rows]| reading(set, rows));
    }

    fn ask_together<const N: usize>(
        &mut self,
        steps: [Step; N],
        reading: impl FnOnce(&mut WorkingSet, [Vec<Row>; N]) -> Answered + 'static,
    ) {
        self.steps.extend(steps);
        self.readings.push(Box::new(move |set, answers| {
            reading(
                set,
                std::array::from_fn(|_| answers.next().unwrap_or_default()),
            )
        }));
    }

    fn of(
        sorted: Sorted,
        terms: &Terms,
        due_at: Option<Timestamp>,
        now: Timestamp,
        waves: &mut Waves,
    ) -> Questions {
        let mut questions = Questions::default();
        questions.ask_for_products(sorted.products, &sorted.holds, &sorted.orders);
        questions.ask_for_skus(sorted.skus);
        questions.ask_for_holds(sorted.holds, waves);
        questions.ask_for_orders(sorted.orders, waves);
        questions.ask_for_payments(sorted.payments, sorted.payment_keys);
        questions.ask_for_parked(sorted.parked);
        questions.ask_for_refunds(sorted.refunds);
        questions.ask_for_reversals(sorted.reversal_keys);
        questions.ask_for_standings(sorted.standings);
        questions.ask_for_transactions(sorted.transactions);
        questions.ask_for_lost(sorted.lost);
        questions.ask_for_keys(sorted.keys);
        questions.ask_for_customer_use(sorted.customer_use, now);
        questions.ask_for_overdue_units(sorted.overdue_units, now);
        questions.ask_for_overdue_rows(sorted.overdue_rows, now);
        if let Some(bounds) = sorted.due {
            questions.ask_for_due(bounds, terms, due_at);
        }
        questions
    }
}
