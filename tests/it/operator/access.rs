//! Who is let in, and nobody else, below `/admin/api`.

use flashsale::http::{Method, Request};

use super::request;
use crate::server::Premises;
use crate::shop::{ADMIN_TOKEN, Shop, config, item};
use crate::wire;

/// Every call that there is, with a body that would do.
fn every_call() -> Vec<(Method, &'static str, Option<&'static str>)> {
    vec![
        (
            Method::Post,
            "/admin/api/products",
            Some(r#"{"name":"Cap","price":1,"total_stock":1}"#),
        ),
        (
            Method::Patch,
            "/admin/api/products/1",
            Some(r#"{"paused":true}"#),
        ),
        (
            Method::Post,
            "/admin/api/products/1/restock",
            Some(r#"{"quantity":1}"#),
        ),
        (Method::Get, "/admin/api/products/1/movements", None),
        (Method::Get, "/admin/api/holds", None),
        (Method::Get, "/admin/api/orders", None),
        (Method::Get, "/admin/api/orders/1", None),
        (
            Method::Post,
            "/admin/api/orders/1/refund",
            Some(r#"{"restock":true}"#),
        ),
        (Method::Get, "/admin/api/payments", None),
        (Method::Get, "/admin/api/refunds", None),
        (Method::Post, "/admin/api/refunds/2/resolve", None),
        (Method::Get, "/admin/api/stats", None),
    ]
}

const METHODS: [Method; 7] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
    Method::Options,
];

/// A paid order and a refund that is due, so that every call of `every_call` could do something.
fn busy() -> Shop {
    let shop = Shop::operated(vec![item("tee", 10)]);
    pay_twice(&shop);
    shop
}

fn pay_twice(shop: &Shop) {
    let order = shop.ordered("tee", 2);
    shop.pay_by_transaction("first", order, "t1").ok();
    shop.pay_by_transaction("second", order, "t2")
        .verdict("duplicate_payment", "paid");
}

fn bearing(request: Request, token: &str) -> Request {
    request.with_header("Authorization", &format!("Bearer {token}"))
}

#[test]
fn where_there_is_no_operator_there_is_nothing_for_one() {
    let shop = Shop::with_stock("tee", 10);
    pay_twice(&shop);
    let before = shop.contents();
    let calls = every_call();
    let paths = calls.iter().map(|(_, path, _)| *path);
    let others = [
        "/admin",
        "/admin/",
        "/admin/api",
        "/admin/api/",
        "/admin/api/nothing",
        "/admin/api/holds?limit=0",
    ];
    for path in paths.chain(others) {
        for method in METHODS {
            let nothing = shop
                .call(request(&method, "/nothing", None))
                .failed_with(404, "not_found");
            for shown in ["", ADMIN_TOKEN] {
                let answer = shop.call(bearing(request(&method, path, Some("{}")), shown));
                assert_eq!(answer.whole(), nothing.whole(), "{method} {path}");
            }
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
}

#[test]
fn whoever_does_not_show_the_operators_token_is_let_in_nowhere() {
    let shop = busy();
    let hold = shop.hold("tee", 1).created();
    let holders = hold.body["token"].as_str().unwrap();
    let before = shop.contents();
    let right = format!("Bearer {ADMIN_TOKEN}");
    let wrong: Vec<Vec<String>> = vec![
        vec![],
        vec![String::new()],
        vec!["Bearer".into()],
        vec!["Bearer ".into()],
        vec!["Bearer wrong".into()],
        vec![format!("Bearer {}", &ADMIN_TOKEN[1..])],
        vec![format!("Bearer {ADMIN_TOKEN}x")],
        vec![format!("Bearer {}", ADMIN_TOKEN.to_uppercase())],
        vec![format!("Basic {ADMIN_TOKEN}")],
        vec![ADMIN_TOKEN.into()],
        vec![format!("Bearer {holders}")],
        vec![right.clone(), right.clone()],
        vec![right.clone(), "Bearer wrong".into()],
        vec!["Bearer wrong".into(), right.clone()],
    ];
    let mut calls = every_call();
    calls.push((Method::Get, "/admin/api/nothing", None));
    calls.push((Method::Delete, "/admin/api/holds", None));
    calls.push((Method::Get, "/admin/api/holds?limit=0&x=y", None));
    calls.push((Method::Get, "/admin/api/products/nine/movements", None));
    for (method, path, body) in calls {
        for bearers in &wrong {
            for body in [body, Some("{"), Some(r#"{"unknown":1}"#)] {
                let bare = request(&method, path, body);
                let request = bearers.iter().fold(bare, |request, bearer| {
                    request.with_header("Authorization", bearer)
                });
                let answer = shop.call(request).failed_with(401, "unauthorized");
                assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"));
                assert_eq!(answer.header("Cache-Control"), Some("no-store"));
            }
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
    for scheme in ["bearer", "BEARER"] {
        let shown = format!("{scheme} {ADMIN_TOKEN}");
        let request = Request::new(Method::Get, "/admin/api/stats");
        shop.call(request.with_header("Authorization", &shown)).ok();
    }
}

#[test]
fn the_operators_token_is_no_holders() {
    let shop = Shop::operated_on_terms(vec![item("tee", 1)], config(|it| it.require_tokens = true));
    shop.hold("tee", 1).created();
    shop.call(bearing(
        Request::new(Method::Get, "/api/holds/1"),
        ADMIN_TOKEN,
    ))
    .failed_with(404, "hold_not_found");
}

#[test]
fn over_a_socket_too_the_operator_alone_is_let_in() {
    let premises = Premises::stocked(9);
    let server = wire::serve(&premises, &[]);
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let shown: &[(&str, &str)] = &[("Authorization", &bearer)];
    for (method, path, body) in every_call() {
        let line = format!("{method} {path}");
        let body = body.unwrap_or_default().as_bytes();
        wire::call(&server, &line, shown, body)
            .is(404)
            .says("code", "not_found");
    }
    server.stop();

    let server = wire::serve(&premises, &[("admin_token", ADMIN_TOKEN)]);
    for (method, path, _) in every_call() {
        let line = format!("{method} {path}");
        for headers in [&[][..], &[shown, shown].concat()] {
            wire::call(&server, &line, headers, b"{")
                .is(401)
                .has_line("WWW-Authenticate: Bearer")
                .has_line("Content-Type: application/json")
                .has_line("Cache-Control: no-store")
                .says("code", "unauthorized");
        }
    }
    let product = br#"{"name":"Cap","price":1.5,"total_stock":3}"#;
    wire::call(&server, "POST /admin/api/products", shown, product)
        .is(201)
        .has_line("Location: /api/products/2");
    let changed = wire::call(
        &server,
        "PATCH /admin/api/products/2",
        shown,
        br#"{"paused":true}"#,
    );
    assert_eq!(changed.is(200).body["paused"], true);
    let list = wire::call(&server, "GET /admin/api/holds", shown, b"").is(200);
    let head = wire::call(&server, "HEAD /admin/api/holds", shown, b"").is(200);
    assert_eq!(
        (head.text.as_str(), list.text.as_str()),
        ("", r#"{"data":[],"next_cursor":null}"#)
    );
    server.stop();
    premises.books_are_right();
}

#[test]
fn a_path_takes_its_methods_and_no_others() {
    let shop = Shop::operated_on_terms(
        vec![item("tee", 1)],
        config(|it| it.cors_origins = vec!["https://shop.example".parse().unwrap()]),
    );
    shop.ordered("tee", 1);
    let before = shop.contents();
    for (method, path, _) in every_call() {
        let path = path.strip_prefix("/admin/api").unwrap();
        let allow = if method == Method::Get {
            "GET, HEAD"
        } else if method == Method::Patch {
            "PATCH"
        } else {
            "POST"
        };
        let taken = |other: &Method| allow.split(", ").any(|name| name == other.to_string());
        for other in METHODS.into_iter().filter(|other| !taken(other)) {
            let answer = shop
                .operate(Request::new(other, path))
                .failed_with(405, "method_not_allowed");
            assert_eq!(answer.header("Allow"), Some(allow), "{path}");
        }
        let preflight = Request::new(Method::Options, &format!("/admin/api{path}"))
            .with_header("Origin", "https://shop.example");
        let answer = shop.call(preflight).has_status(204);
        assert_eq!(answer.header("Access-Control-Allow-Methods"), Some(allow));
        if method == Method::Get {
            shop.operate(Request::new(Method::Head, path)).ok();
        }
    }
    for path in [
        "",
        "/",
        "/nothing",
        "/holds//",
        "/holds/1",
        "/refunds/1",
        "/products/1/restock//",
    ] {
        shop.admin_get(path).failed_with(404, "not_found");
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
}

#[test]
fn what_the_operator_has_is_not_sent_again() {
    let shop = busy();
    for (method, path, _) in every_call() {
        if method != Method::Get {
            continue;
        }
        let ask = |tag: &str| {
            let request = Request::new(Method::Get, path).with_header("If-None-Match", tag);
            shop.call(bearing(request, ADMIN_TOKEN))
        };
        let first = ask("\"none\"").ok();
        let tag = first.header("ETag").unwrap();
        assert_eq!(first.header("Cache-Control"), Some("no-store"));
        if path != "/admin/api/stats" {
            let again = ask(tag).has_status(304);
            assert!(again.bytes.is_empty(), "{path}");
        }
    }
    let list = || shop.admin_get("/orders").ok();
    let before = list().header("ETag").unwrap().to_owned();
    shop.ordered("tee", 1);
    assert_ne!(list().header("ETag"), Some(before.as_str()));
}
