//! What an origin is: the text that a browser sends.

use flashsale::config::Origin;

#[test]
fn what_a_browser_sends_is_an_origin() {
    for sent in [
        "*",
        "https://shop.example",
        "http://localhost:3000",
        "https://shop.example:8443",
        "http://shop.example:443",
        "https://xn--bcher-kva.example",
        "http://127.0.0.1:5173",
        "http://[::1]:3000",
        "https://shop_1.example.",
        "https://1.shop.example",
    ] {
        assert!(sent.parse::<Origin>().is_ok(), "{sent}");
    }
}

#[test]
fn what_no_browser_sends_is_refused_with_what_is_meant() {
    for (written, meant) in [
        ("https://shop.example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("https://Shop.Example", "https://shop.example"),
        ("HTTPS://shop.example", "https://shop.example"),
        ("https://shop.example/basket?x#y", "https://shop.example"),
        ("shop.example", "https://shop.example"),
    ] {
        let why = written.parse::<Origin>().unwrap_err();
        assert!(why.ends_with(&format!("it sends {meant:?}")), "{why}");
    }
    for nothing in [
        "",
        "null",
        "https://",
        "https://*.shop.example",
        "https://*",
        "**",
        "ftp://shop.example",
        "https://shop..example",
        "https://.example",
        "https://b\u{fc}cher.example",
        "https://shop.example:0",
        "https://shop.example:",
        "https://shop.example:08443",
        "https://shop.example:99999",
        "https://1.2.3",
        "https://256.1.1.1",
        "http://[0:0::1]",
        "http://[::1",
        "https://ada@shop.example",
        "https://shop example",
        "file:///shop.html",
        "https:shop.example",
    ] {
        assert!(nothing.parse::<Origin>().is_err(), "{nothing}");
    }
}
