//! What a secret may be, and that it is shown in no message.

use super::{file, refused, refused_variable};
use crate::provider::{OTHER_STRIPE_SECRET, STRIPE_SECRET};

/// The README's.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn a_webhook_secret_is_24_to_64_bytes_in_base64() {
    let of_bytes = |count: usize| format!("whsec_{}", "AAAA".repeat(count / 3));
    for right in [SECRET, &of_bytes(24), &of_bytes(63)] {
        let config = file(&format!("webhook_secrets = [{right:?}]")).unwrap();
        assert_eq!(config.webhook_secrets.len(), 1, "{right}");
    }
    for wrong in [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
        " whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        &of_bytes(21),
        &of_bytes(66),
    ] {
        let error = refused(&format!("\nwebhook_secrets = [{wrong:?}]"));
        let place = "shop.toml, line 2: webhook_secrets: a secret must be whsec_";
        assert!(error.starts_with(place), "{wrong}: {error}");
    }
    let three = format!("webhook_secrets = [{SECRET:?}, {SECRET:?}, {SECRET:?}]");
    assert!(refused(&three).ends_with("there may be at most 2"));
}

#[test]
fn stripes_secrets_are_one_or_two_as_stripe_shows_them() {
    let with = |secrets: &str| file(&format!("currency = \"USD\"\nstripe_secrets = {secrets}"));
    let [one, other] = [STRIPE_SECRET, OTHER_STRIPE_SECRET];
    assert_eq!(with("[]").unwrap().stripe_secrets.len(), 0);
    assert_eq!(with(&format!("[{one:?}]")).unwrap().stripe_secrets.len(), 1);
    let both = with(&format!("[{one:?}, {other:?}]")).unwrap();
    assert_eq!(both.stripe_secrets.len(), 2);
    assert!(
        !format!("{both:?}").contains(&one[6..]),
        "it is not printed"
    );
    for wrong in ["", "whsec_", &one[6..], "whsec_a b", "whsec_é"] {
        let error = with(&format!("[{wrong:?}]")).unwrap_err();
        let place = "shop.toml, line 2: stripe_secrets: a secret must be whsec_";
        assert!(error.starts_with(place), "{wrong}: {error}");
    }
    let three = with(&format!("[{one:?}, {one:?}, {other:?}]")).unwrap_err();
    assert!(three.ends_with("there may be at most 2"), "{three}");
    refused_variable("FLASHSALE_STRIPE_SECRETS", "");
    let elsewhere = refused(&format!("listen = {one:?}"));
    assert!(!elsewhere.contains(&one[6..]), "{elsewhere}");
    let alone = refused(&format!("stripe_secrets = [{one:?}]"));
    assert!(
        alone.contains("set currency") && !alone.contains(one),
        "{alone}"
    );
}

#[test]
fn an_admin_token_is_16_to_255_visible_characters() {
    for right in ["x".repeat(16), "x".repeat(255)] {
        assert!(file(&format!("admin_token = {right:?}")).is_ok());
    }
    for wrong in [
        "x".repeat(15),
        "x".repeat(256),
        "é".repeat(16),
        "x ".repeat(9),
    ] {
        let error = refused(&format!("admin_token = {wrong:?}"));
        assert!(error.ends_with("it must be 16 to 255 visible ASCII characters"));
    }
}

#[test]
fn a_secret_that_stands_in_a_wrong_place_is_not_shown() {
    for text in [
        format!("cors_origins = [{SECRET:?}]"),
        format!("listen = {SECRET:?}"),
        format!("{SECRET} = 1"),
        format!("webhook_secrets = [\n  {SECRET:?} x\n]"),
        format!("webhook_secrets = [\n  \"{SECRET}\n]"),
        format!("db = \"shop.db webhook_secrets = [\n  {SECRET:?},\n]"),
    ] {
        let error = refused(&text);
        assert!(!error.contains("MfKQ9r8"), "{error}");
    }
}

#[test]
fn an_empty_variable_switches_no_signatures_off() {
    let error = refused_variable("FLASHSALE_WEBHOOK_SECRETS", "");
    assert!(error.contains("FLASHSALE_WEBHOOK_SECRETS"), "{error}");
}

#[test]
fn secrets_are_not_printed_with_their_configuration() {
    let config = file(&format!(
        "webhook_secrets = [{SECRET:?}]\nadmin_token = \"correct-horse-battery\""
    ));
    let shown = format!("{:?}", config.unwrap());
    assert!(
        !shown.contains("correct") && !shown.contains("MfKQ"),
        "{shown}"
    );
}

#[test]
fn quotes_that_were_left_around_a_value_are_no_part_of_it() {
    for (name, value) in [
        ("FLASHSALE_ADMIN_TOKEN", "\"0123456789abcdef0123\""),
        ("FLASHSALE_ADMIN_TOKEN", "'0123456789abcdef0123'"),
        ("FLASHSALE_DB", "\"shop.db\""),
    ] {
        let error = refused_variable(name, value);
        assert!(
            error.starts_with(&format!("environment, {name}: ")),
            "{error}"
        );
        assert!(
            error.contains("quotes") && !error.contains("0123456789"),
            "{error}"
        );
    }
    let error = refused("admin_token = \"'0123456789abcdef0123'\"");
    assert!(
        error.contains("line 1: admin_token: it begins and ends with a quote"),
        "{error}"
    );
    assert!(file("admin_token = \"\\\"0123456789abcdef0123\"").is_ok());
}
