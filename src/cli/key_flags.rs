//! The configuration keys that are flags of `flashsale serve`, made from the keys' definitions.

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::config::{Flags, Key};

/// The usual ones; the others stand in the file or in the environment.
const KEYS: [&str; 5] = [
    "listen",
    "hold_ttl_s",
    "order_ttl_s",
    "late_payment",
    "durability",
];

pub struct KeyFlags(pub Flags);

impl Args for KeyFlags {
    fn augment_args(command: Command) -> Command {
        command.args(keys().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        KeyFlags::augment_args(command)
    }
}

impl FromArgMatches for KeyFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<KeyFlags, Error> {
        let value = |key: &Key| Some((key.name, matches.get_one::<String>(key.name)?.clone()));
        Ok(KeyFlags(keys().filter_map(value).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = KeyFlags::from_arg_matches(matches)?;
        Ok(())
    }
}

fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().map(|name| key(name))
}

fn key(name: &str) -> &'static Key {
    Key::named(name).expect("a flag is called like its key")
}

/// Takes any text: the configuration says what is wrong with it, as with that of every other source.
fn flag(key: &Key) -> Arg {
    Arg::new(key.name)
        .long(key.name.replace('_', "-"))
        .value_name("VALUE")
        .help_heading("Keys of the configuration")
        .help(summary(key))
}

/// What the key called `name` is for, and what may stand in it.
pub fn help(name: &str) -> String {
    summary(key(name))
}

fn summary(key: &Key) -> String {
    let default = key.default.unwrap_or("none").trim_matches('"');
    let bounds = match (key.allowed)() {
        allowed if allowed.is_empty() => format!("[default: {default}]"),
        allowed => format!("[{allowed}; default: {default}]"),
    };
    let summary = key.about[0].trim().trim_end_matches('.');
    format!("{summary} {bounds}")
}
