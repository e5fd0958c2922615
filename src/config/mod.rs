//! What is configured: a flag over the environment over the file over the default. Every bound of the program is here.
//!
//! Whatever the source, a key is set by one match on its name, so that a key means the same everywhere.

mod said;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::net::{AddrParseError, IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use toml::{Spanned, Value};

use crate::sale::{LatePayment, Terms};

use said::{Said, Shown, line_of};

pub const FILE_NAME: &str = "flash_sale.toml";
pub const ENVIRONMENT_PREFIX: &str = "FLASHSALE_";

#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub db: PathBuf,
    pub listen: Listen,
    pub hold_ttl_s: u32,
    /// 0: never.
    pub order_ttl_s: u32,
    pub accept_late_payments: bool,
    pub parked_ttl_s: u32,
    pub parked_max: u32,
    pub idempotency_ttl_s: u32,
    pub cors_origins: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub max_connections: usize,
    /// 0: no limit.
    pub max_connections_per_ip: usize,
    pub threads_max: usize,
    pub head_timeout_s: u32,
    pub body_timeout_s: u32,
    pub idle_timeout_s: u32,
    pub write_timeout_s: u32,
    pub queue_max: usize,
    pub request_deadline_ms: u32,
    pub batch_max: usize,
    pub drain_s: u32,
    pub allow_open: bool,
    pub full_durability: bool,
    pub json_log: bool,
}

/// Where clients find the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Listen, AddrParseError> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Ok(Listen::Unix(path.into())),
            Some(_) | None => text.parse().map(Listen::Tcp),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => address.fmt(f),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            db: "flash_sale.db".into(),
            listen: Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 8000))),
            hold_ttl_s: 120,
            order_ttl_s: 900,
            accept_late_payments: false,
            parked_ttl_s: 86_400,
            parked_max: 10_000,
            idempotency_ttl_s: 86_400,
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            max_connections: 10_000,
            max_connections_per_ip: 0,
            threads_max: 256,
            head_timeout_s: 5,
            body_timeout_s: 5,
            idle_timeout_s: 15,
            write_timeout_s: 5,
            queue_max: 4096,
            request_deadline_ms: 3000,
            batch_max: 512,
            drain_s: 5,
            allow_open: false,
            full_durability: true,
            json_log: false,
        }
    }
}

impl Config {
    pub fn terms(&self) -> Terms {
        Terms {
            hold_ttl_s: self.hold_ttl_s,
            order_ttl_s: (self.order_ttl_s > 0).then_some(self.order_ttl_s),
            late_payment: if self.accept_late_payments {
                LatePayment::Accept
            } else {
                LatePayment::Refund
            },
            parked_ttl_s: self.parked_ttl_s,
            parked_max: self.parked_max,
            idempotency_ttl_s: self.idempotency_ttl_s,
        }
    }

    pub fn wait_max(&self) -> Duration {
        Duration::from_millis(self.request_deadline_ms.into())
    }

    fn set(&mut self, key: &str, said: &Said<'_>) -> Result<(), String> {
        match key {
            "db" => self.db = said.text()?.into(),
            "listen" => {
                self.listen =
                    said.parsed("an address and a port, like 127.0.0.1:8000, or unix:PATH")?
            }
            "hold_ttl_s" => self.hold_ttl_s = said.whole(1, 86_400)?,
            "order_ttl_s" => self.order_ttl_s = said.whole(0, 31_536_000)?,
            "late_payment" => {
                self.accept_late_payments = said.one_of(["refund", "accept"])? == "accept"
            }
            "parked_ttl_s" => self.parked_ttl_s = said.whole(1, 31_536_000)?,
            "parked_max" => self.parked_max = said.whole(0, 1_000_000)?,
            "idempotency_ttl_s" => self.idempotency_ttl_s = said.whole(1, 31_536_000)?,
            "cors_origins" => self.cors_origins = origins(said.list()?)?,
            "max_connections" => self.max_connections = said.whole(1, 1_000_000)?,
            "threads_max" => self.threads_max = said.whole(1, 4096)?,
            "head_timeout_s" => self.head_timeout_s = said.whole(1, 3600)?,
            "body_timeout_s" => self.body_timeout_s = said.whole(1, 3600)?,
            "idle_timeout_s" => self.idle_timeout_s = said.whole(1, 3600)?,
            "write_timeout_s" => self.write_timeout_s = said.whole(1, 3600)?,
            "queue_max" => self.queue_max = said.whole(1, 1_000_000)?,
            "request_deadline_ms" => self.request_deadline_ms = said.whole(1, 600_000)?,
            "batch_max" => self.batch_max = said.whole(1, 10_000)?,
            "drain_s" => self.drain_s = said.whole(0, 60)?,
            "allow_open" => self.allow_open = said.switch()?,
            "durability" => self.full_durability = said.one_of(["full", "normal"])? == "full",
            "trusted_proxies" => self.trusted_proxies = networks(&said.list()?)?,
            "max_connections_per_ip" => self.max_connections_per_ip = said.whole(0, 1_000_000)?,
            "log_format" => self.json_log = said.one_of(["text", "json"])? == "json",
            "webhook_secrets" => not_yet(said.list()?.is_empty())?,
            "require_tokens" => not_yet(!said.switch()?)?,
            "admin_token" => not_yet(false)?,
            _ => return Err("there is no such key".into()),
        }
        Ok(())
    }

