//! The address of a server: a URL, which may hold a password, and so is never shown.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// `postgres://user:password@host:port,host:port/database?options`, in the words of libpq.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// As it was given.
    whole: String,
    /// Without what the driver does not read.
    text: String,
    tls: Tls,
    /// For people: without the user's password and the options.
    shown: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    None,
    /// By this file's root certificates, or the system's.
    Verified {
        root: Option<PathBuf>,
    },
}

impl Url {
    /// The error does not quote the text, nor any part of it.
    pub fn parse(text: &str) -> Result<Url, String> {
        let whole = text.to_owned();
        let (address, options) = text.split_once('?').unwrap_or((text, ""));
        // The driver looks for the user first, and would find the one that ends here.
        if !address.contains('@') && options.contains('@') {
            return Err(NOT_A_URL.into());
        }
        let (mut mode, mut root, mut others) = (None, None, Vec::new());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => root = Some(decoded(value)),
                _ => others.push(option),
            }
        }
        let text = if others.is_empty() {
            address.to_owned()
        } else {
            format!("{address}?{}", others.join("&"))
        };
        let config = read(&text).ok_or(NOT_A_URL)?;
        if config.get_hosts().is_empty() {
            return Err(NOT_A_URL.into());
        }
        if config.get_user().is_none() {
            return Err("it names no user: postgres://USER:PASSWORD@HOST/DATABASE".into());
        }
        let tls = match mode.as_deref() {
            None if is_this_machine(&config) => Tls::None,
            Some("disable") => Tls::None,
            None | Some("require" | "verify-ca" | "verify-full") => Tls::Verified { root },
            Some(_) => return Err(
                "sslmode must be one of disable, verify-full; require and verify-ca mean verify-full. It is verify-full for every \
                 host but this machine"
                    .into(),
            ),
        };
        let shown = shown(&config);
        Ok(Url {
            whole,
            text,
            tls,
            shown,
        })
    }

    /// The same database by the same way, where names without a schema mean one of this schema.
    pub fn in_schema(&self, schema: &str) -> Url {
        let search_path = format!("-csearch_path%3D{schema}");
        let (address, options) = self.whole.split_once('?').unwrap_or((&self.whole, ""));
        let mut options: Vec<String> = options.split('&').map(str::to_owned).collect();
        options.retain(|option| !option.is_empty());
        // Of two settings of one name the later one counts.
        match options.iter_mut().find(|it| it.starts_with("options=")) {
            Some(option) => option.push_str(&format!("%20{search_path}")),
            None => options.push(format!("options={search_path}")),
        }
        let whole = format!("{address}?{}", options.join("&"));
        Url::parse(&whole).expect("another option leaves a URL as right as it was")
    }

    /// With its password: for a process of the same user.
    pub fn exposed(&self) -> &str {
        &self.whole
    }

    pub fn has_password(&self) -> bool {
        self.config().get_password().is_some()
    }

    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// One for each host, in order, so that one that stands still does not keep the others from being tried. No TLS for a
    /// folder with a socket, where PostgreSQL has none.
    pub fn configs(&self) -> Vec<Config> {
        let alone = hosts_alone(&self.text);
        let alone = alone.iter().map(|text| read(text)).collect::<Option<_>>();
        let whole = self.config();
        let hosts = whole.get_hosts().len();
        let mut configs: Vec<Config> = alone
            .filter(|alone: &Vec<Config>| alone.len() == hosts && whole.get_hostaddrs().is_empty())
            .unwrap_or_else(|| vec![whole]);
        for config in &mut configs {
            let is_socket = |host: &Host| matches!(host, Host::Unix(_));
            let has_tls = self.tls != Tls::None && !config.get_hosts().iter().all(is_socket);
            config.ssl_mode(if has_tls {
                SslMode::Require
            } else {
                SslMode::Disable
            });
        }
        configs
    }

    fn config(&self) -> Config {
        read(&self.text).expect("it was read before")
    }
}

fn read(text: &str) -> Option<Config> {
    Config::from_str(text).ok()
}

