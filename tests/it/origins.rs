//! Pages in browsers: which of them may write, and that each can read whatever it is answered.

use std::io::Write;
use std::net::TcpStream;

use flashsale::http::{Method, Request};

use crate::server::{Premises, Server};
use crate::shop::{Shop, config, item};
use crate::wire::{Answer, answer, answer_to, ask, get, no_longer_accepts, serve, stirs_within};

const SHOP: &str = "https://shop.example";
const HOLD: &str = r#"{"product_id":1,"quantity":1}"#;

/// What lets a script of the page see an answer, and all of it that it may need.
#[track_caller]
fn can_be_read(answer: Answer) -> Answer {
    answer
        .has_line(&format!("Access-Control-Allow-Origin: {SHOP}"))
        .has_line("Access-Control-Expose-Headers: Date, ETag, Idempotent-Replayed, Location, Retry-After, X-Request-Id")
        .has_line("Vary: Origin")
        .has_line("Date: ")
        .has_line("X-Request-Id: mine-1")
}

fn of_page(line: &str, rest: &str) -> Vec<u8> {
    let fields = format!("Host: a\r\nX-Request-Id: mine-1\r\nORIGIN:{SHOP} \r\n");
    format!("{line}\r\n{fields}{rest}").into_bytes()
}

#[test]
fn a_page_can_read_why_its_request_was_none() {
    let premises = Premises::stocked(1);
    let settings = [
        ("cors_origins", "https://other.example,https://shop.example"),
        ("head_timeout_s", "1"),
        ("body_timeout_s", "1"),
    ];
    let server = serve(&premises, &settings);
    let post = "POST /api/holds HTTP/1.1";
    let long = "a".repeat(9000);
    for (status, line, rest) in [
        (400, post, "Content-Length: x\r\n\r\n"),
        (400, post, "Transfer-Encoding: chunked\r\n\r\nx\r\n"),
        (408, "GET /healthz HTTP/1.1", "X: y"),
        (408, post, "Content-Length: 29\r\n\r\n{"),
        (408, post, "Transfer-Encoding: chunked\r\n\r\n1d\r\n{"),
        (411, post, "\r\n"),
        (413, post, "Content-Length: 16385\r\n\r\n"),
        (413, post, "Transfer-Encoding: chunked\r\n\r\n4001\r\n"),
        (414, &format!("GET /{} HTTP/1.1", &long[..1024]), "\r\n"),
        (417, "GET /healthz HTTP/1.1", "Expect: wonders\r\n\r\n"),
        (431, "GET /healthz HTTP/1.1", &format!("X: {long}")),
        (501, post, "Transfer-Encoding: gzip\r\n\r\n"),
        (505, "GET /healthz HTTP/3.0", "\r\n"),
    ] {
        can_be_read(answer_to(&server, &of_page(line, rest)).is(status));
    }
    let many: String = (0..70).map(|number| format!("X-{number}: y\r\n")).collect();
    for (status, field) in [
        (431, format!("X: {long}{long}\r\n")),
        (431, many),
        (400, "X : y\r\n".to_owned()),
        (400, "X: y\0\r\n".to_owned()),
    ] {
        let fields = format!("Host: a\r\n{field}X-Request-Id: mine-1\r\nOrigin: {SHOP}\r\n\r\n");
        let request = format!("{post}\r\n{fields}");
        can_be_read(answer_to(&server, request.as_bytes()).is(status));
    }
    let half = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nOrigin: {SHOP}");
    let answer = answer_to(&server, half.as_bytes()).is(408);
    assert!(
        !answer.head.contains("Access-Control"),
        "it may be half of another"
    );
    let elsewhere =
        format!("{post}\r\nHost: a\r\nOrigin: https://evil.example\r\nContent-Length: x\r\n\r\n");
    let answer = answer_to(&server, elsewhere.as_bytes()).is(400);
    assert!(!answer.head.contains("Access-Control"), "{}", answer.head);
    server.stop();
}

#[test]
fn a_page_can_read_whatever_it_is_answered() {
    let premises = Premises::stocked(1);
    let server = serve(&premises, &[("cors_origins", SHOP)]);
    let close = "Connection: close\r\n";
    let tag = answer_to(
        &server,
        &of_page("GET /api/products/1 HTTP/1.1", &format!("{close}\r\n")),
    );
    let tag = tag
        .head
        .lines()
        .find_map(|line| line.strip_prefix("ETag: "));
    let known = format!("If-None-Match: {}\r\n", tag.unwrap());
    for (status, line, rest) in [
        (200, "GET /api/products HTTP/1.1", "\r\n"),
        (304, "GET /api/products/1 HTTP/1.1", &format!("{known}\r\n")),
        (404, "GET /nothing HTTP/1.1", "\r\n"),
        (404, "OPTIONS /nothing HTTP/1.1", "\r\n"),
        (405, "DELETE /api/holds HTTP/1.1", "\r\n"),
        (
            201,
            "POST /api/holds HTTP/1.1",
            &format!("Content-Length: 29\r\n\r\n{HOLD}"),
        ),
        (
            400,
            "POST /api/holds HTTP/1.1",
            &format!("Content-Length: 29\r\n\r\n{HOLD}"),
        ),
        (
            422,
            "POST /api/holds HTTP/1.1",
            "Content-Length: 2\r\n\r\n{}",
        ),
    ] {
        let request = of_page(line, &format!("{close}{rest}"));
        can_be_read(answer_to(&server, &request).is(status));
    }
    server.stop();
}

