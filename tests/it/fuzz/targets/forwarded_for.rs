//! `X-Forwarded-For`. Of a peer that is no proxy of ours nothing is believed; and what a client writes in front of what our
//! proxies wrote changes nothing.

use std::net::{IpAddr, SocketAddr};

use flashsale::api::Proxies;
use flashsale::http::{Method, Request};

use super::{header_values, parts};

pub fn target(bytes: &[u8]) {
    let Some([peer, values]) = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| parts(text.as_bytes()))
    else {
        return;
    };
    let [peer, values] = [peer, values].map(|part| std::str::from_utf8(part).unwrap());
    let Ok(peer) = peer.parse::<IpAddr>() else {
        return;
    };
    let values = header_values(values);
    let client = client_of(peer, &values);
    if !is_ours(peer) {
        assert_eq!(client, peer.to_canonical());
    }
    let hops = values
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let mut named = hops.filter_map(|hop| {
        let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
        hop.parse::<IpAddr>().ok().or_else(with_port)
    });
    let is_peer = client == peer.to_canonical();
    assert!(
        is_peer || named.any(|hop| hop.to_canonical() == client),
        "{client} is invented"
    );
    if !is_ours(client) {
        let forged: Vec<&str> = ["6.6.6.6, 10.0.0.1"]
            .into_iter()
            .chain(values.iter().copied())
            .collect();
        assert_eq!(
            client_of(peer, &forged),
            client,
            "a client's word is believed"
        );
    }
}

fn is_ours(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets()[0] == 10,
        IpAddr::V6(address) => address.is_loopback(),
    }
}

fn client_of(peer: IpAddr, values: &[&str]) -> IpAddr {
    let trusted = ["10.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap());
    let proxies = Proxies::new(trusted.to_vec(), false);
    let mut request = Request::new(Method::Get, "/");
    request.peer = Some(SocketAddr::new(peer, 4711));
    for value in values {
        request = request.with_header("x-forwarded-for", value);
    }
    proxies.client_of(&request).expect("there is a peer")
}
