//! The configuration file. An error names the line and the key, and shows the line unless a secret may stand in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use super::access::is_open_to_others;
use super::config_error::ConfigError;
use super::excerpt::{excerpt, line_number};
use super::keys::{Config, KEYS, Key, unknown_key};
use super::value::Value;

/// What is in a server's URL, which may hold a password.
const URL: &str = "postgres";

/// Sets every key that the file has.
pub fn read_file(config: &mut Config, path: &Path) -> Result<(), ConfigError> {
    let shown_path = path.display().to_string();
    let (bytes, is_open) = read(path).map_err(|error| {
        let path = shown_path.clone();
        if error.kind() == io::ErrorKind::NotFound {
            ConfigError::Missing { path }
        } else {
            ConfigError::Unreadable { path, error }
        }
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = line_number(&bytes, error.valid_up_to());
        ConfigError::invalid(&format!("{shown_path}, line {line}: this is not UTF-8"))
    })?;
    let invalid = |why: String| ConfigError::invalid(&format!("{shown_path}, {why}"));
    set_all(config, text, is_open).map_err(invalid)
}

/// The bytes of a file, and whether others may read or write that very file.
fn read(path: &Path) -> io::Result<(Vec<u8>, bool)> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, is_open_to_others(&file)?))
}

/// `Err` begins with the line.
pub fn set_all(config: &mut Config, text: &str, is_open: bool) -> Result<(), String> {
    let table: BTreeMap<Spanned<String>, Spanned<toml::Value>> =
        toml::from_str(text).map_err(|error| not_toml(text, &error))?;
    for (name, value) in table {
        let (at, name) = (name.span(), name.get_ref().as_str());
        let Some(key) = Key::named(name) else {
            let line = line_number(text.as_bytes(), at.start);
            // The value behind a misspelt key may be a secret.
            let shown = shown(&text[..at.end], at);
            return Err(format!("line {line}: {name}: {}{shown}", unknown_key(name)));
        };
        let (at, value) = (value.span(), value.get_ref());
        let line = line_number(text.as_bytes(), at.start);
        let is_empty = value.as_array().is_some_and(Vec::is_empty);
        (key.set)(config, Value::Toml(value)).map_err(|why| {
            let shown = if key.is_secret {
                String::new()
            } else {
                shown(text, at)
            };
            format!("line {line}: {name}: {why}{shown}")
        })?;
        let is_secret = key.is_secret && !is_empty || key.name == "db" && config.db.has_secret();
        if is_secret && is_open {
            return Err(format!(
                "line {line}: {name}: others may read or write this file, and a secret stands in it (chmod 600 helps)"
            ));
        }
    }
    Ok(())
}

/// The line is shown only if it is surely no secret's.
fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().unwrap_or(0..0);
    let line = line_number(text.as_bytes(), at.start);
    let message = error.message();
    match key_around(text, at.start) {
        Some((key, true)) if !key.is_secret => {
            format!("line {line}: {}: {message}{}", key.name, shown(text, at))
        }
        Some((key, _)) => format!("line {line}: {}: {message}", key.name),
        None => format!("line {line}: {message}"),
    }
}

/// The key whose value stands at `at`, and whether that is in the key's own line: else it is in a list that a line above has
/// opened, or seems to have where a quote is missing.
fn key_around(text: &str, at: usize) -> Option<(&'static Key, bool)> {
    let line_end = text.get(at..).and_then(|after| after.find('\n'));
    let end = line_end.map_or(text.len(), |length| at + length);
    let mut start = 0;
    let mut found = None;
    for line in text[..end].split_inclusive('\n') {
        let key = line
            .split_once('=')
            .and_then(|(name, _)| Key::named(name.trim()));
        found = key.map(|key| (key, start)).or(found);
        start += line.len();
    }
    let (key, start) = found?;
    let value = &text[start..end];
    let is_open = value.matches('[').count() > value.matches(']').count();
    let is_its_line = !value.contains('\n');
    (is_open || is_its_line).then_some((key, is_its_line))
}

/// The line of `at`, below the message, unless the line names a secret.
fn shown(text: &str, at: Range<usize>) -> String {
    let excerpt = excerpt(text, at);
    let mut secrets = KEYS.iter().filter(|key| key.is_secret);
    if secrets.any(|key| excerpt.contains(key.name)) || excerpt.contains(URL) {
        String::new()
    } else {
        format!("\n{excerpt}")
    }
}
