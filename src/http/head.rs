//! From bytes to a request's head: what RFC 9112 asks, with every leniency that requests can be smuggled through refused.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use tiny_http::Method;

use super::body::Body;
use super::chunked::ChunkedBody;
use super::message::{Field, Refusal, Request, RequestInfo};
use super::target::{Target, is_authority};

const HEAD_BYTES_MAX: usize = 8 * 1024;
pub const HEADERS_MAX: usize = 64;
const TARGET_BYTES_MAX: usize = 1024;
const REQUEST_ID_BYTES_MAX: usize = 64;

/// A head that was read whole, and what it says about what follows.
#[derive(Debug)]
pub struct Head {
    pub request: Request,
    /// How many bytes it took.
    pub bytes: usize,
    pub body: Body,
    pub keep_alive: bool,
    pub is_http_1_0: bool,
    pub expects_continue: bool,
}

/// `None` while the head is incomplete. How large a body may be depends on the path.
pub fn parse(
    buffer: &[u8],
    peer: Option<SocketAddr>,
    body_bytes_max: impl Fn(&str) -> usize,
) -> Result<Option<Head>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    let bytes = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(bytes)) => bytes,
        Ok(httparse::Status::Partial) => return incomplete(buffer).map(|()| None),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
        Err(httparse::Error::Version) if names_a_version(buffer) => {
            return Err(Refusal::VersionUnknown);
        }
        Err(_) => return Err(Refusal::Malformed("The request is not valid HTTP/1.1.")),
    };
    let target = parsed.path.unwrap_or_default();
    if target.len() > TARGET_BYTES_MAX {
        return Err(Refusal::TargetTooLong);
    }
    if bytes > HEAD_BYTES_MAX {
        return Err(Refusal::HeadTooLarge);
    }
    let head = &buffer[..bytes];
    if has_bare_line_feed(head) {
        return Err(Refusal::Malformed(
            "A line of the head ends without a carriage return.",
        ));
    }
    let is_http_1_0 = parsed.version == Some(0);
    let method = parsed.method.unwrap_or_default().parse::<Method>();
    let method = method.map_err(|()| Refusal::Malformed("The method is not a token."))?;
    let Target {
        authority,
        path,
        query,
    } = Target::parse(target, &method)?;
    let request = Request {
        method,
        path,
        query,
        authority,
        body: Vec::new(),
        is_framed: false,
        id: Arc::default(),
        peer,
        began: Instant::now(),
        fields: parsed
            .headers
            .iter()
            .map(|field| field_at(buffer, field))
            .collect(),
        head: head.into(),
    };
    understand(request, bytes, is_http_1_0, body_bytes_max).map(Some)
}

fn understand(
    mut request: Request,
    bytes: usize,
    is_http_1_0: bool,
    body_bytes_max: impl Fn(&str) -> usize,
) -> Result<Head, Refusal> {
    let framing = framing(&request, is_http_1_0)?;
    request.is_framed = framing.is_some();
    check_host(&request, is_http_1_0)?;
    let body = match framing {
        Some(Framing::Length(length)) => {
            let bytes_max = body_bytes_max(&request.path);
            let length = usize::try_from(length).ok();
            let length = length.filter(|length| *length <= bytes_max);
            Body::OfLength(length.ok_or(Refusal::BodyTooLarge { bytes_max })?)
        }
        Some(Framing::Chunked) => {
            let bytes_max = body_bytes_max(&request.path);
            Body::Chunked(Box::new(ChunkedBody::new(bytes_max)))
        }
        None => Body::OfLength(0),
    };
    let expects_continue = expects_continue(&request)? && !is_http_1_0;
    let says = |option: &str| {
        request
            .header_values("Connection")
            .flat_map(|value| value.split(','))
            .any(|value| value.trim().eq_ignore_ascii_case(option))
    };
    let keep_alive = !says("close") && (!is_http_1_0 || says("keep-alive"));
    request.id = request_id(&request);
    Ok(Head {
        request,
        bytes,
        body,
        keep_alive,
        is_http_1_0,
        expects_continue,
    })
}

/// An incomplete head may already be too large to ever be completed.
fn incomplete(buffer: &[u8]) -> Result<(), Refusal> {
    let mut lines = buffer.split(|byte| *byte == b'\n');
    let line = lines.find(|line| !matches!(line, [] | [b'\r']));
    let target_bytes = line
        .unwrap_or_default()
        .split(|byte| *byte == b' ')
        .nth(1)
        .map_or(0, <[u8]>::len);
    if target_bytes > TARGET_BYTES_MAX {
        return Err(Refusal::TargetTooLong);
    }
    if buffer.len() > HEAD_BYTES_MAX {
        Err(Refusal::HeadTooLarge)
    } else {
        Ok(())
    }
}

fn has_bare_line_feed(head: &[u8]) -> bool {
    head.iter()
        .enumerate()
        .any(|(at, byte)| *byte == b'\n' && (at == 0 || head[at - 1] != b'\r'))
}