/// The URL for each of its hosts.
fn hosts_alone(url: &str) -> Vec<String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let (user, hosts) = authority.split_once('@').unwrap_or(("", authority));
    hosts
        .split(',')
        .map(|host| format!("{scheme}://{user}@{host}{rest}"))
        .collect()
}

const NOT_A_URL: &str = "it is not a URL of a PostgreSQL server: \
    postgres://USER:PASSWORD@HOST:PORT/DATABASE, with %XX for characters of the password that a URL has another use for";

fn is_this_machine(config: &Config) -> bool {
    let is_here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: IpAddr| address.is_loopback())
        }
    };
    let addresses = config.get_hostaddrs();
    config.get_hosts().iter().all(is_here) && addresses.iter().all(IpAddr::is_loopback)
}

fn decoded(value: &str) -> PathBuf {
    let pair = format!("v={}", value.replace('+', "%2B"));
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    PathBuf::from(
        pairs
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default(),
    )
}

fn shown(config: &Config) -> String {
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| {
        let ports = config.get_ports();
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(folder) => format!("{}:{port}", folder.display()),
        }
    });
    let hosts: Vec<String> = hosts.collect();
    let database = config
        .get_dbname()
        .or(config.get_user())
        .unwrap_or_default();
    format!("postgres://{}/{database}", hosts.join(","))
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        let url =
            Url::parse("postgres://ada:s3cret%40@db1:5433,db2/shop?options=-csearch_path%3Dx")
                .unwrap();
        assert_eq!(url.to_string(), "postgres://db1:5433,db2:5432/shop");
        assert_eq!(format!("{url:?}"), url.to_string());
        for text in [
            "postgres://ada:s3cret@db1:port/shop",
            "postgres://ada:s3cret@/x?y=1",
            "postgres://ada:s3?cret@db1/shop",
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(!error.contains("s3"), "{error}");
        }
    }

    #[test]
    fn each_host_is_tried_alone_and_a_socket_without_tls() {
        let hosts = |text: &str| {
            let configs = Url::parse(text).unwrap().configs();
            let hosts = configs.iter().map(|config| {
                let tls = config.get_ssl_mode() == SslMode::Require;
                (config.get_hosts().len(), config.get_ports().to_vec(), tls)
            });
            hosts.collect::<Vec<_>>()
        };
        let found = hosts("postgres://ada:a%40b@db1:5433,%2Frun%2Fpg,db2/shop?options=-cx%3D1");
        assert_eq!(
            found,
            [
                (1, vec![5433], true),
                (1, vec![5432], false),
                (1, vec![5432], true)
            ]
        );
        let found = hosts("postgres://ada@db1,db2/shop?hostaddr=10.0.0.1,10.0.0.2");
        assert_eq!(found, [(2, vec![5432, 5432], true)]);
    }

    #[test]
    fn tls_is_verified_but_on_this_machine() {
        let tls = |text: &str| Url::parse(text).map(|url| url.tls);
        let verified = Ok(Tls::Verified { root: None });
        assert_eq!(tls("postgres://ada@localhost/shop"), Ok(Tls::None));
        assert_eq!(tls("postgres://ada@127.0.0.1,[::1]/shop"), Ok(Tls::None));
        assert_eq!(
            tls("postgresql://ada@%2Frun%2Fpostgresql/shop"),
            Ok(Tls::None)
        );
        assert_eq!(tls("postgres://ada@db1/shop"), verified);
        assert_eq!(
            tls("postgres://ada@localhost/shop?hostaddr=10.0.0.1"),
            verified
        );
        assert_eq!(tls("postgres://ada@localhost,db1/shop"), verified);
        assert_eq!(tls("postgres://ada@db1/shop?sslmode=require"), verified);
        assert_eq!(
            tls("postgres://ada@db1/shop?sslmode=disable"),
            Ok(Tls::None)
        );
        assert!(tls("postgres://ada@db1/shop?sslmode=prefer").is_err());
        let root = Some(PathBuf::from("/etc/ca file.pem"));
        assert_eq!(
            tls("postgres://ada@db1/shop?sslrootcert=%2Fetc%2Fca%20file.pem"),
            Ok(Tls::Verified { root })
        );
    }
}
