//! Entity tags, and which of them a client has already (RFC 9110, section 13.1.2).

use sha2::{Digest, Sha256};

use crate::http::{Request, Response};

/// The values of `If-None-Match`, as sent.
pub struct KnownTags(Vec<String>);

impl KnownTags {
    pub fn of(request: &Request) -> KnownTags {
        let values = request.header_values("If-None-Match");
        KnownTags(values.map(str::to_owned).collect())
    }

    /// 304 if the client has this tag already: weak comparison.
    pub fn unless_known(&self, tag: &str, response: impl FnOnce() -> Response) -> Response {
        let KnownTags(values) = self;
        let is_known = values
            .iter()
            .any(|value| value.trim() == "*" || lists(value, tag));
        let mut response = if is_known {
            Response::new(304)
        } else {
            response()
        };
        response.cache_control = "no-cache";
        response.with_header("ETag", tag)
    }

    /// 304 if the client has this very answer. No cache keeps what the operator sees: the tag is for pages that ask again.
    pub fn unless_unchanged(&self, response: Response) -> Response {
        let (tag, cache_control) = (entity_tag(&response.body), response.cache_control);
        let mut response = self.unless_known(&tag, || response);
        response.cache_control = cache_control;
        response
    }
}

/// Weak, because it covers everything in the body but `server_time`.
pub fn entity_tag(body: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(body).into();
    let tag = digest
        .first_chunk()
        .map_or(0, |half| u128::from_be_bytes(*half));
    format!("W/\"{tag:032x}\"")
}

/// Whether a list of entity tags has this one, which may be there as a strong one too.
fn lists(mut list: &str, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    loop {
        list = list.trim_start_matches([' ', '\t', ',']);
        let quoted = list.strip_prefix("W/").unwrap_or(list);
        let Some((inside, rest)) = quoted
            .strip_prefix('"')
            .and_then(|text| text.split_once('"'))
        else {
            return false;
        };
        if opaque.trim_matches('"') == inside {
            return true;
        }
        list = rest;
    }
}
