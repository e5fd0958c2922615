//! A server that lets no stranger in by default, and what must be told to nobody: secrets, tokens, keys and customers.

mod configured;
mod reachable;
mod whole_sale;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

const TOKENS: (&str, &str) = ("require_tokens", "true");
const ADMIN_TOKEN: &str = "correct-horse-battery-staple";

/// What `serve` says when it ends at once, with this status.
#[track_caller]
fn is_refused(command: &mut Command, code: i32) -> String {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    if line.starts_with("listening") {
        child.kill().unwrap();
    }
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let status = child.wait().unwrap().code();
    assert_eq!((line.as_str(), status), ("", Some(code)), "{said}");
    said
}

#[track_caller]
fn tells_none(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is told in {text}");
    }
}
