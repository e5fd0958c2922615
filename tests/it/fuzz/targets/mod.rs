//! What is fuzzed, and what must hold of any bytes besides that nothing panics. Each target is a function of bytes, so that
//! `cargo test` mutates a committed corpus with it and libFuzzer (`fuzz/`), which follows the code's edges, calls the same one.

mod api;
mod body;
mod catalogue;
mod chunked;
mod configuration;
#[cfg(feature = "postgres")]
mod database_url;
mod forwarded_for;
mod head;
mod idempotency_key;
mod query;
mod spelling;
mod stripe;
mod stripe_header;
mod webhook_header;

pub type Target = fn(&[u8]);

/// By the names of their corpora.
pub const TARGETS: &[(&str, Target)] = &[
    ("head", head::target),
    ("chunked", chunked::target),
    ("body", body::target),
    ("webhook_header", webhook_header::target),
    ("stripe_header", stripe_header::target),
    ("stripe_event", stripe::target),
    ("configuration", configuration::target),
    #[cfg(feature = "postgres")]
    ("database_url", database_url::target),
    ("catalogue", catalogue::target),
    ("query", query::target),
    ("idempotency_key", idempotency_key::target),
    ("forwarded_for", forwarded_for::target),
];

/// The target of this name.
pub fn named(name: &str) -> Target {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let names = || TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    found
        .unwrap_or_else(|| panic!("there is no target {name}; there are {:?}", names()))
        .1
}

/// The byte that picks one of several, and the rest.
fn picked<'a, 'b, T>(choices: &'a [T], bytes: &'b [u8]) -> Option<(&'a T, &'b [u8])> {
    let (first, rest) = bytes.split_first()?;
    Some((&choices[usize::from(*first) % choices.len()], rest))
}

/// An input of several parts: the byte 0x1f separates them, and the last one takes all that is left.
fn parts<const N: usize>(bytes: &[u8]) -> Option<[&[u8]; N]> {
    let parts: Vec<&[u8]> = bytes.splitn(N, |byte| *byte == 0x1f).collect();
    parts.try_into().ok()
}

/// The values of one header field, a line each, as a head could bring them: without control characters, and without spaces at
/// their ends. None where there is no line.
fn header_values(text: &str) -> Vec<&str> {
    let lines = text.split_terminator('\n');
    let is_text =
        |line: &&str| !line.contains(|char: char| char.is_ascii_control() && char != '\t');
    lines
        .map(|line| line.trim_matches([' ', '\t']))
        .filter(is_text)
        .collect()
}
