//! What buyers and the payment provider were told: what must be in the database afterwards.

/// Acknowledgements, in no order.
#[derive(Default)]
pub struct Told {
    pub holds: Vec<ToldHold>,
    pub orders: Vec<ToldOrder>,
    /// Numbers of recorded payment events.
    pub events: Vec<i64>,
    /// Answers that no database can bear out, as they contradict each other; and how many there were.
    pub contradictions: Vec<String>,
    pub contradicted: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldHold {
    pub id: i64,
    pub product: i64,
    pub quantity: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldOrder {
    pub id: i64,
    pub hold: i64,
    pub is_paid: bool,
}

/// Those that are named; more of them are only counted.
const NAMED_MAX: usize = 10;

impl Told {
    pub fn event(&mut self, id: i64) {
        self.events.push(id);
    }

    pub fn contradict(&mut self, what: String) {
        self.contradicted += 1;
        if self.contradictions.len() < NAMED_MAX {
            self.contradictions.push(what);
        }
    }

    /// Takes over what another thread was told.
    pub fn add(&mut self, mut other: Told) {
        self.holds.append(&mut other.holds);
        self.orders.append(&mut other.orders);
        self.events.append(&mut other.events);
        self.contradicted += other.contradicted;
        for what in other.contradictions {
            if self.contradictions.len() < NAMED_MAX {
                self.contradictions.push(what);
            }
        }
    }
}
