//! The tests themselves: each file is run, and each command in the documentation names tests that are there.

use std::collections::BTreeSet;

use super::source::Source;
use super::{documentation, nothing, project, tree};

/// Files that no `mod` names. A file's modules stand in the folder of its root.
fn unnamed(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|it| it.path.starts_with("tests/it/")) {
        let path = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
        let (folder, name) = path.rsplit_once('/').unwrap();
        let roots = [format!("{folder}/main.rs"), format!("{folder}/mod.rs")];
        let is_named = |root: &Source| root.has(&["mod", name, ";"]);
        let mut roots = sources.iter().filter(|it| roots.contains(&it.path));
        if !source.path.ends_with("/main.rs") && !roots.any(is_named) {
            found.push(format!("{} is part of nothing", source.path));
        }
    }
    found
}

/// A file of tests that nothing names is never run.
#[test]
fn every_file_of_tests_is_run() {
    nothing(unnamed(project()));
    let sources = tree(&[
        ("tests/it/main.rs", "mod a; // mod b;\nmod c;"),
        ("tests/it/a/mod.rs", "mod within;"),
        ("tests/it/a/within.rs", ""),
        ("tests/it/a/left.rs", ""),
        ("tests/it/b.rs", ""),
        ("tests/it/c.rs", ""),
    ]);
    let left = ["tests/it/a/left.rs", "tests/it/b.rs"];
    assert_eq!(
        unnamed(&sources),
        left.map(|path| format!("{path} is part of nothing"))
    );
}

/// What `cargo test --test it` is asked for in a text.
fn filters(text: &str) -> BTreeSet<&str> {
    let commands = text.split("cargo test --test it").skip(1);
    let filters = commands.filter_map(|rest| {
        let command = rest.split(['`', '\n']).next().unwrap();
        command
            .split_whitespace()
            .find(|word| !word.starts_with('-'))
    });
    filters.collect()
}

/// Names of tests in a text: in backticks, and as long as a sentence.
fn named_tests(text: &str) -> BTreeSet<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_word = |byte: u8| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_sentence =
        |name: &&str| name.bytes().all(is_word) && name.matches('_').count() >= WORDS_MIN;
    quoted.filter(is_sentence).collect()
}

/// Settings and columns have fewer.
const WORDS_MIN: usize = 5;

#[test]
fn a_test_that_the_documentation_names_is_there() {
    let texts = documentation();
    let named = texts.iter().flat_map(|(_, text)| named_tests(text));
    let named: BTreeSet<&str> = named.collect();
    assert!(named.len() > 20, "{named:?}");
    let sources = project().iter().filter(|it| it.path.starts_with("tests/"));
    let there: BTreeSet<&str> = sources.flat_map(Source::definitions).collect();
    nothing(
        named
            .difference(&there)
            .map(|it| (*it).to_owned())
            .collect(),
    );
    let text = "`cargo test`, `a_test_is_as_long_as_this` and `max_connections_per_ip`";
    assert_eq!(named_tests(text), ["a_test_is_as_long_as_this"].into());
}

#[test]
fn the_documentation_names_tests_that_are_there() {
    let texts: String = documentation().into_iter().map(|(_, text)| text).collect();
    let mut sources = project().iter();
    let main = sources.find(|it| it.path == "tests/it/main.rs").unwrap();
    let asked_for = filters(&texts);
    assert!(asked_for.len() > 20, "{asked_for:?}");
    let missing = |filter: &&&str| !main.has(&["mod", filter, ";"]);
    nothing(
        asked_for
            .iter()
            .filter(missing)
            .map(|it| (*it).to_owned())
            .collect(),
    );
    let text = "`cargo test --test it seed`, `cargo test --test it -- crash --nocapture`, `cargo test --test it`";
    assert_eq!(filters(text), ["crash", "seed"].into());
}
