//! Requests that follow each other, those that try to hide behind each other, and how large they may be.

use super::*;

#[test]
fn a_connection_stays_for_as_long_as_both_sides_like() {
    let mut theme = Theme::open();
    theme.expect(
        closes([200]),
        with_field,
        cases! {
            "close closes" => b"Connection: close",
            "close may be written in any case" => b"connection: CLOSE",
            "close beats keep-alive" => b"Connection: keep-alive, close",
            "close may stand between commas and tabs" => b"Connection: ,x ,\tclose\t, y",
            "close may come in a second line" => b"Connection: keep-alive\r\nConnection: close",
        },
    );
    theme.expect(
        stays([200]),
        with_field,
        cases! {
            "keep-alive changes nothing" => b"Connection: keep-alive",
            "an empty wish changes nothing" => b"Connection:",
            "a word that begins with close is another word" => b"Connection: closed",
            "close after a hyphen is another word" => b"Connection: do-not-close",
            "a web socket is not opened" => b"Connection: Upgrade\r\nUpgrade: websocket",
            "HTTP/2 is not changed to" => b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
            "what proxies say to each other is overlooked" => b"Proxy-Connection: close",
        },
    );
    theme.expect(
        closes([404]),
        as_written,
        cases! {
            "a refusal closes on request" =>
                b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "a HEAD closes on request" =>
                b"HEAD /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        },
    );
    theme.expect(
        closes([201]),
        post_hold_with,
        cases! {
            "a write closes on request" =>
                b"Content-Length: 29\r\nConnection: close\r\n\r\n{\"product_id\":1,\"quantity\":1}",
        },
    );
    theme.expect(
        closes([200]),
        as_written,
        cases! {
            "what comes after a close is not answered" =>
                b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n\
                  GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/1.0 closes" => b"GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n",
            "HTTP/1.0 closes on request" => b"GET /healthz HTTP/1.0\r\nConnection: close\r\n\r\n",
            "in HTTP/1.0 close beats keep-alive" =>
                b"GET /healthz HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n",
            "HTTP/1.0 does not stay for a Keep-Alive field" =>
                b"GET /healthz HTTP/1.0\r\nKeep-Alive: timeout=5\r\n\r\n",
            "HTTP/1.0 does not stay for a second request" =>
                b"GET /healthz HTTP/1.0\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n",
            "a HEAD of HTTP/1.0 closes" => b"HEAD /healthz HTTP/1.0\r\n\r\n",
        },
    );
    theme.expect(
        stays([200]),
        as_written,
        cases! {
            "HTTP/1.0 stays on request" =>
                b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            "HTTP/1.0 stays on a request in capitals" =>
                b"GET /healthz HTTP/1.0\r\nCONNECTION: KEEP-ALIVE\r\n\r\n",
            "a HEAD of HTTP/1.0 stays on request" =>
                b"HEAD /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        },
    );
    theme.expect(
        stays([404, 200]),
        as_written,
        cases! {
            "HTTP/1.0 stays after a refusal" =>
                b"GET /nothing HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\
                  GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        },
    );
    theme.expect(
        closes([411]),
        as_written,
        cases! {
            "HTTP/1.0 needs a length too" =>
                b"POST /api/holds HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        },
    );
    theme.close();
}

#[test]
fn requests_in_a_row_are_answered_in_a_row() {
    let mut theme = Theme::open();
    let twenty = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20);
    theme.expect(
        stays([200; 20]),
        as_written,
        cases! {
            "twenty requests get twenty answers" => &twenty,
        },
    );
    theme.expect(
        stays([200, 200]),
        as_written,
        cases! {
            "an empty line between two requests is overlooked" =>
                b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n\r\n\
                  GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
            "nothing stands between a HEAD's answer and the next" =>
                b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n\
                  GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
            "a body of no bytes ends at once" =>
                b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n\
                  GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        },
    );
    theme.expect(
        stays([201, 404, 201, 422, 400, 405]),
        as_written,
        cases! {
            "writes and reads are answered in their order" =>
                b"POST /api/holds HTTP/1.1\r\nHost: a\r\nContent-Length: 29\r\n\r\n\
                  {\"product_id\":1,\"quantity\":1}\
                  GET /api/holds/99 HTTP/1.1\r\nHost: a\r\n\r\n\
                  POST /api/holds HTTP/1.1\r\nHost: a\r\nContent-Length: 29\r\n\r\n\
                  {\"product_id\":1,\"quantity\":1}\
                  POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 14\r\n\r\n\
                  {\"hold_id\":99}\
                  POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n{\
                  GET /api/orders HTTP/1.1\r\nHost: a\r\n\r\n",
        },
    );
    theme.expect(
        stays([200]),
        as_written,
        cases! {
            "a request in the body of another is a body" =>
                b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n\r\n\
                  GET /api/nothing HTTP/1.1\r\nHost: a\r\n",
            "an empty line after the last request is overlooked" =>
                b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n\r\n",
        },
    );
    theme.expect(
        stays([201, 405]),
        post_hold_with,
        cases! {
            "what goes on after a body is the next method" =>
                b"Content-Length: 29\r\n\r\n{\"product_id\":1,\"quantity\":1}\
                  XGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        },
    );
    theme.expect(
        closes([201, 400]),
        post_hold_with,
        cases! {
            "what goes on after a body and is no method is refused" =>
                b"Content-Length: 29\r\n\r\n{\"product_id\":1,\"quantity\":1}}\r\n\r\n",
            "a bare line feed after a body is refused" =>
                b"Content-Length: 29\r\n\r\n{\"product_id\":1,\"quantity\":1}\n\
                  GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        },
    );
    theme.expect(
        closes([201, 501]),
        post_hold_with,
        cases! {
            "a write before an encoded transfer is answered first" =>
                b"Content-Length: 29\r\n\r\n{\"product_id\":1,\"quantity\":1}\
                  POST /api/holds HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n\
                  0\r\n\r\n",
        },
    );
    theme.expect(
        closes([200, 505]),
        get_health_with,
        cases! {
            "another version may not follow" => b"\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        },
    );
    theme.expect(
        closes([200, 400]),
        get_health_with,
        cases! {
            "garbage after a request is refused" => b"\r\n\x16\x03\x01\x00\xa5",
            "the rest of a dropped body is refused" => b"Content-Length: 2\r\n\r\n{}{}\r\n\r\n",
        },
    );
    theme.close();
}

#[test]
fn nothing_is_smuggled_behind_a_request_whose_end_is_in_doubt() {
    const SMUGGLED: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let and_smuggled = |fields: &[u8]| post_hold_with(&[fields, SMUGGLED].concat());
    let mut theme = Theme::open();
    theme.expect(
        closes([501]),
        and_smuggled,
        cases! {
            "chunks and an unknown encoding hide nothing" =>
                b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n",
            "an unknown encoding and chunks hide nothing" =>
                b"Transfer-Encoding: xchunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "chunks named twice in a line hide nothing" =>
                b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        },
    );
    theme.expect(
        closes([400]),
        and_smuggled,
        cases! {
            "a length before chunks hides nothing" =>
                b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "chunks before a length hide nothing" =>
                b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "chunks before a length of nothing hide nothing" =>
                b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
            "a length that is none, beside chunks, hides nothing" =>
                b"Transfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n",
            "an empty length beside chunks hides nothing" =>
                b"Transfer-Encoding: chunked\r\nContent-Length:\r\n\r\n0\r\n\r\n",
            "a length that is too large, beside chunks, hides nothing" =>
                b"Content-Length: 99999\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "a length beside an unknown encoding hides nothing" =>
                b"Content-Length: 5\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n",
            "a length beside an empty encoding hides nothing" =>
                b"Content-Length: 0\r\nTransfer-Encoding:\r\n\r\n",
            "the end of chunks hides nothing" =>
                b"Transfer-Encoding: chunked\r\n\r\n0;a=\"\r\n\r\n",
            "chunks that end with line feeds hide nothing" =>
                b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
            "a line feed in an extension hides nothing" =>
                b"Transfer-Encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n",
            "a line feed in a quoted extension hides nothing" =>
                b"Transfer-Encoding: chunked\r\n\r\n2;a=\"\n\"\r\n{}\r\n0\r\n\r\n",
            "a carriage return in an extension hides nothing" =>
                b"Transfer-Encoding: chunked\r\n\r\n2;\ra\r\n{}\r\n0\r\n\r\n",
            "a chunk that spills hides nothing" =>
                b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
            "a chunk that ends with a line feed hides nothing" =>
                b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\n0\r\n\r\n",
            "a trailer that ends with a line feed hides nothing" =>
                b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\n\r\n",
            "trailers that end with a line feed hide nothing" =>
                b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\n",
            "a request as a trailer hides nothing" =>
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
            "two lengths hide nothing" => b"Content-Length: 0\r\nContent-Length: 34\r\n\r\n",
            "two lengths in a line hide nothing" => b"Content-Length: 0, 34\r\n\r\n",
            "a plus sign hides nothing" => b"Content-Length: +34\r\n\r\n",
            "a length with a space before its colon hides nothing" =>
                b"Content-Length: 0\r\nContent-Length : 34\r\n\r\n",
            "a length in a folded line hides nothing" => b"X: y\r\n\tContent-Length: 34\r\n\r\n",
            "chunks in a folded line hide nothing" =>
                b"Content-Length: 0\r\n Transfer-Encoding: chunked\r\n\r\n",
            "chunks behind a bare carriage return hide nothing" =>
                b"Content-Length: 0\rTransfer-Encoding: chunked\r\n\r\n",
            "chunks behind a bare line feed hide nothing" =>
                b"Content-Length: 0\nTransfer-Encoding: chunked\r\n\r\n",
            "chunks behind a NUL hide nothing" =>
                b"Content-Length: 0\r\nTransfer-Encoding\0: chunked\r\n\r\n",
            "a head that ends with line feeds hides nothing" => b"Content-Length: 34\n\n",
            "a second host hides nothing" => b"Host: b\r\nContent-Length: 0\r\n\r\n",
        },
    );
    theme.expect(
        closes([411]),
        and_smuggled,
        cases! {
            "no length hides nothing" => b"\r\n",
            "a length of another name hides nothing" => b"Content_Length: 34\r\n\r\n",
        },
    );
    theme.expect(
        closes([413]),
        and_smuggled,
        cases! {
            "a length that is too large hides nothing" => b"Content-Length: 16385\r\n\r\n",
            "a length that overflows hides nothing" =>
                b"Content-Length: 18446744073709551616\r\n\r\n",
        },
    );
    theme.expect(
        closes([417]),
        and_smuggled,
        cases! {
            "an unknown expectation hides nothing" =>
                b"Expect: wonders\r\nContent-Length: 0\r\n\r\n",
        },
    );
    theme.close();
}
