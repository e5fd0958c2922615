//! A file of Rust read as the compiler reads it: no comment, and no string, is taken for code.

use std::fs;
use std::path::Path;

use super::tokens::{Kind, Token, code_of, end_of_item, without_tests};

pub struct Source {
    /// From the root of the project: `src/sale/mod.rs`.
    pub path: String,
    pub text: String,
    /// Its code, and that of the tests within it.
    all_tokens: Vec<Token>,
    tokens: Vec<Token>,
    paths: Vec<Named>,
}

/// `a::b::c`, wherever it stands: each leaf of a `use` is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub segments: Vec<String>,
    pub import: Option<Import>,
}

/// A leaf of a `use`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// What the file calls it.
    pub name: String,
    pub is_public: bool,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let all_tokens = code_of(path, text);
        let mut source = Source {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens: without_tests(&all_tokens),
            all_tokens,
            paths: Vec::new(),
        };
        source.paths = source.find_paths();
        source
    }

    /// Every file of Rust below these folders.
    pub fn all(folders: &[&str]) -> Vec<Source> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        for folder in folders {
            walk(&root.join(folder), &mut |path| {
                if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                    found.push(Source::new(name, &fs::read_to_string(path).unwrap()));
                }
            });
        }
        found
    }

    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// The words of its code: names and keywords.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let words = self.tokens.iter().filter(|token| token.kind == Kind::Word);
        words.map(|token| token.text.as_str())
    }

    /// Its strings and numbers, as they stand in the text.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        let literals = self.tokens.iter();
        let literals = literals.filter(|token| token.kind == Kind::Literal);
        literals.map(|token| token.text.as_str())
    }

    /// Whether its code has these tokens in a row: `has(&["_", "=>"])`.
    pub fn has(&self, tokens: &[&str]) -> bool {
        let mut rows = self.tokens.windows(tokens.len());
        rows.any(|row| {
            let is_code = row.iter().all(|token| token.kind != Kind::Literal);
            is_code && row.iter().map(|token| &token.text).eq(tokens)
        })
    }

    /// Whether a path in its code has these segments in a row.
    pub fn names(&self, segments: &[&str]) -> bool {
        self.paths.iter().any(|path| {
            let mut rows = path.segments.windows(segments.len());
            rows.any(|row| row == segments)
        })
    }

    /// Names of methods that are called and of fields that are read.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        let pairs = self.tokens.windows(2);
        pairs
            .filter(|pair| pair[0].text == "." && pair[1].kind == Kind::Word)
            .map(|pair| pair[1].text.as_str())
    }

    /// What the file defines, its tests too: types, functions, constants, modules, fields and parameters.
    pub fn definitions(&self) -> impl Iterator<Item = &str> {
        const KEYWORDS: [&str; 8] = [
            "struct", "enum", "trait", "type", "fn", "mod", "const", "static",
        ];
        let rows = self.all_tokens.windows(3);
        rows.filter_map(|row| {
            let [first, second, third] = row else {
                return None;
            };
            let is_item = first.kind == Kind::Word && KEYWORDS.contains(&&*first.text);
            let is_typed = first.text != "::" && third.text == ":";
            let is_word = second.kind == Kind::Word;
            (is_word && (is_item || is_typed)).then_some(&*second.text)
        })
    }

    /// Each function with its length in lines, from `fn` to its last brace.
    pub fn functions(&self) -> Vec<(&str, usize)> {
        let starts = self.all_tokens.windows(2).enumerate().filter(|(_, pair)| {
            pair[0].text == "fn" && pair[0].kind == Kind::Word && pair[1].kind == Kind::Word
        });
        starts
            .filter_map(|(index, pair)| {
                let rest = &self.all_tokens[index..];
                let length = end_of_item(rest);
                let last = &rest[length - 1];
                (last.text == "}").then(|| (pair[1].text.as_str(), last.line + 1 - pair[0].line))
            })
            .collect()
    }

    pub fn paths(&self) -> &[Named] {
        &self.paths
    }

    fn find_paths(&self) -> Vec<Named> {
        let mut found = Vec::new();
        let mut index = 0;
        while let Some(token) = self.tokens.get(index) {
            let before = index.checked_sub(1).map(|at| self.tokens[at].text.as_str());
            if token.kind != Kind::Word || before == Some(".") {
                index += 1;
            } else if token.text == "use" {
                // `pub use` and `pub(super) use`.
                let is_public = matches!(before, Some("pub" | ")"));
                index = self.import(index + 1, &[], is_public, &mut found);
            } else {
                let mut segments = vec![token.text.clone()];
                index += 1;
                while self.is_at(index, &["::"]) && self.kind(index + 1) == Some(&Kind::Word) {
                    segments.push(self.tokens[index + 1].text.clone());
                    index += 2;
                }
                found.push(Named {
                    segments,
                    import: None,
                });
            }
        }
        found
    }

    /// The leaves of the tree that begins here; where it ends.
    fn import(
        &self,
        mut index: usize,
        prefix: &[String],
        is_public: bool,
        found: &mut Vec<Named>,
    ) -> usize {
        let mut segments = prefix.to_vec();
        loop {
            let text = self.tokens[index].text.as_str();
            index += 1;
            match text {
                "::" => {}
                "{" => {
                    while !self.is_at(index, &["}"]) {
                        index = self.import(index, &segments, is_public, found);
                        index += usize::from(self.is_at(index, &[","]));
                    }
                    return index + 1;
                }
                segment => {
                    segments.push(segment.to_owned());
                    if !self.is_at(index, &["::"]) {
                        break;
                    }
                }
            }
        }
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let mut name = segments.last().unwrap().clone();
        if self.is_at(index, &["as"]) {
            name = self.tokens[index + 1].text.clone();
            index += 2;
        }
        found.push(Named {
            segments,
            import: Some(Import { name, is_public }),
        });
        index
    }

    fn is_at(&self, index: usize, texts: &[&str]) -> bool {
        let tokens = self.tokens.get(index..index + texts.len());
        tokens.is_some_and(|tokens| tokens.iter().map(|token| &token.text).eq(texts))
    }

    fn kind(&self, index: usize) -> Option<&Kind> {
        self.tokens.get(index).map(|token| &token.kind)
    }
}

