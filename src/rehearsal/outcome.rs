//! What came of a rehearsal: every figure, under the names of its JSON.

use serde_json::{Map, Value, json};

use super::comparison::Comparison;
use super::crowd::Counted;
use super::ledger::Ledger;
use super::machine::{Machine, Usage};
use super::plan::Plan;
use super::tally::{Kind, Tally};

pub struct Outcome {
    pub plan: Plan,
    /// `sample` or `database`.
    pub catalogue: &'static str,
    pub products: usize,
    pub stock_units: i64,
    pub machine: Machine,
    pub crowd_threads: usize,
    pub counted: Counted,
    pub comparison: Comparison,
    pub ledger: Ledger,
    pub server: Usage,
    pub buyers: Usage,
    pub books_broken: i64,
    /// What is wrong, in words; empty after a sale that went well.
    pub findings: Vec<String>,
}

/// What kept the sale from going faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitedBy {
    Server,
    Buyers,
    Arrivals,
    Stock,
    Machine,
}

impl LimitedBy {
    pub fn as_str(self) -> &'static str {
        match self {
            LimitedBy::Server => "server",
            LimitedBy::Buyers => "buyers",
            LimitedBy::Arrivals => "arrivals",
            LimitedBy::Stock => "stock",
            LimitedBy::Machine => "machine",
        }
    }
}

/// A thread, or a machine, that is busy for this share of the time is busy all the time.
const BUSY: f64 = 0.9;
/// Buyers wait no longer than this where the server keeps up with them.
const PROMPT_MS: f64 = 50.0;
/// Hold requests of a time shorter than this say little about the next second.
const SOLD_OUT_EARLY_S: f64 = 0.2;

impl Outcome {
    pub fn tally(&self) -> &Tally {
        &self.counted.tally
    }

    /// From the opening to the last answer.
    pub fn seconds(&self) -> f64 {
        self.tally().last_answer_us as f64 / 1e6
    }

    pub fn per_s(&self, count: u64) -> f64 {
        ratio(count as f64, self.seconds())
    }

    pub fn sold_out_after_s(&self) -> Option<f64> {
        self.ledger.sold_out_us.map(|us| us as f64 / 1e6)
    }

    /// Whether the sale can go on so before real buyers.
    pub fn went_well(&self) -> bool {
        self.findings.is_empty()
    }

    /// Share of the time of all cores that the server and the buyers had.
    pub fn cores_busy(&self) -> f64 {
        let had = self.seconds() * self.machine.cores as f64;
        ratio(self.server.cpu_s + self.buyers.cpu_s, had)
    }

    /// Share of the time that the buyers' threads had something to do.
    pub fn buyers_busy(&self) -> f64 {
        let had = self.seconds() * self.crowd_threads as f64;
        ratio(self.counted.busy.as_secs_f64(), had)
    }

    pub fn slowest_ms(&self) -> f64 {
        let kinds = [Kind::Look, Kind::Hold, Kind::Order];
        let waits = kinds.map(|kind| self.tally().wait_max_ms(kind));
        waits.into_iter().fold(0.0, f64::max)
    }

    pub fn limited_by(&self) -> LimitedBy {
        let is_prompt = self.tally().wait_ms(Kind::Hold, 0.99) <= PROMPT_MS
            && self.tally().wait_ms(Kind::Look, 0.99) <= PROMPT_MS;
        let buyers_cpu = ratio(
            self.buyers.cpu_s,
            self.seconds() * self.crowd_threads as f64,
        );
        if is_prompt {
            LimitedBy::Arrivals
        } else if self.machine.cores > 1 && self.buyers_busy() >= BUSY && buyers_cpu >= BUSY {
            LimitedBy::Buyers
        } else if self.cores_busy() >= BUSY {
            LimitedBy::Machine
        } else if self
            .sold_out_after_s()
            .is_some_and(|at| at < SOLD_OUT_EARLY_S)
        {
            LimitedBy::Stock
        } else {
            LimitedBy::Server
        }
    }

    /// Flat, and in the order in which a person reads it.
    pub fn json(&self, sentence: &str) -> Map<String, Value> {
        let (plan, tally) = (&self.plan, self.tally());
        let mut json = Map::new();
        let mut add = |figures: Value| {
            if let Value::Object(figures) = figures {
                json.extend(figures);
            }
        };
        add(json!({
            "seed": plan.seed, "buyers": plan.buyers, "arrivals": plan.arrivals.as_str(), "over_s": plan.over_s,
            "abandon": plan.abandon, "patience": plan.patience, "connections": plan.connections,
            "catalogue": self.catalogue, "products": self.products, "stock_units": self.stock_units,
        }));
        add(json!({
            "cores": self.machine.cores, "memory_bytes": self.machine.memory_bytes,
            "file_system": self.machine.file_system, "fsync_ms": rounded(self.machine.fsync_ms),
        }));
        let holds = tally.count(Kind::Hold);
        let units = &self.comparison;
        add(json!({
            "seconds": rounded(self.seconds()), "requests": tally.requests(),
            "requests_per_s": rounded(self.per_s(tally.requests())), "holds": holds,
            "holds_per_s": rounded(tally.holds_per_s()), "orders": units.orders, "units_held": units.units_held,
            "units_sold": units.units_sold, "units_reserved": units.units_reserved,
            "units_available": units.units_available,
            "sold_out_after_s": self.sold_out_after_s().map(rounded),
        }));
        add(json!({
            "buyers_paid": self.counted.paid, "buyers_abandoned": self.counted.abandoned,
            "buyers_empty_handed": self.counted.empty_handed, "buyers_failed": self.counted.failed,
        }));
        for kind in Kind::ALL {
            add(waits(tally, kind));
        }
        let bytes = self.server.bytes_written;
        let per_unit = (units.units_sold > 0).then(|| bytes as f64 / units.units_sold as f64);
        add(json!({
            "commits": self.ledger.commits, "commits_per_s": rounded(self.per_s(self.ledger.commits)),
            "commands_per_commit": rounded(ratio(self.ledger.commands as f64, self.ledger.commits as f64)),
            "bytes_written": bytes, "bytes_per_sold_unit": per_unit.map(rounded),
            "server_cpu_s": rounded(self.server.cpu_s), "buyers_cpu_s": rounded(self.buyers.cpu_s),
        }));
        add(json!({
            "refusals": tally.refusals, "refused": tally.refusals.values().sum::<u64>(),
            "errors_5xx": tally.errors_5xx, "errors_transport": tally.errors_transport,
            "limited_by": self.limited_by().as_str(), "sentence": sentence,
            "oversold_units": units.oversold_units, "missing_writes": units.missing_writes,
            "books_broken": self.books_broken,
        }));
        json
    }
}

fn waits(tally: &Tally, kind: Kind) -> Value {
    let mut waits = Map::new();
    let mut add = |figure: &str, value: Value| {
        waits.insert(format!("{}_{figure}", kind.as_str()), value);
    };
    add("count", tally.count(kind).into());
    for (figure, quantile) in [("p50_ms", 0.5), ("p99_ms", 0.99), ("p999_ms", 0.999)] {
        add(figure, rounded(tally.wait_ms(kind, quantile)).into());
    }
    add("max_ms", rounded(tally.wait_max_ms(kind)).into());
    Value::Object(waits)
}

/// To a thousandth.
pub fn rounded(figure: f64) -> f64 {
    (figure * 1e3).round() / 1e3
}

/// 0 where there is nothing to divide by.
pub fn ratio(of: f64, by: f64) -> f64 {
    if by > 0.0 { of / by } else { 0.0 }
}
