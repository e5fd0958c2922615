//! Where values come from: the file, the environment, flags. What is wrong with one is said with its place, and the value of
//! a secret is said to nobody.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml::{Spanned, Value};

use super::said::{Said, Shown, line_of};
use super::secrets::is_quoted;
use super::{Config, KEYS, no_such_key};

pub const FILE_NAME: &str = "flash_sale.toml";
pub const ENVIRONMENT_PREFIX: &str = "FLASHSALE_";

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path}: {error}")]
    Unreadable { path: String, error: io::Error },
    #[error("{path}: there is no such file")]
    Missing { path: String },
    /// Names the place and the key, and says why.
    #[error("{0}")]
    Invalid(String),
}

/// A secret may stand where it does not belong: under another key, by a slip of the hand. It is not told from there either.
fn invalid(message: impl Into<String>) -> ConfigError {
    let message = message.into();
    let mut pieces = message.split("whsec_");
    let mut told = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let is_secret = |byte: char| byte.is_ascii_alphanumeric() || "+/=".contains(byte);
        told = told + "whsec_…" + piece.trim_start_matches(is_secret);
    }
    ConfigError::Invalid(told)
}

/// What flags say, by key.
pub type Flags = BTreeMap<&'static str, String>;

/// Reads every source in the order of their precedence. Warnings are for the log, once there is one.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: &Flags,
) -> Result<(Config, Vec<String>), ConfigError> {
    let mut config = Config::default();
    let mut warnings = Vec::new();
    let (path, must_be_there) = file.map_or((Path::new(FILE_NAME), false), |path| (path, true));
    match read(path) {
        Ok((bytes, mode)) => read_file(&mut config, path, &text_of(path, &bytes)?, mode)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_be_there => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ConfigError::Missing {
                path: path.display().to_string(),
            });
        }
        Err(error) => {
            return Err(ConfigError::Unreadable {
                path: path.display().to_string(),
                error,
            });
        }
    }
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
            continue;
        };
        let key = key.to_ascii_lowercase();
        if KEYS.contains(&key.as_str()) {
            let set = if is_quoted(&value) {
                Err("it stands in quotes, which would be part of it; write it without".into())
            } else {
                config.set(&key, &Said::Text(&value))
            };
            set.map_err(|why| invalid(format!("environment, {name}: {key}: {why}")))?;
        } else {
            warnings.push(format!("{name} is set, but {}", no_such_key(&key)));
        }
    }
    for (key, value) in flags {
        config
            .set(key, &Said::Text(value))
            .map_err(|why| invalid(format!("--{}: {key}: {why}", key.replace('_', "-"))))?;
    }
    config.check()?;
    Ok((config, warnings))
}

/// The file's bytes and who may do what with it, of one and the same file.
fn read(path: &Path) -> io::Result<(Vec<u8>, u32)> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, file.metadata()?.permissions().mode()))
}

fn text_of(path: &Path, bytes: &[u8]) -> Result<String, ConfigError> {
    String::from_utf8(bytes.to_vec()).map_err(|error| {
        let line = 1 + bytes[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        invalid(format!(
            "{}, line {line}: this is not UTF-8",
            path.display()
        ))
    })
}

/// Keys whose values are shown to nobody.
pub const SECRET_KEYS: [&str; 2] = ["webhook_secrets", "admin_token"];

/// Reading and writing, by anybody but the owner.
const FOR_OTHERS: u32 = 0o066;

pub(super) fn read_file(
    config: &mut Config,
    path: &Path,
    text: &str,
    mode: u32,
) -> Result<(), ConfigError> {
    let path = path.display();
    let table: BTreeMap<Spanned<String>, Spanned<Value>> =
        toml::from_str(text).map_err(|error| unparsable(&path.to_string(), text, &error))?;
    for (key, value) in table {
        let key_name = key.get_ref().as_str();
        let is_known = KEYS.contains(&key_name);
        let span = if is_known { value.span() } else { key.span() };
        // What stands behind a misspelt key may be a secret.
        let shown_text = if is_known { text } else { &text[..span.end] };
        let line = line_of(text, span.start);
        let is_secret = SECRET_KEYS.contains(&key_name);
        let set = config.set(key_name, &Said::Toml(value.get_ref()));
        set.map_err(|why| {
            let said = format!("{path}, line {line}: {key_name}: {why}");
            invalid(if is_secret {
                said
            } else {
                said + &shown(shown_text, span)
            })
        })?;
        let says_something = value
            .get_ref()
            .as_array()
            .is_none_or(|list| !list.is_empty());
        if is_secret && says_something && mode & FOR_OTHERS != 0 {
            return Err(invalid(format!(
                "{path}, line {line}: {key_name}: others may read or write this file, and a secret stands in it (chmod 600 helps)"
            )));
        }
    }
    Ok(())
}

/// Where the file stops to be TOML. What stands there is shown only if it is surely no secret.
fn unparsable(path: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let span = error.span().unwrap_or(0..0);
    let line = line_of(text, span.start);
    let key = key_around(text, span.start);
    let message = error.message();
    invalid(match key {
        Some(key) if SECRET_KEYS.contains(&key) => {
            format!("{path}, line {line}: {key}: {message}")
        }
        Some(key) => {
            let shown = shown(text, span);
            format!("{path}, line {line}: {key}: {message}{shown}")
        }
        None => format!("{path}, line {line}: {message}"),
    })
}

/// The key whose value the place belongs to: in its own line, or in a list that a line above has opened.
fn key_around(text: &str, at: usize) -> Option<&str> {
    let after = text.get(at..).unwrap_or_default();
    let end = text.len()
        - after
            .split_once('\n')
            .map_or(0, |(_, below)| below.len() + 1);
    let begins = |line: &str| {
        let key = line.split_once('=')?.0.trim();
        KEYS.iter().find(|known| **known == key)
    };
    let until = &text[..end];
    let mut above = until.split_inclusive('\n').rev();
    let mut since = 0;
    let key = above.find_map(|line| {
        since += line.len();
        begins(line)
    })?;
    let said = &until[end - since..];
    let is_open = said.matches('[').count() > said.matches(']').count();
    (is_open || !said.contains('\n')).then_some(*key)
}

/// The line that is meant, below what is said of it, unless a secret is set in it.
fn shown(text: &str, at: Range<usize>) -> String {
    let line = text.lines().nth(line_of(text, at.start) - 1);
    let line = line.unwrap_or_default();
    if SECRET_KEYS.iter().any(|key| line.contains(key)) {
        String::new()
    } else {
        format!("\n{}", Shown { text, at })
    }
}