#[test]
fn a_page_can_read_that_there_is_too_much_to_do() {
    let premises = Premises::stocked(1);
    let settings = [
        ("cors_origins", SHOP),
        ("threads_max", "1"),
        ("queue_max", "1"),
    ];
    let server = serve(&premises, &settings);
    let mut streams: Vec<_> = (0..100).map(|_| server.connect()).collect();
    server.pause();
    for stream in &mut streams {
        let request = of_page("GET /healthz HTTP/1.1", "\r\n");
        stream.write_all(&request).unwrap();
    }
    server.signal("-CONT");
    let answers = streams
        .iter_mut()
        .map(|stream| can_be_read(answer(stream).unwrap()));
    let refused = answers.filter(|answer| answer.status == 503).count();
    assert!(refused > 0, "one thread and a queue of one are not enough");
    server.stop();
}

#[test]
fn a_page_can_read_that_it_has_too_many_connections() {
    let premises = Premises::stocked(1);
    let settings = [("cors_origins", SHOP), ("max_connections_per_ip", "1")];
    let server = serve(&premises, &settings);
    let mut first = server.connect();
    ask(&mut first, &get("/healthz")).unwrap().is(200);
    let mut second: TcpStream = server.connect();
    assert!(
        !stirs_within(&second, std::time::Duration::from_millis(100)),
        "it may say first what it wants"
    );
    second
        .write_all(&of_page("GET /healthz HTTP/1.1", "\r\n"))
        .unwrap();
    can_be_read(answer(&mut second).unwrap().is(503)).says("code", "too_many_connections");
    server.stop();
}

#[test]
fn a_page_can_read_that_the_server_is_stopping() {
    let premises = Premises::stocked(1);
    let settings = [("cors_origins", SHOP), ("drain_s", "20")];
    let mut server: Server = serve(&premises, &settings);
    let (begun, rest) = ("GET /readyz HTTP/1.1", "\r\n");
    let request = of_page(begun, rest);
    let mut stream = server.connect();
    stream.write_all(&request[..30]).unwrap();
    assert!(!stirs_within(&stream, std::time::Duration::from_millis(50)));
    ask(&mut server.connect(), &get("/healthz"))
        .unwrap()
        .is(200);
    server.signal("-TERM");
    no_longer_accepts(&server);
    stream.write_all(&request[30..]).unwrap();
    can_be_read(answer(&mut stream).unwrap().is(503));
    assert_eq!(server.wait().code(), Some(0));
}

fn shop_for(origins: &[&str]) -> Shop {
    let config = config(|it| {
        it.cors_origins = origins
            .iter()
            .map(|origin| origin.parse().unwrap())
            .collect()
    });
    Shop::on_terms(vec![item("tee", 5)], config)
}

#[test]
fn a_preflight_allows_whatever_headers_it_asks_for() {
    let shop = shop_for(&[SHOP]);
    let allowed = |asked: &[&str]| {
        let mut request = Request::new(Method::Options, "/api/holds")
            .with_header("Origin", SHOP)
            .with_header("Access-Control-Request-Method", "POST");
        for asked in asked {
            request = request.with_header("Access-Control-Request-Headers", asked);
        }
        let answer = shop.call(request).has_status(204);
        answer
            .header("Access-Control-Allow-Headers")
            .map(str::to_owned)
    };
    let is = |text: &str| Some(text.to_owned());
    assert_eq!(
        allowed(&["content-type,traceparent, x-requested-with"]),
        is("content-type, traceparent, x-requested-with")
    );
    assert_eq!(
        allowed(&["sentry-trace", "baggage"]),
        is("sentry-trace, baggage")
    );
    assert_eq!(allowed(&["a b, x:y, \u{e9}, \"q\", , ok"]), is("ok"));
    let usual = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id";
    for none in [&[][..], &[""], &[","], &["a b"]] {
        assert_eq!(allowed(none), is(usual));
    }
    let names = |count: usize| -> Vec<String> { (1..=count).map(|n| format!("x-{n}")).collect() };
    assert_eq!(allowed(&[&names(33).join(",")]), is(&names(32).join(", ")));
}

