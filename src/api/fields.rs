//! The fields of a body. Each is kept as the raw JSON that came and then read by its own type, so that a number which no
//! field can hold is that field's error, and a misspelt name never becomes a default.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::errors::Error;
use super::json;
use crate::sale::{Cents, Patch, Quantity, STOCK_MAX, Timestamp};

pub struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
    errors: Vec<(String, String)>,
}

/// What a field must be, as a sentence that goes on from "The … field".
pub type Wanted = &'static str;

impl<'a> Fields<'a> {
    /// A body that must be one JSON object.
    pub fn of_body(body: &'a [u8]) -> Result<Fields<'a>, Error> {
        let body = json::check(body)?;
        let fields = Fields::of_object(body.text)
            .ok_or(Error::InvalidJson("The body is not one JSON object"))?;
        if body.has_half_pair {
            fields.ensure_text_but_in_payload()?;
        }
        Ok(fields)
    }

    /// What a payment provider cut in the middle of a character is kept as it came; nobody else may send such.
    fn ensure_text_but_in_payload(&self) -> Result<(), Error> {
        let is_text = |(name, value): &(Cow<'_, str>, &RawValue)| {
            let is_payload = name == "payload";
            !json::has_half_pair(name) && (is_payload || !json::has_half_pair(value.get()))
        };
        if self.fields.iter().all(is_text) {
            Ok(())
        } else {
            Err(Error::InvalidJson(
                "A string holds half of a surrogate pair",
            ))
        }
    }

    /// A body that may be left out.
    pub fn of_optional_body(body: &'a [u8]) -> Result<Fields<'a>, Error> {
        if body.is_empty() {
            Ok(Fields {
                fields: Vec::new(),
                errors: Vec::new(),
            })
        } else {
            Fields::of_body(body)
        }
    }

    pub fn of_object(text: &'a str) -> Option<Fields<'a>> {
        Fields::by_names::<Name<'a>>(text).or_else(|| Fields::by_names::<OddName<'a>>(text))
    }

    fn by_names<N: Deserialize<'a> + Into<Cow<'a, str>>>(text: &'a str) -> Option<Fields<'a>> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let fields = deserializer.deserialize_map(Pairs::<N>(PhantomData)).ok()?;
        deserializer.end().ok()?;
        Some(Fields {
            fields,
            errors: Vec::new(),
        })
    }

    /// The value of a field that must be there; an error is kept for `finish`.
    pub fn required<T>(
        &mut self,
        name: &str,
        wanted: Wanted,
        read: impl Fn(&'a str) -> Option<T>,
    ) -> Option<T> {
        if !self.has(name) {
            self.error(name, format!("The {name} field is required."));
        }
        self.optional(name, wanted, read)
    }

    /// The value of a field that may be absent.
    pub fn optional<T>(
        &mut self,
        name: &str,
        wanted: Wanted,
        read: impl Fn(&'a str) -> Option<T>,
    ) -> Option<T> {
        let found = self.take(name);
        self.read_once(name, wanted, &found, read)
    }

    /// What is said about a property that `null` clears.
    pub fn settable<T>(
        &mut self,
        name: &str,
        wanted: Wanted,
        read: impl Fn(&'a str) -> Option<T>,
    ) -> Patch<T> {
        let said = self.optional(name, wanted, |raw| match raw {
            "null" => Some(Patch::Clear),
            raw => read(raw).map(Patch::To),
        });
        said.unwrap_or_default()
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(found, _)| found == name)
    }

    pub fn error(&mut self, name: &str, sentence: String) {
        self.errors.push((name.to_owned(), sentence));
    }

    /// Refuses what nobody took, and whatever went wrong before.
    pub fn finish(mut self) -> Result<(), Error> {
        for (name, _) in std::mem::take(&mut self.fields) {
            self.error(&name, "This field is not known here.".into());
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.errors))
        }
    }

    /// What went wrong, where fields that nobody took are fine.
    pub fn into_errors(self) -> Vec<(String, String)> {
        self.errors
    }

    fn take(&mut self, name: &str) -> Vec<&'a str> {
        self.fields
            .extract_if(.., |(found, _)| found == name)
            .map(|(_, value)| value.get())
            .collect()
    }

    fn read_once<T>(
        &mut self,
        name: &str,
        wanted: Wanted,
        found: &[&'a str],
        read: impl Fn(&'a str) -> Option<T>,
    ) -> Option<T> {
        match found {
            [] => None,
            [raw] => {
                let value = read(raw);
                if value.is_none() {
                    self.error(name, format!("The {name} field must be {wanted}."));
                }
                value
            }
            _ => {
                self.error(name, format!("The {name} field is given more than once."));
                None
            }
        }
    }
}

/// Reads an object's pairs in order, repeated names and all.
struct Pairs<N>(PhantomData<N>);

impl<'de, N: Deserialize<'de> + Into<Cow<'de, str>>> Visitor<'de> for Pairs<N> {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((name, value)) = map.next_entry::<N, _>()? {
            pairs.push((name.into(), value));
        }
        Ok(pairs)
    }
}

/// A name that borrows from the body unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> From<Name<'a>> for Cow<'a, str> {
    fn from(name: Name<'a>) -> Cow<'a, str> {
        name.0
    }
}

/// A name that may hold half of a surrogate pair: then it is what stands in the body, quotes and all, and so no name that
/// anybody looks for.
#[derive(Deserialize)]
struct OddName<'a>(#[serde(borrow)] &'a RawValue);

impl<'a> From<OddName<'a>> for Cow<'a, str> {
    fn from(name: OddName<'a>) -> Cow<'a, str> {
        let raw = name.0.get();
        string(raw).map_or(Cow::Borrowed(raw), Cow::Owned)
    }
}

/// A whole number as JSON writes it plainly: digits, no sign, no point, no exponent.
pub fn whole_number(raw: &str) -> Option<i64> {
    if raw.bytes().all(|byte| byte.is_ascii_digit()) {
        raw.parse().ok()
    } else {
        None
    }
}

pub fn string(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

pub fn switch(raw: &str) -> Option<bool> {
    serde_json::from_str(raw).ok()
}

pub const WANTED_ID: Wanted = "a positive whole number below 2^53";
pub const WANTED_LABEL: Wanted = "1 to 255 characters without control characters";
pub const WANTED_SKU: Wanted = "1 to 255 characters without control or format characters";
pub const WANTED_PRICE: Wanted = "an amount from 0.00 to 10000000.00 with at most two decimals";
pub const WANTED_STOCK: Wanted = "a whole number from 0 to 2147483647";
pub const WANTED_LIMIT: Wanted = "a whole number from 1 to 2147483647";
pub const WANTED_TIME: Wanted = "a time like 2024-01-01T12:00:00Z";

const LABEL_CHARS_MAX: usize = 255;

pub fn label(raw: &str) -> Option<String> {
    string(raw).and_then(as_label)
}

pub fn as_label(text: String) -> Option<String> {
    let fits = (1..=LABEL_CHARS_MAX).contains(&text.chars().count());
    (fits && !text.chars().any(char::is_control) && !text.trim().is_empty()).then_some(text)
}

pub fn price(raw: &str) -> Option<Cents> {
    Cents::price_from_json_number(raw)
}

pub fn stock(raw: &str) -> Option<i64> {
    whole_number(raw).filter(|stock| *stock <= STOCK_MAX)
}

pub fn limit(raw: &str) -> Option<Quantity> {
    whole_number(raw).and_then(Quantity::new)
}

pub fn time(raw: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(&string(raw)?)
}
