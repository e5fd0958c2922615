//! Where a request comes from: the client's address and host, through the proxies that the configuration trusts.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use ipnet::IpNet;

use crate::http::Request;

#[derive(Debug, Default)]
pub struct Proxies {
    /// Whose `X-Forwarded-For` and `X-Forwarded-Host` are believed.
    trusted: Vec<IpNet>,
    /// Whether neither tokens nor signatures are required.
    is_open: bool,
    has_warned: AtomicBool,
}

const FORWARDED_FOR: &str = "X-Forwarded-For";
const FORWARDED_HOST: &str = "X-Forwarded-Host";
const FORWARDED: &str = "X-Forwarded-";

impl Proxies {
    pub fn new(trusted: Vec<IpNet>, is_open: bool) -> Proxies {
        Proxies {
            trusted,
            is_open,
            has_warned: AtomicBool::new(false),
        }
    }

    /// The last address that a trusted proxy vouches for: each appends the one it was called from, and what stands before
    /// the first of them that is not ours may be invented.
    pub fn client_of(&self, request: &Request) -> Option<IpAddr> {
        let mut client = request.peer?.ip().to_canonical();
        if self.trusted.is_empty() {
            return Some(client);
        }
        let forwarded: Vec<&str> = request
            .header_values(FORWARDED_FOR)
            .flat_map(|value| value.split(','))
            .collect();
        for hop in forwarded.into_iter().rev() {
            match address(hop.trim()).filter(|_| self.is_trusted(client)) {
                Some(address) => client = address,
                None => break,
            }
        }
        Some(client)
    }

    /// Which hosts a trusted proxy was asked for, by its word and that of proxies before it.
    pub fn forwarded_hosts<'a>(&self, request: &'a Request) -> impl Iterator<Item = &'a str> {
        let is_trusted = request
            .peer
            .is_some_and(|peer| self.is_trusted(peer.ip().to_canonical()));
        let hosts = request.header_values(FORWARDED_HOST);
        hosts
            .filter(move |_| is_trusted)
            .flat_map(|value| value.split(','))
            .map(str::trim)
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// An open server is meant for clients on its own machine: that a proxy stands before it is logged, once.
    pub fn warn_if_exposed(&self, request: &Request) {
        if self.is_open
            && !self.has_warned.load(Ordering::Relaxed)
            && request.has_header_beginning(FORWARDED)
            && !self.has_warned.swap(true, Ordering::Relaxed)
        {
            log::warn!(
                "a proxy forwards requests ({FORWARDED}…) to a server that checks no signatures and asks for no tokens: \
                 every client of the proxy can pay, cancel and release what is not its own; set require_tokens and \
                 webhook_secrets"
            );
        }
    }
}

/// With or without a port, as proxies differ.
fn address(hop: &str) -> Option<IpAddr> {
    let address = hop.parse().ok();
    let address = address.or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    fn client(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let trusted = trusted.split(' ').map(|net| net.parse().unwrap()).collect();
        let mut request = Request::new(Method::Get, "/");
        request.peer = Some(SocketAddr::new(peer.parse().unwrap(), 4711));
        for value in forwarded {
            request = request.with_header("X-Forwarded-For", value);
        }
        let client = Proxies::new(trusted, false).client_of(&request);
        client.unwrap().to_string()
    }

    #[test]
    fn only_what_a_trusted_proxy_saw_is_believed() {
        let ours = "10.0.0.0/8 ::1/128";
        assert_eq!(client(ours, "9.9.9.9", &["1.1.1.1"]), "9.9.9.9");
        assert_eq!(client(ours, "10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(client(ours, "10.0.0.1", &["6.6.6.6, 1.1.1.1"]), "1.1.1.1");
        assert_eq!(
            client(ours, "10.0.0.1", &["6.6.6.6", "1.1.1.1, 10.0.0.2"]),
            "1.1.1.1"
        );
        assert_eq!(
            client(ours, "10.0.0.1", &["1.1.1.1:5, nonsense"]),
            "10.0.0.1"
        );
        assert_eq!(client(ours, "10.0.0.1", &["1.1.1.1:5"]), "1.1.1.1");
        assert_eq!(
            client(ours, "::ffff:10.0.0.1", &["[2001:db8::1]:5"]),
            "2001:db8::1"
        );
        assert_eq!(client(ours, "10.0.0.1", &[]), "10.0.0.1");
    }
}
