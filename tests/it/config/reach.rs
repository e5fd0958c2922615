//! Which addresses are read, and which of them reach this machine alone.

use flashsale::config::{Flags, load};

use super::{file, refused};
use crate::provider::SECRET;

#[test]
fn an_address_without_a_host_is_this_machine_alone() {
    let listen = |text: &str| {
        let flags = Flags::from([("listen", text.to_owned())]);
        load(None, std::iter::empty(), &flags).map(|(config, _)| config.listen.to_string())
    };
    for (text, read) in [
        (":8000", "127.0.0.1:8000"),
        ("localhost:8000", "127.0.0.1:8000"),
        ("LocalHost:0", "127.0.0.1:0"),
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("[::1]:80", "[::1]:80"),
    ] {
        assert_eq!(listen(text).unwrap(), read, "{text}");
    }
    for wrong in [
        "",
        "8000",
        ":",
        ":x",
        ":65536",
        "localhost",
        "localhost:",
        "127.0.0.1",
        "::1",
        "http://127.0.0.1:8000",
        "shop.example:80",
        "*:8000",
        "unix:",
        "0.0.0.0",
    ] {
        let error = listen(wrong).unwrap_err().to_string();
        assert!(
            error.starts_with("--listen: listen: it must be "),
            "{wrong}: {error}"
        );
    }
    let error = listen("8000").unwrap_err().to_string();
    assert!(
        error.contains("localhost:8000") && error.contains("0.0.0.0:8000"),
        "{error}"
    );
}

#[test]
fn a_server_that_only_this_machine_reaches_may_be_open() {
    for here in ["127.0.0.2:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
        assert!(file(&format!("listen = {here:?}")).is_ok(), "{here}");
    }
    for elsewhere in [
        "0.0.0.0:80",
        "[::]:80",
        "[::ffff:10.0.0.1]:80",
        "unix:shop.sock",
    ] {
        let error = refused(&format!("listen = {elsewhere:?}"));
        assert!(error.contains("allow_open"), "{error}");
    }
}

#[test]
fn the_secrets_that_the_readme_shows_serve_this_machine_alone() {
    let readme = include_str!("../../../README.md");
    let closed = format!("require_tokens = true\nwebhook_secrets = [{SECRET:?}]");
    let shown = |prefix: &'static str| {
        readme
            .split(prefix)
            .skip(1)
            .map(move |rest| rest.split('"').next().unwrap())
    };
    let secrets = shown("webhook_secrets = [\"").map(|secret| {
        let with = format!("[{SECRET:?}, {secret:?}]");
        (
            "webhook_secrets",
            closed.replace(&format!("[{SECRET:?}]"), &with),
        )
    });
    let tokens = shown("admin_token = \"")
        .map(|token| ("admin_token", format!("{closed}\nadmin_token = {token:?}")));
    let examples: Vec<(&str, String)> = secrets.chain(tokens).collect();
    assert!(examples.len() > 1, "{examples:?}");
    for (key, example) in examples {
        assert!(file(&example).is_ok());
        for reached in [
            "listen = \"0.0.0.0:80\"",
            "listen = \"unix:shop.sock\"",
            "trusted_proxies = [\"10.0.0.1\"]",
        ] {
            for open in ["", "allow_open = true"] {
                let error = refused(&format!("{example}\n{reached}\n{open}"));
                assert!(
                    error.contains(&format!("{key} is the README's example")),
                    "{error}"
                );
            }
        }
    }
}
