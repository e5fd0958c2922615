//! What two stores show between two batches.

use std::sync::mpsc;

use flashsale::sale::{
    Command, HoldId, HoldStatus, OrderId, OrderStatus, ProductId, Terms, Timestamp, Verdict,
};
use flashsale::store::{Figures, Lists, OrderFilter, Reader};

use super::events::events_are_alike;
use crate::memory::MemoryStore;
use crate::properties::Crowd;

pub fn product_is_alike(memory: &MemoryStore, engine: &dyn Reader, id: ProductId, now: Timestamp) {
    let seen = memory.product(id).unwrap();
    assert_eq!(seen, engine.product(id).unwrap(), "{id} at {now}");
    let (sender, later) = mpsc::channel();
    engine.product_then(id, Box::new(move |seen| sender.send(seen).unwrap()));
    assert_eq!(seen, later.recv().unwrap().unwrap(), "{id} at {now}");
    for after in [None, Some(id)] {
        assert_eq!(
            memory.products(after, 2).unwrap(),
            engine.products(after, 2).unwrap(),
            "two after {after:?} at {now}"
        );
    }
}

/// Some holds and orders, asked for one by one and all at once.
pub fn holds_and_orders_are_alike(
    memory: &MemoryStore,
    engine: &dyn Reader,
    crowd: &mut Crowd,
    now: Timestamp,
) {
    let numbers: Vec<i64> = (0..8).map(|_| 1 + crowd.below(60)).collect();
    let (hold_sender, later_holds) = mpsc::channel();
    let (order_sender, later_orders) = mpsc::channel();
    for number in &numbers {
        let (sender, id) = (hold_sender.clone(), HoldId::new(*number).unwrap());
        engine.hold_then(id, Box::new(move |seen| sender.send(seen).unwrap()));
        let (sender, id) = (order_sender.clone(), OrderId::new(*number).unwrap());
        engine.order_then(id, Box::new(move |seen| sender.send(seen).unwrap()));
    }
    for number in numbers {
        let id = HoldId::new(number).unwrap();
        let hold = memory.hold(id).unwrap();
        assert_eq!(hold, engine.hold(id).unwrap(), "{id} at {now}");
        assert_eq!(hold, later_holds.recv().unwrap().unwrap(), "{id} at {now}");
        let id = OrderId::new(number).unwrap();
        let order = memory.order(id).unwrap();
        assert_eq!(order, engine.order(id).unwrap(), "{id} at {now}");
        assert_eq!(
            order,
            later_orders.recv().unwrap().unwrap(),
            "{id} at {now}"
        );
    }
}

/// Which wishes would be refused between two batches, asked about one by one and all at once.
pub fn refusals_are_alike(
    memory: &MemoryStore,
    engine: &dyn Reader,
    terms: &Terms,
    batch: &[Command],
    now: Timestamp,
) {
    let mut wishes = Vec::new();
    for command in batch {
        if let Command::PlaceHold(wish) = command {
            wishes.push((wish, memory.refusal(wish, terms).unwrap()));
        }
    }
    for (wish, refusal) in &wishes {
        assert_eq!(
            *refusal,
            engine.refusal(wish, terms).unwrap(),
            "{wish:?} at {now}"
        );
    }
    let (sender, later) = mpsc::channel();
    for (wish, _) in &wishes {
        let sender = sender.clone();
        let then = Box::new(move |judged| sender.send(judged).unwrap());
        engine.refusal_then((*wish).clone(), terms, then);
    }
    for (wish, refusal) in wishes {
        let (given_back, judged) = later.recv().unwrap().unwrap();
        assert_eq!(refusal, judged, "{wish:?} at {now}");
        assert_eq!(format!("{wish:?}"), format!("{given_back:?}"));
    }
}

/// What an operator sees: every list, by a filter and from a place of the crowd's choice.
pub fn lists_are_alike(
    memory: &MemoryStore,
    engine: &dyn Reader,
    crowd: &mut Crowd,
    now: Timestamp,
) {
    let holds = crowd.filter(HoldStatus::ALL);
    let page = crowd.page();
    assert_eq!(
        memory.holds(&holds, page).unwrap(),
        engine.holds(&holds, page).unwrap(),
        "{holds:?} {page:?} at {now}"
    );
    let orders = OrderFilter {
        rows: crowd.filter(OrderStatus::ALL),
        money: crowd.money_filter(),
    };
    let page = crowd.page();
    assert_eq!(
        memory.orders(&orders, page).unwrap(),
        engine.orders(&orders, page).unwrap(),
        "{orders:?} {page:?} at {now}"
    );
    let payments = crowd.filter(Verdict::ALL);
    let page = crowd.page();
    assert_eq!(
        memory.payments(&payments, page).unwrap(),
        engine.payments(&payments, page).unwrap(),
        "{payments:?} {page:?} at {now}"
    );
    let (status, page) = (crowd.refund_status(), crowd.page());
    assert_eq!(
        memory.refunds(status, page).unwrap(),
        engine.refunds(status, page).unwrap(),
        "refunds {status:?} {page:?} at {now}"
    );
    let (reversals, page) = (crowd.reversal_filter(), crowd.page());
    assert_eq!(
        memory.reversals(&reversals, page).unwrap(),
        engine.reversals(&reversals, page).unwrap(),
        "{reversals:?} {page:?}"
    );
    let (product, page) = (crowd.product(), crowd.page());
    assert_eq!(
        memory.movements(product, page).unwrap(),
        engine.movements(product, page).unwrap(),
        "movements of {product} {page:?}"
    );
    assert_eq!(
        memory.sales_rate(product, 60_000_000).unwrap(),
        engine.sales_rate(product, 60_000_000).unwrap(),
        "sales rate of {product} at {now}"
    );
    events_are_alike(memory, engine, crowd);
    let after = Some(product);
    assert_eq!(
        (memory.stock(None).unwrap(), memory.stock(after).unwrap()),
        (engine.stock(None).unwrap(), engine.stock(after).unwrap()),
        "stock, and that after {product}, at {now}"
    );
    assert_eq!(
        (memory.refunds_due().unwrap(), memory.stock_books().unwrap()),
        (engine.refunds_due().unwrap(), engine.stock_books().unwrap()),
        "at {now}"
    );
}
