//! The operator's page, as it is served: what a browser does with it, `tests/browser` tells.

use flashsale::http::{Method, Request};

use crate::shop::{Answer, Shop, item};

fn shop() -> Shop {
    Shop::operated(vec![item("tee", 1)])
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.clone()).unwrap()
}

/// What a text names below the page, each between quotes.
fn assets(text: &str) -> Vec<String> {
    let named = text.split('"').filter(|it| it.starts_with("/admin/"));
    let named = named.filter(|it| !it.starts_with("/admin/api/"));
    named.map(str::to_owned).collect()
}

/// Every file that the page loads, with its answer: what it names itself, and what these name.
fn loaded(shop: &Shop) -> Vec<(String, Answer)> {
    let mut found: Vec<(String, Answer)> = Vec::new();
    let mut wanted = assets(&text(&shop.get("/admin").ok()));
    while let Some(path) = wanted.pop() {
        if found.iter().all(|(known, _)| *known != path) {
            let answer = shop.get(&path).ok();
            wanted.extend(assets(&text(&answer)));
            found.push((path, answer));
        }
    }
    found
}

#[test]
fn the_page_needs_no_token_and_has_no_data_in_it() {
    let shop = shop();
    let page = shop.get("/admin").ok();
    for (name, value) in [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-cache"),
        (
            "Content-Security-Policy",
            "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    let text = text(&page);
    for absent in ["tee", "<style", " style=", "://", " onclick", "<script>"] {
        assert!(!text.contains(absent), "{absent}");
    }
    assert_eq!(shop.get("/admin/").ok().bytes, page.bytes);
    let tag = page.header("ETag").unwrap();
    let again = Request::new(Method::Get, "/admin").with_header("If-None-Match", tag);
    assert!(shop.call(again).has_status(304).bytes.is_empty());
}

#[test]
fn what_the_page_loads_is_kept_and_changes_its_name_with_its_content() {
    let shop = shop();
    let files = loaded(&shop);
    let kinds = |ending: &'static str| files.iter().filter(move |(path, _)| path.ends_with(ending));
    assert_eq!((kinds(".css").count(), kinds(".svg").count()), (1, 1));
    assert!(kinds(".js").count() > 10);
    for (path, answer) in &files {
        let kept = answer.header("Cache-Control");
        assert_eq!(kept, Some("public, max-age=31536000, immutable"), "{path}");
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        let (stem, rest) = path.split_once('-').unwrap();
        let (hash, ending) = rest.split_once('.').unwrap();
        let other = format!("{stem}-{}.{ending}", "0".repeat(hash.len()));
        for wrong in [other, format!("{stem}.{ending}")] {
            shop.get(&wrong).failed_with(404, "not_found");
        }
    }
}

#[test]
fn the_page_and_its_files_are_read_and_nothing_else() {
    let shop = shop();
    let (file, _) = loaded(&shop).swap_remove(0);
    for path in ["/admin", &file] {
        shop.call(Request::new(Method::Head, path)).ok();
        for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
            let answer = shop.call(Request::new(method, path));
            let answer = answer.failed_with(405, "method_not_allowed");
            assert_eq!(answer.header("Allow"), Some("GET, HEAD"), "{path}");
        }
    }
}

#[test]
fn without_an_operator_there_is_no_page() {
    let (file, _) = loaded(&shop()).swap_remove(0);
    let shop = Shop::with_stock("tee", 1);
    for path in ["/admin", "/admin/", &file, "/admin/api/stats"] {
        for method in [Method::Get, Method::Post] {
            let answer = shop.call(Request::new(method, path));
            answer.failed_with(404, "not_found");
        }
    }
}
