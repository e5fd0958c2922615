//! The manifest: each table of dependencies in the order of the alphabet.

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
