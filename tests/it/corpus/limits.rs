//! How large a request may be, to the byte.

use super::*;

#[test]
fn every_limit_holds_to_the_byte() {
    let target = |bytes: usize| [&b"/"[..], &b"a".repeat(bytes - 1)].concat();
    let query = |bytes: usize| [&b"/healthz?"[..], &b"a".repeat(bytes - 9)].concat();
    let url = |bytes: usize| [&b"http://a/"[..], &b"a".repeat(bytes - 9)].concat();
    let mut theme = Theme::open();
    theme.expect(
        stays([404]),
        get,
        cases! {
            "a path may have 1024 bytes" => &target(1024),
            "a URL may have 1024 bytes" => &url(1024),
        },
    );
    theme.expect(
        stays([200]),
        get,
        cases! {
            "a query may fill 1024 bytes" => &query(1024),
        },
    );
    theme.expect(
        closes([414]).saying("\"uri_too_long\""),
        get,
        cases! {
            "a path of 1025 bytes is too long" => &target(1025),
            "a URL of 1025 bytes is too long" => &url(1025),
            "a query that fills 1025 bytes is too long" => &query(1025),
        },
    );
    theme.expect(
        closes([414]),
        as_written,
        cases! {
            "a path without an end is too long" => &[b"GET ", &target(9000)[..]].concat(),
            "a path of a HEAD without an end is too long" =>
                &[b"HEAD ", &target(9000)[..]].concat(),
        },
    );

    let head = |bytes: usize| {
        let start = b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ";
        [
            start,
            &b"y".repeat(bytes - start.len() - 4)[..],
            b"\r\n\r\n",
        ]
        .concat()
    };
    let long_name = [&b"X".repeat(8000)[..], b": y"].concat();
    let numbered = |count: usize| -> Vec<u8> {
        (1..count)
            .flat_map(|number| format!("X-{number}: y\r\n").into_bytes())
            .collect()
    };
    let ended = |fields: Vec<u8>| [&fields[..], b"\r\n"].concat();
    let too_large = closes([431]).saying("\"headers_too_large\"");
    theme.expect(
        stays([200]),
        as_written,
        cases! {
            "a head may have 8192 bytes" => &head(8192),
        },
    );
    theme.expect(
        stays([200]),
        with_field,
        cases! {
            "a field's name may have 8000 bytes" => &long_name,
        },
    );
    theme.expect(
        stays([200]),
        get_health_with,
        cases! {
            "a head may have 64 fields" => &ended(numbered(64)),
        },
    );
    theme.expect(
        too_large.clone(),
        as_written,
        cases! {
            "a head of 8193 bytes is too large" => &head(8193),
            "a head of 8193 bytes without an end is too large" => &head(8197)[..8193],
            "a method of 8193 bytes is too large" => &b"M".repeat(8193),
            "empty lines of 8194 bytes are too large" => &b"\r\n".repeat(4097),
        },
    );
    theme.expect(
        too_large,
        get_health_with,
        cases! {
            "a head of 65 fields is too large" => &ended(numbered(65)),
            "a head of 65 fields without an end is too large" => &numbered(66),
        },
    );

    let padded = |bytes: usize| [HOLD, &b" ".repeat(bytes - HOLD.len())].concat();
    theme.expect(
        stays([201]),
        hold,
        cases! {
            "a body may have 16384 bytes" => &padded(16_384),
        },
    );
    theme.expect(
        closes([413]).saying("\"body_too_large\""),
        hold,
        cases! {
            "a body of 16385 bytes is too large" => &padded(16_385),
        },
    );
    theme.expect(
        closes([413]),
        get_health_with,
        cases! {
            "a body that is too large need not come" => b"Content-Length: 16385\r\n\r\n",
            "a body of a GET is no larger" =>
                &[b"Content-Length: 20000\r\n\r\n", &[b'x'; 20_000][..]].concat(),
        },
    );
    theme.close();
}
