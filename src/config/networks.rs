//! Networks of proxies.

use std::net::IpAddr;

use ipnet::IpNet;

use super::value::{Setting, Value};

impl Setting for Vec<IpNet> {
    /// An address is a network of its own.
    fn read(value: Value<'_>) -> Result<Vec<IpNet>, String> {
        value.list(|text| {
            let network = text.parse::<IpNet>().ok();
            network
                .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
                .ok_or_else(|| format!("{text:?} is no address and no network, like 10.0.0.0/8"))
        })
    }
}
