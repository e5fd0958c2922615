//! The shape of the house: who may import whom, and what is confined to which room.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the top down: a room uses only those below it.
const ROOMS: [&str; 9] = [
    "cli", "api", "http", "writer", "metrics", "config", "clock", "store", "sale",
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&source, &mut found);
    assert!(found.len() > 30, "there is a house to look at");
    found
        .iter()
        .map(|(path, text)| (path.strip_prefix(&source).unwrap().to_owned(), text.clone()))
        .collect()
}

fn room(path: &Path) -> String {
    path.iter()
        .next()
        .unwrap()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

/// The code without comments and tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_file_imports_only_from_lower_rooms() {
    for (path, text) in sources() {
        let Some(floor) = ROOMS.iter().position(|known| *known == room(&path)) else {
            continue;
        };
        for upper in &ROOMS[..floor] {
            assert!(
                !code(&text).contains(&format!("crate::{upper}")),
                "{} reaches up to {upper}",
                path.display()
            );
        }
    }
}

#[test]
fn the_front_and_the_writer_do_not_know_each_other() {
    for (path, text) in sources() {
        let code = code(&text);
        match room(&path).as_str() {
            "http" => assert!(
                !code.contains("crate::"),
                "{} is given a handler and asks for no more",
                path.display()
            ),
            "writer" => assert!(!code.contains("crate::config"), "{}", path.display()),
            _ => {}
        }
    }
}

/// A word, and the only places where it may stand.
const CONFINED: [(&str, &[&str]); 12] = [
    ("rusqlite", &["store/sqlite/"]),
    ("r2d2", &["store/sqlite/"]),
    ("Utc::now", &["clock.rs"]),
    ("socket2", &["http/"]),
    ("TcpStream", &[]),
    ("env_logger", &["cli/"]),
    ("sd_notify", &["cli/"]),
    ("tiny_http", &["http/"]),
    ("httparse", &["http/"]),
    ("std::env", &["cli/"]),
    ("process::exit", &[]),
    ("thread::sleep", &["writer/", "cli/"]),
];

#[test]
fn what_is_confined_stays_in_its_room() {
    for (path, text) in sources() {
        for (word, places) in CONFINED {
            let is_home = places
                .iter()
                .any(|place| path.to_string_lossy().starts_with(place));
            assert!(
                is_home || !code(&text).contains(word),
                "{word} stands in {}",
                path.display()
            );
        }
    }
}

#[test]
fn the_rules_are_pure() {
    for (path, text) in sources()
        .into_iter()
        .filter(|(path, _)| room(path) == "sale")
    {
        let code = code(&text);
        for word in [
            "crate::api",
            "std::time",
            "std::fs",
            "std::io",
            "std::thread",
            "log::",
            "rand",
            "Instant",
        ] {
            assert!(!code.contains(word), "{} knows {word}", path.display());
        }
        let ours = code.matches("crate::").count();
        assert_eq!(
            ours,
            code.matches("crate::sale").count(),
            "{} imports from outside the sale",
            path.display()
        );
    }
}

/// The floors of the sale from the top down.
const FLOORS: [&str; 4] = ["rules", "transitions", "working_set", "rows"];

fn floor(path: &Path) -> Option<usize> {
    let floor = path.strip_prefix("sale").ok()?.iter().next()?;
    FLOORS.iter().position(|known| *known == floor)
}

#[test]
fn each_floor_of_the_sale_uses_only_those_below_it() {
    let mut floors = [0; FLOORS.len()];
    for (path, text) in sources() {
        let Some(floor) = floor(&path) else { continue };
        floors[floor] += 1;
        for upper in &FLOORS[..floor] {
            let reaches = [format!("sale::{upper}"), format!("super::{upper}")];
            assert!(
                !reaches.iter().any(|reach| code(&text).contains(reach)),
                "{} reaches up to {upper}",
                path.display()
            );
        }
    }
    assert!(floors.iter().all(|files| *files > 3), "{floors:?}");
}

/// Rules look, refuse, and call a transition: they change no row themselves.
#[test]
fn only_transitions_change_the_sale() {
    for (path, text) in sources() {
        if floor(&path) != Some(0) {
            continue;
        }
        for change in [
            ".change_",
            ".insert_",
            ".note_",
            ".push_",
            ".move_",
            ".keep(",
            ".forget_",
            "meta.next_hold = ",
            "meta.next_order = ",
            "meta.next_payment = ",
            "meta.next_product = ",
            "meta.parked +=",
            "meta.parked -=",
        ] {
            assert!(
                !code(&text).contains(change),
                "{} has {change}",
                path.display()
            );
        }
    }
}

#[test]
fn no_floor_of_the_sale_goes_in_a_circle() {
    for floor_name in FLOORS {
        let folder = Path::new("sale").join(floor_name);
        let files: Vec<(String, String)> = sources()
            .into_iter()
            .filter(|(path, _)| path.parent() == Some(&folder) && !path.ends_with("mod.rs"))
            .map(|(path, text)| {
                (
                    path.file_stem().unwrap().to_string_lossy().into_owned(),
                    code(&text),
                )
            })
            .collect();
        let mut left: Vec<&(String, String)> = files.iter().collect();
        while !left.is_empty() {
            let names: Vec<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
            let uses_none_of_them = |file: &&(String, String)| {
                !names
                    .iter()
                    .any(|name| *name != file.0 && names_a_sibling(&file.1, name))
            };
            let before = left.len();
            left.retain(|file| !uses_none_of_them(file));
            assert!(
                left.len() < before,
                "{floor_name} goes in a circle: {names:?}"
            );
        }
    }
}

/// Whether the code imports from the file `name` beside it: `super::name`, or `super::{…, name, …}`.
fn names_a_sibling(code: &str, name: &str) -> bool {
    let mut imports = code
        .split("use super::")
        .skip(1)
        .map(|rest| rest.split(';').next().unwrap());
    imports.any(|import| {
        let mut words = import.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        let is_list = import.starts_with('{');
        if is_list {
            words.any(|word| word == name)
        } else {
            words.next() == Some(name)
        }
    })
}

#[test]
fn statuses_are_matched_exhaustively() {
    for (path, text) in sources()
        .into_iter()
        .filter(|(path, _)| room(path) == "sale")
    {
        assert!(
            !code(&text).contains("_ =>") || path.ends_with("text.rs"),
            "{} has a catch-all",
            path.display()
        );
    }
}

#[test]
fn only_the_store_speaks_sql() {
    for (path, text) in sources()
        .into_iter()
        .filter(|(path, _)| room(path) != "store")
    {
        let code = code(&text);
        for verb in [
            "\"select ",
            "\"insert ",
            "\"update ",
            "\"delete ",
            "pragma ",
        ] {
            assert!(!code.contains(verb), "{} speaks SQL", path.display());
        }
    }
}

/// A file of tests that the binary does not name is never run.
#[test]
fn every_file_of_tests_is_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let is_tests =
            path.join("mod.rs").exists() || path.extension().is_some_and(|it| it == "rs");
        let name = path.file_stem().unwrap().to_string_lossy();
        if is_tests && name != "main" {
            let is_named = main.lines().any(|line| line == format!("mod {name};"));
            assert!(is_named, "{} is not part of main.rs", path.display());
        }
    }
}
