//! `flashsale health`: whether a server answers that it is well, for containers that have no HTTP client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::process::ExitCode;

use clap::Args;

use super::cli_error::CliError;
use super::exit_status::{FOUND_A_PROBLEM, USAGE};
use super::report::print_line;
use crate::config::{Config, Listen};
use crate::http::{Address, probe};

#[derive(Args)]
pub struct Health {
    /// What is asked, instead of /healthz where the configuration listens: http://HOST:PORT/PATH
    #[arg(long)]
    url: Option<String>,
}

/// A server, and what it is asked.
struct Question {
    address: Address,
    host: String,
    path: String,
}

impl Health {
    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        let question = match &self.url {
            Some(url) => Question::from_url(url)?,
            None => Question::of_configured(&config.listen),
        };
        let Question {
            address,
            host,
            path,
        } = question;
        let unwell = |why: String| CliError::new(FOUND_A_PROBLEM, format!("{address} {why}"));
        let status = probe(&address, &host, &path)
            .map_err(|error| unwell(format!("does not answer: {error}")))?;
        if !(200..300).contains(&status) {
            return Err(unwell(format!("answers {status} to {path}")));
        }
        print_line(&format!("{address} answers {status} to {path}"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Question {
    fn of_configured(listen: &Listen) -> Question {
        let address = match listen {
            Listen::Tcp(address) => Address::Tcp(reachable(*address)),
            Listen::Unix(path) => Address::Unix(path.clone()),
        };
        Question {
            address,
            host: "localhost".into(),
            path: "/healthz".into(),
        }
    }

    fn from_url(url: &str) -> Result<Question, CliError> {
        let wrong = |why: &str| CliError::new(USAGE, format!("--url {url}: {why}"));
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| wrong("it must be like http://127.0.0.1:8000/healthz"))?;
        let (host, path) = match rest.find('/') {
            Some(end) => rest.split_at(end),
            None => (rest, "/healthz"),
        };
        if path.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(wrong("its path must be of visible ASCII characters"));
        }
        let with_port = if host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let address = with_port
            .to_socket_addrs()
            .ok()
            .and_then(|mut addresses| addresses.next())
            .ok_or_else(|| wrong("its host is not known; it must be HOST:PORT"))?;
        Ok(Question {
            address: Address::Tcp(address),
            host: host.into(),
            path: path.into(),
        })
    }
}

/// An address that means every one of the machine is asked on the machine itself.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
