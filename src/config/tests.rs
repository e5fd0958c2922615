//! What each source may have, and how a wrong value is refused.

use super::file::set_all;
use super::*;

const FOR_ITS_OWNER: u32 = 0o100_600;

fn file(text: &str) -> Result<Config, String> {
    file_of_mode(text, FOR_ITS_OWNER)
}

fn file_of_mode(text: &str, mode: u32) -> Result<Config, String> {
    let mut config = Config::default();
    set_all(&mut config, text, mode)
        .map_err(|why| ConfigError::invalid(&format!("shop.toml, {why}")).to_string())?;
    Ok(config)
}

/// The example file as the definitions of the keys give it.
fn example() -> String {
    let mut text = "\
# Every key of flashsale with its default. Copy this file to flash_sale.toml and change what you need.
# Each key can also be set in the environment, as FLASHSALE_<KEY>. A flag wins over the environment, that over this file.
"
    .to_owned();
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            text += &format!("\n# {:->110}\n", format!(" {section}"));
        }
        text += "\n";
        for line in key.about {
            text += &format!("#{line}\n");
        }
        let allowed = match (key.allowed)() {
            allowed if allowed.is_empty() => allowed,
            allowed => format!(" # {allowed}"),
        };
        text += &match key.default {
            Some(default) => format!("{} = {default}{allowed}\n", key.name),
            None => format!("# {} = \"…\"\n", key.name),
        };
    }
    text
}

/// Writes the file anew where it differs, so that a change of a key needs no second place.
#[test]
fn the_example_shows_every_key_with_its_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/flash_sale.example.toml");
    let committed = std::fs::read_to_string(path).unwrap();
    let example = example();
    if committed != example {
        std::fs::write(path, &example).unwrap();
        panic!("flash_sale.example.toml was not what config/keys.rs says, and is now: commit it");
    }
    assert_eq!(file(&example), Ok(Config::default()));
}

#[test]
fn a_wrong_value_is_shown_where_it_stands() {
    let error = file("db = \"a.db\"\nhold_ttl_s = 0\n").unwrap_err();
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
    let error = file("\n\nhold_tll_s = 1\n").unwrap_err();
    assert!(
        error.contains("line 3: hold_tll_s: there is no such key; did you mean hold_ttl_s?"),
        "{error}"
    );
    assert!(error.ends_with("^^^^^^^^^^"), "{error}");
    assert!(file("a = 1\nb = = 2\n").unwrap_err().contains("line 2"));
    let twice = file("hold_ttl_s = 1\nhold_ttl_s = 2\n").unwrap_err();
    assert!(
        twice.contains("line 2: hold_ttl_s: ") && twice.contains("^^^"),
        "{twice}"
    );
    let empty = file("drain_s = 1\ndb = \n").unwrap_err();
    assert!(
        empty.contains("line 2: db: ") && empty.contains('^'),
        "{empty}"
    );
}

/// The README's.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OWN_SECRET: &str = "whsec_FmPmDHTVyEtOjE5SKBkUpRqHgZXbwn8O4sTuaLYf";

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
        let error = file(&format!("\nwebhook_secrets = [{wrong:?}]")).unwrap_err();
        let place = "shop.toml, line 2: webhook_secrets: a secret must be whsec_";
        assert!(error.starts_with(place), "{wrong}: {error}");
    }
    let three = format!("webhook_secrets = [{SECRET:?}, {SECRET:?}, {SECRET:?}]");
    assert!(
        file(&three)
            .unwrap_err()
            .ends_with("there may be at most 2")
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
        let error = file(&format!("admin_token = {wrong:?}")).unwrap_err();
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
    ] {
        let error = file(&text).unwrap_err();
        assert!(!error.contains("MfKQ9r8"), "{error}");
    }
}

