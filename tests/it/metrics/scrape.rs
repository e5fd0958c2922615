//! OpenMetrics text, read strictly: <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::collections::{BTreeMap, BTreeSet};

/// The figures of a scrape, each by its whole name.
#[derive(Debug)]
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    #[track_caller]
    pub fn read(text: &str) -> Scrape {
        let body = text.strip_suffix("# EOF\n").expect("a text has its end");
        let mut samples = BTreeMap::new();
        let mut families = BTreeSet::new();
        let (mut family, mut kind) = ("", "");
        for line in body.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let words: Vec<&str> = comment.splitn(3, ' ').collect();
                let [keyword, name, rest] = words[..] else {
                    panic!("{line}")
                };
                match keyword {
                    "HELP" => {
                        assert!(families.insert(name), "{name} is told twice");
                        assert!(!rest.is_empty(), "{line}");
                        (family, kind) = (name, "");
                    }
                    "TYPE" => kind = rest,
                    "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                    _ => panic!("{line}"),
                }
                assert_eq!(name, family, "{line}");
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            let ending = name
                .split('{')
                .next()
                .unwrap()
                .strip_prefix(family)
                .unwrap();
            let endings: &[&str] = match kind {
                "counter" => &["_total"],
                "gauge" => &[""],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_count", "_sum"],
                _ => panic!("{family} is a {kind}"),
            };
            assert!(endings.contains(&ending), "{line} of a {kind}");
            let value: f64 = value.parse().unwrap();
            let before = samples.insert(name.to_owned(), value);
            assert_eq!(before, None, "{name} is told twice");
        }
        let scrape = Scrape(samples);
        scrape.buckets_add_up();
        scrape
    }

    /// Each bucket of a histogram has what the one before has, and the last has all.
    #[track_caller]
    fn buckets_add_up(&self) {
        for (name, count) in self.0.iter().filter(|(name, _)| name.contains("_count")) {
            let (base, labels) = name.split_once("_count").unwrap();
            let labels = labels.trim_matches(['{', '}']);
            let comma = if labels.is_empty() { "" } else { "," };
            let bucket = |bound: &str| {
                let one = format!("{base}_bucket{{le=\"{bound}\"{comma}{labels}}}");
                let other = format!("{base}_bucket{{{labels}{comma}le=\"{bound}\"}}");
                self.0.get(&one).or_else(|| self.0.get(&other)).copied()
            };
            assert_eq!(bucket("+Inf"), Some(*count), "{name}");
        }
    }

    /// 0 where there is none.
    pub fn figure(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }

    #[track_caller]
    pub fn has(&self, name: &str, value: f64) {
        let known = self.0.get(name);
        assert_eq!(known, Some(&value), "{name} in {:#?}", self.0);
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Each route's histogram has as many requests as there were of all methods and statuses.
    #[track_caller]
    pub fn times_each_request(&self) {
        let mut requests = BTreeMap::new();
        for (name, count) in &self.0 {
            if let Some(labels) = name.strip_prefix("flashsale_http_requests_total") {
                let route = labels.split('"').nth(3).unwrap();
                *requests.entry(route.to_owned()).or_insert(0.0) += count;
            }
        }
        assert!(requests.len() > 3, "{requests:?}");
        for (route, count) in requests {
            let labels = format!("{{route=\"{route}\"}}");
            self.has(
                &format!("flashsale_http_request_duration_seconds_count{labels}"),
                count,
            );
        }
    }

    /// What is told of this name, by all labels.
    pub fn by_label(&self, name: &str) -> BTreeMap<&str, f64> {
        let of_it = self.0.iter().filter_map(|(known, value)| {
            let labels = known.strip_prefix(name)?.strip_prefix('{')?;
            let (_, value_of_label) = labels.strip_suffix("\"}")?.split_once("=\"")?;
            Some((value_of_label, *value))
        });
        of_it.filter(|(_, value)| *value > 0.0).collect()
    }
}
