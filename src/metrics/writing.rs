//! What the writer keeps of its transactions.

use super::counts::Counts;
use super::exposition::Family;
use super::histogram::{COMMANDS, Histogram, SECONDS};
use super::latency::Latency;
use crate::store::Transacted;

pub struct WriterMetrics {
    /// Commands of clients in each transaction that had any.
    pub batch_commands: Histogram,
    pub commit_duration: Histogram,
    /// The same of late.
    pub commits: Latency,
    /// What was ended because its deadline had passed.
    pub expired: Counts,
}

impl Default for WriterMetrics {
    fn default() -> WriterMetrics {
        WriterMetrics {
            batch_commands: Histogram::new(&COMMANDS),
            commit_duration: Histogram::new(&SECONDS),
            commits: Latency::default(),
            expired: Counts::of(&["hold", "order", "payment"]),
        }
    }
}

impl WriterMetrics {
    pub fn transacted(&self, commands: usize, transacted: &Transacted) {
        if commands > 0 {
            self.batch_commands.observe(commands as u64);
        }
        if let Some(duration) = transacted.commit {
            self.commits.record(duration);
            self.commit_duration.observe_duration(duration);
        }
        let expired = &transacted.expired;
        self.expired.add("hold", expired.holds);
        self.expired.add("order", expired.orders);
        self.expired.add("payment", expired.payments);
    }

    pub fn families(&self) -> Vec<Family> {
        let batches = Family::histogram(
            "flashsale_writer_batch_commands",
            "Commands of clients in a transaction that had any.",
        );
        let commits = Family::histogram(
            "flashsale_commit_duration",
            "Commits, each of which makes a transaction durable.",
        );
        let expired = Family::counter(
            "flashsale_expired",
            "What this process ended because its deadline had passed.",
        );
        vec![
            batches.with_histogram(Vec::new(), &self.batch_commands),
            commits
                .in_seconds()
                .with_histogram(Vec::new(), &self.commit_duration),
            expired.with_counts("kind", &self.expired),
        ]
    }
}
