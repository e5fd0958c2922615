//! Fields that mean something to the shop: origins, entity tags, request ids, idempotency keys.

use super::*;

#[test]
fn a_page_of_another_origin_may_read_and_not_write() {
    let write_from = |origin: &[u8]| {
        let length = b"Content-Length: 29\r\n\r\n";
        post_hold_with(&[b"Origin: ", origin, b"\r\n", length, HOLD].concat())
    };
    let mut theme = Theme::with_origins("https://shop.example");
    theme.expect(
        stays([201]),
        write_from,
        cases! {
            "our own page may write" => b"http://a",
            "our own page may write behind a proxy that speaks TLS" => b"https://a",
            "our own page may write by its name in capitals" => b"http://A",
        },
    );
    theme.expect(
        stays([201]).saying("Access-Control-Allow-Origin: https://shop.example\r\n"),
        write_from,
        cases! {
            "a page of a listed origin may write" => b"https://shop.example",
        },
    );
    theme.expect(
        stays([403]).saying("\"origin_not_allowed\""),
        write_from,
        cases! {
            "a page of another origin may not write" => b"https://evil.example",
            "a page without an origin may not write" => b"null",
            "an empty origin may not write" => b"",
            "a page at another port may not write" => b"http://a:81",
            "a page of another scheme may not write" => b"ftp://a",
            "a page of a host that begins like ours may not write" => b"http://a.evil.example",
            "a page of a host that ends like ours may not write" => b"http://evil.a",
            "a page of a listed host by another scheme may not write" => b"http://shop.example",
            "a page below a listed host may not write" => b"https://x.shop.example",
            "a page with a path may not write" => b"https://shop.example/",
            "a star may not write" => b"*",
            "two origins in a line may not write" => b"https://shop.example https://evil.example",
            "two origins may not write" => b"http://a\r\nOrigin: https://evil.example",
            "two origins may not write in any order" => b"https://evil.example\r\nOrigin: http://a",
            "an origin in other letters may not write" => b"https://shop.example\xff",
        },
    );
    theme.expect(
        stays([201]),
        as_written,
        cases! {
            "our own page is that of the URL" =>
                b"POST http://b/api/holds HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\
                  Content-Length: 29\r\n\r\n{\"product_id\":1,\"quantity\":1}",
        },
    );
    theme.expect(
        stays([403]),
        as_written,
        cases! {
            "a page of a host beside the URL may not write" =>
                b"POST http://b/api/holds HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n\
                  Content-Length: 29\r\n\r\n{\"product_id\":1,\"quantity\":1}",
            "nobody's page may not write to nobody's host" =>
                b"POST /api/holds HTTP/1.1\r\nHost:\r\nOrigin: http://\r\n\
                  Content-Length: 29\r\n\r\n{\"product_id\":1,\"quantity\":1}",
            "a page of another origin may not release" =>
                b"DELETE /api/holds/1 HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n\r\n",
            "a page of another origin may not cancel" =>
                b"POST /api/orders/1/cancel HTTP/1.1\r\nHost: a\r\nOrigin: null\r\n\r\n",
        },
    );
    theme.expect(
        stays([200]),
        with_field,
        cases! {
            "a page of another origin may read" => b"Origin: https://evil.example",
            "a page without an origin may read" => b"Origin: null",
        },
    );
    theme.expect(
        stays([204]).saying("Access-Control-Allow-Methods: POST\r\n"),
        as_written,
        cases! {
            "a page of a listed origin is told what it may write" =>
                b"OPTIONS /api/holds HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\n\
                  Access-Control-Request-Method: POST\r\n\r\n",
        },
    );
    theme.expect(
        closes([204]),
        as_written,
        cases! {
            "what a page may write is told on a last request too" =>
                b"OPTIONS /api/holds HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\n\
                  Connection: close\r\n\r\n",
        },
    );
    theme.expect(
        stays([405]).saying("Allow: POST\r\n"),
        as_written,
        cases! {
            "a page of another origin is told nothing" =>
                b"OPTIONS /api/holds HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n\r\n",
        },
    );
    theme.expect(
        stays([204, 200]),
        as_written,
        cases! {
            "nothing stands between an answer without a body and the next" =>
                b"OPTIONS /api/holds HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\n\r\n\
                  GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        },
    );
    theme.close();
}

#[test]
fn what_a_client_has_already_is_not_sent_again() {
    let mut theme = Theme::open();
    let tag = theme.entity_tag("/api/products/1");
    let strong = tag.strip_prefix("W/").expect("the tag is weak");
    let lower_case = format!("w/{strong}");
    let twice_weak = format!("W/{tag}");
    let unquoted = strong.replace('"', "");
    let listed = format!("\"x\", {tag} , \"y\"");
    let in_second_line = format!("\"x\"\r\nIf-None-Match: {tag}");
    let known = |request_line: &'static [u8]| {
        move |tags: &[u8]| {
            [
                request_line,
                b"\r\nHost: a\r\nIf-None-Match: ",
                tags,
                b"\r\n\r\n",
            ]
            .concat()
        }
    };
    theme.expect(
        stays([304]).saying(&format!("ETag: {tag}\r\n")),
        known(b"GET /api/products/1 HTTP/1.1"),
        cases! {
            "a product that is known is not sent" => tag.as_bytes(),
            "a tag is compared weakly" => strong.as_bytes(),
            "a tag may be one of several" => listed.as_bytes(),
            "a tag may come in a second line" => in_second_line.as_bytes(),
            "any tag is known" => b"*",
        },
    );
    theme.expect(
        stays([304]),
        known(b"HEAD /api/products/1 HTTP/1.1"),
        cases! {
            "the head of a product that is known is not sent" => tag.as_bytes(),
        },
    );
    theme.expect(
        stays([304]),
        known(b"GET /api/products HTTP/1.1"),
        cases! {
            "any list is known" => b"*",
        },
    );
    theme.expect(
        stays([200]).saying("Cache-Control: no-cache\r\n"),
        known(b"GET /api/products/1 HTTP/1.1"),
        cases! {
            "a product with another tag is sent" => b"\"x\"",
            "a product is sent for an empty tag" => b"\"\"",
            "a product is sent for no tag" => b"",
            "a tag without its quotes is another tag" => unquoted.as_bytes(),
            "a tag that is weak in a small letter is another tag" => lower_case.as_bytes(),
            "a star inside of a tag is another tag" => b"\"a,*,b\"",
            "a star in a list is no tag" => b"\"a\", *",
            "a tag that is weak twice is another tag" => twice_weak.as_bytes(),
            "a quoted star is another tag" => b"\"*\"",
            "bytes that are no text are another tag" => b"\"\xff\"",
        },
    );
    theme.expect(
        stays([200]),
        known(b"GET /healthz HTTP/1.1"),
        cases! {
            "health is always sent" => b"*",
        },
    );
    theme.expect(
        stays([404]),
        known(b"GET /api/products/2 HTTP/1.1"),
        cases! {
            "what is not there is not known" => b"*",
        },
    );
    theme.expect(
        stays([304, 200]),
        as_written,
        cases! {
            "nothing stands between an answer that sends nothing and the next" =>
                b"GET /api/products/1 HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n\
                  GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        },
    );
    theme.close();
}

#[test]
fn an_answer_bears_the_id_of_its_request() {
    let longest = "x".repeat(64);
    let mut theme = Theme::open();
    for (name, id) in [
        ("an id is kept", "Shop_1.2-3"),
        ("an id may have one letter", "x"),
        ("an id may be marks", "-._"),
        ("an id may have 64 letters", &longest),
    ] {
        let field = format!("X-Request-Id: {id}");
        let kept = format!("{field}\r\n");
        theme.expect(
            stays([200]).saying(&kept),
            with_field,
            &[(name, field.as_bytes())],
        );
    }
    for (name, status, request) in [
        (
            "the id of a body is no request's id",
            413,
            &b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 16385\r\n\r\nX-Request-Id: mine\r\n"[..],
        ),
        (
            "the id of the next request is not this one's",
            400,
            b"GET /healthz HTTP/1.1\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n",
        ),
    ] {
        let fresh = closes([status]).not_saying("X-Request-Id: mine\r\n");
        theme.expect(fresh, as_written, &[(name, request)]);
    }
    // Each answer is seen to have one sane id, so none of these is given back.
    let too_long = "x".repeat(65);
    theme.expect(
        stays([200]),
        |id| with_field(&[b"X-Request-Id: ", id].concat()),
        cases! {
            "an empty id is replaced" => b"",
            "an id of 65 letters is replaced" => too_long.as_bytes(),
            "an id with a space is replaced" => b"a b",
            "an id with a quote is replaced" => b"a\"b",
            "an id with a slash is replaced" => b"a/b",
            "an id in other letters is replaced" => b"\xc3\xa9",
            "an id that is no text is replaced" => b"\xff",
            "an id with a field in it is replaced" => b"a%0d%0aX: y",
        },
    );
    let mine = "X-Request-Id: mine-1\r\n";
    theme.expect(
        stays([404]).saying(mine),
        as_written,
        cases! {
            "a refusal bears the id" =>
                b"GET /nothing HTTP/1.1\r\nHost: a\r\nx-request-id: mine-1\r\n\r\n",
        },
    );
    theme.expect(
        stays([304]).saying(mine),
        as_written,
        cases! {
            "an answer that sends nothing bears the id" =>
                b"GET /api/products/1 HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\
                  X-Request-Id: mine-1\r\n\r\n",
        },
    );
    theme.expect(
        stays([100, 201]).once_invited(HOLD).saying(mine),
        post_hold_with,
        cases! {
            "the answer after an invitation bears the id" =>
                b"X-Request-Id: mine-1\r\nContent-Length: 29\r\nExpect: 100-continue\r\n\r\n",
        },
    );
    theme.expect(
        closes([501]).saying(mine),
        with_field,
        cases! {
            "a refused encoding bears the id" =>
                b"X-Request-Id: mine-1\r\nTransfer-Encoding: gzip",
        },
    );
    theme.expect(
        closes([413]).saying(mine),
        with_field,
        cases! {
            "a refused length bears the id" => b"X-Request-Id: mine-1\r\nContent-Length: 16385",
        },
    );
    theme.expect(
        closes([400]).saying(mine),
        as_written,
        cases! {
            "a refused head bears the id" =>
                b"GET /healthz HTTP/1.1\r\nX-Request-Id: mine-1\r\n\r\n",
        },
    );
    theme.expect(
        closes([200, 400]).saying(mine),
        as_written,
        cases! {
            "a refused head bears its own id and not the one before" =>
                b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-0\r\n\r\n\
                  GET /healthz HTTP/1.1\r\nX-Request-Id: mine-1\r\n\r\n",
        },
    );
    theme.close();
}

#[test]
fn a_key_is_visible_and_comes_once() {
    let longest = [b'k'; 255];
    let too_long = [b'k'; 256];
    let with_key = |key: &[u8]| {
        let length = b"Content-Length: 29\r\n\r\n";
        post_hold_with(&[b"Idempotency-Key: ", key, b"\r\n", length, HOLD].concat())
    };
    let mut theme = Theme::open();
    theme.expect(
        stays([201]),
        with_key,
        cases! {
            "a key is any visible text" => b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
            "a key may have 255 bytes" => &longest,
        },
    );
    theme.expect(
        stays([201]).saying("Idempotent-Replayed: true\r\n"),
        with_key,
        cases! {
            "a key that was used gets its answer again" => &longest,
        },
    );
    theme.expect(
        stays([400]).saying("\"invalid_idempotency_key\""),
        with_key,
        cases! {
            "an empty key is refused" => b"",
            "a key with a space is refused" => b"a b",
            "a key of 256 bytes is refused" => &too_long,
            "a key in other letters is refused" => b"\xc3\xa9",
            "a key that is no text is refused" => b"\xff",
            "a key beside one that is no text is refused" => b"a\r\nIdempotency-Key: \xff",
            "a key after one that is no text is refused" => b"\xff\r\nIdempotency-Key: a",
            "two keys are refused" => b"a\r\nIdempotency-Key: b",
            "the same key twice is refused" => b"a\r\nidempotency-key: a",
        },
    );
    theme.close();
}
