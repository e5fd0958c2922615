//! What servers, round trips and batches come to, computed from what `benches/postgres.py` has measured on this machine:
//! `cargo run --release --example scale_out [FIGURES]`.
//!
//! The model: everyone who waits is in the next batch. A batch costs two round trips, which its commands share, a fixed time for
//! the commit, and a time for each command. A server alone does one batch after the other; of several, each keeps the turn for
//! one round trip, while the others' requests are on their way.

use std::process::ExitCode;

use serde_json::Value;

const FIGURES: &str = "target/postgres-figures.json";

/// In seconds.
struct Model {
    /// Of a batch, but for its round trips and its commands.
    fixed: f64,
    each: f64,
}

impl Model {
    /// From two batches next to the database: what their difference does not explain is fixed.
    fn of((rate, batch): (f64, f64), (less, small): (f64, f64)) -> Model {
        let each = (batch / rate - small / less) / (batch - small);
        Model {
            fixed: (batch / rate - each * batch).max(0.0),
            each,
        }
    }

    fn batch_takes(&self, batch: f64, round_trips: f64, round_trip: f64) -> f64 {
        round_trips * round_trip + self.fixed + self.each * batch
    }

    /// Holds a second, and how long the slowest wait: for a turn of every server, and one batch more that just missed it.
    fn predicts(&self, servers: u32, batch: f64, round_trip: f64) -> (f64, f64) {
        let servers = f64::from(servers);
        let round_trips = if servers > 1.0 { 1.0 } else { 2.0 };
        let turn = self.batch_takes(batch, round_trips, round_trip);
        (batch / turn, (servers + 1.0) * turn + round_trip)
    }
}

fn median(figures: &Value, load: &str, field: &str) -> Option<f64> {
    let cells = figures["cells"].as_array()?.iter();
    let mut found: Vec<f64> = cells
        .filter(|cell| cell["load"] == load)
        .filter_map(|cell| cell[field].as_f64())
        .collect();
    found.sort_by(f64::total_cmp);
    found.get(found.len() / 2).copied()
}

fn print(figures: &Value) -> Option<()> {
    let connections = figures["about"]["connections"].as_f64()?;
    let nearest = "hold 0 ms away";
    let few = (connections / 4.0).floor();
    let small = median(figures, "hold by a quarter", "rate")?;
    let model = Model::of(
        (median(figures, nearest, "rate")?, connections),
        (small, few),
    );
    println!(
        "a batch takes {:.2} ms, and {:.1} µs for each command",
        model.fixed * 1e3,
        model.each * 1e6
    );
    println!("compared with what was measured, one server, {connections} connections:");
    for round_trip_ms in ["0", "0.5", "2"] {
        let load = format!("hold {round_trip_ms} ms away");
        let (rate, p99) = (
            median(figures, &load, "rate")?,
            median(figures, &load, "p99_ms")?,
        );
        let round_trip = round_trip_ms.parse::<f64>().ok()? / 1e3;
        let (computed, slowest) = model.predicts(1, connections, round_trip);
        println!(
            "{round_trip_ms:>4} ms: computed {computed:>8.0}/s, slowest {:>6.1} ms; measured {rate:>8.0}/s, p99 {p99:>6.1} ms",
            slowest * 1e3
        );
    }
    println!("\ncomputed: holds a second (slowest in ms)");
    println!("round trip  batch   1 server         2 servers        4 servers        8 servers");
    for round_trip_ms in [0.0, 0.2, 0.5, 1.0, 2.0, 10.0] {
        for batch in [32.0, 128.0, 512.0] {
            print!("{round_trip_ms:>7} ms {batch:>6}");
            for servers in [1, 2, 4, 8] {
                let (rate, slowest) = model.predicts(servers, batch, round_trip_ms / 1e3);
                print!("{:>9.0} ({:>5.1})", rate, slowest * 1e3);
            }
            println!();
        }
    }
    Some(())
}

fn main() -> ExitCode {
    let file = std::env::args().nth(1).unwrap_or(FIGURES.into());
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{file}: {error}; benches/postgres.py writes it");
            return ExitCode::FAILURE;
        }
    };
    let figures = serde_json::from_str(&text).unwrap_or_default();
    if print(&figures).is_none() {
        eprintln!("{file}: not the figures of benches/postgres.py");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
