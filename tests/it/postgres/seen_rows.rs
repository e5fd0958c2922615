//! A batch is written only over the rows that it has judged. The turn keeps every other batch away; where another hand changes
//! a row all the same, between the batch's reading and its writing, the change that says what it expects to find fails the
//! whole batch.

use std::time::Duration;

use flashsale::sale::{
    Amount, Command, HoldId, IdempotencyKey, OrderId, PaymentEvent, PaymentId, PaymentStatus,
    PaymentTarget, PlaceHold, ProductChanges, ProductId, Quantity, Report, Reporter, Timestamp,
};
use flashsale::store::{Contents, Database, Durability, StoreError, no_more};

use super::Schema;
use super::nodes::stocked;
use crate::shop::{HOLD_TTL, Hands, terms};

const IN_THE_YEAR_2100: &str = "update meta set last_now = 4102444800000000";
const PRICE_OF_TWO: &str = "199.98";

fn hold(quantity: i64, key: Option<&str>) -> Command {
    Command::PlaceHold(PlaceHold {
        product: ProductId::FIRST,
        quantity: Quantity::new(quantity).unwrap(),
        customer: None,
        key: key.and_then(IdempotencyKey::new),
    })
}

fn order(hold: i64) -> Command {
    Command::PlaceOrder {
        hold: HoldId::new(hold).unwrap(),
        key: None,
    }
}

fn order_id(id: i64) -> OrderId {
    OrderId::new(id).unwrap()
}

fn payment(transaction: &str, order: i64) -> Command {
    Command::RecordPayment(PaymentEvent {
        reporter: Reporter::Bridge,
        key: transaction.to_owned(),
        target: PaymentTarget::Order(order_id(order)),
        report: Report {
            status: PaymentStatus::Success,
            amount: Some(Amount::new(PRICE_OF_TWO.to_owned())),
            transaction_id: Some(transaction.to_owned()),
        },
        payload: None,
    })
}

/// Holds 3, 4 and 5 are live, order 1 is paid, order 2 is not; payment 2 is due for a refund, and payment 3 waits for order 3.
fn sale() -> Vec<Vec<Command>> {
    let holds = vec![
        hold(2, None),
        hold(2, None),
        hold(2, None),
        hold(1, Some("key")),
    ];
    let orders = vec![order(1), order(2)];
    let payments = vec![payment("a", 1), payment("b", 1), payment("c", 3)];
    vec![holds, orders, payments]
}

struct Case {
    /// What another hand does to what the batch has read.
    tampering: &'static str,
    command: Command,
    /// By how much the server's clock goes on before the batch.
    clock: Duration,
    /// How much later than that the batch is judged.
    judged: Duration,
}

fn cases() -> Vec<Case> {
    let case = |tampering, command| Case {
        tampering,
        command,
        clock: Duration::ZERO,
        judged: Duration::ZERO,
    };
    let pause = ProductChanges {
        paused: Some(true),
        ..ProductChanges::default()
    };
    let forget_one_key = Command::Sweep {
        rows_max: 0,
        keys_max: 1,
    };
    vec![
        case("update products set version = version + 1", hold(1, None)),
        case(
            "delete from products",
            Command::ChangeProduct {
                product: ProductId::FIRST,
                changes: pause,
            },
        ),
        case(
            "update holds set status = 'expired' where id = 3",
            Command::ReleaseHold {
                hold: HoldId::new(3).unwrap(),
            },
        ),
        case(
            "update orders set status = 'expired' where id = 2",
            Command::CancelOrder {
                order: order_id(2),
                key: None,
            },
        ),
        case(
            "update orders set refunded_quantity = 1 where id = 1",
            Command::RefundOrder {
                order: order_id(1),
                quantity: Quantity::new(1),
                restock: true,
            },
        ),
        case(
            "update payments set resolved_at = 1, resolution = 'paid_back' where id = 2",
            Command::ResolveRefund {
                payment: PaymentId::new(2).unwrap(),
                note: None,
            },
        ),
        case(
            "update payments set verdict = 'ignored', parked_until = null where id = 3",
            order(3),
        ),
        case(IN_THE_YEAR_2100, hold(1, None)),
        // A hold whose deadline has passed is refused, and nothing but the time is written.
        Case {
            judged: HOLD_TTL,
            ..case(IN_THE_YEAR_2100, order(3))
        },
        Case {
            clock: Duration::from_secs(terms().idempotency_ttl_s.into()),
            ..case("delete from replays", forget_one_key)
        },
    ]
}

fn contents(database: &dyn Database) -> Contents {
    let reader = database.reader_beside(Timestamp::FIRST).unwrap();
    reader.contents().unwrap()
}

#[test]
fn a_batch_is_not_written_over_what_another_hand_has_changed_meanwhile() {
    for Case {
        tampering,
        command,
        clock,
        judged,
    } in cases()
    {
        let Some(schema) = Schema::new() else {
            return;
        };
        let hands = Hands::at_opening();
        schema.set_clock_by(&hands);
        let database = stocked(&schema, 10);
        let mut store = database.store(Durability::Normal).unwrap();
        let at_once = |last_now| last_now;
        for commands in sale() {
            let decisions = store.transact(&terms(), &at_once, &commands, &mut no_more);
            let decisions = decisions.unwrap();
            assert!(decisions.iter().all(Result::is_ok), "{decisions:?}");
        }
        hands.advance(clock);
        let judged = i64::try_from(judged.as_micros()).unwrap();
        let now = |last_now: Timestamp| Timestamp::from_micros(last_now.micros() + judged);
        let mut left = None;
        // It is asked between the two round trips of the batch.
        let mut tamper = || {
            schema.session().execute(tampering).unwrap();
            left = Some(contents(&*database));
            Vec::new()
        };
        let batch = [command];
        let failed = store.transact(&terms(), &now, &batch, &mut tamper);
        let is_stopped = matches!(&failed, Err(StoreError::Broken(why)) if why.contains("22012"));
        assert!(is_stopped, "{tampering}, and {batch:?}: {failed:?}");
        assert_eq!(Some(contents(&*database)), left, "{tampering}");
    }
}
