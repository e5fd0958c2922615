//! The head of a request. An accepted one is read a second time to the letter of RFC 9112, by other code; and it does not matter
//! how its bytes were cut.
//!
//! `httparse` reads the lines for the server, so it is no second opinion here.

use flashsale::http::{Body, Head, Refusal, parse_head};

const BODY_BYTES_MAX: usize = 100;
const PREFIXES_MAX: usize = 64;

pub fn target(bytes: &[u8]) {
    let whole = read(bytes);
    let step = bytes.len().div_ceil(PREFIXES_MAX).max(1);
    for end in (0..bytes.len()).step_by(step) {
        match (read(&bytes[..end]), &whole) {
            (Ok(None), _) | (Err(_), Err(_)) => {}
            (Ok(Some(early)), Ok(Some(late))) => {
                assert_eq!(
                    early.bytes, late.bytes,
                    "more bytes change where a head ends"
                );
            }
            (Ok(Some(_)), _) => panic!("a head that is whole after {end} bytes is none later on"),
            (Err(refusal), _) => panic!("{refusal:?} after {end} bytes is taken back"),
        }
    }
    if let Ok(Some(head)) = &whole {
        let before_its_end = read(&bytes[..head.bytes - 1]);
        assert!(
            matches!(before_its_end, Ok(None)),
            "a head ends before its end"
        );
        check(head, &bytes[..head.bytes]);
    }
}

fn read(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    parse_head(bytes, None, |_| BODY_BYTES_MAX)
}

struct Reading<'a> {
    method: &'a [u8],
    target: &'a [u8],
    version: &'a [u8],
    fields: Vec<(&'a [u8], &'a [u8])>,
}

/// Empty lines before the request line are allowed (RFC 9112, section 2.2).
fn to_the_letter(mut bytes: &[u8]) -> Option<Reading<'_>> {
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    let mut lines = lines(bytes.strip_suffix(b"\r\n\r\n")?).into_iter();
    let words: Vec<&[u8]> = lines.next()?.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words.try_into().ok()?;
    let mut fields = Vec::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        let is_value = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
        if !is_token(name) || !value.iter().all(is_value) {
            return None;
        }
        fields.push((name, trimmed(value)));
    }
    let is_target = |byte: &u8| byte.is_ascii_graphic();
    let is_right = is_token(method) && !target.is_empty() && target.iter().all(is_target);
    is_right.then_some(Reading {
        method,
        target,
        version,
        fields,
    })
}

fn lines(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while let Some(at) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        lines.push(&bytes[..at]);
        bytes = &bytes[at + 2..];
    }
    lines.push(bytes);
    lines
}

fn is_token(text: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_letter)
}

fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn check(head: &Head, bytes: &[u8]) {
    let request = &head.request;
    let Some(reading) = to_the_letter(bytes) else {
        panic!("RFC 9112 does not read this head");
    };
    assert_eq!(request.method.as_str().as_bytes(), reading.method);
    let ours = match &request.query {
        Some(query) => format!("{}?{query}", request.path),
        None => request.path.clone(),
    };
    let is_path = reading.target.starts_with(b"/") || reading.target == b"*";
    if is_path {
        assert_eq!(ours.as_bytes(), reading.target);
    } else {
        let target = std::str::from_utf8(reading.target).unwrap();
        assert!(
            target.ends_with(ours.trim_start_matches('/')),
            "{target} is not {ours}"
        );
    }
    for (name, _) in &reading.fields {
        let same = reading
            .fields
            .iter()
            .filter(|it| it.0.eq_ignore_ascii_case(name));
        let theirs: Vec<_> = same
            .map(|(_, value)| std::str::from_utf8(value).unwrap_or("\u{fffd}"))
            .collect();
        let name = std::str::from_utf8(name).unwrap();
        assert_eq!(
            request.header_values(name).collect::<Vec<_>>(),
            theirs,
            "{name}"
        );
    }
    check_framing(head, &reading);
}

/// Where two could understand different things, nothing is understood.
fn check_framing(head: &Head, reading: &Reading<'_>) {
    let values = |name: &str| {
        let name = name.as_bytes();
        let same = reading
            .fields
            .iter()
            .filter(|it| it.0.eq_ignore_ascii_case(name));
        same.map(|(_, value)| *value).collect::<Vec<_>>()
    };
    let is_1_0 = reading.version == b"HTTP/1.0";
    assert!(is_1_0 || reading.version == b"HTTP/1.1");
    assert_eq!(head.is_http_1_0, is_1_0);
    let hosts = values("Host").len();
    assert!(hosts == 1 || is_1_0 && hosts == 0, "{hosts} hosts");
    let (lengths, codings) = (values("Content-Length"), values("Transfer-Encoding"));
    match (&lengths[..], &codings[..], &head.body) {
        ([], [], Body::OfLength(0)) => assert!(!head.request.is_framed),
        ([length], [], Body::OfLength(bytes)) => {
            let length = std::str::from_utf8(length).unwrap();
            assert!(length.bytes().all(|byte| byte.is_ascii_digit()));
            assert_eq!(length.parse(), Ok(*bytes));
            assert!(*bytes <= BODY_BYTES_MAX && head.request.is_framed);
        }
        ([], [coding], Body::Chunked(_)) => {
            assert!(coding.eq_ignore_ascii_case(b"chunked") && !is_1_0);
            assert!(head.request.is_framed);
        }
        (lengths, codings, body) => panic!("{lengths:?} and {codings:?} are read as {body:?}"),
    }
}
