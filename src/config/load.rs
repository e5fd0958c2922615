//! The sources in the order of their precedence: the file, the environment, flags.

use std::collections::BTreeMap;
use std::path::Path;

use super::config_error::ConfigError;
use super::file::read_file;
use super::keys::{Config, Key, unknown_key};
use super::secrets::is_quoted;
use super::value::Value;

pub const FILE_NAME: &str = "flash_sale.toml";
pub const ENVIRONMENT_PREFIX: &str = "FLASHSALE_";

/// The values of flags, by key.
pub type Flags = BTreeMap<&'static str, String>;

/// Warnings are for the log, which the configuration starts.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: &Flags,
) -> Result<(Config, Vec<String>), ConfigError> {
    load_over(Config::default(), file, environment, flags)
}

/// The same with other values where no source has any.
pub fn load_over(
    mut config: Config,
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: &Flags,
) -> Result<(Config, Vec<String>), ConfigError> {
    match read_file(&mut config, file.unwrap_or(Path::new(FILE_NAME))) {
        Err(ConfigError::Missing { .. }) if file.is_none() => {}
        read => read?,
    }
    let mut warnings = Vec::new();
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
            continue;
        };
        let key = key.to_ascii_lowercase();
        match Key::named(&key) {
            Some(_) if is_quoted(&value) => {
                return Err(ConfigError::invalid(&format!(
                    "environment, {name}: {key}: it stands in quotes, which would be part of it; write it without"
                )));
            }
            Some(key) => set(&mut config, key, &value, &format!("environment, {name}"))?,
            None => warnings.push(format!("{name} is set, but {}", unknown_key(&key))),
        }
    }
    for (name, value) in flags {
        let key = Key::named(name).expect("every flag is a key's");
        set(
            &mut config,
            key,
            value,
            &format!("--{}", name.replace('_', "-")),
        )?;
    }
    config.check()?;
    Ok((config, warnings))
}

fn set(config: &mut Config, key: &Key, value: &str, source: &str) -> Result<(), ConfigError> {
    (key.set)(config, Value::Text(value))
        .map_err(|why| ConfigError::invalid(&format!("{source}: {}: {why}", key.name)))
}
