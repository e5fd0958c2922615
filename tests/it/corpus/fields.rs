//! A request's fields, and those that say where its body ends.

use super::*;

#[test]
fn a_field_is_a_name_a_colon_and_a_value() {
    let mut theme = Theme::open();
    theme.expect(
        stays([200]),
        with_field,
        cases! {
            "a value may be empty" => b"X:",
            "a value may be spaces" => b"X:   ",
            "a value needs no space before it" => b"X:y",
            "tabs around a value are no part of it" => b"X:\t y \t",
            "a value may hold colons" => b"X: y: z: \"w\"",
            "a value may hold tabs" => b"X: y\tz",
            "a value may be in any letters" => b"X: \xc3\xa9\xff\x80",
            "a name is any token" => b"!#$%&'*+-.^_`|~09az: y",
            "a field may come twice" => b"X: y\r\nX: z",
            "what nobody understands is overlooked" =>
                b"Range: bytes=0-1\r\nDNT: 1\r\nAccept: image/*",
        },
    );
    theme.expect(
        closes([400]).saying("\"bad_request\""),
        with_field,
        cases! {
            "a space before the colon is refused" => b"X : y",
            "a tab before the colon is refused" => b"X\t: y",
            "a space in a name is refused" => b"X Y: z",
            "a name without a colon is refused" => b"X",
            "a field without a name is refused" => b": y",
            "a colon alone is refused" => b":",
            "a parenthesis in a name is refused" => b"X(1): y",
            "a slash in a name is refused" => b"X/Y: z",
            "a quote in a name is refused" => b"\"X\": y",
            "NUL in a name is refused" => b"X\0Y: z",
            "DEL in a name is refused" => b"X\x7f: y",
            "other letters in a name are refused" => b"\xc3\xa9: y",
            "a line that goes on after a space is refused" => b"X: y\r\n z",
            "a line that goes on after a tab is refused" => b"X: y\r\n\tz",
            "a line of spaces is refused" => b"X: y\r\n   ",
            "NUL in a value is refused" => b"X: y\0z",
            "NUL in a long value is refused" => b"X: 0123456789012345678901234567890123456789\0z",
            "a bell in a value is refused" => b"X: y\x07z",
            "an escape byte in a value is refused" => b"X: \x1b[2J",
            "DEL in a value is refused" => b"X: y\x7f",
            "DEL in a long value is refused" => b"X: 0123456789012345678901234567890123456789\x7f",
            "a carriage return in a value is refused" => b"X: y\rz",
            "a carriage return before a value is refused" => b"X:\ry",
            "two carriage returns after a value are refused" => b"X: y\r",
            "a line feed after a value is refused" => b"X: y\nZ: w",
            "a carriage return on its own line is refused" => b"\r",
        },
    );
    theme.expect(
        closes([400]),
        as_written,
        cases! {
            "a space before the first field is refused" =>
                b"GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n",
            "a head that ends with a bare line feed is refused" =>
                b"GET /healthz HTTP/1.1\r\nHost: a\r\n\n",
            "a head whose lines all end with bare line feeds is refused" =>
                b"GET /healthz HTTP/1.1\nHost: a\n\n",
            "a head whose lines all end with carriage returns is refused" =>
                b"GET /healthz HTTP/1.1\rHost: a\r\r",
        },
    );
    theme.close();
}

