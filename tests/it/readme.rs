//! The README's walk through the sale is run against the real binary, block by block.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::server::Premises;

/// A block of commands, and the block of output that the document shows after it.
pub struct Block {
    pub commands: String,
    pub shown: Option<String>,
}

/// What a document says from one of its marks to the next.
pub fn part<'a>(document: &'a str, mark: &str) -> &'a str {
    let after = document.split(&format!("<!-- {mark} -->")).nth(1);
    let after = after.expect("the document has this mark");
    after.split("<!-- ").next().unwrap()
}

pub fn blocks(part: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = part.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let text = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .collect::<Vec<_>>()
            .join("\n");
        match (language, blocks.last_mut()) {
            ("sh", _) => blocks.push(Block {
                commands: text,
                shown: None,
            }),
            ("json" | "text", Some(block)) => block.shown = Some(text),
            _ => {}
        }
    }
    blocks
}

/// Times, tokens and addresses differ from run to run: what a document shows for them is a pattern.
fn matches(shown: &str, printed: &str) -> bool {
    let mut rest = printed.trim();
    let mut pieces = shown.trim().split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else {
        return false;
    };
    rest = after;
    let mut open_end = false;
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
        open_end = piece.is_empty();
    }
    rest.is_empty() || open_end
}

pub fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(path).unwrap()
}

fn readme() -> String {
    document("README.md")
}

/// A clone in which `cargo run --release` has made the program.
fn clone() -> Premises {
    let premises = Premises::new();
    let release = premises.path().join("target/release");
    fs::create_dir_all(&release).unwrap();
    symlink(env!("CARGO_BIN_EXE_flashsale"), release.join("flashsale")).unwrap();
    premises
}

#[test]
fn the_walk_through_the_sale_is_true() {
    let premises = clone();
    let server = premises.serve_with(&["--demo"]);
    let blocks = blocks(part(&readme(), "walk"));
    assert!(blocks.len() >= 6, "a walk has steps");
    run(&blocks, &premises, &server.base);
    server.stop();
}

#[test]
fn strangers_are_kept_out_as_the_readme_says() {
    let readme = readme();
    let part = part(&readme, "strangers");
    let premises = clone();
    let mut blocks = blocks(part);
    assert!(blocks.len() >= 5, "it is tried");
    let serving = blocks.remove(0).commands;
    let (before, serve) = serving
        .split_once("target/release/flashsale serve ")
        .unwrap();
    let arguments: Vec<&str> = serve.split_whitespace().collect();
    let ["--config", name] = arguments[..] else {
        panic!("a configuration is served: {serve}");
    };
    let config = part.split("```toml\n").nth(1).unwrap();
    premises.file(name, config.split("```").next().unwrap());
    let mut shell = Command::new("sh");
    shell.current_dir(premises.path()).args(["-ec", before]);
    assert!(shell.status().unwrap().success(), "{before}");
    let server = premises.serve_with(&arguments);
    run(&blocks, &premises, &server.base);
    server.stop();
}

/// What ends a block's output; no command prints it.
const END: &str = "\u{1e}";

/// All blocks in one shell, as in one terminal, which knows of no flashsale but by what the blocks say.
pub fn run(blocks: &[Block], premises: &Premises, base: &str) {
    let commands = blocks.iter().map(|block| {
        let commands = block.commands.replace("http://127.0.0.1:8000", base);
        format!("{commands}\nprintf '{END}'\n")
    });
    let mut shell = Command::new("sh");
    shell
        .current_dir(premises.path())
        .stdin(Stdio::null())
        .args(["-ec", &commands.collect::<String>()]);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<&str> = printed.split(END).collect();
    assert_eq!(printed.len(), blocks.len() + 1);
    for (block, printed) in blocks.iter().zip(printed) {
        let commands = &block.commands;
        assert!(
            printed.is_empty() || printed.ends_with('\n'),
            "{commands}\nleaves the prompt behind {printed:?}"
        );
        if let Some(shown) = &block.shown {
            assert!(
                matches(shown, printed),
                "{commands}\nshown:   {shown}\nprinted: {printed}"
            );
        }
    }
}

#[test]
fn the_first_screen_has_the_two_commands() {
    let readme = readme();
    let first_screen = readme.lines().take(30).collect::<Vec<_>>().join("\n");
    for command in ["cargo run --release -- serve --demo", "cargo test"] {
        assert!(first_screen.contains(command), "{command}");
    }
}