pub fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, visit);
        } else {
            visit(&path);
        }
    }
}

#[test]
fn neither_comments_nor_strings_nor_tests_are_code() {
    let source = Source::new(
        "a.rs",
        r##"
            //! std::one
            let url = "http://a"; std::two();
            let raw = r#"https:// "std::three" "#; std::four();
            let marks = ('"', b'"', '\''); std::five(); // std::six
            /* /* std::seven */ std::seven */
            /// std::eight
            #[cfg(test)]
            #[path = "x.rs"]
            mod tests { fn f() { std::nine() } }
            #[cfg(test)]
            mod elsewhere;
            fn last() { assert!(a < b, "{}", std::ten()) }
        "##,
    );
    let paths = source.paths().iter().map(|path| &path.segments);
    let found: Vec<String> = paths
        .filter(|path| path[0] == "std")
        .map(|path| path[1].clone())
        .collect();
    assert_eq!(found, ["two", "four", "five", "ten"]);
    assert!(source.literals().any(|text| text == "\"http://a\""));
    assert!(source.words().all(|word| word != "nine"));
}

#[test]
fn each_leaf_of_a_use_is_a_path() {
    let text = "use std::{env, fs::{self, File}, net::*}; pub(crate) use super::a as b;";
    let source = Source::new("a.rs", text);
    let leaves = source.paths().iter().filter_map(|path| {
        let import = path.import.as_ref()?;
        let name = import.name.clone();
        Some((path.segments.join("::"), name, import.is_public))
    });
    let leaf = |path: &str, name: &str, is_public| (path.to_owned(), name.to_owned(), is_public);
    assert_eq!(
        leaves.collect::<Vec<_>>(),
        [
            leaf("std::env", "env", false),
            leaf("std::fs", "fs", false),
            leaf("std::fs::File", "File", false),
            leaf("std::net::*", "*", false),
            leaf("super::a", "b", true),
        ]
    );
    assert!(source.names(&["std", "env"]) && !source.names(&["env", "fs"]));
}

#[test]
fn a_function_is_as_long_as_from_its_name_to_its_last_brace() {
    let text = "/// Said.\n#[must_use]\nfn short(a: [u8; 2]) {}\ntrait T { fn none();\n fn long()\n where A: B\n {\n  {}\n }\n}";
    let functions = Source::new("a.rs", text);
    assert_eq!(functions.functions(), [("short", 1), ("long", 5)]);
}
