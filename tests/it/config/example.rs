//! `flash_sale.example.toml` is what the definitions of the keys say.

use flashsale::config::{Config, KEYS};

use super::file;

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

/// The example file as the definitions of the keys give it.
fn example() -> String {
    let mut text = "\
# Every key of flashsale with its default. Copy this file to flash_sale.toml and change what you need.
# Each key can also be set in the environment, as FLASHSALE_<KEY>, a list with commas between. A flag wins over the
# environment, that over this file.
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
