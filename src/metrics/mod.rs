//! Figures that a server keeps of itself while it serves.

mod latency;

pub use latency::{Latency, LatencySummary};