/// Whether the request line ends with a version, even if not one of ours.
fn names_a_version(buffer: &[u8]) -> bool {
    let lines = buffer.split(|byte| *byte == b'\n');
    let mut lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    matches!(words.as_slice(), [_, _, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

fn expects_continue(request: &Request) -> Result<bool, Refusal> {
    let mut expected = request
        .header_values("Expect")
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|expectation| !expectation.is_empty())
        .peekable();
    let has_expectations = expected.peek().is_some();
    if expected.all(|expectation| expectation.eq_ignore_ascii_case("100-continue")) {
        Ok(has_expectations)
    } else {
        Err(Refusal::Expectation)
    }
}

/// The Host header may be empty, and left out in HTTP/1.0.
fn check_host(request: &Request, is_http_1_0: bool) -> Result<(), Refusal> {
    let mut hosts = request.header_values("Host");
    match (hosts.next(), hosts.next()) {
        (None, _) if is_http_1_0 => Ok(()),
        (Some(host), None) if host.is_empty() || is_authority(host) => Ok(()),
        (Some(_), None) => Err(Refusal::Malformed("The Host header is not a host.")),
        (None, _) | (Some(_), Some(_)) => {
            Err(Refusal::Malformed("A request has exactly one Host header."))
        }
    }
}

fn field_at(buffer: &[u8], field: &httparse::Header<'_>) -> Field {
    let offset = |part: &[u8]| part.as_ptr() as usize - buffer.as_ptr() as usize;
    let (name, value) = (offset(field.name.as_bytes()), offset(field.value));
    Field {
        name: name..name + field.name.len(),
        value: value..value + field.value.len(),
    }
}

/// How a head says where the body ends.
enum Framing {
    Length(u64),
    Chunked,
}

/// Where two of them could be understood, none is: that is how requests are smuggled (RFC 9112, section 6.3).
fn framing(request: &Request, is_http_1_0: bool) -> Result<Option<Framing>, Refusal> {
    if !request.has_header("Transfer-Encoding") {
        return Ok(content_length(request)?.map(Framing::Length));
    }
    if request.has_header("Content-Length") {
        return Err(Refusal::Malformed(
            "A request has a Content-Length or a Transfer-Encoding, not both.",
        ));
    }
    let mut encodings = request.header_values("Transfer-Encoding");
    match (encodings.next(), encodings.next()) {
        (Some(encoding), None) if encoding.eq_ignore_ascii_case("chunked") && !is_http_1_0 => {
            Ok(Some(Framing::Chunked))
        }
        _ => Err(Refusal::TransferEncoding),
    }
}

fn content_length(request: &Request) -> Result<Option<u64>, Refusal> {
    let sent = request
        .fields
        .iter()
        .filter(|field| request.head[field.name.clone()].eq_ignore_ascii_case(b"Content-Length"));
    let values: Vec<&[u8]> = sent
        .map(|field| &request.head[field.value.clone()])
        .collect();
    match values.as_slice() {
        [] => Ok(None),
        [digits] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            let digits = std::str::from_utf8(digits).unwrap_or_default();
            Ok(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => Err(Refusal::Malformed(
            "A request has at most one Content-Length, and it is a number.",
        )),
    }
}

fn request_id(request: &Request) -> Arc<str> {
    match request.header("X-Request-Id").filter(|id| is_sane_id(id)) {
        Some(id) => id.into(),
        None => new_request_id(),
    }
}

fn is_sane_id(id: &str) -> bool {
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Unlike any other of this process, and most likely of any process.
fn new_request_id() -> Arc<str> {
    static OF_THIS_PROCESS: LazyLock<[u8; 16]> =
        LazyLock::new(|| hex(getrandom::u64().unwrap_or(u64::from(std::process::id()))));
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut id = [0; 32];
    let (process, serial) = id.split_at_mut(16);
    process.copy_from_slice(&*OF_THIS_PROCESS);
    serial.copy_from_slice(&hex(NEXT.fetch_add(1, Ordering::Relaxed)));
    std::str::from_utf8(&id)
        .expect("hexadecimal digits are text")
        .into()
}

/// Faster than `{:016x}`, which a request each would notice.
fn hex(number: u64) -> [u8; 16] {
    std::array::from_fn(|digit| {
        let nibble = (number >> (60 - 4 * digit)) & 0xf;
        b"0123456789abcdef"[nibble as usize]
    })
}

/// What can be told of a head that is refused or incomplete: its answer has the client's id, no body for `HEAD`, and can be
/// read by the page that it is for.
pub fn guess(buffer: &[u8], peer: Option<SocketAddr>, began: Instant) -> RequestInfo {
    let lines = buffer.split_inclusive(|byte| *byte == b'\n');
    let lines = lines.skip_while(|line| line.trim_ascii().is_empty());
    let mut head = lines.take_while(|line| !line.trim_ascii().is_empty());
    let request_line = head.next().unwrap_or_default().trim_ascii();
    let method = request_line.split(|byte| *byte == b' ').next();
    let method = method.and_then(|method| std::str::from_utf8(method).ok()?.parse().ok());
    let (mut id, mut origin) = (None, None);
    // A line without its end may be half of one.
    for line in head.filter(|line| line.ends_with(b"\n")) {
        id = id.or_else(|| value_of(line, b"x-request-id:").filter(|id| is_sane_id(id)));
        origin = origin.or_else(|| value_of(line, b"origin:"));
    }
    RequestInfo {
        id: id.map_or_else(new_request_id, Into::into),
        method,
        peer,
        origin: origin.map(Into::into),
        began,
    }
}

/// What a line says, if it begins with this name and its colon.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let (found, value) = line.split_at_checked(name.len())?;
    let value = std::str::from_utf8(value).ok()?.trim();
    found.eq_ignore_ascii_case(name).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_in_sixteen_digits() {
        for number in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(hex(number), format!("{number:016x}").as_bytes());
        }
    }
}
