//! Who may use whom: rooms from the top down, the floors of the sale, and no circle among files.

use std::collections::BTreeSet;

use super::modules::{Edge, circles, edges, is_below};
use super::{nothing, project, tree};

/// A room uses only those below it.
const ROOMS: [&str; 11] = [
    "cli",
    "rehearsal",
    "api",
    "http",
    "writer",
    "input",
    "metrics",
    "config",
    "clock",
    "store",
    "sale",
];

/// The floors of the sale, from the top down.
const FLOORS: [&str; 4] = ["rules", "transitions", "working_set", "rows"];

/// Who must not know whom, though the order of the rooms would let them: the front is given a handler and asks for no
/// more, and the writer is given its limits.
const STRANGERS: [(&str, &str); 7] = [
    ("http", "writer"),
    ("http", "metrics"),
    ("http", "config"),
    ("http", "clock"),
    ("http", "store"),
    ("http", "sale"),
    ("writer", "config"),
];

/// Circles that are still there, each by the edge that is to go. The list only gets shorter.
const CIRCLES: &[(&str, &str)] = &[];

fn edges_of_src() -> BTreeSet<Edge> {
    let edges = edges(project());
    assert!(edges.len() > 100, "there are rooms to look at");
    edges
}

/// Which of these a file belongs to: `src/http/head.rs` and `src/http.rs` to `http`.
fn part(path: &str, parts: &[&str], folder: &str) -> Option<usize> {
    let path = path.strip_prefix(folder)?;
    let name = path.split(['/', '.']).next()?;
    parts.iter().position(|part| *part == name)
}

fn upward(edges: &BTreeSet<Edge>, parts: &[&str], folder: &str) -> Vec<String> {
    let reaches_up = |(user, used): &&Edge| {
        let (user, used) = (part(user, parts, folder), part(used, parts, folder));
        user.zip(used).is_some_and(|(user, used)| used < user)
    };
    told(edges.iter().filter(reaches_up), "reaches up to")
}

fn told<'a>(edges: impl Iterator<Item = &'a Edge>, what: &str) -> Vec<String> {
    edges
        .map(|(user, used)| format!("{user} {what} {used}"))
        .collect()
}

#[test]
fn a_room_uses_only_those_below_it() {
    nothing(upward(&edges_of_src(), &ROOMS, "src/"));
    for text in [
        "use crate::{cli::Flags};",
        "fn f() { let url = \"http://a\"; crate::cli::run() }",
        "use super::super::api::Api;",
    ] {
        let sources = tree(&[
            ("src/cli.rs", "pub struct Flags;"),
            ("src/api/mod.rs", "pub struct Api;"),
            ("src/store/sqlite.rs", text),
        ]);
        assert_eq!(upward(&edges(&sources), &ROOMS, "src/").len(), 1, "{text}");
    }
}

#[test]
fn each_floor_of_the_sale_uses_only_those_below_it() {
    let edges_of_src = edges_of_src();
    nothing(upward(&edges_of_src, &FLOORS, "src/sale/"));
    for floor in FLOORS {
        let prefix = format!("src/sale/{floor}/");
        let files: BTreeSet<_> = edges_of_src.iter().map(|(user, _)| user).collect();
        let files = files.iter().filter(|file| file.starts_with(&prefix));
        assert!(files.count() > 2, "{floor} has files to look at");
    }
    let sources = tree(&[
        ("src/sale/mod.rs", ""),
        ("src/sale/rules/mod.rs", ""),
        ("src/sale/rules/hold.rs", ""),
        ("src/sale/rows/hold.rs", "use super::super::rules::hold;"),
    ]);
    assert_eq!(upward(&edges(&sources), &FLOORS, "src/sale/").len(), 1);
}

fn acquainted(edges: &BTreeSet<Edge>) -> Vec<String> {
    let are_strangers = |(user, used): &&Edge| {
        STRANGERS.iter().any(|(room, other)| {
            part(user, &[room], "src/").is_some() && part(used, &[other], "src/").is_some()
        })
    };
    told(edges.iter().filter(are_strangers), "knows")
}

#[test]
fn the_front_and_the_writer_do_not_know_each_other() {
    nothing(acquainted(&edges_of_src()));
    let sources = tree(&[
        ("src/clock.rs", ""),
        ("src/http/head.rs", "use crate::clock::Clock;"),
    ]);
    assert_eq!(acquainted(&edges(&sources)).len(), 1);
}

/// Circles among files. A folder's root is what its files are told of and what names them, so that these two may know
/// each other; files beside each other may not.
fn in_circles(edges: &BTreeSet<Edge>, known: &[(&str, &str)]) -> Vec<String> {
    let is_known = |(user, used): &Edge| known.contains(&(user, used));
    let sideways = edges
        .iter()
        .filter(|edge| !is_below(&edge.0, &edge.1) && !is_known(edge));
    let circles = circles(&sideways.cloned().collect());
    told(circles.iter(), "is in a circle with")
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let edges_of_src = edges_of_src();
    nothing(in_circles(&edges_of_src, CIRCLES));
    for (index, edge) in CIRCLES.iter().enumerate() {
        let others = [&CIRCLES[..index], &CIRCLES[index + 1..]].concat();
        let found = in_circles(&edges_of_src, &others);
        assert!(
            !found.is_empty(),
            "{edge:?} is in no circle: take it from the list"
        );
    }
    let sources = tree(&[
        ("src/a/mod.rs", "mod b; pub use b::B; struct Root;"),
        ("src/a/b.rs", "use super::{Root, c::C};"),
        ("src/a/c.rs", "use super::d::D;"),
        ("src/a/d.rs", "fn f() { g!(super::B) }"),
    ]);
    assert_eq!(in_circles(&edges(&sources), &[]).len(), 3);
    let known = [("src/a/d.rs", "src/a/b.rs")];
    nothing(in_circles(&edges(&sources), &known));
}
