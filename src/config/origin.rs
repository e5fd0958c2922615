//! The origin of a page, as a browser sends it (<https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin>). Origins are
//! compared as text: one that is written in another way would never match, and the page would be refused in the sale.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::value::{Setting, Value};

/// An origin, or `*` for every one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Origin, String> {
        check(text).map(|()| Origin(text.to_owned()))
    }
}

impl Setting for Vec<Origin> {
    fn read(value: Value<'_>) -> Result<Vec<Origin>, String> {
        value.list(str::parse)
    }
}

/// `Err` says what a browser sends instead, where that is clear, or what an origin is.
fn check(text: &str) -> Result<(), String> {
    if text == "*" || is_sent(text) {
        return Ok(());
    }
    let meant = written_as_sent(text);
    Err(if is_sent(&meant) {
        format!("{text:?} is no origin that a browser sends; it sends {meant:?}")
    } else {
        format!(
            "{text:?} is no origin that a browser sends: http:// or https://, a whole host in small ASCII letters, and a \
             port unless it is the scheme's own, like https://shop.example; or \"*\" alone for every page"
        )
    })
}

fn is_sent(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    let port_of_scheme = match scheme {
        "http" => "80",
        "https" => "443",
        _ => return false,
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    is_host(host) && port.is_none_or(|port| port != port_of_scheme && is_port(port))
}

fn is_port(port: &str) -> bool {
    let is_plain = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    is_plain && port.parse::<u16>().is_ok()
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return address
            .parse::<Ipv6Addr>()
            .is_ok_and(|parsed| parsed.to_string() == address);
    }
    let labels = host.strip_suffix('.').unwrap_or(host).split('.');
    let last_is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    if labels.clone().next_back().is_some_and(last_is_number) {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    host.len() <= 253
        && labels
            .into_iter()
            .all(|label| (1..=63).contains(&label.len()) && label.bytes().all(is_letter))
}

/// Without capitals, path and the scheme's own port.
fn written_as_sent(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    let Some((scheme, rest)) = text.split_once("://") else {
        return format!("https://{text}");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = if scheme == "http" { ":80" } else { ":443" };
    let host = authority.strip_suffix(port).unwrap_or(authority);
    format!("{scheme}://{host}")
}
