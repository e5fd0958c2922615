//! Figures as OpenMetrics text, which `prometheus-client` writes: it appends units to names, and `_total` to those of counters.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::counts::Counts;
use super::histogram::Histogram;

pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Figures of one name.
#[derive(Debug)]
pub struct Family {
    /// Without its unit, and a counter's without `_total`.
    name: &'static str,
    unit: Option<Unit>,
    help: &'static str,
    kind: MetricType,
    samples: Vec<(Labels, Sample)>,
}

/// Their names and values. Values are texts of the program, or ids; never a client's.
pub type Labels = Vec<(&'static str, String)>;

#[derive(Debug)]
enum Sample {
    Count(f64),
    Level(f64),
    Info,
    Histogram { sum: f64, buckets: Vec<(f64, u64)> },
}

impl Family {
    fn new(name: &'static str, help: &'static str, kind: MetricType) -> Family {
        Family {
            name,
            unit: None,
            help,
            kind,
            samples: Vec::new(),
        }
    }

    pub fn counter(name: &'static str, help: &'static str) -> Family {
        Family::new(name, help, MetricType::Counter)
    }

    pub fn gauge(name: &'static str, help: &'static str) -> Family {
        Family::new(name, help, MetricType::Gauge)
    }

    pub fn histogram(name: &'static str, help: &'static str) -> Family {
        Family::new(name, help, MetricType::Histogram)
    }

    /// One figure that is always 1, for its labels.
    pub fn info(name: &'static str, help: &'static str, labels: Labels) -> Family {
        let mut info = Family::new(name, help, MetricType::Info);
        info.samples.push((labels, Sample::Info));
        info
    }

    pub fn in_seconds(mut self) -> Family {
        self.unit = Some(Unit::Seconds);
        self
    }

    pub fn in_bytes(mut self) -> Family {
        self.unit = Some(Unit::Bytes);
        self
    }

    /// Without labels.
    pub fn of(self, value: f64) -> Family {
        self.with(Vec::new(), value)
    }

    pub fn with(mut self, labels: Labels, value: f64) -> Family {
        let sample = if matches!(self.kind, MetricType::Counter) {
            Sample::Count(value)
        } else {
            Sample::Level(value)
        };
        self.samples.push((labels, sample));
        self
    }

    pub fn with_counts(self, label: &'static str, counts: &Counts) -> Family {
        let counts = counts.read().into_iter();
        counts.fold(self, |family, (word, count)| {
            family.with(vec![(label, word.to_owned())], count as f64)
        })
    }

    pub fn with_histogram(mut self, labels: Labels, histogram: &Histogram) -> Family {
        let scale = histogram.scale;
        let bounds = scale.bounds.iter().map(|bound| scale.told(*bound));
        let bounds = bounds.chain([f64::INFINITY]);
        let sample = Sample::Histogram {
            sum: scale.told(histogram.sum()),
            buckets: bounds.zip(histogram.counts()).collect(),
        };
        self.samples.push((labels, sample));
        self
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let unit = self.unit.as_ref();
        let mut family = encoder.encode_descriptor(self.name, self.help, unit, self.kind)?;
        for (labels, sample) in &self.samples {
            if labels.is_empty() || matches!(sample, Sample::Info) {
                sample.encode(labels, &mut family)?;
            } else {
                sample.encode(labels, &mut family.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

impl Sample {
    fn encode(&self, labels: &Labels, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Sample::Count(count) => encoder.encode_counter::<NoLabelSet, _, f64>(count, None),
            Sample::Level(level) => encoder.encode_gauge(level),
            Sample::Info => encoder.encode_info(labels),
            Sample::Histogram { sum, buckets } => {
                let count = buckets.iter().map(|(_, count)| count).sum();
                encoder.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)
            }
        }
    }
}

#[derive(Debug)]
struct Families(Vec<Family>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|it| it.encode(&mut encoder))
    }
}

pub fn text_of(families: Vec<Family>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(families)));
    let mut text = String::new();
    text::encode(&mut text, &registry).expect("a text takes what is written to it");
    text
}

#[cfg(test)]
mod tests {
    use super::super::histogram::COMMANDS;
    use super::*;

    #[test]
    fn names_get_their_units_and_endings() {
        let histogram = Histogram::new(&COMMANDS);
        histogram.observe(3);
        let counts = Counts::of(&["placed"]);
        let text = text_of(vec![
            Family::info("a_build", "Which.", vec![("version", "0.1.0".into())]),
            Family::counter("a_time", "How long.").in_seconds().of(1.5),
            Family::counter("a_holds", "How many.").with_counts("result", &counts),
            Family::gauge("a_file", "How large.")
                .in_bytes()
                .with(vec![("file", "log".into())], 7.0),
            Family::histogram("a_batch", "How many.").with_histogram(Vec::new(), &histogram),
        ]);
        for line in [
            "# TYPE a_build info",
            "a_build_info{version=\"0.1.0\"} 1",
            "# TYPE a_time_seconds counter",
            "# UNIT a_time_seconds seconds",
            "a_time_seconds_total 1.5",
            "a_holds_total{result=\"placed\"} 0.0",
            "a_file_bytes{file=\"log\"} 7.0",
            "a_batch_sum 3.0",
            "a_batch_count 1",
            "a_batch_bucket{le=\"2.0\"} 0",
            "a_batch_bucket{le=\"4.0\"} 1",
            "a_batch_bucket{le=\"+Inf\"} 1",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"), "{text}");
    }
}
