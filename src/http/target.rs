//! The target of a request: a path and a query, or a URL of which they are a part (RFC 9112, section 3.2).

use tiny_http::Method;

use super::message::Refusal;

pub struct Target {
    /// The host of a URL; it counts more than the `Host` header.
    pub authority: Option<String>,
    pub path: String,
    pub query: Option<String>,
}

impl Target {
    pub fn parse(target: &str, method: &Method) -> Result<Target, Refusal> {
        const NO_PATH: Refusal = Refusal::Malformed("The request target is not a path.");
        if !target.is_ascii() || target.contains('#') {
            return Err(NO_PATH);
        }
        if target.starts_with('/') || (target == "*" && *method == Method::Options) {
            return Ok(Target::of(None, target));
        }
        let (scheme, rest) = target.split_once("://").ok_or(NO_PATH)?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(Refusal::Malformed(
                "The request target has an unknown scheme.",
            ));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if !is_authority(authority) {
            return Err(Refusal::Malformed("The request target has no valid host."));
        }
        Ok(Target::of(Some(authority.to_owned()), path))
    }

    /// No path is the root (RFC 9110, section 4.2.3).
    fn of(authority: Option<String>, path: &str) -> Target {
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (path, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        Target {
            authority,
            path: path.to_owned(),
            query,
        }
    }
}

/// A host, and maybe a port; no user (RFC 3986, section 3.2).
pub fn is_authority(text: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(literal) = text.strip_prefix('[') {
        return literal.split_once(']').is_some_and(|(address, port)| {
            address.parse::<std::net::Ipv6Addr>().is_ok()
                && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
    }
    let (name, port) = text.split_once(':').unwrap_or((text, ""));
    let is_name_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&\'()*+,;=%".contains(&byte);
    !name.is_empty() && name.bytes().all(is_name_byte) && is_port(port)
}
