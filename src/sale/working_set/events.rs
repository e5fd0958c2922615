//! What a batch tells the shop, and what an event asks for beside its own row.

use super::{Stop, WorkingSet};
use crate::sale::rows::{Customer, Event, EventData, EventId, EventKind, OrderId, PaymentTarget};

impl WorkingSet {
    /// Whose money it is that was paid for `target`, or for the order that this turned out to mean; `None` where nobody gave a
    /// name, or the order does not exist.
    pub fn payer(
        &self,
        target: PaymentTarget,
        order: Option<OrderId>,
    ) -> Result<Option<&Customer>, Stop> {
        if let Some(order) = order {
            let order = self.order(order)?;
            return Ok(order.and_then(|order| order.customer.as_ref()));
        }
        match target {
            PaymentTarget::Order(_) => Ok(None),
            PaymentTarget::Hold(id) => {
                let hold = self.hold(id)?;
                Ok(hold.and_then(|hold| hold.customer.as_ref()))
            }
        }
    }

    /// With the next id.
    pub(in crate::sale) fn emit(&mut self, kind: EventKind, data: EventData) {
        let id = self.counters.next_event;
        self.counters.next_event = id.next();
        self.events.push(Event {
            id,
            at: self.now,
            kind,
            data,
        });
    }

    /// Forgets an event, and with it all before it; says whether it was not forgotten yet.
    pub(in crate::sale) fn forget_event(&mut self, id: EventId) -> bool {
        let is_news = self.events_forgotten < Some(id);
        if is_news {
            self.events_forgotten = Some(id);
        }
        is_news
    }
}
