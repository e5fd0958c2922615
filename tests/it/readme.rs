//! The README's walk through the sale is run against the real binary, block by block.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::server::{Premises, Server};

/// A block of commands, and the block of output that the README shows after it.
struct Block {
    commands: String,
    shown: Option<String>,
}

/// What the README says from one of its marks to the next.
fn part<'a>(readme: &'a str, mark: &str) -> &'a str {
    let after = readme.split(&format!("<!-- {mark} -->")).nth(1);
    let after = after.expect("the README has this mark");
    after.split("<!-- ").next().unwrap()
}

fn blocks(part: &str) -> Vec<Block> {
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

/// Times, tokens and addresses differ from run to run: what the README shows for them is a pattern.
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

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_walk_through_the_sale_is_true() {
    let premises = Premises::new();
    let server = premises.serve_with(&["--demo"]);
    let blocks = blocks(part(&readme(), "walk"));
    assert!(blocks.len() >= 6, "a walk has steps");
    run(blocks, &premises, &server);
    server.stop();
}

#[test]
fn the_door_is_shut_as_the_readme_says() {
    let readme = readme();
    let part = part(&readme, "door");
    let premises = Premises::new();
    let config = part.split("```toml\n").nth(1).unwrap();
    let file = premises.file("flash_sale.toml", config.split("```").next().unwrap());
    std::fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    let server = premises.serve();
    let blocks = blocks(part);
    assert!(blocks.len() >= 4, "it is tried");
    run(blocks, &premises, &server);
    server.stop();
}

fn run(blocks: Vec<Block>, premises: &Premises, server: &Server) {
    let binary = Path::new(env!("CARGO_BIN_EXE_flashsale"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    for block in blocks {
        let commands = block
            .commands
            .replace("http://127.0.0.1:8000", &server.base);
        let mut shell = Command::new("sh");
        shell
            .current_dir(premises.path())
            .env("PATH", &path)
            .stdin(Stdio::null())
            .args(["-ec", &commands]);
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{commands}: {output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        if let Some(shown) = block.shown {
            assert!(
                matches(&shown, &printed),
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
