//! How long a thing may be: a file, and a function.

use super::source::Source;
use super::{only_known, project, tree};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// Functions that are still too long. The list only gets shorter.
const LONG_FUNCTIONS: &[&str] = &[];

fn long_files(sources: &[Source]) -> Vec<&str> {
    let long = sources.iter().filter(|it| it.lines() > FILE_LINES_MAX);
    long.map(|source| source.path.as_str()).collect()
}

/// But for the corpus, whose functions are lists of requests.
fn long_functions(sources: &[Source]) -> Vec<String> {
    let sources = sources.iter();
    let sources = sources.filter(|source| !source.path.starts_with("tests/it/corpus/"));
    let functions = sources.flat_map(|source| {
        let functions = source.functions().into_iter();
        functions.map(|(name, lines)| (format!("{}: {name}", source.path), lines))
    });
    let long = functions.filter(|(_, lines)| *lines > FUNCTION_LINES_MAX);
    long.map(|(name, _)| name).collect()
}

#[test]
fn a_file_has_at_most_400_lines() {
    only_known(&long_files(project()), &[]);
    let (short, long) = ("//\n".repeat(400), "//\n".repeat(401));
    let sources = tree(&[("src/a.rs", &short), ("src/b.rs", &long)]);
    assert_eq!(long_files(&sources), ["src/b.rs"]);
}

#[test]
fn a_function_has_at_most_70_lines() {
    only_known(&long_functions(project()), LONG_FUNCTIONS);
    let body = |lines: usize| format!("impl A {{ fn f() {{\n{}}} }}", "//\n".repeat(lines));
    let (short, long) = (body(68), body(70));
    let within = format!("#[cfg(test)]\nmod tests {{ {long} }}");
    let sources = tree(&[
        ("src/a.rs", &short),
        ("src/b.rs", &long),
        ("src/c.rs", &within),
    ]);
    assert_eq!(long_functions(&sources), ["src/b.rs: f", "src/c.rs: f"]);
}