#[test]
fn a_list_that_does_not_parse_is_named_by_its_key() {
    let error = file("drain_s = 1\nwebhook_secrets = [\n  \"a\" x\n]").unwrap_err();
    assert!(
        error.starts_with("shop.toml, line 3: webhook_secrets: "),
        "{error}"
    );
    let error = file("drain_s = 1\nnonsense").unwrap_err();
    assert!(error.starts_with("shop.toml, line 2: "), "{error}");
    assert!(!error.contains("drain_s"), "{error}");
}

#[test]
fn an_empty_variable_switches_no_signatures_off() {
    let empty = [("FLASHSALE_WEBHOOK_SECRETS".to_owned(), String::new())];
    let error = load(None, empty.into_iter(), &Flags::new()).unwrap_err();
    assert!(error.to_string().contains("FLASHSALE_WEBHOOK_SECRETS"));
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
        let error = file(&format!("trusted_proxies = [{wrong:?}]")).unwrap_err();
        assert!(error.contains("line 1: trusted_proxies"), "{error}");
    }
}

#[test]
fn a_server_that_only_this_machine_reaches_may_be_open() {
    for here in ["127.0.0.2:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
        assert!(
            file(&format!("listen = {here:?}")).unwrap().check().is_ok(),
            "{here}"
        );
    }
    for elsewhere in [
        "0.0.0.0:80",
        "[::]:80",
        "[::ffff:10.0.0.1]:80",
        "unix:shop.sock",
    ] {
        let refused = file(&format!("listen = {elsewhere:?}")).unwrap().check();
        assert!(refused.is_err(), "{elsewhere}");
    }
}

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
fn quotes_that_were_left_around_a_value_are_no_part_of_it() {
    for (name, value) in [
        ("FLASHSALE_ADMIN_TOKEN", "\"0123456789abcdef0123\""),
        ("FLASHSALE_ADMIN_TOKEN", "'0123456789abcdef0123'"),
        ("FLASHSALE_DB", "\"shop.db\""),
    ] {
        let environment = [(name.to_owned(), value.to_owned())];
        let error = load(None, environment.into_iter(), &Flags::new())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(&format!("environment, {name}: ")),
            "{error}"
        );
        assert!(
            error.contains("quotes") && !error.contains("0123456789"),
            "{error}"
        );
    }
    let error = file("admin_token = \"'0123456789abcdef0123'\"").unwrap_err();
    assert!(
        error.contains("line 1: admin_token: it begins and ends with a quote"),
        "{error}"
    );
    assert!(file("admin_token = \"\\\"0123456789abcdef0123\"").is_ok());
}

#[test]
fn the_secrets_that_the_readme_shows_serve_this_machine_alone() {
    let readme = include_str!("../../README.md");
    let closed = format!("require_tokens = true\nwebhook_secrets = [{OWN_SECRET:?}]");
    let shown = |prefix: &'static str| {
        readme
            .split(prefix)
            .skip(1)
            .map(move |rest| rest.split('"').next().unwrap())
    };
    let secrets = shown("webhook_secrets = [\"").map(|secret| {
        let with = format!("[{OWN_SECRET:?}, {secret:?}]");
        (
            "webhook_secrets",
            closed.replace(&format!("[{OWN_SECRET:?}]"), &with),
        )
    });
    let tokens = shown("admin_token = \"")
        .map(|token| ("admin_token", format!("{closed}\nadmin_token = {token:?}")));
    let examples: Vec<(&str, String)> = secrets.chain(tokens).collect();
    assert!(examples.len() > 1, "{examples:?}");
    for (key, example) in examples {
        assert!(file(&example).unwrap().check().is_ok());
        for reached in [
            "listen = \"0.0.0.0:80\"",
            "listen = \"unix:shop.sock\"",
            "trusted_proxies = [\"10.0.0.1\"]",
        ] {
            for open in ["", "allow_open = true"] {
                let config = file(&format!("{example}\n{reached}\n{open}")).unwrap();
                let error = config.check().unwrap_err().to_string();
                assert!(
                    error.contains(&format!("{key} is the README's example")),
                    "{error}"
                );
            }
        }
    }
}
