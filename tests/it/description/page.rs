//! The description as a page.

use std::collections::BTreeSet;

use flashsale::http::{Method, Request};

use super::codes_described;
use crate::conformance::operations;
use crate::shop::{Answer, Shop};

fn page(shop: &Shop) -> (Answer, String) {
    let answer = shop.get("/docs").ok();
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    (answer, text)
}

/// The values of an attribute.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let beginning = format!(" {name}=\"");
    let parts = page.split(&beginning).skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

#[test]
fn the_page_names_every_path_method_and_error() {
    let (_, page) = page(&Shop::with_stock("tee", 1));
    for (path, method, operation) in operations() {
        let method = method.to_uppercase();
        let heading =
            format!("<h3><b class=\"method {method}\">{method}</b> <code>{path}</code></h3>");
        assert!(page.contains(&heading), "{heading}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.contains(&format!("<article id=\"{id}\">")), "{id}");
    }
    let errors = page.split("<section id=\"errors\">").nth(1).unwrap();
    for (status, code) in codes_described() {
        let row = format!(
            "<td data-head=\"Status\">{status}</td><td data-head=\"Code\"><code>{code}</code></td>"
        );
        assert!(errors.contains(&row), "{row}");
    }
}

#[test]
fn the_page_needs_no_script_and_no_other_host() {
    let shop = Shop::with_stock("tee", 1);
    let (answer, page) = page(&shop);
    assert_eq!(
        answer.header("Content-Type"),
        Some("text/html; charset=utf-8")
    );
    let policy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
    assert_eq!(answer.header("Content-Security-Policy"), Some(policy));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
    for foreign in ["<script", "<style", " style=", "://", " src="] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let ids = attributes(&page, "id");
    let all: BTreeSet<_> = ids.iter().collect();
    assert_eq!(all.len(), ids.len(), "an id stands once");
    for target in attributes(&page, "href") {
        match target.strip_prefix('#') {
            Some(id) => assert!(ids.contains(&id), "{id} is on the page"),
            None => drop(shop.get(target).ok()),
        }
    }
}

#[test]
fn what_the_page_loads_may_be_kept_and_changes_its_name_with_its_content() {
    let shop = Shop::with_stock("tee", 1);
    let (_, page) = page(&shop);
    let links = attributes(&page, "href");
    let assets: Vec<_> = links.iter().filter(|it| it.starts_with("/docs/")).collect();
    assert_eq!(assets.len(), 2);
    for asset in assets {
        let answer = shop.get(asset).ok();
        let kept = answer.header("Cache-Control");
        assert_eq!(kept, Some("public, max-age=31536000, immutable"));
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        let (stem, rest) = asset.split_once('-').unwrap();
        let (hash, ending) = rest.split_once('.').unwrap();
        let other = format!("{stem}-{}.{ending}", "0".repeat(hash.len()));
        shop.get(&other).failed_with(404, "not_found");
    }
}

#[test]
fn a_browser_that_has_the_page_is_told_that_it_has_it() {
    let shop = Shop::with_stock("tee", 1);
    for path in ["/docs", "/openapi.json"] {
        let first = shop.get(path).ok();
        let tag = first.header("ETag").unwrap();
        let again = Request::new(Method::Get, path).with_header("If-None-Match", tag);
        let again = shop.call(again).has_status(304);
        assert!(again.bytes.is_empty());
        assert_eq!(again.header("ETag"), Some(tag));
    }
}
