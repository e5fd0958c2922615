//! The address on which the server listens.

use std::fmt;
use std::net::{AddrParseError, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use super::value::{Setting, Value};

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

impl Setting for Option<Listen> {
    fn read(value: Value<'_>) -> Result<Option<Listen>, String> {
        Listen::read(value).map(Some)
    }
}

impl Setting for Listen {
    fn read(value: Value<'_>) -> Result<Listen, String> {
        value.text()?.parse().map_err(|_| {
            "it must be an address and a port: 127.0.0.1:8000, localhost:8000 or :8000 for this machine alone, \
             0.0.0.0:8000 for every network; or unix:PATH"
                .into()
        })
    }
}
