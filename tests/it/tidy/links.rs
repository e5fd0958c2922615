//! Links within the documentation lead to what is there.

use std::collections::BTreeSet;
use std::path::Path;

use super::{documentation, nothing, read};

/// What `[text](target)` leads to, where that is no address elsewhere.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split_once(')'));
    targets
        .map(|(target, _)| target)
        .filter(|target| !target.contains("://"))
}

/// Of its headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let prose = text.split("```").step_by(2);
    let headings = prose.flat_map(str::lines).filter_map(|line| {
        let (marks, heading) = line.split_once(' ')?;
        (!marks.is_empty() && marks.bytes().all(|byte| byte == b'#')).then_some(heading)
    });
    let anchor = |heading: &str| {
        let heading = heading.to_lowercase().replace(' ', "-");
        heading.replace(|it: char| !(it.is_alphanumeric() || "-_".contains(it)), "")
    };
    headings.map(anchor).collect()
}

fn dead_links(path: &str, text: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let is_dead = |target: &&str| {
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let led_to = path.parent().unwrap().join(file);
        match (file, anchor) {
            (_, "") => !led_to.exists(),
            ("", anchor) => !anchors(text).contains(anchor),
            (_, anchor) => !led_to.is_file() || !anchors(&read(&led_to)).contains(anchor),
        }
    };
    let dead = links(text).filter(is_dead);
    dead.map(|target| format!("{}: {target} leads nowhere", path.display()))
        .collect()
}

#[test]
fn every_link_within_the_documentation_leads_somewhere() {
    for (path, text) in documentation() {
        nothing(dead_links(&path, &text));
    }
    let text = "# The `end`, or not\n```sh\n# no heading\n```\n[a](#the-end-or-not) [b](#no-heading) [c](../README.md#how-fast) \
        [d](../README.md#how-slow) [e](api.md) [f](gone.md) [g](https://shop.example/gone)";
    let dead = dead_links("docs/some.md", text);
    let dead: Vec<&str> = dead.iter().filter_map(|it| it.split(' ').nth(1)).collect();
    assert_eq!(dead, ["#no-heading", "../README.md#how-slow", "gone.md"]);
}
