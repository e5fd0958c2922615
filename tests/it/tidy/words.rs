//! Words that are not used: each has a word of the field instead, which somebody who has written servers would search for.

use std::collections::BTreeMap;

use super::source::Source;
use super::{documentation, only_known, project, tree};

/// Nothing of ours is called so, nor begins so where a star stands; and what it is called. Words that mean something else
/// as well (`access`, `cells`, `columns`, `settle`) are left to the reader.
const NAMES: [(&str, &str); 52] = [
    ("Asked", "RequestInfo"),
    ("Book", "WorkingSet"),
    ("Condition", "WriteState"),
    ("Denial", "CommandError"),
    ("Desk", "CommitLoop"),
    ("Done", "Recorded"),
    ("Door", "EventLoop"),
    ("Ended", "WriterExit"),
    ("Exchange", "Incoming"),
    ("Failure", "StoreError"),
    ("Fault", "CliError"),
    ("Guest", "Permit"),
    ("Guests", "ConnectionLimit"),
    ("House", "Context and Pool"),
    ("LINGER", "KEEP_THREAD"),
    ("LoadProduct", "UpsertProduct"),
    ("Loaded", "Upserted"),
    ("Look", "ProductCache"),
    ("Manners", "Framing"),
    ("Meta", "Counters"),
    ("Named", "PaymentTarget"),
    ("Note", "Control"),
    ("Outgoing", "ResponseWriter"),
    ("Pace", "SalesRate"),
    ("Pages", "SqliteRows"),
    ("Parking", "Poller"),
    ("Rows", "Table"),
    ("Set", "Patch"),
    ("Shelf", "RowSource"),
    ("Shift", "StockDelta"),
    ("drop_what_it_sends", "discard_input"),
    ("give", "send_answers"),
    ("give_up", "cancel_pending"),
    ("has_elder", "has_earlier_report"),
    ("hire_if_needed", "spawn_if_needed"),
    ("hurry", "stop_now"),
    ("invite_body", "send_continue"),
    ("is_untidy", "checkpoint_failed"),
    ("is_well", "is_healthy"),
    ("journal", "logging"),
    ("lately", "recent"),
    ("look_at_*", "require_*"),
    ("payee", "PaymentTarget"),
    ("postman", "replier"),
    ("pulse", "heartbeat"),
    ("replay", "idempotency"),
    ("said", "value"),
    ("shortage", "sold_out_hint"),
    ("start_to_leave", "begin_lingering_close"),
    ("tidy", "maintain"),
    ("turn", "single_flight"),
    ("work_off", "execute"),
];

/// Metaphors that would have to be learnt: in no name, no comment and no log line.
const METAPHORS: [&str; 7] = [
    "desk", "door", "guest", "guests", "house", "parking", "postman",
];

/// Those that are still there. The list only gets shorter.
const STILL_THERE: &[&str] = &[];

/// What the file defines, and the module that it is.
fn definitions(source: &Source) -> Vec<&str> {
    let stem = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
    let stem = stem.rsplit('/').next();
    source.definitions().chain(stem).collect()
}

/// `a door` and `DoorKeeper` and `door_of` have the word `door`.
fn words_of_text(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in text.chars() {
        let begins = letter.is_uppercase() && before.is_lowercase();
        if begins || !letter.is_alphabetic() {
            words.push(String::new());
        }
        if letter.is_alphabetic() {
            words.last_mut().unwrap().extend(letter.to_lowercase());
        }
        before = letter;
    }
    words
}

/// Retired words, each with the files that have it.
fn retired(sources: &[Source]) -> BTreeMap<&'static str, Vec<&str>> {
    let mut found: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    let names_tidy = ["tests/it/main.rs", "tests/it/tidy/"];
    let is_judged = |it: &&Source| !names_tidy.iter().any(|path| it.path.starts_with(path));
    for source in sources.iter().filter(is_judged) {
        let definitions = definitions(source);
        let is_defined = |name: &str| match name.strip_suffix('*') {
            Some(prefix) => definitions.iter().any(|it| it.starts_with(prefix)),
            None => definitions.contains(&name),
        };
        let names = NAMES.iter().map(|(name, _)| *name);
        let names = names.filter(|name| is_defined(name));
        for word in names.chain(metaphors(&source.text)) {
            found.entry(word).or_default().push(source.path.as_str());
        }
    }
    found
}

fn metaphors(text: &str) -> impl Iterator<Item = &'static str> {
    let words = words_of_text(text);
    let metaphors = METAPHORS.into_iter();
    metaphors.filter(move |word| words.iter().any(|it| it == word))
}

/// Retired words in a text for people: metaphors, and types between backticks. (A retired name in small letters may be a field
/// of an answer.)
fn retired_in_prose(text: &str) -> Vec<&'static str> {
    let code: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let is_told = |name: &&str| code.contains(name) && name.starts_with(char::is_uppercase);
    let names = NAMES.iter().map(|(name, _)| *name).filter(is_told);
    names.chain(metaphors(text)).collect()
}

#[test]
fn no_retired_word_is_in_the_documentation() {
    for (path, text) in documentation() {
        assert_eq!(retired_in_prose(&text), [""; 0], "{path}");
    }
    assert_eq!(retired_in_prose("The `Desk` is shut."), ["Desk", "desk"]);
    assert_eq!(retired_in_prose("The doors of the house."), ["house"]);
    assert_eq!(
        retired_in_prose("`lately`, and the Pages of a Book"),
        [""; 0]
    );
}

#[test]
fn nothing_is_called_by_a_retired_word() {
    let found = retired(project());
    let words: Vec<_> = found.keys().copied().collect();
    println!("{found:#?}");
    only_known(&words, STILL_THERE);
    for text in [
        "struct Denial;",
        "// not code: \" \nfn look_at_hold() {}",
        "/// Kept at the door.\nstruct A;",
        "fn f() { log!(\"the door is shut\") }",
        "struct DoorKeeper;",
        "fn keep_door() {}",
        "struct A { pub postponed: bool, pulse: u8 }",
        "fn f(hurry: bool) {}",
        "#[cfg(test)]\nmod tests { fn give_up() {} }",
    ] {
        let sources = tree(&[("src/a.rs", text)]);
        assert_eq!(retired(&sources).len(), 1, "{text}");
    }
    assert_eq!(retired(&tree(&[("src/journal.rs", "")])).len(), 1);
    let text = "// Set, Rows and journal are words.\nfn outdoor(rows: rusqlite::Rows) {}";
    assert_eq!(retired(&tree(&[("src/a.rs", text)])).len(), 0);
}
