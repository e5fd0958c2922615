//! What is read when the server's clock has gone on and no batch has been committed since. A deadline that has passed meanwhile
//! may still be met by the next batch, which is judged at the latest time that is committed, or later: what is read is judged
//! just before it. From the first batch at the deadline on, it is over for every reader.

use std::sync::Arc;

use flashsale::sale::{
    Amount, Cents, Command, HoldId, HoldStatus, OrderId, OrderStatus, PaymentEvent, PaymentStatus,
    PaymentTarget, PlaceHold, ProductId, Quantity, Rejection, Report, Reporter, ReversalEvent,
    ReversalKind, Timestamp,
};
use flashsale::store::{
    Database, Durability, Filter, OrderFilter, Page, Reader, Seek, Store, no_more,
};

use super::Schema;
use super::nodes::stocked;
use crate::shop::{HOLD_TTL, Hands, OPENING, terms};

/// Two units of four are held, and two ordered; and payments wait for an order that is not there yet.
struct Sale {
    schema: Schema,
    store: Box<dyn Store>,
    reader: Box<dyn Reader>,
}

impl Sale {
    fn open() -> Option<Sale> {
        let schema = Schema::new()?;
        let hands = Hands::at_opening();
        schema.set_clock_by(&hands);
        let database = stocked(&schema, 4);
        let mut sale = Sale {
            store: database.store(Durability::Normal).unwrap(),
            reader: reader(&*database, &hands),
            schema,
        };
        sale.transact(&[hold(), hold()]);
        let order = Command::PlaceOrder {
            hold: HoldId::new(2).unwrap(),
            key: None,
        };
        sale.transact(&[order, early_payment(None)]);
        // The money of both went back, and that of the second one did not arrive.
        sale.transact(&["t", "u"].map(|transaction| early_payment(Some(transaction))));
        let back = ReversalKind::Refunded;
        sale.transact(&[
            report("a", "t", back),
            report("b", "u", back),
            report("c", "u", ReversalKind::RefundFailed),
        ]);
        Some(sale)
    }

    fn transact(&mut self, commands: &[Command]) {
        let now = |last_now| last_now;
        let decisions = self.store.transact(&terms(), &now, commands, &mut no_more);
        let decisions = decisions.unwrap();
        assert!(decisions.iter().all(Result::is_ok), "{decisions:?}");
    }

    /// The server's clock shows this, and nothing is committed.
    fn clock_shows(&self, micros: i64) {
        let sql = format!("update hands set at = {micros}");
        self.schema.session().execute(&sql).unwrap();
    }

    /// Another process commits a batch now.
    fn a_batch_is_committed(&mut self) {
        self.store.probe(&|last_now| last_now).unwrap();
    }

    /// Of the product, and of the whole sale.
    fn available(&self) -> i64 {
        let product = self.reader.product(ProductId::FIRST).unwrap();
        let available = product.what.unwrap().available;
        let stock = self.reader.stock(None).unwrap();
        assert_eq!(stock.what.available, available);
        available
    }

    /// When products, figures and lists are judged, which is the same for all of them.
    fn judged_at(&self) -> i64 {
        let product = self.reader.product(ProductId::FIRST).unwrap().at;
        let stock = self.reader.stock(None).unwrap().at;
        let payments = self.reader.payments(&any(), FIRST_PAGE).unwrap().at;
        assert_eq!((stock, payments), (product, product));
        product.micros()
    }

    fn expired_holds(&self) -> usize {
        let filter = Filter {
            status: Some(HoldStatus::Expired),
            ..any()
        };
        self.reader.holds(&filter, FIRST_PAGE).unwrap().what.len()
    }

    fn expired_orders(&self) -> usize {
        let rows = Filter {
            status: Some(OrderStatus::Expired),
            ..any()
        };
        let filter = OrderFilter { rows, money: None };
        self.reader.orders(&filter, FIRST_PAGE).unwrap().what.len()
    }

    fn refunds_due(&self) -> i64 {
        let due = self.reader.refunds_due().unwrap();
        due.what.count
    }

    fn hold_is_judged_at(&self) -> i64 {
        let hold = self.reader.hold(HoldId::FIRST).unwrap();
        hold.at.micros()
    }

    fn order_is_judged_at(&self) -> i64 {
        let order = self.reader.order(OrderId::FIRST).unwrap();
        order.at.micros()
    }

    /// Whether a batch of now would refuse so many units.
    fn refuses(&self, units: i64) -> bool {
        let refusal = self.reader.refusal(&wish(units), &terms()).unwrap();
        matches!(refusal, Some(Rejection::InsufficientStock { .. }))
    }
}

