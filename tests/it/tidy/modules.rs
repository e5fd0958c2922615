//! Which file uses which: names are followed through `use`, `super` and what a module hands on from its children.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Named, Source};

type Module = Vec<String>;

/// The path of the file that uses, and of the one that is used.
pub type Edge = (String, String);

pub fn edges(sources: &[Source]) -> BTreeSet<Edge> {
    let sources = || sources.iter().filter(|it| it.path.starts_with("src/"));
    let modules = sources()
        .map(|source| (module(&source.path), source))
        .collect();
    let crate_ = Crate { modules };
    let mut edges = BTreeSet::new();
    for source in sources() {
        let words: Vec<&str> = source.words().collect();
        for path in source.paths() {
            // What a module hands on it does not use, unless it names it once more.
            let is_handed_on = path.import.as_ref().is_some_and(|import| {
                import.is_public && words.iter().filter(|word| **word == import.name).count() < 2
            });
            let used = crate_.file(&module(&source.path), &path.segments, 0);
            if let Some(used) = used.filter(|used| *used != source.path && !is_handed_on) {
                edges.insert((source.path.clone(), used));
            }
        }
    }
    edges
}

/// `src/sale/rows/mod.rs` is `["sale", "rows"]`.
fn module(path: &str) -> Module {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let segments = path.split('/').map(str::to_owned);
    segments
        .filter(|segment| segment != "mod" && segment != "lib")
        .collect()
}

/// Whether the first file stands in the folder whose root the second is.
pub fn is_below(path: &str, root: &str) -> bool {
    module(path).starts_with(&module(root))
}

struct Crate<'a> {
    modules: BTreeMap<Module, &'a Source>,
}

impl Crate<'_> {
    /// The file in which that stands which is called so in `module`; none if it is not ours.
    fn file(&self, module: &Module, path: &[String], depth: usize) -> Option<String> {
        let (mut at, mut rest) = match path {
            [] | [_] => return None,
            [first, rest @ ..] if first == "crate" => (Module::new(), rest),
            [first, ..] if first == "self" || first == "super" => (module.clone(), path),
            [first, rest @ ..] => {
                let child = [&module[..], std::slice::from_ref(first)].concat();
                self.modules.get(&child)?;
                (child, rest)
            }
        };
        while let [segment, more @ ..] = rest {
            let child = [&at[..], std::slice::from_ref(segment)].concat();
            if segment == "super" {
                at.pop();
            } else if segment != "self" {
                if !self.modules.contains_key(&child) {
                    break;
                }
                at = child;
            }
            rest = more;
        }
        let source = self.modules.get(&at)?;
        let Some(name) = rest.first() else {
            return Some(source.path.clone());
        };
        let is_called_so = |path: &&Named| path.import.as_ref().is_some_and(|it| it.name == *name);
        match source.paths().iter().find(is_called_so) {
            Some(import) if depth < 9 => self.file(&at, &import.segments, depth + 1),
            _ => Some(source.path.clone()),
        }
    }
}

/// The edges that lie on a circle, or between two.
pub fn circles(edges: &BTreeSet<Edge>) -> BTreeSet<Edge> {
    let mut left = edges.clone();
    loop {
        let users: BTreeSet<_> = left.iter().map(|(user, _)| user.clone()).collect();
        let used: BTreeSet<_> = left.iter().map(|(_, used)| used.clone()).collect();
        let before = left.len();
        left.retain(|edge| used.contains(&edge.0) && users.contains(&edge.1));
        if left.len() == before {
            return left;
        }
    }
}

fn edges_of(files: &[(&str, &str)]) -> Vec<String> {
    let edges = edges(&super::tree(files));
    edges
        .iter()
        .map(|(user, used)| format!("{user} {used}"))
        .collect()
}

#[test]
fn a_name_is_followed_to_the_file_that_it_stands_in() {
    for (text, used) in [
        ("use super::b::B;", "src/a/b.rs"),
        ("use super::{c::C as D};", "src/a/c.rs"),
        ("use super::B;", "src/a/b.rs"),
        ("use super::C;", "src/a/c.rs"),
        ("use super::{Here};", "src/a/mod.rs"),
        ("fn f() -> crate::a::b::B {}", "src/a/b.rs"),
        ("fn f() { g!(crate::a::B) }", "src/a/b.rs"),
        ("fn f() { super::super::d::f() }", "src/d.rs"),
        ("use crate::d;", "src/d.rs"),
    ] {
        let edges = edges_of(&[
            (
                "src/a/mod.rs",
                "pub use b::B; pub use self::c::C; struct Here;",
            ),
            ("src/a/b.rs", ""),
            ("src/a/c.rs", ""),
            ("src/d.rs", ""),
            ("src/a/user.rs", text),
        ]);
        assert_eq!(edges, [format!("src/a/user.rs {used}")], "{text}");
    }
    assert!(edges_of(&[("src/a.rs", "use std::d; b::c();"), ("src/d.rs", "")]).is_empty());
    let both = edges_of(&[
        ("src/a/mod.rs", "pub use b::B; fn f(b: B) {}"),
        ("src/a/b.rs", ""),
    ]);
    assert_eq!(both, ["src/a/mod.rs src/a/b.rs"], "handed on, and used");
}

#[test]
fn a_circle_is_found_and_what_leads_to_it_is_not() {
    let edge = |user: &str, used: &str| (user.to_owned(), used.to_owned());
    let edges = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")].map(|(a, b)| edge(a, b));
    assert_eq!(
        circles(&edges.into()),
        [edge("b", "c"), edge("c", "b")].into()
    );
}
