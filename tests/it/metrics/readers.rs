//! Who reads the metrics: the dashboard, the alerts and the page that explains them know the names that there are.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::texts::busy_scrape;

fn project(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(path).unwrap()
}

/// Names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_of_name = |sign: char| sign.is_ascii_lowercase() || sign == '_';
    let words = text.split(|sign: char| !is_of_name(sign));
    let names = words.filter(|word| word.starts_with("flashsale_") || word.starts_with("process_"));
    names.map(str::to_owned).collect()
}

/// What Prometheus is asked by a dashboard.
fn expressions(dashboard: &Value) -> Vec<&str> {
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|it| it["targets"].as_array().unwrap());
    targets.map(|it| it["expr"].as_str().unwrap()).collect()
}

/// Each name as it stands in a scrape, without labels.
fn told() -> BTreeSet<String> {
    let scrape = busy_scrape();
    let names = scrape.names().map(|name| name.split('{').next().unwrap());
    names.map(str::to_owned).collect()
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_what_is_told() {
    let told = told();
    let dashboard: Value = serde_json::from_str(&project("deploy/grafana.json")).unwrap();
    let asked = expressions(&dashboard).join(" ");
    let (asked, alerts) = (names(&asked), names(&project("deploy/alerts.yml")));
    assert!(
        asked.len() > 15 && alerts.len() == 5,
        "{asked:?} {alerts:?}"
    );
    for name in asked.union(&alerts) {
        assert!(told.contains(name), "{name} is asked for, and never told");
    }
}

#[test]
fn every_name_is_explained() {
    let explained = names(&project("docs/watching.md"));
    for name in told() {
        let ends = ["_bucket", "_sum", "_count"];
        let family = ends.iter().find_map(|end| name.strip_suffix(end));
        let family = family.unwrap_or(&name);
        assert!(
            explained.contains(family),
            "docs/watching.md has no {family}"
        );
    }
}
