//! What would change the result of a rehearsal, each with figures of this one.

use crate::config::Config;
use crate::rehearsal::{Outcome, bytes, counted, milliseconds, percent, seconds};
use crate::store::Durability;

pub fn settings(outcome: &Outcome, config: &Config) -> Vec<String> {
    vec![
        disk(outcome, config.durability),
        cores(outcome),
        connections(outcome, config),
        holds(outcome, config),
        stock(outcome),
    ]
}

fn disk(outcome: &Outcome, durability: Durability) -> String {
    let (commits, fsync_ms) = (outcome.ledger.commits, outcome.machine.fsync_ms);
    let synced = commits as f64 * fsync_ms / 1e3;
    let (took, commits) = (seconds(outcome.seconds()), counted(commits));
    match durability {
        Durability::Full => format!(
            "The disk: durability is \"full\", so each of {commits} commits waited until it was on the disk. At {} a wait \
             that is {} of {took}, which a faster disk, or durability = \"normal\", would save; with the latter a power cut may take \
             the last commits back.",
            milliseconds(fsync_ms),
            seconds(synced),
        ),
        Durability::Normal => format!(
            "The disk: durability is \"normal\", so {commits} commits did not wait for it. With \"full\" they would have waited \
             {} more in all, at {} each.",
            seconds(synced),
            milliseconds(fsync_ms),
        ),
    }
}

fn cores(outcome: &Outcome) -> String {
    format!(
        "The cores: {} were busy for {} of the time, {:.2} s with the server and {:.2} s with the simulated buyers. Real buyers \
         bring their own machines.",
        outcome.machine.cores,
        percent(outcome.cores_busy().min(1.0)),
        outcome.server.cpu_s,
        outcome.buyers.cpu_s,
    )
}

fn connections(outcome: &Outcome, config: &Config) -> String {
    format!(
        "Connections: {} buyers shared {}, so no more requests were on their way at once. The server takes {} \
         (max_connections).",
        counted(outcome.plan.buyers.into()),
        counted(outcome.plan.connections as u64),
        counted(config.max_connections as u64),
    )
}

fn holds(outcome: &Outcome, config: &Config) -> String {
    format!(
        "Holds: {} buyers left with units in their hands. What a basket keeps is on sale again after {} s (hold_ttl_s), and what an \
         unpaid order keeps after {} s (order_ttl_s; 0 is never); at the end {} units were reserved.",
        counted(outcome.counted.abandoned),
        config.hold_ttl_s,
        config.order_ttl_s,
        counted(outcome.comparison.units_reserved.unsigned_abs()),
    )
}

fn stock(outcome: &Outcome) -> String {
    let units = &outcome.comparison;
    let buyers = f64::from(outcome.plan.buyers.max(1));
    format!(
        "Stock and limits: {:.2} units a buyer, over {} products; {} of {} hold requests were refused, and the disk took {} in all.",
        outcome.stock_units as f64 / buyers,
        counted(outcome.products as u64),
        counted(
            outcome
                .tally()
                .course
                .windows
                .iter()
                .map(|window| window.refused_holds)
                .sum()
        ),
        counted(
            outcome
                .tally()
                .count(crate::rehearsal::Kind::Hold)
                .max(units.holds)
        ),
        bytes(outcome.server.bytes_written as f64),
    )
}
