//! What stands in one room alone: libraries, clocks, SQL, changes of rows.

use super::source::Source;
use super::{nothing, project, tree};

/// A path, and the only places where it may stand.
const CONFINED: [(&[&str], &[&str]); 15] = [
    (&["rusqlite"], &["store/sqlite/"]),
    (&["r2d2"], &["store/postgres/", "store/sqlite/"]),
    (&["Utc", "now"], &["clock.rs"]),
    (&["socket2"], &["http/"]),
    (&["TcpStream"], &["http/probe.rs"]),
    (&["env_logger"], &["cli/"]),
    (&["sd_notify"], &["cli/"]),
    (&["tiny_http"], &["http/"]),
    (&["httparse"], &["http/"]),
    (&["std", "env"], &["cli/"]),
    (&["process", "exit"], &[]),
    (
        &["thread", "sleep"],
        &["writer/", "cli/", "store/postgres/"],
    ),
    (
        &["rustls"],
        &["store/postgres/server.rs", "store/postgres/tls.rs"],
    ),
    (
        &["tokio"],
        &["store/postgres/server.rs", "store/postgres/session.rs"],
    ),
    (&["tokio_postgres"], &["store/postgres/"]),
];

fn strayed(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let Some(place) = source.path.strip_prefix("src/") else {
            continue;
        };
        for (path, places) in CONFINED {
            let is_home = places.iter().any(|home| place.starts_with(home));
            if !is_home && source.names(path) {
                found.push(format!("{} stands in {}", path.join("::"), source.path));
            }
        }
    }
    found
}

#[test]
fn what_is_confined_stays_in_its_room() {
    nothing(strayed(project()));
    for text in [
        "let url = \"http://a\"; std::env::var(name)",
        "use std::{env, fs};",
        "log!(std::process::exit(1));",
        "/* // */ fn f(stream: TcpStream) {}",
    ] {
        assert_eq!(
            strayed(&tree(&[("src/sale/a.rs", text)])).len(),
            1,
            "{text}"
        );
    }
    nothing(strayed(&tree(&[(
        "src/cli/a.rs",
        "std::env::var(\"TcpStream\"); // TcpStream",
    )])));
}

fn impure(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| is_of_the_sale(source)) {
        for path in [
            &["std", "time"][..],
            &["std", "fs"],
            &["std", "io"],
            &["std", "thread"],
            &["log"],
            &["rand"],
            &["Instant"],
        ] {
            if source.names(path) {
                found.push(format!("{} knows {}", source.path, path.join("::")));
            }
        }
        let ours = source.paths().iter().map(|path| &path.segments);
        let ours = ours.filter(|path| path.len() > 1 && path[0] == "crate" && path[1] != "sale");
        found.extend(ours.map(|path| format!("{} imports {}", source.path, path.join("::"))));
    }
    found
}

fn is_of_the_sale(source: &Source) -> bool {
    source.path.starts_with("src/sale/")
}

#[test]
fn the_rules_are_pure() {
    nothing(impure(project()));
    for text in [
        "use std::{fs, mem};",
        "log::info!(\"http://a\");",
        "fn f() { crate::clock::now() }",
    ] {
        assert_eq!(impure(&tree(&[("src/sale/a.rs", text)])).len(), 1, "{text}");
    }
    nothing(impure(&tree(&[(
        "src/sale/a.rs",
        "use crate::sale::rows; // log::x",
    )])));
}

fn changes(sources: &[Source]) -> Vec<String> {
    let rules = sources.iter();
    let rules = rules.filter(|source| source.path.starts_with("src/sale/rules/"));
    let mut found = Vec::new();
    for source in rules {
        let change = |name: &&str| {
            let prefixes = ["change_", "insert_", "note_", "push_", "move_", "forget_"];
            prefixes.iter().any(|prefix| name.starts_with(prefix))
                || ["keep", "emit"].contains(name)
        };
        found.extend(source.members().filter(change).map(str::to_owned));
        for counter in [
            "next_hold",
            "next_order",
            "next_payment",
            "next_event",
            "next_product",
            "parked",
        ] {
            for set in ["=", "+=", "-="] {
                let tokens = ["counters", ".", counter, set];
                if source.has(&tokens) {
                    found.push(format!("{}: {}", source.path, tokens.concat()));
                }
            }
        }
    }
    found
}

/// Rules look, refuse, and call a transition: they change no row themselves.
#[test]
fn only_transitions_change_the_sale() {
    nothing(changes(project()));
    for text in [
        "fn f() { rows\n.change_hold(id); }",
        "fn f() { rows.counters.parked -= 1; }",
        "fn f() { let a = \"//\"; rows.keep(a) }",
    ] {
        let sources = tree(&[("src/sale/rules/a.rs", text)]);
        assert_eq!(changes(&sources).len(), 1, "{text}");
    }
    let text = "fn f() { rows.counters.next_order == id && rows.product(id) }";
    nothing(changes(&tree(&[("src/sale/rules/a.rs", text)])));
}

fn catch_alls(sources: &[Source]) -> Vec<String> {
    let sources = sources.iter().filter(|source| is_of_the_sale(source));
    let texts = sources.filter(|source| !source.path.ends_with("/text.rs"));
    let found = texts.filter(|source| source.has(&["_", "=>"]));
    found
        .map(|source| format!("{} has a catch-all", source.path))
        .collect()
}

#[test]
fn statuses_are_matched_exhaustively() {
    nothing(catch_alls(project()));
    let sources = tree(&[(
        "src/sale/a.rs",
        "fn f() { match a { A => \"//\", _ => b } }",
    )]);
    assert_eq!(catch_alls(&sources).len(), 1);
}

/// Where SQL stands: each engine has a room of its own.
const ENGINES: [&str; 2] = ["store/sqlite/", "store/postgres/"];

fn speakers_of_sql(sources: &[Source]) -> Vec<String> {
    let others = sources.iter();
    let others = others.filter(|source| {
        let path = source.path.strip_prefix("src/");
        path.is_some_and(|path| !ENGINES.iter().any(|room| path.starts_with(room)))
    });
    let speaks = |literal: &str| {
        let text = literal.trim_start_matches(['b', 'r', '#', '"', ' ', '\n']);
        let text = text.to_lowercase();
        let verbs = ["select ", "insert ", "update ", "delete ", "with "];
        verbs.iter().any(|verb| text.starts_with(verb)) || text.contains("pragma ")
    };
    others
        .filter_map(|source| {
            let literal = source.literals().find(|literal| speaks(literal))?;
            Some(format!("{} speaks SQL: {literal}", source.path))
        })
        .collect()
}

#[test]
fn only_engines_speak_sql() {
    nothing(speakers_of_sql(project()));
    for text in [
        "let (url, sql) = (\"http://\", \"select 1\");",
        "let sql = r#\"\n  PRAGMA user_version\"#;",
    ] {
        for path in ["src/api/a.rs", "src/store/lists.rs"] {
            let sources = tree(&[(path, text)]);
            assert_eq!(speakers_of_sql(&sources).len(), 1, "{path}: {text}");
        }
    }
}