/// A hold by a page of this origin, with these headers too.
fn hold_of(shop: &Shop, peer: &str, origin: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = Request::new(Method::Post, "/api/holds").with_body(HOLD.as_bytes());
    request.peer = Some(format!("{peer}:4711").parse().unwrap());
    let request = request.with_header("Origin", origin);
    let with = headers.iter();
    let request = with.fold(request, |request, (name, value)| {
        request.with_header(name, value)
    });
    shop.call(request).status
}

#[test]
fn a_page_of_ours_may_write_by_whatever_port_and_letters() {
    let shop = Shop::with_stock("tee", 100);
    for (origin, host) in [
        ("http://shop.example", "shop.example"),
        ("https://shop.example", "shop.example"),
        ("https://shop.example", "SHOP.Example"),
        ("https://shop.example", "shop.example:443"),
        ("https://shop.example", "shop.example:80"),
        ("http://shop.example", "shop.example:80"),
        ("http://shop.example:8000", "shop.example:8000"),
        ("http://shop.example:443", "shop.example:443"),
        ("http://[::1]", "[::1]:80"),
    ] {
        let status = hold_of(&shop, "9.9.9.9", origin, &[("Host", host)]);
        assert_eq!(status, 201, "{origin} at {host}");
    }
    for (origin, host) in [
        ("http://shop.example:8000", "shop.example"),
        ("http://shop.example", "shop.example:8000"),
        ("http://shop.example:443", "shop.example"),
        ("https://shop.example:80", "shop.example"),
        ("https://shop.example:4430", "shop.example"),
        ("https://shop.example.evil.example", "shop.example"),
        ("https://shop.example", "evil.example"),
        ("https://", ""),
        ("ftp://shop.example", "shop.example"),
        ("shop.example", "shop.example"),
        ("null", "null"),
    ] {
        let status = hold_of(&shop, "9.9.9.9", origin, &[("Host", host)]);
        assert_eq!(status, 403, "{origin} at {host}");
    }
}

/// As nginx passes requests on by default: `Host` is that of the server behind it.
#[test]
fn a_page_of_ours_may_write_through_a_proxy_that_changes_the_host() {
    let shop = Shop::on_terms(
        vec![item("tee", 100)],
        config(|it| it.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]),
    );
    let host = ("Host", "127.0.0.1:8000");
    let by_proxy = |peer: &str, forwarded: &str| {
        hold_of(&shop, peer, SHOP, &[host, ("X-Forwarded-Host", forwarded)])
    };
    assert_eq!(by_proxy("10.0.0.1", "shop.example"), 201);
    assert_eq!(by_proxy("10.0.0.1", "Shop.example:443"), 201);
    assert_eq!(by_proxy("10.0.0.1", "shop.example, inner.example"), 201);
    assert_eq!(by_proxy("10.0.0.1", "evil.example"), 403);
    assert_eq!(by_proxy("9.9.9.9", "shop.example"), 403, "nobody trusts it");

    let by_browser = |sites: &[&str]| {
        let sites = sites.iter().map(|site| ("Sec-Fetch-Site", *site));
        let headers: Vec<_> = [host].into_iter().chain(sites).collect();
        hold_of(&shop, "9.9.9.9", SHOP, &headers)
    };
    assert_eq!(by_browser(&["same-origin"]), 201);
    let nameless = [host, ("Sec-Fetch-Site", "same-origin")];
    assert_eq!(
        hold_of(&shop, "9.9.9.9", "null", &nameless),
        201,
        "a page that tells nobody its address"
    );
    for other in [
        &["same-site"][..],
        &["cross-site"],
        &["none"],
        &[""],
        &["same-origin", "cross-site"],
    ] {
        assert_eq!(by_browser(other), 403, "{other:?}");
    }
}

#[test]
fn the_log_names_both_origins_of_a_write_that_was_refused() {
    let premises = Premises::stocked(5);
    let server = premises.serve();
    let refused = |fields: &str| {
        let request = format!(
            "POST /api/holds HTTP/1.1\r\nHost: inner.example:8000\r\nOrigin: {SHOP}\r\nConnection: close\r\n\
             {fields}Content-Length: 29\r\n\r\n{HOLD}"
        );
        answer_to(&server, request.as_bytes())
            .is(403)
            .says("code", "origin_not_allowed");
    };
    refused("X-Request-Id: mine-1\r\n");
    refused("X-Forwarded-Host: shop.example\r\n");
    let log = server.stop_and_read_log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("(403, ")).collect();
    let [first, second] = lines.as_slice() else {
        panic!("{log}");
    };
    for said in [
        SHOP,
        "http://inner.example:8000",
        "request mine-1",
        "cors_origins",
    ] {
        assert!(first.contains(said), "{first}");
    }
    assert!(
        second.contains(
            "X-Forwarded-Host says shop.example, but 127.0.0.1 is not in trusted_proxies"
        ),
        "{second}"
    );
}
