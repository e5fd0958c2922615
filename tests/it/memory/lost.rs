//! A memory that is copied, and one that has lost what came after the copy.

use std::sync::{Arc, Mutex};

use flashsale::sale::{PaymentTarget, Timestamp};

use super::{MemoryStore, Tables};

impl MemoryStore {
    /// A store of its own, with the same rows.
    pub fn copy(&self) -> MemoryStore {
        let tables = self.tables().clone();
        MemoryStore {
            tables: Arc::new(Mutex::new(tables)),
            ..self.clone()
        }
    }

    /// Never gives the next `count` ids of holds, orders, payments and events: a lost disk may have given them. An event that waits
    /// for such an order has waited long enough.
    pub fn skip_ids(&mut self, count: i64) {
        let mut tables = self.tables();
        let tables = &mut *tables;
        let counters = &mut tables.counters;
        let holds = counters.next_hold.get()..counters.next_hold.get() + count;
        let orders = counters.next_order.get()..counters.next_order.get() + count;
        let events = counters.next_event.get();
        for _ in 0..count {
            counters.next_hold = counters.next_hold.next();
            counters.next_order = counters.next_order.next();
            counters.next_payment = counters.next_payment.next();
            counters.next_event = counters.next_event.next();
        }
        for (payment, _) in tables.payments.values_mut() {
            if let PaymentTarget::Order(id) = payment.target
                && payment.is_parked()
                && orders.contains(&id.get())
            {
                payment.parked_until = Some(Timestamp::from_micros(0));
            }
        }
        tables.holds_skipped.push(holds);
        tables.orders_skipped.push(orders);
        tables.events_skipped.push((events, events + count - 1));
    }
}

impl Tables {
    pub fn is_lost(&self, target: PaymentTarget) -> bool {
        let (skipped, id) = match target {
            PaymentTarget::Order(id) => (&self.orders_skipped, id.get()),
            PaymentTarget::Hold(id) => (&self.holds_skipped, id.get()),
        };
        skipped.iter().any(|gap| gap.contains(&id))
    }
}
