//! One value of a row, as JSON, as a cell of a CSV for spreadsheets, and as a sentence shows it.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::sale::{Amount, Cents, Customer, Timestamp};

pub enum Cell<'a> {
    Empty,
    Number(i64),
    Flag(bool),
    Money(Cents),
    Time(Timestamp),
    /// A word of the program's own: a status, a verdict.
    Word(&'static str),
    /// Text that a client, a provider or the operator wrote.
    Text(&'a str),
    /// JSON that a provider wrote.
    Amount(&'a Amount),
}

impl<'a> Cell<'a> {
    pub fn number(number: Option<i64>) -> Cell<'a> {
        number.map_or(Cell::Empty, Cell::Number)
    }

    pub fn flag(flag: Option<bool>) -> Cell<'a> {
        flag.map_or(Cell::Empty, Cell::Flag)
    }

    pub fn money(cents: Option<Cents>) -> Cell<'a> {
        cents.map_or(Cell::Empty, Cell::Money)
    }

    pub fn time(time: Option<Timestamp>) -> Cell<'a> {
        time.map_or(Cell::Empty, Cell::Time)
    }

    pub fn text(text: Option<&'a str>) -> Cell<'a> {
        text.map_or(Cell::Empty, Cell::Text)
    }

    pub fn customer(customer: Option<&'a Customer>) -> Cell<'a> {
        Cell::text(customer.map(Customer::as_str))
    }

    /// Text in quotes, an empty cell as "none".
    pub fn for_people(&self) -> String {
        match self {
            Cell::Empty => "none".into(),
            Cell::Text(text) => format!("{text:?}"),
            Cell::Number(_)
            | Cell::Flag(_)
            | Cell::Money(_)
            | Cell::Time(_)
            | Cell::Word(_)
            | Cell::Amount(_) => self.for_spreadsheets().into_owned(),
        }
    }

    /// Text that others wrote is never a formula.
    pub fn for_spreadsheets(&self) -> Cow<'a, str> {
        match self {
            Cell::Empty => "".into(),
            Cell::Number(number) => number.to_string().into(),
            Cell::Flag(flag) => flag.to_string().into(),
            Cell::Money(cents) => cents.to_string().into(),
            Cell::Time(time) => time.to_string().into(),
            Cell::Word(word) => (*word).into(),
            Cell::Text(text) => no_formula((*text).into()),
            // JSON that is no string begins with a bracket or a letter, or is a number, whatever its sign.
            Cell::Amount(amount) => match serde_json::from_str::<String>(amount.as_json()) {
                Ok(text) => no_formula(text.into()),
                Err(_) => amount.as_json().into(),
            },
        }
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Empty => serializer.serialize_none(),
            Cell::Number(number) => serializer.serialize_i64(*number),
            Cell::Flag(flag) => serializer.serialize_bool(*flag),
            Cell::Money(cents) => cents.serialize(serializer),
            Cell::Time(time) => time.serialize(serializer),
            Cell::Word(word) => serializer.serialize_str(word),
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Amount(amount) => raw(on_one_line(amount.as_json())).serialize(serializer),
        }
    }
}

/// JSON as it is. Invalid JSON, which no request can bring about, is null.
fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}

/// A line's end in JSON stands between values, never in a string.
fn on_one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

/// Characters that are invisible, and no white space to Unicode.
const ZERO_WIDTH: [char; 5] = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}'];

/// Text that a spreadsheet would take for a formula gets an apostrophe before it, and is text (OWASP, "CSV Injection").
/// Spaces before it do not hide it, and line ends and other control characters are no place for anything to begin.
fn no_formula(text: Cow<'_, str>) -> Cow<'_, str> {
    let first = text
        .chars()
        .find(|char| char.is_control() || !(char.is_whitespace() || ZERO_WIDTH.contains(char)));
    let is_formula = first.is_some_and(|first| {
        first.is_control() || matches!(first, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
    });
    if is_formula {
        format!("'{text}").into()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_never_a_formula() {
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\tx",
            "\rx",
            "\nx",
            "\u{0}x",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            " =1",
            "  \u{a0}\u{3000}+1",
            " \n=1",
            "\u{200b}\u{feff}=1",
            "=",
        ] {
            assert_eq!(
                Cell::Text(text).for_spreadsheets(),
                format!("'{text}"),
                "{text:?}"
            );
        }
        for text in [
            "",
            " ",
            "ada",
            "a=1",
            "a\n=1",
            "'=1",
            "1-1",
            "\"=1\"",
            "ada@example.com",
            "山田",
        ] {
            assert_eq!(Cell::Text(text).for_spreadsheets(), text);
        }
    }

    #[test]
    fn an_amount_is_a_number_or_the_text_that_was_sent() {
        for (raw, cell) in [
            ("99.99", "99.99"),
            ("-5", "-5"),
            ("1e400", "1e400"),
            ("\"99.99\"", "99.99"),
            ("\"=1+1\"", "'=1+1"),
            ("\"\\u003d1\"", "'=1"),
            ("\"-5\"", "'-5"),
            ("true", "true"),
            ("[\"=1\"]", "[\"=1\"]"),
        ] {
            let amount = Amount::new(raw.into());
            assert_eq!(Cell::Amount(&amount).for_spreadsheets(), cell, "{raw}");
        }
    }

    #[test]
    fn json_stays_on_its_line() {
        let amount = Amount::new("{\"a\":\r\n[1,\n\"=\\n\"]}".into());
        assert_eq!(
            serde_json::to_string(&Cell::Amount(&amount)).unwrap(),
            "{\"a\":  [1, \"=\\n\"]}"
        );
    }
}
