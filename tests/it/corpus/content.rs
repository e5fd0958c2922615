//! What a body says that it is: encoded, or a form.

use super::*;

#[test]
fn a_body_that_is_encoded_is_not_read() {
    let encoded = |encoding: &[u8]| {
        let length = b"\r\nContent-Length: 29\r\n\r\n";
        post_hold_with(&[b"Content-Encoding:", encoding, length, HOLD].concat())
    };
    let mut theme = Theme::open();
    theme.expect(
        stays([415]).saying("\"unsupported_encoding\""),
        encoded,
        cases! {
            "gzip is not read" => b" gzip",
            "brotli is not read" => b" br",
            "deflate is not read" => b"deflate",
            "an old name of gzip is one of it" => b" x-gzip",
            "what nobody knows is not read" => b" cow",
            "gzip in capitals is not read" => b" GZIP",
            "gzip beside identity is not read" => b" identity, gzip",
            "gzip in a second line is not read" => b" identity\r\nContent-Encoding: gzip",
            "bytes that are no text are not read" => b" \xff",
        },
    );
    theme.expect(
        stays([415]).saying("Accept-Encoding: identity\r\n"),
        as_written,
        cases! {
            "what has no body is not read either" =>
                b"DELETE /api/holds/1 HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n\r\n",
            "a payment is not read" =>
                b"POST /api/payments/webhook HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n\
                  Content-Length: 2\r\n\r\n\x1f\x8b",
        },
    );
    theme.expect(
        stays([201]),
        encoded,
        cases! {
            "identity is no encoding" => b" identity",
            "identity may be written in any case" => b" Identity",
            "nothing is no encoding" => b"",
        },
    );
    theme.expect(
        stays([200]),
        with_field,
        cases! {
            "what a GET brings is not looked at" => b"Content-Encoding: gzip",
        },
    );
    theme.expect(
        stays([405]),
        as_written,
        cases! {
            "a wrong method is told so first" =>
                b"PUT /api/holds HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n\r\n",
        },
    );
    theme.close();
}

#[test]
fn a_form_is_told_to_be_json() {
    let typed = |kind: &str, body: &[u8]| {
        let length = body.len();
        let head = format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
        post_hold_with(&[head.as_bytes(), body].concat())
    };
    const FORM: &str = "application/x-www-form-urlencoded";
    const MULTIPART: &str = "Multipart/Form-Data; boundary=x";
    let part = b"--x\r\nContent-Disposition: form-data; name=\"product_id\"\r\n\r\n1\r\n--x--\r\n";
    let mut theme = Theme::open();
    let is_form = stays([400]).saying("The body is a form: send a JSON object");
    theme.expect(
        is_form.clone(),
        hold,
        cases! {
            "what looks like a form is one" => b"product_id=1&quantity=1",
            "one field looks like a form" => b"product_id=1",
            "encoded names look like a form" => b"product%5Fid=1",
            "names with brackets look like a form" => b"hold[product_id]=1",
            "what looks like a part of a form is one" => part,
        },
    );
    theme.expect(
        is_form.clone(),
        |body| typed(FORM, body),
        cases! {
            "what says that it is a form is one" => b"product_id",
            "a form may be anything but text" => b"\xff\xfe=1",
        },
    );
    theme.expect(
        is_form,
        |body| typed(MULTIPART, body),
        cases! {
            "a form in parts is one" => part,
            "a form in parts may hold anything" => b"--x\r\nX: y\r\n\r\n\xff",
        },
    );
    theme.expect(
        stays([201]),
        |body| typed(FORM, body),
        cases! {
            "JSON by the name of a form is JSON" => HOLD,
        },
    );
    let is_none = stays([400]).saying("invalid_json").not_saying("form");
    theme.expect(
        is_none.clone(),
        |body| typed(FORM, body),
        cases! {
            "broken JSON by the name of a form is broken JSON" => b"{\"product_id\":1,",
            "a list by the name of a form is a list" => b" [1]",
            "nothing by the name of a form is nothing" => b"",
        },
    );
    theme.expect(
        is_none,
        hold,
        cases! {
            "a word is no form" => b"product_id",
            "two words are no form" => b"product id=1",
            "what has no name is no form" => b"=1",
            "dashes are no form" => b"--\nx",
        },
    );
    theme.close();
}
