//! What came of a rehearsal in rows for people, each figure with its unit.

use super::outcome::{Outcome, ratio};
use super::plan::Arrivals;
use super::sentence::{bytes, counted, milliseconds, percent, seconds};
use super::tally::Kind;

impl Outcome {
    /// Names and figures.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = self.rows_of_the_setting();
        rows.extend(self.rows_of_the_sale());
        rows.extend(self.rows_of_the_server());
        rows.extend(self.rows_of_the_proof());
        rows
    }

    fn rows_of_the_setting(&self) -> Vec<(&'static str, String)> {
        let (plan, machine) = (&self.plan, &self.machine);
        let came = match (plan.arrivals, plan.over_s) {
            (Arrivals::Burst, 0.0) => "all at once".into(),
            (arrivals, over_s) => format!("{} over {}", arrivals.as_str(), seconds(over_s)),
        };
        vec![
            (
                "machine",
                format!(
                    "{} cores, {} of memory, {} that syncs in {}",
                    machine.cores,
                    bytes(machine.memory_bytes as f64),
                    machine.file_system,
                    milliseconds(machine.fsync_ms)
                ),
            ),
            (
                "catalogue",
                format!(
                    "{} products of the {}, {} units",
                    counted(self.products as u64),
                    self.catalogue,
                    counted(self.stock_units.unsigned_abs())
                ),
            ),
            (
                "crowd",
                format!(
                    "{} buyers, {came}, over {} connections; seed {}",
                    counted(plan.buyers.into()),
                    counted(plan.connections as u64),
                    plan.seed
                ),
            ),
        ]
    }

    fn rows_of_the_sale(&self) -> Vec<(&'static str, String)> {
        let (tally, units, crowd) = (self.tally(), &self.comparison, &self.counted);
        let unit = |units: i64| counted(units.unsigned_abs());
        let sold_out = self
            .sold_out_after_s()
            .map_or("not".into(), |s| format!("after {}", milliseconds(s * 1e3)));
        let refusals = tally.refusals.iter();
        let refusals = refusals.map(|(code, count)| format!("{} {code}", counted(*count)));
        let refusals: Vec<String> = refusals.collect();
        let refusals = if refusals.is_empty() {
            "none".into()
        } else {
            refusals.join(", ")
        };
        vec![
            ("took", seconds(self.seconds())),
            (
                "requests",
                format!(
                    "{}, {} a second",
                    counted(tally.requests()),
                    counted(self.per_s(tally.requests()) as u64)
                ),
            ),
            (
                "holds",
                format!(
                    "{} asked for, {} a second in the busiest time",
                    counted(tally.count(Kind::Hold)),
                    counted(tally.holds_per_s() as u64)
                ),
            ),
            (
                "units",
                format!(
                    "{} sold, {} reserved, {} available; sold out {sold_out}",
                    unit(units.units_sold),
                    unit(units.units_reserved),
                    unit(units.units_available)
                ),
            ),
            (
                "buyers",
                format!(
                    "{} paid, {} left with units, {} found nothing, {} failed",
                    counted(crowd.paid),
                    counted(crowd.abandoned),
                    counted(crowd.empty_handed),
                    counted(crowd.failed)
                ),
            ),
            ("refusals", refusals),
        ]
    }

    fn rows_of_the_server(&self) -> Vec<(&'static str, String)> {
        let ledger = &self.ledger;
        let written = self.server.bytes_written as f64;
        let a_unit = ratio(written, self.comparison.units_sold as f64);
        vec![
            (
                "commits",
                format!(
                    "{}, {} a second, {:.1} commands each",
                    counted(ledger.commits),
                    counted(self.per_s(ledger.commits) as u64),
                    ratio(ledger.commands as f64, ledger.commits as f64)
                ),
            ),
            (
                "written",
                format!("{}, {} a sold unit", bytes(written), bytes(a_unit)),
            ),
            (
                "processor time",
                format!(
                    "{:.2} s of the server, {:.2} s of the buyers; the cores were busy for {} of the time",
                    self.server.cpu_s,
                    self.buyers.cpu_s,
                    percent(self.cores_busy().min(1.0))
                ),
            ),
            ("limited by", self.limited_by().as_str().into()),
        ]
    }

    fn rows_of_the_proof(&self) -> Vec<(&'static str, String)> {
        let tally = self.tally();
        let books = match self.books_broken {
            0 => "right".into(),
            broken => format!("WRONG in {broken} places"),
        };
        vec![
            (
                "errors",
                format!(
                    "{} of the server (5xx), {} of the transport",
                    counted(tally.errors_5xx),
                    counted(tally.errors_transport)
                ),
            ),
            (
                "oversold",
                format!("{} units", self.comparison.oversold_units),
            ),
            (
                "missing",
                format!("{} acknowledged writes", self.comparison.missing_writes),
            ),
            ("books", books),
        ]
    }

    /// How long each kind of request was waited for: a heading, and a row a kind.
    pub fn waits(&self) -> Vec<[String; 6]> {
        let heading = ["wait for", "requests", "p50", "p99", "p99.9", "max"];
        let mut rows = vec![heading.map(String::from)];
        for kind in Kind::ALL {
            let tally = self.tally();
            let at = |quantile| milliseconds(tally.wait_ms(kind, quantile));
            rows.push([
                kind.as_str().into(),
                counted(tally.count(kind)),
                at(0.5),
                at(0.99),
                at(0.999),
                milliseconds(tally.wait_max_ms(kind)),
            ]);
        }
        rows
    }
}
