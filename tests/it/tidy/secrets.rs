//! Secrets are compared in a time that tells nothing about where they differ. No clock could hold that on a busy machine: the
//! functions that compare are looked at.

use std::path::Path;

use super::read;

const COMPARISONS: [(&str, &str); 4] = [
    ("src/api/guard.rs", "shows"),
    ("src/api/signature.rs", "is_among"),
    ("src/api/stripe/signature.rs", "is_among"),
    ("src/sale/rows/token.rs", "admits"),
];
const HASTY: [&str; 5] = ["==", "!=", ".eq(", "_with(", "contains("];

/// The function's lines, which end where its indentation does.
fn body<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let start = text.find(&format!("fn {name}("))?;
    let line = &text[text[..start].rfind('\n').map_or(0, |end| end + 1)..];
    let indentation = " ".repeat(line.len() - line.trim_start().len());
    let length = text[start..].find(&format!("\n{indentation}}}"))?;
    Some(&text[start..start + length])
}

fn takes_its_time(text: &str, name: &str) -> bool {
    let is_patient =
        |body: &str| body.contains(".ct_eq(") && !HASTY.iter().any(|hasty| body.contains(hasty));
    body(text, name).is_some_and(is_patient)
}

#[test]
fn what_a_stranger_shows_is_compared_with_a_secret_in_constant_time() {
    for (file, function) in COMPARISONS {
        let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
        assert!(takes_its_time(&text, function), "{function} in {file}");
    }
    let right =
        "impl A {\n    fn a(&self) -> bool {\n        x.ct_eq(y)\n    }\n}\nfn b() { c == d }";
    assert!(takes_its_time(right, "a"));
    assert!(!takes_its_time(&right.replace("x.ct_eq(y)", "x == y"), "a"));
    let hasty = right.replace("x.ct_eq(y)", "x.len() == y.len() && x.ct_eq(y)");
    assert!(!takes_its_time(&hasty, "a"));
    assert!(!takes_its_time(right, "b"));
}
