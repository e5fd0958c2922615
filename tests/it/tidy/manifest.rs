//! The manifest: each table of dependencies in the order of the alphabet, and each of them with a reason.

use super::nothing;

fn out_of_order(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    for table in manifest.split("\n[").skip(1) {
        let (title, rows) = table.split_once("]\n").unwrap();
        if !title.ends_with("dependencies") {
            continue;
        }
        let names: Vec<&str> = rows
            .lines()
            .filter_map(|row| Some(row.split_once(" = ")?.0))
            .collect();
        assert!(!names.is_empty(), "{title} has dependencies");
        let pairs = names.windows(2).filter(|pair| pair[0] >= pair[1]);
        found.extend(pairs.map(|pair| format!("{title}: {} before {}", pair[0], pair[1])));
    }
    found
}

#[test]
fn dependencies_stand_in_the_order_of_the_alphabet() {
    let manifest = include_str!("../../../Cargo.toml");
    assert!(manifest.contains("\n[dependencies]\n"));
    nothing(out_of_order(manifest));
    let manifest = "\n[dependencies]\nb = \"1\"\nc = \"1\"\n\n[dev-dependencies]\nb = \"1\"\na = { version = \"1\" }\n";
    assert_eq!(out_of_order(manifest), ["dev-dependencies: b before a"]);
}

/// The names in the list's first column.
fn reasoned(document: &str) -> Vec<&str> {
    let (_, list) = document.split_once("| crate | what for |").unwrap();
    let rows = list.lines().filter_map(|row| row.split(" | ").next());
    let mut names: Vec<&str> = rows
        .flat_map(|column| column.split('`').skip(1).step_by(2))
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn each_dependency_has_a_reason() {
    let manifest = include_str!("../../../Cargo.toml");
    let (_, dependencies) = manifest.split_once("\n[dependencies]\n").unwrap();
    let (dependencies, _) = dependencies.split_once("\n[").unwrap();
    let names: Vec<&str> = dependencies
        .lines()
        .filter_map(|row| Some(row.split_once(" = ")?.0))
        .collect();
    assert_eq!(reasoned(include_str!("../../../docs/security.md")), names);
}
