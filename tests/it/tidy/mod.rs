//! The shape of the project: who may use whom, what is confined to which room, how long a thing may be, which words are
//! not used. Each rule is shown, beside it, a text that breaks it.

mod confined;
mod lengths;
mod links;
mod manifest;
mod modules;
mod rooms;
mod secrets;
mod source;
mod suite;
mod tokens;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use source::{Source, walk};

/// All that the project has in Rust.
fn project() -> &'static [Source] {
    static PROJECT: OnceLock<Vec<Source>> = OnceLock::new();
    PROJECT.get_or_init(|| {
        let sources = Source::all(&["src", "tests", "benches", "examples"]);
        assert!(sources.len() > 100, "there is something to look at");
        sources
    })
}

/// The documentation: each file's path, and its text.
fn documentation() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = vec![("README.md".to_owned(), read(&root.join("README.md")))];
    walk(&root.join("docs"), &mut |path| {
        if path.extension().is_some_and(|extension| extension == "md") {
            texts.push((path.display().to_string(), read(path)));
        }
    });
    texts
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// A tree of sources that a rule is tried on.
fn tree(files: &[(&str, &str)]) -> Vec<Source> {
    let sources = files.iter();
    sources
        .map(|(path, text)| Source::new(path, text))
        .collect()
}

/// What is found is what a list knows of, and the list has nothing else.
#[track_caller]
fn only_known<T: AsRef<str>>(found: &[T], known: &[&str]) {
    let found: BTreeSet<&str> = found.iter().map(AsRef::as_ref).collect();
    let known = known.iter().copied().collect();
    let (new, gone) = (&found - &known, &known - &found);
    assert!(new.is_empty(), "this breaks the rule: {new:#?}");
    assert!(gone.is_empty(), "take this from the list: {gone:#?}");
}

/// Nothing is found, or what is found is told, a line each.
#[track_caller]
fn nothing(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
