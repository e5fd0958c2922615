//! A client that waits to be told to continue before it sends its body.

use super::chunks::{chunked_hold, one_chunk};
use super::*;

#[test]
fn a_client_that_expects_to_be_invited_is() {
    let mut theme = Theme::open();
    theme.expect(
        stays([100, 201]).once_invited(HOLD),
        post_hold_with,
        cases! {
            "a body that is held back is invited" =>
                b"Content-Length: 29\r\nExpect: 100-continue\r\n\r\n",
            "an expectation may be in capitals" =>
                b"Expect: 100-CONTINUE\r\nContent-Length: 29\r\n\r\n",
        },
    );
    theme.expect(
        closes([100, 201]).once_invited(HOLD),
        post_hold_with,
        cases! {
            "the last body is invited too" =>
                b"Content-Length: 29\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        },
    );
    theme.expect(
        stays([201, 100, 201]).once_invited(HOLD),
        post_hold_with,
        cases! {
            "an invitation waits for the answer before" =>
                b"Content-Length: 29\r\n\r\n{\"product_id\":1,\"quantity\":1}\
                  POST /api/holds HTTP/1.1\r\nHost: a\r\nContent-Length: 29\r\n\
                  Expect: 100-continue\r\n\r\n",
        },
    );
    theme.expect(
        stays([201]),
        post_hold_with,
        cases! {
            "a body that is there needs no invitation" =>
                b"Content-Length: 29\r\nExpect: 100-continue\r\n\r\n\
                  {\"product_id\":1,\"quantity\":1}",
        },
    );
    theme.expect(
        stays([400]).saying("\"invalid_json\""),
        post_hold_with,
        cases! {
            "a body of no bytes needs no invitation" =>
                b"Content-Length: 0\r\nExpect: 100-continue\r\n\r\n",
        },
    );
    theme.expect(
        stays([200]),
        with_field,
        cases! {
            "a request without a body needs no invitation" => b"Expect: 100-continue",
            "an expectation may come twice" => b"Expect: 100-continue, 100-continue",
            "an expectation may be empty" => b"Expect:",
        },
    );
    theme.expect(
        closes([201]),
        as_written,
        cases! {
            "HTTP/1.0 knows no invitations" =>
                b"POST /api/holds HTTP/1.0\r\nContent-Length: 29\r\nExpect: 100-continue\r\n\r\n\
                  {\"product_id\":1,\"quantity\":1}",
        },
    );
    theme.expect(
        closes([411]),
        post_hold_with,
        cases! {
            "a body without a length is not invited" => b"Expect: 100-continue\r\n\r\n",
        },
    );
    theme.expect(
        closes([413]),
        post_hold_with,
        cases! {
            "a body that is too large is not invited" =>
                b"Content-Length: 16385\r\nExpect: 100-continue\r\n\r\n",
        },
    );
    theme.expect(
        closes([501]),
        post_hold_with,
        cases! {
            "an encoded body is not invited" =>
                b"Transfer-Encoding: gzip, chunked\r\nExpect: 100-continue\r\n\r\n",
        },
    );
    theme.expect(
        closes([417]).saying("\"expectation_failed\""),
        with_field,
        cases! {
            "another status cannot be expected" => b"Expect: 200-ok",
            "a word in a second line cannot be expected" =>
                b"Expect: 100-continue\r\nExpect: wonders",
            "bytes that are no text cannot be expected" => b"Expect: \xff",
            "a word cannot be expected" => b"Expect: wonders",
            "a word beside the invitation cannot be expected" => b"Expect: 100-continue, wonders",
        },
    );
    theme.close();
}

#[test]
fn a_body_in_chunks_may_be_held_back_until_it_is_invited() {
    let mut theme = Theme::open();
    theme.expect(
        stays([100, 201]).once_invited(&one_chunk(HOLD)),
        post_hold_with,
        cases! {
            "chunks are invited" => b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
        },
    );
    theme.expect(
        stays([201]),
        post_hold_with,
        cases! {
            "chunks that are there need no invitation" =>
                b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n\
                  1d\r\n{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n",
        },
    );
    theme.expect(
        stays([201, 100, 201]).once_invited(&one_chunk(HOLD)),
        chunked_hold,
        cases! {
            "an invitation waits for the answer before" =>
                b"1d\r\n{\"product_id\":1,\"quantity\":1}\r\n0\r\n\r\n\
                  POST /api/holds HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\
                  Expect: 100-continue\r\n\r\n",
        },
    );
    theme.close();
}
