//! How many observations are how large. No thread waits for another: an observation is two atomic additions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bounds of buckets, in whole units, and how many of these make the base unit that figures are told in.
#[derive(Debug)]
pub struct Scale {
    /// The largest value of each bucket, in order; a last bucket has what is larger.
    pub bounds: &'static [u64],
    pub units: f64,
}

/// From 100 µs to 10 s, counted in nanoseconds and told in seconds.
pub static SECONDS: Scale = Scale {
    bounds: &[
        100_000,
        250_000,
        500_000,
        1_000_000,
        2_500_000,
        5_000_000,
        10_000_000,
        25_000_000,
        50_000_000,
        100_000_000,
        250_000_000,
        500_000_000,
        1_000_000_000,
        2_500_000_000,
        5_000_000_000,
        10_000_000_000,
    ],
    units: 1e9,
};

/// Commands of a transaction.
pub static COMMANDS: Scale = Scale {
    bounds: &[
        1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192,
    ],
    units: 1.0,
};

impl Scale {
    /// In the base unit. A quotient of whole numbers is the nearest one there is, which a product need not be.
    pub fn told(&self, value: u64) -> f64 {
        value as f64 / self.units
    }
}

pub struct Histogram {
    pub scale: &'static Scale,
    /// One more than there are bounds.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    pub fn new(scale: &'static Scale) -> Histogram {
        Histogram {
            scale,
            buckets: (0..=scale.bounds.len())
                .map(|_| AtomicU64::new(0))
                .collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// In the scale's whole units.
    pub fn observe(&self, value: u64) {
        let bucket = self.scale.bounds.partition_point(|bound| *bound < value);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Where the scale's unit is a nanosecond.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many observations each bucket has.
    pub fn counts(&self) -> Vec<u64> {
        let buckets = self.buckets.iter();
        buckets.map(|count| count.load(Ordering::Relaxed)).collect()
    }

    pub fn count(&self) -> u64 {
        self.counts().iter().sum()
    }

    /// Of all observations, in whole units.
    pub fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_what_is_as_large_as_its_bound() {
        let histogram = Histogram::new(&COMMANDS);
        for value in [0, 1, 2, 3, 4, 8192, 8193, 100_000] {
            histogram.observe(value);
        }
        let counts = histogram.counts();
        assert_eq!(counts[..3], [2, 1, 2]);
        assert_eq!(counts[COMMANDS.bounds.len() - 1..], [1, 2]);
        assert_eq!((histogram.count(), histogram.sum()), (8, 116_395));
    }
}