const FIRST_PAGE: Page = Page {
    seek: Seek::After(0),
    limit: 10,
};

fn any<S>() -> Filter<S> {
    Filter {
        product: None,
        customer: None,
        status: None,
    }
}

fn reader(database: &dyn Database, hands: &Hands) -> Box<dyn Reader> {
    database.reader(Arc::new(hands.clone()), 1).unwrap()
}

fn wish(units: i64) -> PlaceHold {
    PlaceHold {
        product: ProductId::FIRST,
        quantity: Quantity::new(units).unwrap(),
        customer: None,
        key: None,
    }
}

fn hold() -> Command {
    Command::PlaceHold(wish(2))
}

/// Of an order to come.
fn early_payment(transaction: Option<&str>) -> Command {
    Command::RecordPayment(PaymentEvent {
        reporter: Reporter::Bridge,
        key: format!("payment {transaction:?}"),
        target: PaymentTarget::Order(OrderId::new(2).unwrap()),
        report: Report {
            status: PaymentStatus::Success,
            amount: Some(Amount::new("199.98".into())),
            transaction_id: transaction.map(str::to_owned),
        },
        payload: None,
    })
}

fn report(key: &str, transaction: &str, kind: ReversalKind) -> Command {
    Command::RecordReversal(ReversalEvent {
        key: key.to_owned(),
        kind,
        transaction_id: transaction.to_owned(),
        amount: Some(Cents::new(19_998)),
        payload: None,
    })
}

fn deadline(ttl_s: u32) -> i64 {
    Timestamp::from_micros(OPENING).plus_seconds(ttl_s).micros()
}

#[test]
fn what_falls_due_between_two_batches_is_over_from_the_second_one_on() {
    let Some(mut sale) = Sale::open() else {
        return;
    };
    let hold_ends = OPENING + i64::try_from(HOLD_TTL.as_micros()).unwrap();
    let order_ends = deadline(terms().order_ttl_s.unwrap());
    let payment_ends = deadline(terms().parked_ttl_s);
    assert!(hold_ends < order_ends && order_ends < payment_ends);

    sale.clock_shows(hold_ends - 1);
    assert_eq!(sale.judged_at(), hold_ends - 1);
    assert!(sale.refuses(2));
    for later in [0, 1] {
        sale.clock_shows(hold_ends + later);
        assert_eq!(sale.judged_at(), hold_ends - 1);
        assert_eq!(sale.hold_is_judged_at(), hold_ends - 1);
        assert_eq!(sale.order_is_judged_at(), hold_ends + later);
        assert_eq!((sale.available(), sale.expired_holds()), (0, 0));
        assert!(!sale.refuses(2) && sale.refuses(3));
    }
    sale.clock_shows(hold_ends);
    sale.a_batch_is_committed();
    assert_eq!(sale.judged_at(), hold_ends);
    assert_eq!(sale.hold_is_judged_at(), hold_ends);
    assert_eq!((sale.available(), sale.expired_holds()), (2, 1));

    for later in [0, 1] {
        sale.clock_shows(order_ends + later);
        assert_eq!(sale.judged_at(), order_ends - 1);
        assert_eq!(sale.order_is_judged_at(), order_ends - 1);
        assert_eq!((sale.available(), sale.expired_orders()), (2, 0));
        assert!(!sale.refuses(4));
    }
    sale.clock_shows(order_ends);
    sale.a_batch_is_committed();
    assert_eq!(sale.judged_at(), order_ends);
    assert_eq!(sale.order_is_judged_at(), order_ends);
    assert_eq!((sale.available(), sale.expired_orders()), (4, 1));

    for later in [0, 1] {
        sale.clock_shows(payment_ends + later);
        assert_eq!(
            (sale.judged_at(), sale.refunds_due()),
            (payment_ends - 1, 0)
        );
    }
    sale.clock_shows(payment_ends);
    sale.a_batch_is_committed();
    assert_eq!((sale.judged_at(), sale.refunds_due()), (payment_ends, 2));
}

#[test]
fn a_clock_that_is_set_back_takes_back_nothing_that_is_over() {
    let Some(mut sale) = Sale::open() else {
        return;
    };
    let hold_ends = OPENING + i64::try_from(HOLD_TTL.as_micros()).unwrap();
    sale.clock_shows(hold_ends);
    sale.a_batch_is_committed();
    sale.clock_shows(OPENING);
    assert_eq!((sale.judged_at(), sale.available()), (hold_ends, 2));
    assert_eq!(sale.hold_is_judged_at(), hold_ends);
    assert!(!sale.refuses(2));
    sale.transact(&[hold()]);
    assert!(sale.refuses(2));
}
