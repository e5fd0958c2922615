//! What is configured: a flag over the environment over the file over the default. Every bound of the program is here.
//!
//! Whatever the source, a key is set by one match on its name, so that a key means the same everywhere.

mod load;
mod origin;
mod said;
mod secrets;

use std::fmt;
use std::net::{AddrParseError, IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use crate::sale::{LatePayment, Terms};

use said::Said;

pub use load::{ConfigError, ENVIRONMENT_PREFIX, FILE_NAME, Flags, SECRET_KEYS, load};
pub use secrets::{AdminToken, WebhookSecret};

use secrets::WEBHOOK_SECRETS_MAX;

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
    /// What payment webhooks are signed with; more than one while the provider changes over.
    pub webhook_secrets: Vec<WebhookSecret>,
    pub require_tokens: bool,
    pub admin_token: Option<AdminToken>,
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
    /// Lines of answered requests; 0: only those of errors of ours.
    pub log_requests_per_s: u32,
}

/// Where clients find the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = AddrParseError;

    /// `:8000` and `localhost:8000` are this machine alone: an address that others can reach is never guessed.
    fn from_str(text: &str) -> Result<Listen, AddrParseError> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Listen::Unix(path.into()));
        }
        match text.rsplit_once(':') {
            Some((host, port)) if host.is_empty() || host.eq_ignore_ascii_case("localhost") => {
                format!("127.0.0.1:{port}").parse().map(Listen::Tcp)
            }
            _ => text.parse().map(Listen::Tcp),
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
            webhook_secrets: Vec::new(),
            require_tokens: false,
            admin_token: None,
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            max_connections: 10_000,
            max_connections_per_ip: 0,
            threads_max: 256,
            head_timeout_s: 5,
            body_timeout_s: 5,
            idle_timeout_s: 75,
            write_timeout_s: 5,
            queue_max: 4096,
            request_deadline_ms: 3000,
            batch_max: 512,
            drain_s: 5,
            allow_open: false,
            full_durability: true,
            json_log: false,
            log_requests_per_s: 200,
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
                self.listen = said.parsed(
                    "an address and a port: 127.0.0.1:8000, localhost:8000 or :8000 for this machine alone, \
                     0.0.0.0:8000 for every network; or unix:PATH",
                )?
            }
            "hold_ttl_s" => self.hold_ttl_s = said.whole(1, 86_400)?,
            "order_ttl_s" => self.order_ttl_s = said.whole(0, 31_536_000)?,
            "late_payment" => {
                self.accept_late_payments = said.one_of(["refund", "accept"])? == "accept"
            }
            "parked_ttl_s" => self.parked_ttl_s = said.whole(1, 31_536_000)?,
            "parked_max" => self.parked_max = said.whole(0, 1_000_000)?,
            "idempotency_ttl_s" => self.idempotency_ttl_s = said.whole(1, 31_536_000)?,
            "webhook_secrets" => self.webhook_secrets = webhook_secrets(said)?,
            "require_tokens" => self.require_tokens = said.switch()?,
            "admin_token" => self.admin_token = Some(AdminToken::parse(said.text()?)?),
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
            "log_requests_per_s" => self.log_requests_per_s = said.whole(0, 1_000_000)?,
            _ => return Err(no_such_key(key)),
        }
        Ok(())
    }

    /// Whether anybody who reaches the server may pay, cancel and release what is not theirs.
    pub fn is_open(&self) -> bool {
        self.webhook_secrets.is_empty() || !self.require_tokens
    }

    /// A server that others can reach must not be open unless somebody said that it is meant, and never has secrets that
    /// everybody knows.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Some(reached) = self.reached_from_elsewhere() else {
            return Ok(());
        };
        if self.is_open() && !self.allow_open {
            return Err(ConfigError::Invalid(format!(
                "{reached}, and anybody could pay, cancel and release what is not theirs; set webhook_secrets and \
                 require_tokens = true, or allow_open = true if that is meant"
            )));
        }
        let known = |key, makes_one| {
            let message = format!(
                "{reached}, and {key} is the README's example, which everybody knows; make your own: {makes_one}"
            );
            Err(ConfigError::Invalid(message))
        };
        if self.webhook_secrets.iter().any(WebhookSecret::is_example) {
            return known("webhook_secrets", "echo whsec_$(openssl rand -base64 32)");
        }
        if self
            .admin_token
            .as_ref()
            .is_some_and(AdminToken::is_example)
        {
            return known("admin_token", "openssl rand -hex 16");
        }
        Ok(())
    }

    /// By which key, and how.
    fn reached_from_elsewhere(&self) -> Option<String> {
        match &self.listen {
            Listen::Tcp(address) if !address.ip().to_canonical().is_loopback() => {
                Some(format!("listen: {address} can be reached from elsewhere"))
            }
            Listen::Unix(path) => Some(format!(
                "listen: whoever may open the socket {} is let in",
                path.display()
            )),
            Listen::Tcp(_) if !self.trusted_proxies.is_empty() => {
                Some("trusted_proxies: they bring requests from elsewhere".into())
            }
            Listen::Tcp(_) => None,
        }
    }
}

/// Names the key that was probably meant.
fn no_such_key(key: &str) -> String {
    const ALIKE_MIN: f64 = 0.8;
    let alike = KEYS
        .iter()
        .map(|known| (strsim::jaro_winkler(key, known), known));
    let nearest = alike.max_by(|one, other| one.0.total_cmp(&other.0));
    match nearest {
        Some((alike, known)) if alike >= ALIKE_MIN => {
            format!("there is no such key; did you mean {known}?")
        }
        _ => "there is no such key; flash_sale.example.toml lists all".into(),
    }
}

/// A variable that is empty was meant to say something: signatures are not switched off by a slip.
fn webhook_secrets(said: &Said<'_>) -> Result<Vec<WebhookSecret>, String> {
    let list = said.list()?;
    if matches!(said, Said::Text(_)) && list.is_empty() {
        return Err("it must name a secret, or not be set".into());
    }
    if list.len() > WEBHOOK_SECRETS_MAX {
        return Err(format!("there may be at most {WEBHOOK_SECRETS_MAX}"));
    }
    let secrets = list.iter().map(|text| WebhookSecret::parse(text));
    Ok(secrets.collect::<Result<_, _>>()?)
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
    list.iter().try_for_each(|text| origin::check(text))?;
    Ok(list)
}

/// Every key, in the order of the example file.
pub const KEYS: [&str; 28] = [
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
    "log_requests_per_s",
];

#[cfg(test)]
mod tests;