    /// Whether anybody who reaches the server may do everything: this version checks no signatures and asks for no tokens.
    pub fn is_open(&self) -> bool {
        true
    }

    /// A server that others can reach must not be open unless somebody said that it is meant.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !self.is_open() || self.allow_open {
            return Ok(());
        }
        let reached = match &self.listen {
            Listen::Tcp(address) if !address.ip().to_canonical().is_loopback() => {
                format!("listen: {address} can be reached from elsewhere")
            }
            Listen::Unix(path) => format!(
                "listen: whoever may open the socket {} is let in",
                path.display()
            ),
            Listen::Tcp(_) if !self.trusted_proxies.is_empty() => {
                "trusted_proxies: they bring requests from elsewhere".into()
            }
            Listen::Tcp(_) => return Ok(()),
        };
        Err(ConfigError::Invalid(format!(
            "{reached}, and anybody could pay, cancel and release what is not theirs; set allow_open = true if that is meant"
        )))
    }
}

/// No key is accepted without effect.
fn not_yet(is_default: bool) -> Result<(), String> {
    if is_default {
        Ok(())
    } else {
        Err("this version cannot do that yet, and does not pretend to".into())
    }
}

/// An address is a network of its own.
fn networks(list: &[String]) -> Result<Vec<IpNet>, String> {
    let network = |text: &String| {
        let network = text.parse::<IpNet>().ok();
        network
            .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
            .ok_or_else(|| format!("{text:?} is no address and no network, like 10.0.0.0/8"))
    };
    list.iter().map(network).collect()
}

fn origins(list: Vec<String>) -> Result<Vec<String>, String> {
    let is_origin = |origin: &&String| {
        let host = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        *origin == "*"
            || host.is_some_and(|host| !host.is_empty() && !host.contains('/') && origin.is_ascii())
    };
    match list.iter().find(|origin| !is_origin(origin)) {
        Some(wrong) => Err(format!(
            "{wrong:?} is not an origin, like https://shop.example"
        )),
        None => Ok(list),
    }
}

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
    match fs::read(path) {
        Ok(bytes) => read_file(&mut config, path, &text_of(path, &bytes)?)?,
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
            config.set(&key, &Said::Text(&value)).map_err(|why| {
                ConfigError::Invalid(format!("environment, {name}: {key}: {why}"))
            })?;
        } else {
            warnings.push(format!("{name} is set, but there is no such key"));
        }
    }
    for (key, value) in flags {
        config.set(key, &Said::Text(value)).map_err(|why| {
            ConfigError::Invalid(format!("--{}: {key}: {why}", key.replace('_', "-")))
        })?;
    }
    config.check()?;
    Ok((config, warnings))
}

/// Every key, in the order of the example file.
pub const KEYS: [&str; 27] = [
    "db",
    "listen",
    "hold_ttl_s",
    "order_ttl_s",
    "late_payment",
    "parked_ttl_s",
    "parked_max",
    "idempotency_ttl_s",
    "webhook_secrets",
    "require_tokens",
    "admin_token",
    "cors_origins",
    "trusted_proxies",
    "max_connections",
    "max_connections_per_ip",
    "threads_max",
    "head_timeout_s",
    "body_timeout_s",
    "idle_timeout_s",
    "write_timeout_s",
    "queue_max",
    "request_deadline_ms",
    "batch_max",
    "drain_s",
    "allow_open",
    "durability",
    "log_format",
];

fn text_of(path: &Path, bytes: &[u8]) -> Result<String, ConfigError> {
    String::from_utf8(bytes.to_vec()).map_err(|error| {
        let line = 1 + bytes[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        ConfigError::Invalid(format!(
            "{}, line {line}: this is not UTF-8",
            path.display()
        ))
    })
}

/// Keys whose values are shown to nobody.
const SECRET_KEYS: [&str; 2] = ["webhook_secrets", "admin_token"];

fn read_file(config: &mut Config, path: &Path, text: &str) -> Result<(), ConfigError> {
    let path = path.display();
    let table: BTreeMap<Spanned<String>, Spanned<Value>> =
        toml::from_str(text).map_err(|error| unparsable(&path.to_string(), text, &error))?;
    for (key, value) in table {
        let key_name = key.get_ref().as_str();
        let span = if KEYS.contains(&key_name) {
            value.span()
        } else {
            key.span()
        };
        config
            .set(key_name, &Said::Toml(value.get_ref()))
            .map_err(|why| {
                let line = line_of(text, span.start);
                let said = format!("{path}, line {line}: {key_name}: {why}");
                let is_secret = SECRET_KEYS.contains(&key_name);
                ConfigError::Invalid(if is_secret {
                    said
                } else {
                    format!("{said}\n{}", Shown { text, at: span })
                })
            })?;
    }
    Ok(())
}

/// Where the file stops to be TOML. What stands there is shown only if it is surely no secret.
fn unparsable(path: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let span = error.span().unwrap_or(0..0);
    let line = line_of(text, span.start);
    let said = text.lines().nth(line - 1).unwrap_or_default();
    let key = said.split('=').next().unwrap_or_default().trim();
    let message = error.message();
    ConfigError::Invalid(if SECRET_KEYS.contains(&key) {
        format!("{path}, line {line}: {key}: {message}")
    } else if KEYS.contains(&key) {
        let shown = Shown { text, at: span };
        format!("{path}, line {line}: {key}: {message}\n{shown}")
    } else {
        format!("{path}, line {line}: {message}")
    })
}

#[cfg(test)]
mod tests;
