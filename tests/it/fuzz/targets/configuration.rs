//! The configuration file. Read twice it means the same; no secret stands in a message, and none is taken from a file that
//! others may read.

use flashsale::config::{Config, KEYS, read_text};

/// A value for secrets: as long as they must be, and with letters and digits in it.
const CANARY: &str = "zq5xZQ7wJk0YvT3uR8pL1nH6";

pub fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (mut config, mut again) = (Config::default(), Config::default());
    let read = read_text(&mut config, text, false);
    assert_eq!(read, read_text(&mut again, text, false));
    assert_eq!(config, again);
    let mut messages: Vec<String> = read.clone().err().into_iter().collect();
    if read.is_ok() {
        messages.extend(config.check().err().map(|error| error.to_string()));
        messages.push(format!("{config:?}"));
    } else {
        assert!(messages[0].starts_with("line "), "{}", messages[0]);
    }
    let shown = messages.iter().find(|message| message.contains(CANARY));
    if let Some(shown) = shown
        && !stands_where_no_secret_does(text)
    {
        panic!("a secret is shown: {shown}");
    }
    let mut open_to_others = Config::default();
    if read_text(&mut open_to_others, text, true).is_ok() {
        assert_eq!(open_to_others, config);
        let has_secret = config.admin_token.is_some()
            || config.feed_token.is_some()
            || !config.webhook_secrets.is_empty()
            || !config.stripe_secrets.is_empty()
            || config.db.has_secret();
        assert!(
            !has_secret,
            "a secret is taken from a file that others may read"
        );
    }
}

/// Whether the canary is a name, or a value of a key that is no secret.
fn stands_where_no_secret_does(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| line.contains(CANARY));
    lines.any(|line| {
        let name = line.split('=').next().unwrap_or_default().trim();
        let is_no_secret = KEYS.iter().any(|key| key.name == name && !key.is_secret);
        name.contains(CANARY) || is_no_secret
    })
}