#[test]
fn a_request_names_one_host() {
    let mut theme = Theme::open();
    theme.expect(
        stays([200]),
        with_fields,
        cases! {
            "a host may have a port" => b"Host: a:8000",
            "a host may be an IPv4 address" => b"Host: 127.0.0.1:8000",
            "a host may be an IPv6 address" => b"Host: [::1]:8000",
            "a host may be left empty" => b"Host:",
            "a field's name may be written in any case" => b"hOST: a",
            "a host may come last" => b"X: y\r\nHost: a",
        },
    );
    theme.expect(
        closes([400]).saying("\"bad_request\""),
        with_fields,
        cases! {
            "no host is refused" => b"X: y",
            "two hosts are refused" => b"Host: a\r\nHost: b",
            "the same host twice is refused" => b"Host: a\r\nX: y\r\nhost: a",
            "an empty host beside another is refused" => b"Host: a\r\nHost:",
            "a host that is no text is refused" => b"Host: \xff",
            "a second host that is no text is refused" => b"Host: a\r\nHost: \xff",
            "a host with a space in it is refused" => b"Host: a b",
            "a host with a tab in it is refused" => b"Host: a\tb",
            "a host with a path is refused" => b"Host: a/b",
            "a host with a user is refused" => b"Host: u@a",
            "a host with a port that is no number is refused" => b"Host: a:b",
            "two hosts in a line are refused" => b"Host: a, b",
            "a host in angle brackets is refused" => b"Host: <a>",
            "half of an IPv6 address is refused" => b"Host: [::1",
            "a host that is a URL is refused" => b"Host: http://a",
            "a host with a space before its colon is refused" => b"Host : a",
            "a host that goes on in the next line is refused" => b"Host: a\r\n .example",
        },
    );
    theme.expect(
        closes([400]),
        as_written,
        cases! {
            "a URL is no host" => b"GET http://a/healthz HTTP/1.1\r\n\r\n",
            "two hosts are refused in HTTP/1.0 too" =>
                b"GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
            "a HEAD without a host is refused without a body" => b"HEAD /healthz HTTP/1.1\r\n\r\n",
            "a HEAD after an empty line is refused without a body" =>
                b"\r\nHEAD /healthz HTTP/1.1\r\n\r\n",
        },
    );
    theme.close();
}

