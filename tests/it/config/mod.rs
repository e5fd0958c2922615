//! What each source of the configuration may have, and how a wrong value is refused.

mod example;
mod origin;
mod reach;
mod secrets;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use flashsale::config::{Config, Flags, load};

/// The configuration that a file gives. An error names the file `shop.toml`.
fn file(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let loaded = load(Some(&path), std::iter::empty(), &Flags::new());
    let folder = format!("{}/", folder.path().display());
    loaded
        .map(|(config, _)| config)
        .map_err(|error| error.to_string().replace(&folder, ""))
}

fn refused(text: &str) -> String {
    file(text).unwrap_err()
}

/// The error of a variable alone.
fn refused_variable(name: &str, value: &str) -> String {
    let environment = [(name.to_owned(), value.to_owned())];
    let loaded = load(None, environment.into_iter(), &Flags::new());
    loaded.unwrap_err().to_string()
}

#[test]
fn a_wrong_value_is_shown_where_it_stands() {
    let error = refused("db = \"a.db\"\nhold_ttl_s = 0\n");
    assert!(
        error.starts_with(
            "shop.toml, line 2: hold_ttl_s: it must be a whole number from 1 to 86400"
        ),
        "{error}"
    );
    assert!(
        error.ends_with("\n  hold_ttl_s = 0\n               ^"),
        "{error}"
    );
}

#[test]
fn unknown_keys_and_broken_files_are_refused_with_their_line() {
    let error = refused("\n\nhold_tll_s = 1\n");
    assert!(
        error.contains("line 3: hold_tll_s: there is no such key; did you mean hold_ttl_s?"),
        "{error}"
    );
    assert!(error.ends_with("^^^^^^^^^^"), "{error}");
    assert!(refused("a = 1\nb = = 2\n").contains("line 2"));
    let twice = refused("hold_ttl_s = 1\nhold_ttl_s = 2\n");
    assert!(
        twice.contains("line 2: hold_ttl_s: ") && twice.contains("^^^"),
        "{twice}"
    );
    let empty = refused("drain_s = 1\ndb = \n");
    assert!(
        empty.contains("line 2: db: ") && empty.contains('^'),
        "{empty}"
    );
}

#[test]
fn a_list_that_does_not_parse_is_named_by_its_key() {
    let error = refused("drain_s = 1\nwebhook_secrets = [\n  \"a\" x\n]");
    assert!(
        error.starts_with("shop.toml, line 3: webhook_secrets: "),
        "{error}"
    );
    let error = refused("drain_s = 1\nnonsense");
    assert!(error.starts_with("shop.toml, line 2: "), "{error}");
    assert!(!error.contains("drain_s"), "{error}");
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let environment = [
        ("FLASHSALE_HOLD_TTL_S", "2"),
        ("FLASHSALE_ORDER_TTL_S", "3"),
        ("FLASHSALE_HODL", "4"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let flags = Flags::from([("order_ttl_s", "5".to_owned())]);
    let (config, warnings) = load(None, environment.into_iter(), &flags).unwrap();
    assert_eq!((config.hold_ttl_s, config.order_ttl_s), (2, 5));
    assert_eq!(
        warnings,
        ["FLASHSALE_HODL is set, but there is no such key; flash_sale.example.toml lists all"]
    );
}

#[test]
fn a_proxy_is_an_address_or_a_network() {
    let config = file("trusted_proxies = [\"10.0.0.1\", \"fd00::/8\"]\nallow_open = true").unwrap();
    let shown = config.trusted_proxies.iter().map(ToString::to_string);
    assert_eq!(shown.collect::<Vec<_>>(), ["10.0.0.1/32", "fd00::/8"]);
    for wrong in ["proxy.example", "10.0.0.0/33", "10.0.0", ""] {
        let error = refused(&format!("trusted_proxies = [{wrong:?}]"));
        assert!(error.contains("line 1: trusted_proxies"), "{error}");
    }
}

#[test]
fn a_currency_is_a_code_of_iso_4217_with_two_decimals() {
    for right in ["EUR", "USD", "CHF"] {
        let config = file(&format!("currency = {right:?}")).unwrap();
        assert_eq!(config.currency.map(|it| it.as_str()), Some(right));
    }
    for wrong in ["eur", "EURO", "JPY", "KWD", "XYZ", "XAU", "", "E"] {
        let error = refused(&format!("currency = {wrong:?}"));
        assert!(error.contains("line 1: currency: it must be "), "{error}");
    }
}

#[test]
fn a_failed_payment_cancels_or_keeps() {
    for right in ["cancel", "keep"] {
        assert!(file(&format!("failed_payment = {right:?}")).is_ok());
    }
    let error = refused("failed_payment = \"ignore\"");
    assert!(
        error.contains("it must be \"cancel\" or \"keep\""),
        "{error}"
    );
}
