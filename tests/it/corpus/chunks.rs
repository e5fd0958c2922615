//! Bodies in chunks: what of RFC 9112, section 7.1 is read, and how much of it.

use super::*;

/// A hold by what follows its head.
pub fn chunked_hold(chunks: &[u8]) -> Vec<u8> {
    chunked("/api/holds", chunks)
}

fn chunked(path: &str, chunks: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    [head.as_bytes(), chunks].concat()
}

/// A whole body of one chunk.
pub fn one_chunk(body: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", body.len());
    [size.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}

/// A whole body by the line of its first chunk's size.
fn first_line(line: &[u8]) -> Vec<u8> {
    chunked_hold(&[line, b"\r\n", HOLD, b"\r\n0\r\n\r\n"].concat())
}

/// A whole body by what follows its last chunk's size.
fn after_last_chunk(end: &[u8]) -> Vec<u8> {
    chunked_hold(&[b"1d\r\n", HOLD, b"\r\n0\r\n", end].concat())
}

#[test]
fn a_body_may_come_in_chunks() {
    let mut theme = Theme::open();
    theme.expect(
        stays([201]),
        chunked_hold,
        cases! {
            "one chunk is a body" => b"1d\r\n{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n",
            "several chunks are a body" =>
                b"1\r\n{\r\nd\r\n\"product_id\":\r\nf\r\n1,\"quantity\":1}\r\n0\r\n\r\n",
            "a chunk may hold line ends" =>
                b"21\r\n{\"product_id\":1,\r\n\r\n\"quantity\":1}\r\n0\r\n\r\n",
            "the last chunk may have several zeros" =>
                b"1d\r\n{\"product_id\":1,\"quantity\":1}\r\n0000\r\n\r\n",
        },
    );
    theme.expect(
        stays([201]),
        post_hold_with,
        cases! {
            "chunked may be written in any case" =>
                b"tRANSFER-eNCODING:cHUNKED\r\n\r\n\
                  1d\r\n{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n",
            "tabs around it are no part of it" =>
                b"Transfer-Encoding:\tchunked \t\r\n\r\n\
                  1D\r\n{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n",
        },
    );
    theme.expect(
        stays([200]),
        as_written,
        cases! {
            "chunks of a GET are read and dropped" =>
                b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                  1\r\nx\r\n0\r\n\r\n",
            "chunks of a HEAD are read and dropped" =>
                b"HEAD /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                  1\r\nx\r\n0\r\n\r\n",
        },
    );
    theme.expect(
        stays([404]),
        as_written,
        cases! {
            "chunks at a path that is not there are read and dropped" =>
                b"POST /nothing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                  1\r\nx\r\n0\r\n\r\n",
        },
    );
    theme.expect(
        stays([400]).saying("\"invalid_json\""),
        chunked_hold,
        cases! {
            "no chunk but the last is an empty body" => b"0\r\n\r\n",
            "half of an object in chunks is half of one" => b"1\r\n{\r\n0\r\n\r\n",
        },
    );
    theme.expect(
        closes([201]),
        post_hold_with,
        cases! {
            "a body in chunks may be the last" =>
                b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                  1d\r\n{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n",
        },
    );
    theme.expect(
        stays([201, 201, 200]),
        chunked_hold,
        cases! {
            "requests may follow the last chunk at once" =>
                b"1d\r\n{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n\
                  POST /api/holds HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                  1d\r\n{\"product_id\":1,\"quantity\":1}\r\n0\r\nX: y\r\n\r\n\
                  GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        },
    );
    theme.close();
}

#[test]
fn a_chunk_says_its_size_in_plain_digits() {
    let mut theme = Theme::open();
    theme.expect(
        stays([201]),
        first_line,
        cases! {
            "digits may be small letters" => b"1d",
            "digits may be capitals" => b"1D",
            "a size may have zeros before it" => b"001d",
            "a size may have sixteen digits" => b"000000000000001d",
        },
    );
    theme.expect(
        closes([400]).saying("\"bad_request\""),
        first_line,
        cases! {
            "a size has at most sixteen digits" => b"0000000000000001d",
            "no size is refused" => b"",
            "a plus sign is refused" => b"+1d",
            "a minus sign is refused" => b"-1d",
            "a hexadecimal prefix is refused" => b"0x1d",
            "a hexadecimal suffix is refused" => b"1dh",
            "an underscore is refused" => b"1_d",
            "a letter that is no digit is refused" => b"1g",
            "a point is refused" => b"1d.0",
            "a comma is refused" => b"1d,1d",
            "full-width digits are refused" => b"\xef\xbc\x91d",
            "a space before a size is refused" => b" 1d",
            "a tab before a size is refused" => b"\t1d",
            "a space in a size is refused" => b"1 d",
            "a space after a size is refused" => b"1d ",
            "a tab after a size is refused" => b"1d\t",
            "a NUL after a size is refused" => b"1d\0",
            "a vertical tab after a size is refused" => b"1d\x0b",
            "a carriage return too many is refused" => b"1d\r",
            "an empty line before a size is refused" => b"\r\n1d",
            "a quoted size is refused" => b"\"1d\"",
            "a size that is a name is refused" => b"chunk",
        },
    );
    theme.expect(
        closes([400]),
        chunked_hold,
        cases! {
            "a size that ends with a bare line feed is refused" =>
                b"1d\n{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n",
            "a size that ends with a bare carriage return is refused" =>
                b"1d\r{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n",
            "a chunk that is shorter than it says is refused" =>
                b"1e\r\n{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n",
            "a chunk that is longer than it says is refused" =>
                b"1c\r\n{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n",
            "a chunk without its line end is refused" =>
                b"1d\r\n{\"product_id\":1,\"quantity\":1}0\r\n\r\n",
            "a chunk that ends with a bare line feed is refused" =>
                b"1d\r\n{\"product_id\":1,\"quantity\":1}\n0\r\n\r\n",
            "a chunk that ends with a bare carriage return is refused" =>
                b"1d\r\n{\"product_id\":1,\"quantity\":1}\r0\r\n\r\n",
            "a chunk that ends with two line ends is refused" =>
                b"1d\r\n{\"product_id\":1,\"quantity\":1}\r\n\r\n0\r\n\r\n",
            "a body that is not in chunks is refused" => b"{\"product_id\":1,\"quantity\":1}",
            "the last chunk ends with CRLF" =>
                b"1d\r\n{\"product_id\":1,\"quantity\":1}\r\n0\n\n",
        },
    );
    theme.close();
}

#[test]
fn extensions_of_chunks_are_read_and_dropped() {
    let mut theme = Theme::open();
    let long = |bytes: usize| [b"1d;", &b"x".repeat(bytes - 1)[..]].concat();
    theme.expect(
        stays([201]),
        first_line,
        cases! {
            "an extension may have a name" => b"1d;a",
            "an extension may have a value" => b"1d;a=b",
            "an extension may be quoted" => b"1d;a=\"b c;d=\"",
            "a quote may be escaped" => b"1d;a=\"\\\"\"",
            "a quoted value may be empty" => b"1d;a=\"\"",
            "a quoted value may be in any letters" => b"1d;a=\"\xc3\xa9\xff\"",
            "a quoted value may hold a tab" => b"1d;a=\"\t\"",
            "there may be several extensions" => b"1d;a;b=c;d=\"e\"",
            "there may be spaces around the signs" => b"1d ;\ta = b ; c",
            "extensions may have 1024 bytes" => &long(1024),
        },
    );
    theme.expect(
        closes([400]).saying("\"bad_request\""),
        first_line,
        cases! {
            "extensions of 1025 bytes are too large" => &long(1025),
            "an extension without a name is refused" => b"1d;",
            "a value without a name is refused" => b"1d;=b",
            "an empty value is refused" => b"1d;a=",
            "two values are refused" => b"1d;a=b=c",
            "an extension too few between two signs is refused" => b"1d;;a",
            "two words are refused" => b"1d;a b",
            "a space after the last extension is refused" => b"1d;a ",
            "a quote without its end is refused" => b"1d;a=\"b",
            "an escape without its letter is refused" => b"1d;a=\"b\\",
            "a quote in a value is refused" => b"1d;a=b\"c\"",
            "a word after a quote is refused" => b"1d;a=\"b\"c",
            "an extension without its sign is refused" => b"1d a",
            "a NUL in an extension is refused" => b"1d;a=\"\0\"",
            "DEL in an extension is refused" => b"1d;a=\"\x7f\"",
            "other letters in a name are refused" => b"1d;\xc3\xa9",
        },
    );
    let two = |bytes: usize| {
        let half = [b";", &b"x".repeat(511)[..]].concat();
        let rest = [b";", &b"y".repeat(bytes - 513)[..]].concat();
        [
            b"1c",
            &half[..],
            b"\r\n",
            &HOLD[..28],
            b"\r\n1",
            &rest,
            b"\r\n}\r\n0\r\n\r\n",
        ]
        .concat()
    };
    theme.expect(
        stays([201]),
        chunked_hold,
        cases! {
            "extensions of several chunks may have 1024 bytes" => &two(1024),
        },
    );
    theme.expect(
        closes([400]),
        chunked_hold,
        cases! {
            "extensions of several chunks have no more than 1024 bytes" => &two(1025),
            "an extension without an end is too large" =>
                &[b"1d;a=", &b"x".repeat(9000)[..]].concat(),
        },
    );
    theme.close();
}

#[test]
fn trailers_are_read_and_dropped() {
    let long = |bytes: usize| [b"X: ", &b"y".repeat(bytes - 3)[..], b"\r\n\r\n"].concat();
    let many = |count: usize| [&b"X:y\r\n".repeat(count)[..], b"\r\n"].concat();
    let mut theme = Theme::open();
    theme.expect(
        stays([201]),
        after_last_chunk,
        cases! {
            "there may be a trailer" => b"X: y\r\n\r\n",
            "there may be several trailers" => b"X: y\r\nZ:\r\nDigest: \xff\r\n\r\n",
            "a trailer sets no length" => b"Content-Length: 5\r\n\r\n",
            "a trailer encodes nothing" => b"Transfer-Encoding: gzip\r\n\r\n",
            "a trailer does not close" => b"Connection: close\r\n\r\n",
            "a trailer expects nothing" => b"Expect: wonders\r\n\r\n",
            "a trailer comes from nowhere" => b"Origin: https://evil.example\r\n\r\n",
            "a trailer may have 1024 bytes" => &long(1024),
            "trailers may have 1023 bytes" => &many(341),
        },
    );
    theme.expect(
        closes([400]).saying("\"bad_request\""),
        after_last_chunk,
        cases! {
            "a trailer of 1025 bytes is too large" => &long(1025),
            "trailers of 1026 bytes are too large" => &many(342),
            "a trailer without an end is too large" => &long(9000)[..8000],
            "a trailer without a colon is refused" => b"X\r\n\r\n",
            "a trailer without a name is refused" => b": y\r\n\r\n",
            "a space before the colon is refused" => b"X : y\r\n\r\n",
            "a trailer that goes on after a space is refused" => b"X: y\r\n z\r\n\r\n",
            "a trailer after a space is refused" => b" X: y\r\n\r\n",
            "a NUL in a trailer is refused" => b"X: \0\r\n\r\n",
            "a bare carriage return in a trailer is refused" => b"X: y\rz\r\n\r\n",
            "a trailer that ends with a bare line feed is refused" => b"X: y\n\r\n",
            "trailers that end with a bare line feed are refused" => b"X: y\r\n\n",
            "the end of a body is no bare line feed" => b"\n",
            "the end of a body is no bare carriage return" => b"\rX",
            "a request is no trailer" => b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        },
    );
    theme.close();
}

#[test]
fn a_body_in_chunks_is_as_large_as_any() {
    let padded = |bytes: usize| [HOLD, &b" ".repeat(bytes - HOLD.len())].concat();
    let in_bytes = |body: &[u8]| -> Vec<u8> {
        let chunks = body
            .iter()
            .flat_map(|byte| [b'1', b'\r', b'\n', *byte, b'\r', b'\n']);
        chunks.chain(*b"0\r\n\r\n").collect()
    };
    let too_large = closes([413]).saying("The body is larger than 16 KiB");
    let mut theme = Theme::open();
    theme.expect(
        stays([201]),
        chunked_hold,
        cases! {
            "one chunk may have 16384 bytes" => &one_chunk(&padded(16_384)),
            "16384 chunks of a byte are a body" => &in_bytes(&padded(16_384)),
        },
    );
    theme.expect(
        too_large,
        chunked_hold,
        cases! {
            "one chunk of 16385 bytes is too large" => &one_chunk(&padded(16_385)),
            "16385 chunks of a byte are too large" => &in_bytes(&padded(16_385)),
            "a chunk that is too large need not come" => b"4001\r\n",
            "a second chunk that is too large need not come" => b"1\r\n \r\n4000\r\n",
            "2^32 + 2 bytes are too many" => b"100000002\r\n{}\r\n0\r\n\r\n",
            "2^64 - 1 bytes are too many" => b"FFFFFFFFFFFFFFFF\r\n",
            "2^64 + 2 bytes are not two" => b"10000000000000002\r\n{}\r\n0\r\n\r\n",
        },
    );
    let payment = |body: &[u8]| chunked("/api/payments/webhook", &one_chunk(body));
    let event = |bytes: usize| {
        let start = br#"{"idempotency_key":"k","order_id":1,"status":"success","payload":{"x":""#;
        let filler = "y".repeat(bytes - start.len() - 3);
        [start, filler.as_bytes(), b"\"}}"].concat()
    };
    theme.expect(
        stays([202]),
        payment,
        cases! {
            "a payment in a chunk may have 65536 bytes" => &event(65_536),
        },
    );
    theme.expect(
        closes([413]).saying("The body is larger than 64 KiB"),
        payment,
        cases! {
            "a payment in a chunk of 65537 bytes is too large" => &event(65_537),
        },
    );
    theme.close();
}

/// Every piece is read before the next is sent, or at least may be: the whole of them says the same.
#[test]
fn chunks_in_pieces_are_put_together() {
    let mut theme = Theme::open();
    let request = chunked_hold(
        b"2;a=\"b\"\r\n{ \r\n1b\r\n\"product_id\":1,\"quantity\":1\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n",
    );
    for size in [1, 2, 3] {
        let mut client = Client::of(&theme.server);
        for piece in request.chunks(size) {
            client.say(piece).unwrap();
        }
        assert_eq!(
            client.answer(false).unwrap().status,
            201,
            "pieces of {size}"
        );
    }
    theme.expect(
        stays([201]),
        as_written,
        cases! { "all at once is the same" => &request },
    );
    theme.close();
}