#[test]
fn a_length_is_digits_and_comes_once() {
    let mut theme = Theme::open();
    theme.expect(
        stays([422]).saying("\"product_id\""),
        post_hold_with,
        cases! {
            "a body of two bytes is read" => b"Content-Length: 2\r\n\r\n{}",
            "a length may have zeros before it" => b"Content-Length: 0002\r\n\r\n{}",
            "a length may have many zeros before it" =>
                b"Content-Length: 000000000000000000000000000000000000000002\r\n\r\n{}",
            "spaces around a length are no part of it" => b"Content-Length: \t2 \t\r\n\r\n{}",
            "a length's name may be written in any case" => b"cONTENT-lENGTH:2\r\n\r\n{}",
        },
    );
    theme.expect(
        closes([400]).saying("\"bad_request\""),
        post_hold_with,
        cases! {
            "an empty length is refused" => b"Content-Length:\r\n\r\n{}",
            "a negative length is refused" => b"Content-Length: -1\r\n\r\n{}",
            "a negative zero is refused" => b"Content-Length: -0\r\n\r\n{}",
            "a plus sign before a length is refused" => b"Content-Length: +2\r\n\r\n{}",
            "a fraction is refused" => b"Content-Length: 2.0\r\n\r\n{}",
            "an exponent is refused" => b"Content-Length: 2e0\r\n\r\n{}",
            "a hexadecimal length is refused" => b"Content-Length: 0x2\r\n\r\n{}",
            "an underscore in a length is refused" => b"Content-Length: 1_0\r\n\r\n{}",
            "a space in a length is refused" => b"Content-Length: 1 0\r\n\r\n{}",
            "a quoted length is refused" => b"Content-Length: \"2\"\r\n\r\n{}",
            "a word is refused" => b"Content-Length: two\r\n\r\n{}",
            "full-width digits are refused" => b"Content-Length: \xef\xbc\x92\r\n\r\n{}",
            "a parameter after a length is refused" => b"Content-Length: 2;x=y\r\n\r\n{}",
            "two lengths in a line are refused" => b"Content-Length: 2, 3\r\n\r\n{}",
            "the same length twice in a line is refused" => b"Content-Length: 2,2\r\n\r\n{}",
            "a comma after a length is refused" => b"Content-Length: 2,\r\n\r\n{}",
            "two lengths are refused" => b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            "the same length twice is refused" =>
                b"Content-Length: 2\r\ncontent-length: 2\r\n\r\n{}",
            "a length and an empty one are refused" =>
                b"Content-Length: 2\r\nContent-Length:\r\n\r\n{}",
            "a space before a length's colon is refused" => b"Content-Length : 2\r\n\r\n{}",
            "a length in the next line is refused" => b"Content-Length:\r\n 2\r\n\r\n{}",
            "a NUL after a length is refused" => b"Content-Length: 2\0\r\n\r\n{}",
        },
    );
    theme.expect(
        closes([413]).saying("\"body_too_large\""),
        post_hold_with,
        cases! {
            "2^32 + 2 bytes are too many" => b"Content-Length: 4294967298\r\n\r\n{}",
            "2^63 bytes are too many" => b"Content-Length: 9223372036854775808\r\n\r\n{}",
            "2^64 + 2 bytes are not two" => b"Content-Length: 18446744073709551618\r\n\r\n{}",
            "forty digits of bytes are too many" =>
                b"Content-Length: 1000000000000000000000000000000000000002\r\n\r\n{}",
        },
    );
    theme.expect(
        closes([411]).saying("\"length_required\""),
        request,
        cases! {
            "a hold without a length is refused" => b"POST /api/holds HTTP/1.1",
            "an order without a length is refused" => b"POST /api/orders HTTP/1.1",
            "a payment without a length is refused" => b"POST /api/payments/webhook HTTP/1.1",
        },
    );
    theme.expect(
        closes([411]),
        post_hold_with,
        cases! {
            "a body without a length is not read" => b"\r\n{}",
            "a length with an underscore in its name is none" => b"Content_Length: 2\r\n\r\n{}",
        },
    );
    theme.expect(
        stays([200]),
        get_health_with,
        cases! {
            "a GET may have a body of no bytes" => b"Content-Length: 0\r\n\r\n",
            "the body of a GET is read and dropped" => b"Content-Length: 5\r\n\r\nhello",
        },
    );
    theme.expect(
        stays([405]),
        as_written,
        cases! {
            "the body of a wrong method is read and dropped" =>
                b"PUT /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        },
    );
    theme.expect(
        stays([404]),
        as_written,
        cases! {
            "the body at a path that is not there is read and dropped" =>
                b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        },
    );
    theme.close();
}

#[test]
fn no_transfer_is_encoded_but_in_chunks() {
    let mut theme = Theme::open();
    theme.expect(
        closes([501]).saying("\"transfer_encoding_not_supported\""),
        post_hold_with,
        cases! {
            "compressed chunks are refused" => b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "chunked chunks are refused" => b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            "an unchanged body is refused" => b"Transfer-Encoding: identity\r\n\r\n{}",
            "an unknown encoding is refused" => b"Transfer-Encoding: xchunked\r\n\r\n{}",
            "an empty encoding is refused" => b"Transfer-Encoding:\r\n\r\n",
            "chunks with a parameter are refused" =>
                b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
            "chunks after a comma are refused" => b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
            "chunks before a comma are refused" =>
                b"Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
            "chunks that are named twice are refused" =>
                b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "chunks beside an empty encoding are refused" =>
                b"Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n",
            "chunked with a letter from elsewhere is another word" =>
                b"Transfer-Encoding: chun\xe2\x84\xaaed\r\n\r\n0\r\n\r\n",
            "a quoted encoding is refused" => b"Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
            "two encodings are refused" =>
                b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "an encoding in other letters is refused" =>
                b"Transfer-Encoding: \xffchunked\r\n\r\n0\r\n\r\n",
        },
    );
    theme.expect(
        closes([501]),
        as_written,
        cases! {
            "an encoding is refused where no body is needed" =>
                b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
            "chunks are refused in HTTP/1.0" =>
                b"POST /api/holds HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "chunks are refused in HTTP/1.0 on a connection that stays" =>
                b"POST /api/holds HTTP/1.0\r\nConnection: keep-alive\r\n\
                  Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "an encoding of a HEAD is refused without a body" =>
                b"HEAD /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
        },
    );
    theme.expect(
        closes([400]),
        get_health_with,
        cases! {
            "a space before its colon is refused" => b"Transfer-Encoding : chunked\r\n\r\n",
            "a vertical tab before its colon is refused" =>
                b"Transfer-Encoding\x0b: chunked\r\n\r\n",
            "a vertical tab before it is refused" => b"Transfer-Encoding: \x0bchunked\r\n\r\n",
            "an encoding in the next line is refused" => b"Transfer-Encoding:\r\n chunked\r\n\r\n",
            "one behind a bare line feed is refused" => b"X: y\nTransfer-Encoding: chunked\r\n\r\n",
            "one behind a bare carriage return is refused" =>
                b"X: y\rTransfer-Encoding: chunked\r\n\r\n",
            "one behind a space is refused" => b" Transfer-Encoding: chunked\r\n\r\n",
        },
    );
    theme.expect(
        stays([200]),
        with_field,
        cases! {
            "the encodings of the answer may be named" => b"TE: trailers, chunked",
            "a trailer may be announced" => b"Trailer: Expires",
            "a field of a longer name is another field" => b"X-Transfer-Encoding: chunked",
            "a field with an underscore is another field" => b"Transfer_Encoding: chunked",
        },
    );
    theme.close();
}
